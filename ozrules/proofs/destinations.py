"""Where the guards let rules send calls: the same for every call, so it can be said before one comes."""

from collections.abc import Callable
from functools import lru_cache

from ozrules.rules.model import Guards, NumberPattern
from ozrules.rules.numbers import NumberPlan


def refusals(guards: Guards, numbers: NumberPlan) -> Callable[[str], str | None]:
    """``refusal(number)``: why no call may ever be sent to a number as typed; None where nothing forbids it."""
    protected = numbers.listed(guards.protected)
    allowed = ", ".join(each.text for each in guards.allow) or "nothing"

    @lru_cache(maxsize=4096)
    def refusal(number: str) -> str | None:
        final = numbers.destination(number)
        if final is None:
            return f"{number} is no number that can be dialled"
        if numbers.is_emergency(final) or protected(final):
            return f"{number} is a protected number"
        for pattern in guards.deny:
            if _covers(pattern, final, numbers):
                return f"guards.destinations.deny has {pattern.text}"
        if guards.default == "allow" or any(_covers(pattern, final, numbers) for pattern in guards.allow):
            return None
        return f"guards.destinations.allow has {allowed}"

    return refusal


def _covers(pattern: NumberPattern, number: str, numbers: NumberPlan) -> bool:
    if pattern.text == "internal":
        return numbers.is_internal(number)
    return numbers.listed((pattern.text,))(number)
