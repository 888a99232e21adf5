"""The single writer: takes what has come, steps the engine, has it written down, and only then lets anything leave.

One turn is: take a batch, step each event, commit all that follows from them in one go, then hand out the commands.
While a commit waits for the disk the next batch gathers in the inbox, so that in a storm one fsync serves many
events and a quiet office still gets its forward at once. Nothing is locked because nobody else writes.

A turn also looks at the clock: a wall clock that was set is told to the engine; a daemon that was stopped or slept
has missed something and looks at everything afresh before it acts.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from ozrules.engine.effects import (
    Chosen,
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
from ozrules.engine.events import (
    ClockAdjusted,
    CommandAnswered,
    CommandShown,
    ConnectionOpened,
    Event,
    Gap,
    ModeChanged,
    PostSettled,
    RoutingAsked,
    RulesReplaced,
    SessionSeen,
    SessionsListed,
    TimersDue,
)
from ozrules.runtime.clock import stopwatch
from ozrules.runtime.dispatcher import Dispatcher
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Controlled, Inbox, Item, Pulse, Reloaded
from ozrules.runtime.measures import Measures
from ozrules.runtime.notices import Notices
from ozrules.runtime.ports import (
    Clock,
    ConnectionState,
    Core,
    Handle,
    Journal,
    JournalFailed,
    Malformed,
    Record,
    RecordSink,
    WebhookQueue,
)
from ozrules.runtime.records import Records
from ozrules.runtime.timers import Timers
from ozrules.runtime.watch import Watch

WALL_STEP: Final = 0.1
"""A smaller change of the wall clock is not worth an event."""

LONGEST_PAUSE: Final = 5.0
"""Seconds on the clock without a turn after which we cannot have seen everything."""


class Reactor:
    """Runs until it is cancelled, or fails."""

    def __init__(
        self,
        *,
        core: Core,
        inbox: Inbox,
        journal: Journal,
        records: Records,
        clock: Clock,
        dispatcher: Dispatcher,
        webhooks: WebhookQueue,
        sinks: Sequence[RecordSink],
        notices: Notices,
        health: Health,
        longest_pause: float = LONGEST_PAUSE,
        measures: Measures | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._core = core
        self._inbox = inbox
        self._journal = journal
        self._records = records
        self._clock = clock
        self._dispatcher = dispatcher
        self._webhooks = webhooks
        self._sinks = sinks
        self._notices = notices
        self._health = health
        self._longest_pause = longest_pause
        self._beat = longest_pause / 5
        self._measures = measures or Measures()
        self._watch = watch or Watch()
        self.timers = Timers()
        self._alarm: Handle | None = None
        self._alarm_at: float | None = None
        self._last_turn = clock.now()
        self._seen_until = clock.now()
        self._connections: set[str] = set()
        self._draining = False
        self.tries = 0
        """How often the journal had no room: while it has none, trying again is all the progress there is."""
        self._lines: list[Record] = []
        self._durable: list[Effect] = []
        self._leaving: list[Send | Unrouted | Post | ListSessions] = []
        self._done: list[asyncio.Future[None]] = []

    def summary(self) -> str:
        """One line on what is going on."""
        return f"{self._core.alive} sessions, {len(self.timers)} waiting, rules {self._records.revision[:19]}"

    async def run(self) -> None:
        """Turns for ever. Raises JournalFailed where nothing can be written down any more."""
        self._last_turn = self._clock.now()
        while True:
            self._arm()
            batch = await self._inbox.take()
            self._look_at_clock()
            for item in batch:
                self._take(item)
            self._take_timers()
            await self._carry_out()

    async def pulse(self) -> None:
        """Returns when all that has come so far has been stepped through and is on disk."""
        await self._inbox.ask(Pulse)

    async def drain(self, seconds: float) -> None:
        """Lets nothing new begin, waits for what is in flight, and has the answers written down."""
        self._draining = True
        await self._dispatcher.drain(seconds)
        await self.pulse()

    # --- taking in --------------------------------------------------------------------------------------------------

    def _take(self, item: Item) -> None:
        match item:
            case Pulse():
                self._done.append(item.done)
            case Malformed():
                self._notices.take(item)
            case ConnectionState():
                self._health.connections[item.connection] = item
                self._lines.append(self._records.of_act(item, item.at))
            case Reloaded() | Controlled():
                if item.event is not None:
                    self._step(item.event)
                self._lines.append(self._records.of_act(item, item.at))
                if isinstance(item, Reloaded):
                    self._measures.reloaded(item.at + self._records.wall_offset, accepted=not item.errors)
                if item.done is not None:
                    self._done.append(item.done)
            case CommandAnswered() | CommandShown() | PostSettled():
                self._step(item)
            case RoutingAsked() if self._draining:
                self._leaving.append(Unrouted(item.question))
            case _ if self._draining:
                pass  # what is not looked at now is looked at after the restart: level, not edge
            case _:
                self._step(item)

    def _step(self, event: Event) -> None:
        match event:
            case SessionSeen():
                self._notices.look_at_times(event.connection, event.session)
            case SessionsListed():
                for session in event.sessions or ():
                    self._notices.look_at_times(event.connection, session)
            case ConnectionOpened():
                self._connections.add(event.connection)
            case Gap():
                self._lines.append(self._records.of_gap(event.connection, event.why, event.at))
            case RulesReplaced():
                self._records.revision = event.rules.revision
            case ModeChanged():
                self._records.mode = event.mode
                self._dispatcher.observing = event.mode == "observe"
            case ClockAdjusted():
                self._records.wall_offset = event.offset
            case _:
                pass
        self._seen_until = max(self._seen_until, event.at)
        began = stopwatch()
        effects = self._core.step(event)
        took = stopwatch() - began
        self._measures.stepped(event, effects, self._clock.now)
        if self._watch.watching:
            self._watch.stepped(effects)
        self._sort(effects, event.at, round(took * 1e6))

    def _take_timers(self) -> None:
        if not self._draining:
            # what still waits in the inbox happened before now, and may end the wait
            now = self._seen_until if len(self._inbox) else self._clock.now()
            if due := self.timers.take(now):
                self._step(TimersDue(at=now, sessions=due))

    def _look_at_clock(self) -> None:
        now = self._clock.now()
        paused, self._last_turn = now - self._last_turn, now
        offset = self._clock.wall_offset()
        if abs(offset - self._records.wall_offset) >= WALL_STEP:
            self._step(ClockAdjusted(at=now, offset=offset))
        if paused > self._longest_pause:
            for connection in sorted(self._connections):
                self._step(Gap(at=now, connection=connection, why=f"the daemon stood still for {paused:.0f} s"))
                self._leaving.append(ListSessions(connection, "after standing still"))

    def _arm(self) -> None:
        beat = self._clock.now() + self._beat
        due = self.timers.next() if not self._draining else None
        at = beat if due is None else min(due, beat)
        if self._alarm is None or self._alarm_at is None or at < self._alarm_at:
            self._ring_at(at)

    def _ring_at(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._clock.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm = self._alarm_at = None
        self._inbox.wake()

    # --- carrying out -----------------------------------------------------------------------------------------------

    def _sort(self, effects: Sequence[Effect], at: float, eval_us: int) -> None:
        for effect in effects:
            match effect:
                case Wake():
                    self.timers.set(effect.session, effect.due)
                case Observed() | Decision() | Chosen() | Outcome() | WriteLog():
                    self._durable.append(effect)
                    line = self._records.of_effect(effect, at, eval_us)
                    if line is not None:
                        self._lines.append(line)
                case Send():
                    self._durable.append(effect)
                    self._leaving.append(effect)
                case Post():
                    self._durable.append(effect)
                    self._leaving.append(effect)
                    self._records.expect(effect.decision)
                case Remember() | Tally():
                    self._durable.append(effect)
                case Forget():
                    self._durable.append(effect)
                    self._records.forget(effect.session)
                case ListSessions() | Unrouted():
                    self._leaving.append(effect)
                case Notice():
                    self._notices.take(effect)

    async def _carry_out(self) -> None:
        lines, durable, leaving, done = self._lines, self._durable, self._leaving, self._done
        self._lines, self._durable, self._leaving, self._done = [], [], [], []
        if lines or durable or done:
            await self._commit(durable, lines)
        else:
            await asyncio.sleep(0)  # a storm of nothing must not keep the sockets from being read
        if lines:
            for sink in self._sinks:
                sink.write(lines)
        for effect in leaving:
            match effect:
                case Send():
                    self._dispatcher.send(effect.command)
                case Post():
                    receipt = self._webhooks.post(effect)
                    self._inbox.add(CommandAnswered(at=self._clock.now(), command=effect.id, receipt=receipt))
                case ListSessions():
                    self._dispatcher.request_list(effect.connection)
                case Unrouted():
                    self._dispatcher.unrouted(effect.question)
        for future in done:
            if not future.done():
                future.set_result(None)

    async def _commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        """Until it is on disk nothing goes on: ozrules is silent, and the phone system routes calls as without us."""
        while True:
            try:
                await self._journal.commit(effects, records)
            except JournalFailed as failed:
                if failed.lasting:
                    raise
                self._health.journal = str(failed)
                self.tries += 1
                await self._clock.sleep_until(self._clock.now() + self._beat)
            else:
                self._health.journal = None
                return
