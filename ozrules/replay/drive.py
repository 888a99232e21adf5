"""Drives the real engine through recorded events in virtual time.

Whatever comes first happens first: an event, a moment that a session wants to be woken at, a calendar trigger. The
recording's last event is not the end: what waits on calls that were still alive is waited for, the calendar is not.

Other rules are tried in mode observe: all is decided, nothing is sent. To explain what happened the rules act again
as they did, and ``answers`` gives their commands the answers that they had; what a command then did is in the events.
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias

from ozrules.engine.effects import Command, Decision, Effect, Observed, OutcomeName, Post, Send, Wake
from ozrules.engine.engine import Engine
from ozrules.engine.events import (
    Accepted,
    CalendarDue,
    CommandAnswered,
    Event,
    PostSettled,
    Receipt,
    Refused,
    TimersDue,
)
from ozrules.engine.identity import CommandId
from ozrules.engine.index import EXPLAIN_ALL
from ozrules.rules.model import CalendarTrigger, RuleSet
from ozrules.runtime.timers import Timers

Answers: TypeAlias = Mapping[tuple[str, str, str], tuple[OutcomeName, ...]]
"""What became of the commands, in order, by connection, session id and action."""

_REFUSED: Final[Mapping[OutcomeName, Receipt]] = {
    "rejected": Refused("denied", "as it was recorded"),
    "targetGone": Refused("notFound", "as it was recorded"),
    "lostRace": Refused("wrongState", "as it was recorded"),
}


def drive(
    events: Iterable[Event],
    rules: RuleSet,
    *,
    drain: bool = True,
    answers: Answers | None = None,
    explain: int = EXPLAIN_ALL,
) -> Iterator[Decision | Observed]:
    """Every decision and every change, in order. Without ``drain`` it ends with the last event.

    ``explain`` is the engine's: 0 leaves out the rules whose conditions do not hold, `index.EVERY` none.
    """
    run: _Run | None = None
    for event in events:
        if run is None:
            run = _Run(rules, event.at, answers, explain)
        yield from run.until(event.at, dates=True)
        yield from run.step(event)
    if drain and run is not None:
        yield from run.until(math.inf, dates=False)


class _Run:
    def __init__(self, rules: RuleSet, at: float, answers: Answers | None, explain: int) -> None:
        mode: Literal["enforce", "observe"] = "observe" if answers is None else "enforce"
        self._engine = Engine(rules, mode=mode, at=at, explain=explain)
        self._answers = {} if answers is None else {name: list(outcomes) for name, outcomes in answers.items()}
        self._timers = Timers()
        self._triggers = [
            (rule.id, each) for rule in rules.rules for each in rule.triggers if isinstance(each, CalendarTrigger)
        ]
        self._calendar: list[tuple[float, int]] = []
        for number in range(len(self._triggers)):
            self._plan(number, at)

    def until(self, moment: float, *, dates: bool) -> Iterator[Decision | Observed]:
        """What comes due before ``moment``."""
        while True:
            wake = self._timers.next()
            date = self._calendar[0][0] if self._calendar and dates else math.inf
            if min(math.inf if wake is None else wake, date) >= moment:
                return
            if wake is not None and wake <= date:
                yield from self.step(TimersDue(at=wake, sessions=self._timers.take(wake)))
            else:
                due, number = heapq.heappop(self._calendar)
                self._plan(number, due)
                rule, trigger = self._triggers[number]
                yield from self.step(CalendarDue(at=due, rule=rule, trigger=trigger.id, due=due))

    def step(self, event: Event) -> Iterator[Decision | Observed]:
        """One event, with all that follows from it at once: answers come after all that the event asked for."""
        effects = self._engine.step(event)
        for effect in effects:  # which grows
            match effect:
                case Decision() | Observed():
                    yield effect
                case Wake(session=session, due=due):
                    self._timers.set(session, due)
                case Send(command=command):
                    effects += self._answer(command.id, self._receipt(command, event.at), event.at)
                case Post():
                    effects += self._answer(effect.id, Accepted(), event.at)
                    effects += self._engine.step(PostSettled(at=event.at, post=effect, outcome="confirmed", after=0.0))
                case _:
                    pass  # nothing has to outlive a replay

    def _answer(self, command: CommandId, receipt: Receipt, at: float) -> list[Effect]:
        return self._engine.step(CommandAnswered(at=at, command=command, receipt=receipt))

    def _receipt(self, command: Command, at: float) -> Receipt:
        withheld = self._engine.gate(command, at)
        if withheld is not None:
            return withheld
        session = command.session
        outcomes = self._answers.get((session.connection, session.session_id, command.action))
        return _REFUSED.get(outcomes.pop(0), Accepted()) if outcomes else Accepted()

    def _plan(self, number: int, after: float) -> None:
        due = self._triggers[number][1].cron.next_after(after)
        if due != math.inf:
            heapq.heappush(self._calendar, (due, number))
