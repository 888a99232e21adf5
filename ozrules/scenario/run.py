"""Plays one scenario in virtual time, on the same engine as the daemon.

The loop takes whatever comes first: an entry of the timeline, an answer of the phone system, a moment at which a
session wants to be woken, a calendar trigger. At one instant they come in that order. Time jumps from one to the next,
so an hour costs as much as a second. The run ends when nothing is left to come.

When the daemon goes down the engine is thrown away, and what it asked to remember is all that the next one gets.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from ozrules.engine.accounts import proven
from ozrules.engine.effects import (
    Chosen,
    Command,
    Decision,
    Effect,
    Forget,
    ListSessions,
    Notice,
    Observed,
    Outcome,
    Post,
    Remember,
    Send,
    Tally,
    Unrouted,
    Wake,
    WriteLog,
)
from ozrules.engine.engine import Engine
from ozrules.engine.events import (
    Accepted,
    CalendarDue,
    CommandAnswered,
    ConnectionOpened,
    Event,
    PostSettled,
    ScheduleSwitched,
    TimersDue,
)
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.engine.index import EXPLAIN_ALL
from ozrules.rules.model import CalendarTrigger, RuleSet, SecretRef, SystemAction
from ozrules.rules.nesting import every_action
from ozrules.runtime.timers import Timers
from ozrules.scenario.answers import PROOFS, receipt_of
from ozrules.scenario.model import Asked, Daemon, Happens, Scenario, Scripted, Switch
from ozrules.scenario.phone import Phone
from ozrules.scenario.played import Played
from ozrules.session.methods import OPERATIONS

MOST_STEPS: Final = 100_000
"""A scenario that takes more has rules that keep each other going."""


class EndlessScenario(Exception):
    """A scenario that does not come to its end."""


def play(scenario: Scenario, rules: RuleSet, *, explain: int = EXPLAIN_ALL) -> Played:
    """The scenario, from its start until nothing is left to come. ``explain`` is the engine's."""
    return _Run(scenario, rules, explain).play()


class _Kept:
    """What a daemon has on disk. That the durations of these connections can be believed, it knows from the start."""

    def __init__(self, connections: Iterable[str]) -> None:
        self.memories: dict[SessionKey, bytes] = {}
        self.tallies: list[Tally] = [tally for each in connections for tally in proven(each)]
        self.open: dict[CommandId, Command] = {}
        self.next_decision = 1
        self.seen_until = 0.0
        self.switched: dict[str, bool | None] = {}


