"""The guards: what no rule may do, whatever it says.

They look at the final, normalised number, first when a rule is decided and again at the moment of sending. An
emergency call is never touched; a destination is refused unless the policy allows it; deny beats allow.
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from ozrules.engine.live import LiveSession
from ozrules.engine.tallies import Tallies
from ozrules.rules.emails import covers, is_address
from ozrules.rules.emergency import readings
from ozrules.rules.model import Guards, NumberPattern
from ozrules.rules.numbers import NumberPlan

Verdict: TypeAlias = tuple[Literal["guard", "protected", "budget", "hops"], str]

HOUR: Final = 3600.0
EXTERNAL: Final = "external"


class Guard:
    """The guards of one rule set. ``named`` are the numbers that its rules name: what is thought of these is worked out
    once.
    """

    def __init__(self, guards: Guards, numbers: NumberPlan, named: Iterable[str] = ()) -> None:
        self._guards = guards
        self._numbers = numbers
        self._is_listed_protected = numbers.listed(guards.protected)
        self._named: dict[str, tuple[str | None, Verdict | None]] = {}
        for number in named:
            final = numbers.destination(number)
            self._named[number] = (final, None if final is None else self.policy(final))

    def is_protected(self, live: LiveSession) -> bool:
        """Whether the call goes to an emergency number, or another one that nobody may touch."""
        session = live.session
        return any(
            self._numbers.is_emergency(callee) or any(map(self._is_listed_protected, {callee, *readings(callee)}))
            for callee in (session.callee, session.dialed_number)
            if callee is not None
        )

    def call(self, live: LiveSession, *, touched: bool = True) -> Verdict | None:
        """Why nothing more may be done about this call. ``touched`` False: what is done leaves the call alone."""
        if touched and self.is_protected(live):
            return "protected", "the call is to a protected number"
        if live.actions >= self._guards.max_actions_per_session:
            return "budget", f"{live.actions} actions on this session already (maxActionsPerSession)"
        return None

    def destination(self, live: LiveSession, wanted: str, *, templated: bool, hops: bool = True) -> str | Verdict:
        """The number as it would be sent, or why the call may not be sent there. ``hops``: it counts as one."""
        known = self._named.get(wanted)
        number = self._numbers.destination(wanted) if known is None else known[0]
        if number is None:
            return "guard", "not a number that can be dialled"
        if hops and live.chain.hops >= self._guards.max_hops:
            return "hops", f"the call was forwarded or transferred {live.chain.hops} times already (maxHops)"
        if templated and not self._guards.templated:
            return "guard", "a destination from a template needs guards.destinations.templated: true"
        return (self.policy(number) if known is None else known[1]) or number

    def policy(self, number: str) -> Verdict | None:
        """Why no call may be sent to this number at all."""
        if self._is_listed_protected(number) or self._numbers.is_emergency(number):
            return "protected", f"{number} is a protected number"
        for pattern in self._guards.deny:
            if self._covers(pattern, number):
                return "guard", f"{number} is denied by {pattern.text}"
        if any(self._covers(pattern, number) for pattern in self._guards.allow):
            return None
        if self._guards.default == "allow":
            return None
        return "guard", f"{number} is not among the allowed destinations"

    def email(self, address: str, *, templated: bool) -> tuple[Literal["guard"], str] | None:
        """Why no e-mail may be sent to this address."""
        guard = self._guards.emails
        if not is_address(address):
            return "guard", "not an e-mail address"
        if templated and not guard.templated:
            return "guard", "an address from a template needs guards.emails.templated: true"
        if not any(covers(pattern, address) for pattern in guard.allow):
            return "guard", f"{address} is not among the allowed addresses (guards.emails.allow)"
        return None

    def caps(
        self, group: str | None, number: str, tallies: Tallies, external_now: int, at: float
    ) -> tuple[Literal["guard"], str] | None:
        """Why the caps on external calls forbid one more to ``number``."""
        cap = self._guards.external
        if self._numbers.is_internal(number):
            return None
        if group is None:
            return "guard", "a groupBy field of guards.external is missing"
        if cap.max_concurrent is not None and external_now >= cap.max_concurrent:
            return "guard", f"{external_now} external calls by rules at once (guards.external.maxConcurrent)"
        if cap.max_per_hour is not None and tallies.count(EXTERNAL, group, at, HOUR) >= cap.max_per_hour:
            return "guard", f"{cap.max_per_hour} external calls by rules in the last hour (guards.external.maxPerHour)"
        return None

    def is_external(self, number: str) -> bool:
        return not self._numbers.is_internal(number)

    @property
    def caps_external(self) -> bool:
        """Whether there is any cap on calls sent outside."""
        cap = self._guards.external
        return cap.max_concurrent is not None or cap.max_per_hour is not None

    @property
    def cap_fields(self) -> tuple[str, ...]:
        return self._guards.external.group_by

    def _covers(self, pattern: NumberPattern, number: str) -> bool:
        if pattern.text == "internal":
            return self._numbers.is_internal(number)
        if pattern.text.endswith("*"):
            return number.startswith(self._numbers.prefixes(pattern.text[:-1]))
        return number == self._numbers.normal(pattern.text)
