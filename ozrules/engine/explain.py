"""Why a rule was never judged on a session, by the states that the session went through.

The arbiter gives the reason of every rule that it judged. This is for the others: for `ozrules why`, for the dashboard
and for rule tests.
"""

import math
from collections.abc import Iterable
from typing import Final, assert_never

import msgspec

from ozrules.engine.effects import EventView, Reason
from ozrules.rules import spans
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.model import CalendarTrigger, RoutingTrigger, Rule, StateTrigger, Trigger
from ozrules.session.state import ENDED, GROUPS, IN_CALL, State


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


def states_text(states: frozenset[State]) -> str:
    """The states as a rule would name them: by their group where they are one."""
    for name, group in GROUPS.items():
        if states == group:
            return name
    return ", ".join(sorted(states))