class _Run:
    def __init__(self, scenario: Scenario, rules: RuleSet, explain: int) -> None:
        self._scenario = scenario
        self._explain = explain
        self._rules = rules
        self._phone = Phone(scenario.sessions)
        asked = [each for rule in rules.rules for each in every_action(rule.actions) if isinstance(each, SystemAction)]
        named = [*(each.connection for each in scenario.sessions), *(each.connection for each in asked)]
        self._connections = tuple(dict.fromkeys(each for each in named if each is not None))
        self._kept = _Kept(self._connections)
        self._engine: Engine | None = None
        self._timers = Timers()
        self._entries = list(scenario.timeline)
        self._script = list(scenario.script)
        self._answers: list[tuple[float, int, Command, Scripted]] = []
        self._made = 0
        self._calendar: list[tuple[float, str, str]] = []
        self._told: deque[Event] = deque()
        self._played = Played(scenario.start)

    def play(self) -> Played:
        start = self._scenario.start
        at = start
        self._start(at)
        for _ in range(MOST_STEPS):
            due = self._next()
            if due is None:
                break
            at = max(at, due)
            self._happen(at)
        else:
            raise EndlessScenario(f"More than {MOST_STEPS:,} things happen in this test; rules keep each other going")
        self._played.end = max(at - start, self._scenario.until)
        self._played.unused = tuple(self._script)
        return self._played

    # --- what comes next --------------------------------------------------------------------------------------------

    def _next(self) -> float | None:
        start = self._scenario.start
        coming = [start + self._entries[0].at] if self._entries else []
        if self._engine is not None:
            if self._answers:
                coming.append(self._answers[0][0])
            wake = self._timers.next()
            if wake is not None:
                coming.append(wake)
            # a calendar never ends: it is looked at as far as something else goes on
            last = max([start + self._scenario.until, *coming])
            if self._calendar and self._calendar[0][0] <= last:
                coming.append(self._calendar[0][0])
        return min(coming, default=None)

    def _happen(self, at: float) -> None:
        start = self._scenario.start
        if self._entries and start + self._entries[0].at <= at:
            entry = self._entries.pop(0)
            match entry:
                case Happens():
                    seen = self._phone.change(entry, at)
                    self._tell(seen)
                case Asked():
                    self._tell(self._phone.ask(entry, at))
                case Daemon(up=True):
                    self._start(at)
                case Daemon():
                    self._stop(at)
                case Switch(schedule=schedule, open=opens):
                    self._kept.switched[schedule] = opens
                    self._tell(ScheduleSwitched(at=at, schedule=schedule, open=opens))
                case _:
                    assert_never(entry)
        elif self._answers and self._answers[0][0] <= at:
            _, _, command, scripted = heapq.heappop(self._answers)
            self._answer(command, scripted, at)
        elif (wake := self._timers.next()) is not None and wake <= at:
            self._tell(TimersDue(at=at, sessions=self._timers.take(at)))
        else:
            due, rule, trigger = heapq.heappop(self._calendar)
            self._await_calendar(rule, trigger, due)
            self._tell(CalendarDue(at=at, rule=rule, trigger=trigger, due=due))

    # --- the daemon -------------------------------------------------------------------------------------------------

    def _start(self, at: float) -> None:
        kept = self._kept
        self._timers = Timers()
        self._engine = Engine(
            self._rules,
            at=at,
            next_decision=kept.next_decision,
            memories=tuple(kept.memories.items()),
            tallies=tuple(tally for tally in kept.tallies if tally.until > at),
            open_commands=tuple(kept.open.values()),
            explain=self._explain,
        )
        for schedule, opens in kept.switched.items():
            self._tell(ScheduleSwitched(at=at, schedule=schedule, open=opens))
        for connection in self._connections:
            # what a connection cannot do is said by `check`; here every phone system can do everything
            self._tell(ConnectionOpened(at=at, connection=connection, privileges=frozenset(OPERATIONS)))
            self._tell(self._phone.listing(connection, at))
        self._calendar = []
        for rule, trigger in self._calendar_triggers():
            if kept.seen_until:
                missed = self._last_between(trigger, kept.seen_until, at)
                if missed is not None:
                    self._tell(CalendarDue(at=at, rule=rule, trigger=trigger.id, due=missed, missed=True))
            self._await_calendar(rule, trigger.id, at)

    def _stop(self, at: float) -> None:
        self._engine = None
        self._answers = []
        self._kept.seen_until = at

    def _tell(self, event: Event) -> None:
        """Steps the engine, and then with all that follows at once; each event's effects are carried out whole."""
        self._told.append(event)
        if len(self._told) == 1:
            while self._told:
                event = self._told[0]
                if self._engine is not None:
                    for effect in self._engine.step(event):
                        self._carry_out(effect, event.at)
                self._told.popleft()

    # --- calendar triggers ------------------------------------------------------------------------------------------

    def _calendar_triggers(self) -> Iterator[tuple[str, CalendarTrigger]]:
        for rule in self._rules.rules:
            for trigger in rule.triggers:
                if isinstance(trigger, CalendarTrigger):
                    yield rule.id, trigger

    def _await_calendar(self, rule: str, trigger_id: str, after: float) -> None:
        for rule_id, trigger in self._calendar_triggers():
            if (rule_id, trigger.id) == (rule, trigger_id):
                due = trigger.cron.next_after(after)
                if due != math.inf:
                    heapq.heappush(self._calendar, (due, rule, trigger_id))

    @staticmethod
    def _last_between(trigger: CalendarTrigger, since: float, at: float) -> float | None:
        last = None
        due = trigger.cron.next_after(since)
        while due <= at:
            last, due = due, trigger.cron.next_after(due)
        return last

    # --- what the engine asks for -----------------------------------------------------------------------------------

    def _carry_out(self, effect: Effect, at: float) -> None:
        kept = self._kept
        match effect:
            case Wake(session=session, due=due):
                self._timers.set(session, due)
            case Send(command=command):
                self._send(command, at)
            case Post():
                self._played.perform(at, effect, "webhook", to=effect.url, command=effect.id)
                self._tell(CommandAnswered(at=at, command=effect.id, receipt=Accepted()))
                self._tell(PostSettled(at=at, post=effect, outcome="confirmed", after=0.0))
            case WriteLog():
                self._played.perform(at, effect, "log", text=effect.text)
            case Decision():
                kept.next_decision = effect.number + 1
                self._played.decide(effect)
            case Outcome():
                kept.open.pop(effect.command, None)
                self._played.settle(effect)
            case ListSessions(connection=connection):
                self._tell(self._phone.listing(connection, at))
            case Remember(session=session, memory=memory):
                kept.memories[session] = memory
            case Forget(session=session):
                kept.memories.pop(session, None)
            case Tally():
                kept.tallies.append(effect)
            case Observed():
                self._played.observed.append(effect)
            case Chosen() | Notice() | Unrouted():
                pass
            case _:
                assert_never(effect)

    def _send(self, command: Command, at: float) -> None:
        assert self._engine is not None, "only an engine sends"
        withheld = self._engine.gate(command, at)
        if withheld is not None:
            self._tell(CommandAnswered(at=at, command=command.id, receipt=withheld))
            return
        keys = "(secret)" if isinstance(command.key, SecretRef) else command.key
        hears = command.action in ("sendDtmf", "play", "speak")
        to = command.party if hears else command.to or command.arguments.get("to")
        move = None if hears else command.party
        text = command.arguments.get("text")
        self._played.perform(at, command, command.action, to=to, move=move, keys=keys, text=text, command=command.id)
        self._kept.open[command.id] = command
        if command.question is not None and command.to is not None:
            self._phone.route(command.session.session_id, command.to)
        scripted = self._scripted(command)
        if scripted is None:
            self._tell(CommandAnswered(at=at, command=command.id, receipt=Accepted()))
        else:
            self._made += 1
            heapq.heappush(self._answers, (max(at, self._scenario.start + scripted.at), self._made, command, scripted))

    def _scripted(self, command: Command) -> Scripted | None:
        for scripted in self._script:
            if scripted.action == command.action and scripted.session in (None, command.session.session_id):
                self._script.remove(scripted)
                return scripted
        return None

    def _answer(self, command: Command, scripted: Scripted, at: float) -> None:
        self._tell(CommandAnswered(at=at, command=command.id, receipt=receipt_of(scripted)))
        shown = PROOFS.get(command.action)
        if scripted.outcome == "confirmed" and not scripted.changes and shown is not None:
            proof = Happens(at, command.session.session_id, shown, {}, scripted.spot)
            self._tell(self._phone.change(proof, at))
