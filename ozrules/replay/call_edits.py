"""What of a call would have to be otherwise for a rule to get past what stopped it: its values, its states, its time.

Each proposal is a guess from the reason alone. Whether it helps is found out by playing the call again (`smallest`).
Where only other rules or the guards stand in the way, no change of the call is proposed.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Final, assert_never

from ozrules.engine.effects import Observed
from ozrules.engine.explain import Answer
from ozrules.replay.edits import STEP, Edit, Scene, Wish, ways
from ozrules.rules import spans
from ozrules.rules.calendar import zone_of
from ozrules.rules.fields import DIRECTIONS, kind_of
from ozrules.rules.model import Alive, AnyOf, Compare, DuringSchedule, History, Rule, StateTrigger
from ozrules.session.state import ENDED, IN_CALL, ON_HOLD, RINGING, State

QUARTER: Final = 900.0
"""Seconds: a call is moved to a quarter of an hour, as people tell times."""
_MOST_QUARTERS: Final = 14 * 96
_INSTANT: Final = 0.001
_LIKELY: Final = (RINGING, IN_CALL, ON_HOLD)
_OTHER_NUMBERS: Final = ("2999", "+441632960999", "7")
_FOUND_OUT: Final = frozenset({"sessionState", "previousState", "previousStateDuration", "hops", "connection"})
"""Fields that follow from the call's course, which is not told by a value."""
_MOVING: Final = ("ringDuration", "talkDuration", "stateDuration")


def call_edits(scene: Scene, rule: Rule, answer: Answer, observed: tuple[Observed, ...]) -> Iterator[tuple[Edit, ...]]:
    """Ways past the reason, the likeliest first."""
    match answer.reason:
        case "conditionFalse" | "fieldMissing" | "outsideSchedule":
            for way in ways(rule.condition, answer.failed):
                yield from product(*(list(_leaf_edits(scene, wish, answer)) for wish in way))
        case "exception":
            excepted = AnyOf(of=tuple(each.condition for each in rule.exceptions), path="exceptions", place=rule.place)
            for way in ways(excepted, answer.failed, holds=False):
                yield from product(*(list(_leaf_edits(scene, wish, answer)) for wish in way))
        case "stateOther" | "fromOther":
            for trigger in rule.triggers:
                if isinstance(trigger, StateTrigger):
                    for edit in _entering(scene, trigger, answer):
                        yield (edit,)
        case "stateLeftBeforeFor" | "callGone" | "forRunning":
            for trigger in rule.triggers:
                if isinstance(trigger, StateTrigger) and trigger.hold is not None:
                    for edit in _staying(trigger, trigger.hold, observed):
                        yield (edit,)
        case "throttled" if rule.throttle is not None:
            yield (_later(scene, rule.throttle.once_within),)
        case _:
            return  # nothing about this call stands in the way


# --- values ---------------------------------------------------------------------------------------------------------


def _leaf_edits(scene: Scene, wish: Wish, answer: Answer) -> Iterator[Edit]:
    leaf = wish.leaf
    match leaf:
        case Compare():
            if leaf.field in _MOVING and leaf.number is not None and answer.at is not None:
                yield from _longer(leaf, leaf.number, wish, answer.at)
            elif leaf.field not in _FOUND_OUT and not leaf.field.startswith("var."):
                actual = wish.found.actual
                for value in _values(leaf, actual, holds=wish.holds):
                    before = "none" if actual is None else actual
                    said = f"{leaf.field} {value or 'missing'} instead of {before}"
                    yield Edit(said, "", lambda scene, value=value: scene.with_property(leaf.field, value))  # type: ignore[misc]  # bound now
        case DuringSchedule():
            if answer.at is not None:
                yield from _when_open(scene, leaf.name, leaf.inside is wish.holds, answer.at)
        case History() | Alive():
            return  # that takes other calls
        case _:
            assert_never(leaf)


def _values(leaf: Compare, actual: str | None, *, holds: bool) -> Iterator[str | None]:
    """Values with which the comparison holds, or does not."""
    positive = leaf.op in ("eq", "in", "startsWith", "endsWith", "matches", "regex") or (
        leaf.op == "exists" and leaf.present
    )
    if leaf.op == "exists":
        yield _some(leaf.field) if positive is holds else None
    elif positive is holds:
        match leaf.op:
            case "eq" | "in" | "ne" | "notIn":
                for text in leaf.texts[:4]:
                    yield text.removesuffix("*") or _some(leaf.field)
            case "matches":
                yield _instance(leaf.texts[0])
            case "startsWith" | "endsWith":
                yield leaf.texts[0]
            case _:
                return  # no text is made up for a regular expression
    elif leaf.field == "direction":
        yield from (each for each in DIRECTIONS if each not in leaf.texts)
    else:
        if actual is not None:
            yield actual + ("0" if kind_of(leaf.field) == "number" else "x")
        yield from _OTHER_NUMBERS if kind_of(leaf.field) == "number" else (_some(leaf.field),)


