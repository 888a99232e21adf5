"""What the rules would do to a call in each quarter of an hour of the next seven days, by the real engine.

At each quarter a call is thought up that rings until `RINGS` seconds are over and that nobody answers. Each is met by
an engine that has seen no other, so nothing is throttled and nobody has called before: it is the first call of its
kind. Where schedules read the same, the answer is the same, so only different moments are played.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from ozrules.engine.effects import Decision
from ozrules.engine.events import ConnectionOpened, Event, SessionSeen, SessionsListed
from ozrules.replay.drive import drive
from ozrules.rules.condition import leaves
from ozrules.rules.fields import kind_of
from ozrules.rules.model import CalendarTrigger, Compare, RuleSet, StateTrigger
from ozrules.rules.nesting import every_condition
from ozrules.session.methods import EXCLUSIVE
from ozrules.session.session import Session
from ozrules.session.state import RINGING

QUARTER: Final = 900.0
SLOTS: Final = 7 * 96
RINGS: Final = 120.0
MOST_DATES: Final = 1_000
CONNECTION: Final = "week"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule would do ``after`` seconds of ringing; ``actions`` as the record writes them, ``to`` among them."""

    rule: str
    after: float
    actions: tuple[tuple[str, dict[str, str]], ...]
    controls: bool


class Dated(msgspec.Struct, frozen=True):
    """A calendar trigger's moment; ``sessions`` are the states of the calls it is about, none where it runs once."""

    at: float
    rule: str
    sessions: tuple[str, ...]


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """``slots[n]`` is the place in ``outcomes`` of what happens ``n`` quarters after ``start``, wall clock.

    An outcome is what rules do, in order, up to the first that takes the call. ``schedules`` says when each is open.
    """

    start: float
    timezone: str | None
    slots: tuple[int, ...]
    outcomes: tuple[tuple[Act, ...], ...]
    schedules: dict[str, tuple[bool, ...]]
    dates: tuple[Dated, ...]


def week(rules: RuleSet, *, now: float, caller: str | None, callee: str | None) -> Week:
    """The week from the quarter on in which ``now`` lies."""
    start = now - now % QUARTER
    read = _reads(rules)
    outcomes: list[tuple[Act, ...]] = []
    places: dict[object, int] = {}
    slots = []
    for number in range(SLOTS):
        at = start + number * QUARTER
        seen = read(at)
        if seen not in places:
            outcome = tuple(_acts(rules, at, caller, callee))
            if outcome not in outcomes:
                outcomes.append(outcome)
            places[seen] = outcomes.index(outcome)
        slots.append(places[seen])
    return Week(
        start=start,
        timezone=next((schedule.timezone for schedule in rules.schedules.values()), None),
        slots=tuple(slots),
        outcomes=tuple(outcomes),
        schedules={
            name: tuple(schedule.is_open(start + number * QUARTER) for number in range(SLOTS))
            for name, schedule in rules.schedules.items()
        },
        dates=tuple(_dates(rules, start)),
    )


def _reads(rules: RuleSet) -> Callable[[float], object]:
    """What of a moment the rules can tell from another's."""
    conditions = [each for rule in rules.rules for each in every_condition(rule)]
    compares = [leaf for condition in conditions for leaf in leaves(condition) if isinstance(leaf, Compare)]
    if any(kind_of(leaf.field) == "moment" for leaf in compares):
        return lambda at: at
    holds = [
        trigger.hold
        for rule in rules.rules
        for trigger in rule.triggers
        if isinstance(trigger, StateTrigger) and trigger.hold is not None and trigger.hold <= RINGS
    ]
    looks = sorted({0.0, *holds})
    return lambda at: tuple(schedule.is_open(at + after) for schedule in rules.schedules.values() for after in looks)


def _acts(rules: RuleSet, at: float, caller: str | None, callee: str | None) -> Iterator[Act]:
    for decision in drive(_call(rules, at, caller, callee), rules):
        if not isinstance(decision, Decision) or decision.reason != "fired" or decision.at - at > RINGS:
            continue
        act = Act(
            rule=decision.rule,
            after=decision.at - at,
            actions=tuple((each.action, each.args) for each in decision.actions),
            controls=any(each.action in EXCLUSIVE for each in decision.actions),
        )
        yield act
        if act.controls:
            return  # where it rings on, or whether it does, is no longer the same call


def _call(rules: RuleSet, at: float, caller: str | None, callee: str | None) -> Iterator[Event]:
    yield ConnectionOpened(at=at, connection=CONNECTION)
    yield SessionsListed(at=at, connection=CONNECTION, sessions=())
    direction = None
    if caller is None:
        direction = "inbound"  # a withheld number
    elif callee is None:
        direction = "outbound" if rules.numbers.is_internal(caller) else "inbound"
    session = Session(
        session_id="call",
        start_time=datetime.fromtimestamp(at, UTC).isoformat(),
        session_state=RINGING,
        caller=caller,
        callee=callee,
        dialed_number=callee,
        direction=direction,
    )
    yield SessionSeen(at=at, connection=CONNECTION, kind="created", session=session)


def _dates(rules: RuleSet, start: float) -> Iterator[Dated]:
    left = MOST_DATES
    for rule in rules.rules:
        for trigger in rule.triggers:
            if not isinstance(trigger, CalendarTrigger) or rule.status == "disabled":
                continue
            due = trigger.cron.next_after(start - 1)
            while due < start + SLOTS * QUARTER and left:
                left -= 1
                yield Dated(due, rule.id, tuple(sorted(trigger.sessions or ())))
                due = trigger.cron.next_after(due)
