"""What became of a rule on a session, in one answer: for `ozrules why`, for the dashboard and for rule tests.

The arbiter gives the reason of every rule that it judged. Why a rule was never judged is read off the states that the
session went through, and its conditions are those that the rule meets where it always listens (`always`).
"""

import math
from collections.abc import Iterable
from typing import Final, assert_never

import msgspec

from ozrules.engine.effects import Decision, EventView, Observed, Reason
from ozrules.rules import spans
from ozrules.rules.condition import FailedLeaf, leaves
from ozrules.rules.model import CalendarTrigger, Place, RoutingTrigger, Rule, StateTrigger, Trigger
from ozrules.session.state import ENDED, GROUPS, IN_CALL, KNOWN_STATES, State


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one rule on the call, one reason of the closed list.

    ``failed`` is all that was not as the rule wants it, of its trigger and of its conditions, each with its line.
    ``at`` is None where the rule was never judged; ``by`` names the rule, exception or guard that stopped it; ``seen``
    are the states of the call; ``leaves`` counts the rule's conditions; ``hops`` and ``late_by`` are as it was judged.
    ``values`` is what the conditions read, ``ways`` which ways the actions went, in words.
    """

    rule: str
    place: Place
    reason: Reason
    at: float | None = None
    failed: tuple[FailedLeaf, ...] = ()
    by: str | None = None
    seen: tuple[str, ...] = ()
    leaves: int = 0
    hops: int = 0
    late_by: float | None = None
    values: dict[str, str | None] = {}
    ways: tuple[str, ...] = ()


class Unheard(msgspec.Struct, frozen=True):
    """Why the trigger ``trigger`` of a rule never led to a judgement, and what of it was otherwise than it asks."""

    reason: Reason
    trigger: str
    failed: tuple[FailedLeaf, ...]


_NEARNESS: Final[tuple[Reason, ...]] = ("forRunning", "stateLeftBeforeFor", "fromOther", "stateOther")


def unheard(rule: Rule, seen: Iterable[EventView], until: float = math.inf) -> Unheard | None:
    """The nearest that a trigger came, or None where one matched: then the reason lies with the conditions, or nobody
    saw the state begin. ``seen`` are the session's changes in order, as far as they are known at ``until``.
    """
    told = tuple(seen)
    found = []
    for number, trigger in enumerate(rule.triggers):
        path = "trigger" if len(rule.triggers) == 1 else f"trigger.any[{number}]"
        nearest = _unheard(trigger, path, told, until)
        if nearest is None:
            return None
        found.append(nearest)
    return min(found, key=lambda each: _NEARNESS.index(each.reason))


def _unheard(trigger: Trigger, path: str, seen: tuple[EventView, ...], until: float) -> Unheard | None:
    place = str(trigger.place)
    states = ", ".join(dict.fromkeys(event.state for event in seen)) or None
    match trigger:
        case StateTrigger():
            entered = [
                index for index, event in enumerate(seen) if event.state in trigger.states and event.routing is None
            ]
            if not entered:
                leaf = FailedLeaf(path=f"{path}.state", wanted=states_text(trigger.states), actual=states, at=place)
                return Unheard("stateOther", trigger.id, (leaf,))
            origins = trigger.origins
            rightly = [index for index in entered if origins is None or seen[index].from_state in origins]
            if origins is not None and not rightly:
                before = ", ".join(dict.fromkeys(seen[index].from_state or "nothing" for index in entered))
                leaf = FailedLeaf(path=f"{path}.from", wanted=states_text(origins), actual=before, at=place)
                return Unheard("fromOther", trigger.id, (leaf,))
            if trigger.hold is None:
                return None
            return _too_short(trigger, trigger.hold, f"{path}.for", seen, rightly, until)
        case CalendarTrigger():
            wanted = "a moment of the calendar"
            if trigger.sessions is not None:
                wanted += f" while in {states_text(trigger.sessions)}"
            leaf = FailedLeaf(path=f"{path}.at", wanted=wanted, actual=states, at=place)
            return Unheard("stateOther", trigger.id, (leaf,))
        case RoutingTrigger():
            asked = [event.routing for event in seen if event.routing is not None]
            if trigger.kind in asked:
                return None
            kinds = ", ".join(dict.fromkeys(asked)) or None
            leaf = FailedLeaf(path=f"{path}.routing", wanted=trigger.kind, actual=kinds, at=place)
            return Unheard("stateOther", trigger.id, (leaf,))
        case _:
            assert_never(trigger)


def _too_short(
    trigger: StateTrigger, hold: float, path: str, seen: tuple[EventView, ...], entered: list[int], until: float
) -> Unheard:
    """The longest stay; it was too short, or it is not over."""
    longest, running = 0.0, False
    for index in entered:
        left = next((later for later in seen[index:] if later.state not in trigger.states), None)
        end = until if left is None else left.since
        match trigger.clock:
            case "state":
                stay = end - seen[index].since
            case "session":
                stay = end - seen[0].since
            case "talk":
                stay = _talked(seen, end)
            case _:
                assert_never(trigger.clock)
        lasts = left is None and seen[index].state not in ENDED
        if stay > longest or lasts:
            longest, running = stay, lasts
    actual = spans.written(longest) if math.isfinite(longest) else "it goes on"
    leaf = FailedLeaf(path=path, wanted=spans.written(hold), actual=actual, at=str(trigger.place))
    return Unheard("forRunning" if running else "stateLeftBeforeFor", trigger.id, (leaf,))


def _talked(seen: tuple[EventView, ...], end: float) -> float:
    ends = [*(event.since for event in seen[1:]), end]
    return sum(
        max(0.0, min(after, end) - event.since)
        for event, after in zip(seen, ends, strict=True)
        if event.state == IN_CALL and event.since < end
    )


def always(rule: Rule, never: Unheard) -> Rule:
    """The rule as if its trigger matched: on every change of the call, in the trigger's states where it was in one."""
    of = next(each for each in rule.triggers if each.id == never.trigger)
    states = frozenset(KNOWN_STATES)
    if never.reason != "stateOther" and isinstance(of, StateTrigger):
        states = of.states
    trigger = StateTrigger(id=of.id, states=states, place=of.place)
    return msgspec.structs.replace(
        rule, triggers=(trigger,), exceptions=(), throttle=None, status="shadow", on_resync=True
    )