def _some(field: str) -> str:
    return _OTHER_NUMBERS[0] if kind_of(field) == "number" else "inbound" if field == "direction" else "something"


def _instance(pattern: str) -> str:
    """A text that the glob or phone pattern matches, in most cases."""
    if not pattern.startswith("_"):
        return pattern.replace("*", "").replace("?", "0")
    text, position = "", 1
    while position < len(pattern):
        character = pattern[position]
        if character == "[":
            text += pattern[position + 1]
            position = pattern.find("]", position)
        else:
            text += {"X": "0", "Z": "1", "N": "2", ".": "0", "!": ""}.get(character.upper(), character)
        position += 1
    return text


# --- time -----------------------------------------------------------------------------------------------------------


def _longer(leaf: Compare, number: float, wish: Wish, at: float) -> Iterator[Edit]:
    """The moment at which the rule was judged comes later or earlier."""
    lacks = number - float(wish.found.actual or 0)
    if leaf.op in ("gt", "lt"):
        lacks += STEP if lacks >= 0 else -STEP
    more = "longer" if lacks > 0 else "shorter"
    text = f"{leaf.field} {spans.written(abs(lacks))} {more}"
    yield Edit(text, "", lambda scene: scene.moved(at, lacks))


def _when_open(scene: Scene, schedule: str, inside: bool, at: float) -> Iterator[Edit]:
    """The nearest quarter of an hour in which the schedule is as wanted."""
    hours = scene.rules.schedules[schedule]
    quarter = at // QUARTER * QUARTER
    for number in range(1, _MOST_QUARTERS):
        for moment in (quarter + number * QUARTER, quarter - (number - 1) * QUARTER):
            if hours.is_open(moment) is inside:
                there = datetime.fromtimestamp(moment, zone_of(hours.timezone))
                text = f"at {there:%Y-%m-%d %H:%M} instead of {datetime.fromtimestamp(at, there.tzinfo):%Y-%m-%d %H:%M}"
                yield Edit(text, "", lambda scene, by=moment - at: scene.moved(0.0, by))  # type: ignore[misc]  # bound now
                return


def _later(scene: Scene, seconds: float) -> Edit:
    return Edit(f"{spans.written(seconds)} later", "", lambda scene: scene.moved(0.0, seconds))


# --- states ---------------------------------------------------------------------------------------------------------


def _entering(scene: Scene, trigger: StateTrigger, answer: Answer) -> Iterator[Edit]:
    """The call passes through the state that the trigger asks for, or through the one before it."""
    reports = scene.reports()
    if not reports:
        return
    stay = (trigger.hold or 0.0) + STEP
    alive = [each for each in reports if each.session.session_state not in ENDED]
    if answer.reason == "fromOther":
        for origin in _likely(trigger.origins or frozenset()):
            for number, report in enumerate(reports):
                if report.session.session_state in trigger.states:
                    text = f"{origin} before {report.session.session_state}"
                    after = reports[number - 1] if number else None
                    yield Edit(text, "", lambda scene, s=origin, a=after: scene.passing(s, a, 0.0))  # type: ignore[misc]  # bound now
        return
    for state in _likely(trigger.states):
        for report in alive:
            before = report.session.session_state
            if trigger.origins is None or before in trigger.origins:
                lasting = f" for {spans.written(trigger.hold)}" if trigger.hold else ""
                text = f"{state} after {before}{lasting}"
                yield Edit(text, "", lambda scene, s=state, a=report: scene.passing(s, a, stay))  # type: ignore[misc]  # bound now
        if trigger.origins is None and state not in ENDED:
            text = f"{state} first"
            yield Edit(text, "", lambda scene, s=state: scene.passing(s, None, stay))  # type: ignore[misc]  # bound now


def _likely(states: frozenset[State]) -> list[State]:
    found = [state for state in _LIKELY if state in states]
    return found[:1] or sorted(states)[:2]


def _staying(trigger: StateTrigger, hold: float, observed: tuple[Observed, ...]) -> Iterator[Edit]:
    """The call stays in the trigger's states until the time is over."""
    for index, each in enumerate(observed):
        if each.event.state not in trigger.states:
            continue
        left = next((later for later in observed[index:] if later.event.state not in trigger.states), None)
        state = each.event.state
        if left is None:
            yield Edit(f"{spans.written(hold)} in {state}; it goes on", "", lambda scene: scene.still())
            return
        stay = left.at - each.event.since
        text = f"{spans.written(hold)} in {state} instead of {spans.written(stay)}"
        yield Edit(text, "", lambda scene, at=left.at, by=hold - stay: scene.moved(at, by + _INSTANT))  # type: ignore[misc]  # bound now
