"""Drives the real engine through recorded events in virtual time, mode observe: all is decided, nothing is sent.

Whatever comes first happens first: an event, a moment that a session wants to be woken at, a calendar trigger. The
recording's last event is not the end: what waits on calls that were still alive is waited for, the calendar is not.
"""

import heapq
import math
from collections.abc import Iterable, Iterator

from ozrules.engine.effects import Decision, Observed, Wake
from ozrules.engine.engine import Engine
from ozrules.engine.events import CalendarDue, Event, TimersDue
from ozrules.rules.model import CalendarTrigger, RuleSet
from ozrules.runtime.timers import Timers


def drive(events: Iterable[Event], rules: RuleSet, *, drain: bool = True) -> Iterator[Decision | Observed]:
    """Every decision and every change, in order. Without ``drain`` it ends with the last event."""
    engine: Engine | None = None
    timers = Timers()
    calendar: list[tuple[float, int]] = []
    triggers = [(rule.id, each) for rule in rules.rules for each in rule.triggers if isinstance(each, CalendarTrigger)]

    def step(event: Event) -> Iterator[Decision | Observed]:
        assert engine is not None, "begun with the first event"
        for effect in engine.step(event):
            match effect:
                case Wake(session=session, due=due):
                    timers.set(session, due)
                case Decision() | Observed():
                    yield effect
                case _:
                    pass  # nothing is sent, and nothing has to outlive a replay

    def plan(number: int, after: float) -> None:
        due = triggers[number][1].cron.next_after(after)
        if due != math.inf:
            heapq.heappush(calendar, (due, number))

    def until(moment: float, *, dates: bool) -> Iterator[Decision | Observed]:
        while True:
            wake = timers.next()
            date = calendar[0][0] if calendar and dates else math.inf
            if min(math.inf if wake is None else wake, date) >= moment:
                return
            if wake is not None and wake <= date:
                yield from step(TimersDue(at=wake, sessions=timers.take(wake)))
            else:
                due, number = heapq.heappop(calendar)
                plan(number, due)
                rule, trigger = triggers[number]
                yield from step(CalendarDue(at=due, rule=rule, trigger=trigger.id, due=due))

    for event in events:
        if engine is None:
            engine = Engine(rules, mode="observe", at=event.at)
            for number in range(len(triggers)):
                plan(number, event.at)
        yield from until(event.at, dates=True)
        yield from step(event)
    if drain:
        yield from until(math.inf, dates=False)
