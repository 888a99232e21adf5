"""Which rules a call would meet: one call, let go through every life that a rule of the set waits for.

The engine decides in observe mode, so that nothing that a rule does changes what the call meets next: what is told is
every rule that would want the call, not only the first to take it away. The call rings for `RINGS` seconds before it
is answered or ends, talks for `TALKS` before what comes then, and is the only call there is.
"""

import math
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final, Literal, NamedTuple

import msgspec

from ozrules.engine.effects import Decision, PlannedAction, Reason, Wake
from ozrules.engine.engine import Engine
from ozrules.engine.events import ConnectionOpened, Event, SessionSeen, SessionsListed, TimersDue
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.model import Place, RuleSet, StateTrigger
from ozrules.rules.sense import named
from ozrules.rules.spans import written
from ozrules.runtime.timers import Timers
from ozrules.scenario.ways import way_to
from ozrules.session.session import Session, session_from
from ozrules.session.state import (
    CREATED,
    ENDED,
    HELD,
    IN_CALL,
    RINGING,
    SETUP,
    TRANSFER_FAILED,
    TRANSFER_STATES,
    State,
)

RINGS: Final = 10.0
TALKS: Final = 60.0
CONNECTION: Final = "call"

_ORDER: Final = ({CREATED, SETUP}, {RINGING}, {IN_CALL}, HELD, TRANSFER_STATES, {TRANSFER_FAILED}, ENDED)
_FALSE: Final = frozenset({"conditionFalse", "fieldMissing", "outsideSchedule"})


class Call(msgspec.Struct, frozen=True):
    """A call as it comes in, at ``at`` (seconds since 1970 UTC). ``caller`` is None where the number is withheld."""

    at: float
    caller: str | None
    callee: str


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule makes of the call. ``when``: at which moments of the call's life, in words; empty where never."""

    rule: str
    place: Place
    priority: int
    when: str
    reason: Reason
    by: str | None = None
    actions: tuple[PlannedAction, ...] = ()
    failed: tuple[FailedLeaf, ...] = ()


class Meeting(msgspec.Struct, frozen=True):
    """``met``: the rules whose conditions the call meets, in the order in which it meets them. ``unmet``: those whose
    conditions failed, the nearest first. ``other``: those that wait for something else than a state of the call.
    ``rest``: those of a large set that the index ruled out, and those whose trigger never matched.
    """

    met: tuple[Met, ...]
    unmet: tuple[Met, ...]
    other: tuple[str, ...]
    rest: tuple[str, ...]


class _Key(NamedTuple):
    rule: str
    trigger: str
    reason: Reason
    by: str | None


def meet(rules: RuleSet, call: Call) -> Meeting:
    """What each rule makes of the call. A rule with several triggers may be met more than once."""
    by_id = {rule.id: rule for rule in rules.rules}
    triggers = {
        (rule.id, trigger.id): trigger
        for rule in rules.rules
        for trigger in rule.triggers
        if isinstance(trigger, StateTrigger)
    }
    seen: dict[_Key, list[tuple[tuple[float, ...], Decision]]] = {}
    for life in _lives(triggers.values()):
        for number, each in enumerate(_play(rules, call, life)):
            trigger = triggers[each.rule, each.trigger]
            key = _Key(each.rule, each.trigger, each.reason, each.by)
            seen.setdefault(key, []).append(((_stage(trigger, each.event.state), trigger.hold or 0.0, number), each))
    met: list[Met] = []
    unmet: dict[str, Met] = {}
    for key, found in sorted(seen.items(), key=lambda pair: min(place for place, _ in pair[1])):
        first = min(found, key=itemgetter(0))[1]
        rule, trigger = by_id[key.rule], triggers[key.rule, key.trigger]
        told = Met(
            rule=rule.id,
            place=rule.place,
            priority=rule.priority,
            when=_when(trigger, frozenset(each.event.state for _, each in found)),
            reason=key.reason,
            by=key.by,
            actions=first.actions,
            failed=first.failed,
        )
        if key.reason not in _FALSE:
            met.append(told)
        elif rule.id not in unmet or len(told.failed) < len(unmet[rule.id].failed):
            unmet[rule.id] = told
    names = {each.rule for each in met}
    missed = sorted((each for each in unmet.values() if each.rule not in names), key=lambda each: len(each.failed))
    waiting = {rule for rule, _ in triggers}
    other = tuple(name for name in by_id if name not in waiting)
    rest = tuple(name for name in by_id if name in waiting and name not in names and name not in unmet)
    return Meeting(tuple(met), tuple(missed), other, rest)


def _stage(trigger: StateTrigger, state: State) -> int:
    """How far a call has come: where a wait goes on through several states, as far as it may go."""
    states = trigger.states if trigger.hold is not None else {state}
    return max((number for number, stage in enumerate(_ORDER) if stage & states), default=len(_ORDER))


def _when(trigger: StateTrigger, states: frozenset[State]) -> str:
    """The trigger in words, as far as the call got into its states."""
    words = [named(states)]
    if trigger.origins is not None:
        words.append(f"from {named(trigger.origins)}")
    if trigger.hold is not None:
        what = {"state": "", "talk": " of talk", "session": " since the start"}[trigger.clock]
        words.append(f"for {written(trigger.hold)}{what}")
    return " ".join(words)


# --- lives ----------------------------------------------------------------------------------------------------------

_Life = tuple[State, ...]


def _lives(triggers: Iterable[StateTrigger]) -> Iterable[_Life]:
    """Ways through the states on which each state that a trigger names is reached, from each state that it asks for."""
    lives: dict[_Life, None] = {(RINGING,): None}
    for trigger in triggers:
        for state in trigger.states:
            if trigger.origins is not None:
                lives |= {(*way_to(origin), state): None for origin in trigger.origins if origin != state}
            else:
                lives[way_to(state)] = None
                if state in ENDED:
                    lives[RINGING, IN_CALL, state] = None
    return lives


def _play(rules: RuleSet, call: Call, life: _Life) -> Iterator[Decision]:
    """Every decision on the call that goes through these states and stays in the last, until nothing waits."""
    engine, timers = Engine(rules, mode="observe", at=call.at), Timers()

    def step(event: Event) -> Iterator[Decision]:
        for effect in engine.step(event):
            match effect:
                case Wake(session=session, due=due):
                    timers.set(session, due)
                case Decision(reason=reason) if reason != "stateLeftBeforeFor":  # another life waits for its end
                    yield effect
                case _:
                    pass

    def until(moment: float) -> Iterator[Decision]:
        while (due := timers.next()) is not None and due < moment:
            yield from step(TimersDue(at=due, sessions=timers.take(due)))

    yield from step(ConnectionOpened(at=call.at, connection=CONNECTION))
    yield from step(SessionsListed(at=call.at, connection=CONNECTION, sessions=()))
    at, before = call.at, None
    for state in life:
        if before is not None:
            at += TALKS if before == IN_CALL else RINGS
            yield from until(at)
        kind: Literal["created", "stateChanged"] = "created" if before is None else "stateChanged"
        yield from step(SessionSeen(at=at, connection=CONNECTION, kind=kind, session=_session(call, state)))
        before = state
    yield from until(math.inf)


def _session(call: Call, state: State) -> Session:
    values = {"caller": call.caller, "callee": call.callee, "dialedNumber": call.callee}
    return session_from(values | {"sessionId": "call", "sessionState": state})
