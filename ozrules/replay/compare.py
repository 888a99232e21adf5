"""Two sets of rules on the same calls: which calls they treat otherwise, and because of what.

What counts is what would be done: the rules that fire on a call, when, and with which actions. A call that two rule
sets explain otherwise and treat alike has not changed.
"""

from collections.abc import Iterable, Mapping

import msgspec

from ozrules.engine.effects import Decision
from ozrules.engine.identity import SessionKey
from ozrules.rules.model import Rule, RuleSet

TOLERANCE = 0.001
"""Seconds; recordings are written in milliseconds."""


class Difference(msgspec.Struct, frozen=True):
    """One rule does otherwise on one call, ``cause`` says why. ``old`` or ``new`` is None where it does not fire."""

    call: SessionKey
    cause: str
    rule: str
    old: Decision | None
    new: Decision | None


def compare(
    old: Iterable[Decision], new: Iterable[Decision], old_rules: RuleSet, new_rules: RuleSet
) -> tuple[Difference, ...]:
    """Every difference, in the order in which the calls came."""
    before, after = _by_call(old), _by_call(new)
    was = {rule.id: rule for rule in old_rules.rules}
    now = {rule.id: rule for rule in new_rules.rules}
    found: list[Difference] = []
    for call in before | after:
        mine, others = before.get(call, ()), after.get(call, ())
        gone, come = _fired(mine), _fired(others)
        for name in dict.fromkeys((*gone, *come)):
            lost, won = gone.get(name, []), come.get(name, [])
            for index in range(max(len(lost), len(won))):
                left = lost[index] if index < len(lost) else None
                right = won[index] if index < len(won) else None
                cause = _cause(name, left, right, (mine, others), (was, now))
                if cause is not None:
                    found.append(Difference(call, cause, name, left, right))
    return tuple(found)


def _by_call(decisions: Iterable[Decision]) -> dict[SessionKey, list[Decision]]:
    calls: dict[SessionKey, list[Decision]] = {}
    for decision in decisions:
        if decision.session_key is not None:
            calls.setdefault(decision.session_key, []).append(decision)
    return calls


def _fired(decisions: Iterable[Decision]) -> dict[str, list[Decision]]:
    rules: dict[str, list[Decision]] = {}
    for decision in decisions:
        if decision.reason == "fired":
            rules.setdefault(decision.rule, []).append(decision)
    return rules


def _cause(
    name: str,
    left: Decision | None,
    right: Decision | None,
    decisions: tuple[Iterable[Decision], Iterable[Decision]],
    rules: tuple[Mapping[str, Rule], Mapping[str, Rule]],
) -> str | None:
    was, now = (each.get(name) for each in rules)
    if left is not None and right is not None:
        if _actions(left) != _actions(right):
            return f"{name}: other actions"
        if abs(left.at - right.at) > TOLERANCE:
            return f"{name}: other time"
        return None
    if was is None:
        return f"{name}: new rule"
    if now is None:
        return f"{name}: removed rule"
    stopped = next((each for each in decisions[right is None] if each.rule == name and each.reason != "fired"), None)
    if stopped is not None and stopped.reason == "outrankedBy":
        return f"{name}: {'outranked by' if right is None else 'no longer outranked by'} {stopped.by}"
    for part in ("conditions", "triggers", "exceptions", "status"):
        attribute = "condition" if part == "conditions" else part
        if _plain(getattr(was, attribute)) != _plain(getattr(now, attribute)):
            return f"{name}: changed {part}"
    why = stopped.reason if stopped is not None else "stateOther"
    return f"{name}: {'stopped' if right is None else 'no longer stopped'} by {why}"


def _actions(decision: Decision) -> list[tuple[str, dict[str, str]]]:
    return [(action.action, action.args) for action in decision.actions]


def _plain(part: object) -> object:
    """A part of a rule without the places where it was written."""
    return _unplaced(msgspec.to_builtins(part, order="deterministic"))


def _unplaced(value: object) -> object:
    match value:
        case dict():
            return {name: _unplaced(inner) for name, inner in value.items() if name != "place"}
        case list() | tuple():
            return [_unplaced(inner) for inner in value]
        case _:
            return value