def states_text(states: frozenset[State]) -> str:
    """The states as a rule would name them: by their group where they are one."""
    for name, group in GROUPS.items():
        if states == group:
            return name
    return ", ".join(sorted(states))


# --- answers --------------------------------------------------------------------------------------------------------


def judged(rule: Rule, decisions: Iterable[Decision], observed: Iterable[Observed], until: float) -> Answer:
    """The nearest of what was decided."""
    answers = [
        Answer(
            rule=rule.id,
            place=rule.place,
            reason=each.reason,
            at=each.at,
            failed=(*_untimely(rule, each, observed, until), *each.failed),
            by=each.by,
            leaves=sum(1 for _ in leaves(rule.condition)),
            hops=each.hops,
            late_by=each.event.late_by,
            values=each.values,
        )
        for each in decisions
    ]
    return min(answers, key=distance)


def _untimely(rule: Rule, decision: Decision, observed: Iterable[Observed], until: float) -> tuple[FailedLeaf, ...]:
    """What of a trigger's time was otherwise than the rule wants it."""
    match decision.reason:
        case "stateLeftBeforeFor" | "callGone":
            of = tuple(each for each in rule.triggers if each.id == decision.trigger)
            found = unheard(msgspec.structs.replace(rule, triggers=of), (each.event for each in observed), until)
            return () if found is None else found.failed
        case "missedTooLate":
            late = spans.written(decision.event.late_by or 0.0)
            wanted = f"at most {spans.written(rule.missed_grace)} late"
            return (FailedLeaf(path="missedGrace", wanted=wanted, actual=f"{late} late", at=str(rule.place)),)
        case _:
            return ()


def unjudged(rule: Rule, never: Unheard | None, as_if: Iterable[Decision], observed: Iterable[Observed]) -> Answer:
    """A rule that was never judged, with the conditions that came nearest."""
    nearest = min(as_if, key=lambda each: len(each.failed), default=None)
    return Answer(
        rule=rule.id,
        place=rule.place,
        # a trigger matched and nothing was judged: nobody saw the state begin, so nothing may act on it
        reason="degraded" if never is None else never.reason,
        failed=(*(() if never is None else never.failed), *(() if nearest is None else nearest.failed)),
        seen=tuple(dict.fromkeys(str(each.event.state) for each in observed)),
        leaves=sum(1 for _ in leaves(rule.condition)),
        values={} if nearest is None else nearest.values,
    )


def distance(answer: Answer) -> tuple[int, int]:
    """Fired; stopped though its trigger and its conditions held; then by how much did not, what never came up last."""
    if answer.reason == "fired":
        return 0, 0
    failed = len(answer.failed)
    if answer.reason in ("stateOther", "fromOther"):
        return 3, failed
    if answer.reason in ("conditionFalse", "fieldMissing", "outsideSchedule"):
        return 2, failed
    untimely = answer.reason in ("forRunning", "stateLeftBeforeFor", "callGone", "missedTooLate")
    return (2, failed) if untimely and failed > 1 else (1, failed)
