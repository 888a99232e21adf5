"""One life of the daemon: its own reactor, dispatcher, inbox, timers, engine, records and gateway connector, joined as
`ozrules.app.daemon` joins them, on the simulated machine, journal and connection. It can be killed at any step.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from datetime import UTC

from ozrules.actions.delivery import Try
from ozrules.actions.targets import Targets
from ozrules.actions.webhooks import Webhooks
from ozrules.connectors.gateway import Dial, GatewayConnector
from ozrules.connectors.gateway.link import Socket
from ozrules.connectors.gateway.requests import MovedParty
from ozrules.engine.effects import Command, Effect, Post, Send
from ozrules.engine.engine import Engine
from ozrules.engine.events import (
    Event,
    ModeChanged,
    Receipt,
    RulePaused,
    RulesReplaced,
    SessionsListed,
    Unanswered,
    Withheld,
)
from ozrules.engine.identity import SessionKey
from ozrules.engine.program import Program
from ozrules.engine.view import SessionView
from ozrules.rules.model import RuleSet
from ozrules.runtime.clock import SystemClock
from ozrules.runtime.dispatcher import Dispatcher
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Inbox, Reloaded, Who
from ozrules.runtime.notices import Notices
from ozrules.runtime.ports import Connector, FromPhoneSystem, JournalFailed, Record, Route, Saved
from ozrules.runtime.reactor import Reactor
from ozrules.runtime.records import Records
from ozrules.runtime.routes import Routes
from ozrules.schedules.triggers import CalendarTriggers
from ozrules.session.session import Session
from ozrules.session.state import SETUP
from tests.fakes.phone import QuietLog
from tests.simulation import office
from tests.simulation.disk import Disk, SimJournal
from tests.simulation.safety import Safety

CARRIED: ContextVar[Command | None] = ContextVar("CARRIED", default=None)
"""The command that the frame about to be sent carries."""


ADMIN = Who(by="admin", uid=0)
IN_FLIGHT = 5.0
EXPIRES = 25.0
"""Seconds for which delivery of a webhook is tried."""


class SimDial(Dial, frozen=True):
    """Connects to the simulated gateway."""

    opener: Callable[[], "asyncio.Future[Socket]"]

    async def open(self) -> Socket:
        return await self.opener()


class _Watched:
    """The engine, with somebody looking on."""

    def __init__(self, life: "Life", engine: Engine) -> None:
        self._life = life
        self._engine = engine

    def step(self, event: Event) -> list[Effect]:
        life = self._life
        if life.dead:
            return []
        life.safety.before(event)
        effects = self._engine.step(event)
        life.safety.after(event, effects, self._engine)
        life.stepped(event, effects)
        return effects

    def gate(self, command: Command, at: float) -> Withheld | None:
        return self._engine.gate(command, at)

    def session(self, key: SessionKey) -> Session | None:
        return self._engine.session(key)

    @property
    def alive(self) -> int:
        return self._engine.alive

    def sessions(self) -> tuple[SessionView, ...]:
        return self._engine.sessions()


class _Guarded:
    """The connector, with somebody at the door."""

    def __init__(self, life: "Life", connector: Connector) -> None:
        self._life = life
        self._connector = connector
        self.name = connector.name

    def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        return self._connector.events()

    async def execute(self, command: Command, session: Session) -> Receipt:
        life = self._life
        if life.dead:
            return Unanswered("killed")
        life.safety.leaving(command, durable=command.id in life.disk.intents)
        token = CARRIED.set(command)
        try:
            return await self._connector.execute(command, session)
        finally:
            CARRIED.reset(token)
            if not life.dead:
                life.safety.answered(command)

    async def request_list(self) -> None:
        if not self._life.dead:
            await self._connector.request_list()


class _Journal(SimJournal):
    """Looks, after each commit, whether all that must survive is on the disk."""

    life: "Life"

    async def commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        await super().commit(effects, records)
        if not self.life.dead:
            self.life.committed(effects)


class _Hooks(Webhooks):
    """Delivers to a receiver that is simulated too."""

    life: "Life"

    async def _try(self, request: Post, body: bytes) -> Try:
        return await self.life.deliver(request)


class Life:
    """From the state on the disk to the kill, or to an orderly stop."""

    def __init__(
        self,
        *,
        rules: RuleSet,
        observing: bool,
        paused: frozenset[str],
        disk: Disk,
        safety: Safety,
        happened: Counter[str],
        chance: random.Random,
        latency: Callable[[], float],
        opener: Callable[[], "asyncio.Future[Socket]"],
        moved_party: MovedParty,
        receive: Callable[[Post], Try],
        committed: Callable[[Sequence[Effect]], None],
        merged: Callable[[], None],
    ) -> None:
        self.dead = False
        self.disk = disk
        self.safety = safety
        self.rules = rules
        self.log = QuietLog()
        self.clock = SystemClock(disk.shift)
        disk.shift = self.clock.shift
        self.inbox = Inbox()
        self.health = Health(connections={})
        self._committed = committed
        self._merged = merged
        self._receive = receive
        self._chance = chance
        self._stop = asyncio.Event()
        self._observing = observing
        self._paused = paused
        self._happened = happened
        self._latency = latency
        self._opener = opener
        self._moved_party = moved_party
        self.journal = _Journal(disk, self.clock, latency)
        self.journal.life = self
        self.engine: Engine | None = None
        self.reactor: Reactor | None = None
        self.dispatcher: Dispatcher | None = None
        self.webhooks: _Hooks | None = None
        self.routes: Routes | None = None

    # --- what the simulation does to it -------------------------------------------------------------------------------

    def kill(self) -> tuple[int, int]:
        """kill -9: nothing of it reaches the world any more."""
        self.dead = True
        return self.journal.crash(self._chance)

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop: it then only waits for what is in flight."""
        return self._stop.is_set()

    def stop(self) -> None:
        """SIGTERM."""
        self._stop.set()

    async def reload(self, rules: RuleSet) -> bool:
        """`ozrules reload`: returns when these rules hold, or could not be put in force."""
        engine = self.engine
        assert engine is not None
        program = Program(rules)
        try:
            await self.journal.keep_rules(rules)
        except JournalFailed as failed:
            if failed.lasting:
                raise
            return False
        self.rules = rules
        replaced = RulesReplaced(at=self.clock.now(), rules=rules, program=program)
        await self.inbox.ask(lambda done: Reloaded(at=replaced.at, who=ADMIN, event=replaced, done=done))
        self._calendar.replace(rules)
        await self.journal.drop_rules(engine.revisions())
        return True

    def observe(self, observing: bool) -> None:
        self.inbox.add(ModeChanged(at=self.clock.now(), mode="observe" if observing else "enforce"))

    def pause(self, rule: str, paused: bool) -> None:
        self.inbox.add(RulePaused(at=self.clock.now(), rule=rule, paused=paused))

    async def _keep(self, rules: RuleSet, engine: Engine) -> None:
        try:
            await self.journal.keep_rules(rules)
            await self.journal.drop_rules(engine.revisions())
        except JournalFailed as failed:
            if failed.lasting:
                raise

    async def ask(self, number: str, id: str) -> Route | None:
        """The phone system asks where a call to ``number`` goes, and waits for the answer a little."""
        assert self.routes is not None
        session = Session(session_id=id, session_state=SETUP, caller="+36201234567", dialed_number=number)
        return await self.routes.ask("office", "Calling", session, within=2.0)

    # --- what it tells ------------------------------------------------------------------------------------------------

    def stepped(self, event: Event, effects: Sequence[Effect]) -> None:
        if isinstance(event, SessionsListed):
            self._merged()

    def committed(self, effects: Sequence[Effect]) -> None:
        if self.engine is not None and self.inbox is not None:
            self._committed(effects)

    async def deliver(self, request: Post) -> Try:
        await asyncio.sleep(self._chance.uniform(0.001, 0.5))
        return Try("again", "killed") if self.dead else self._receive(request)

    # --- the daemon ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until `stop`; a part that fails ends it with what it failed of."""
        clock, inbox, journal = self.clock, self.inbox, self.journal
        saved = journal.load()
        mode = "observe" if self._observing else "enforce"
        self.safety.starts(self._engine, saved)
        engine = self.engine = self._engine(saved)
        core = _Watched(self, engine)
        notices = Notices(self.log)
        records = Records(
            next_seq=saved.next_seq,
            ids=saved.decision_ids,
            revision=self.rules.revision,
            mode="observe" if mode == "observe" else "enforce",
            every_event=False,
            zone=UTC,
            randomness=self._chance.randbytes,
        )
        connector = GatewayConnector(
            "office",
            SimDial("ws://office/", "token", self._opener),
            moved_party=self._moved_party,
            clock=clock,
            chance=self._chance,
        )
        guarded = _Guarded(self, connector)
        calendar = self._calendar = CalendarTriggers(clock, inbox.add)
        webhooks = self.webhooks = _Hooks(journal.pending_posts(), clock, self.log, self._chance)
        webhooks.life = self
        webhooks.apply(Targets(("https://crm.example/",), ()), None, EXPIRES)
        for rule in sorted(self._paused):
            inbox.add(RulePaused(at=clock.now(), rule=rule, paused=True))
        await self._keep(self.rules, engine)
        start = RulesReplaced(at=clock.now(), rules=self.rules)
        inbox.add(Reloaded(at=clock.now(), who=Who(by="start"), event=start))
        calendar.replace(self.rules)
        routes = self.routes = Routes(clock)
        routes.open(inbox.add)
        try:
            async with asyncio.TaskGroup() as group:
                dispatcher = self.dispatcher = Dispatcher(
                    core=core,
                    connectors={guarded.name: guarded},
                    secret=lambda name: office.SECRET if name == "doorPin" else None,
                    clock=clock,
                    routes=routes,
                    answer=inbox.add,
                    group=group,
                    log=self.log,
                    observing=self._observing,
                )
                reactor = self.reactor = Reactor(
                    core=core,
                    inbox=inbox,
                    journal=journal,
                    records=records,
                    clock=clock,
                    dispatcher=dispatcher,
                    webhooks=webhooks,
                    sinks=(),
                    notices=notices,
                    health=self.health,
                )
                tasks = [
                    group.create_task(reactor.run()),
                    group.create_task(_read(guarded, inbox)),
                    group.create_task(webhooks.run(inbox.add)),
                ]
                await self._stop.wait()
                async with asyncio.timeout(9.0):
                    await reactor.drain(IN_FLIGHT)
                for task in tasks:
                    task.cancel()
        finally:
            routes.close()
            calendar.close()

    def _engine(self, saved: Saved) -> Engine:
        return Engine(
            self.disk.rules or self.rules,
            mode="observe" if self._observing else "enforce",
            next_decision=saved.next_decision,
            at=self.clock.now(),
            memories=saved.memories,
            tallies=saved.tallies,
            open_commands=saved.open_commands,
            earlier=(*self.disk.earlier.values(), self.rules),
        )


async def _read(connector: Connector, inbox: Inbox) -> None:
    async with aclosing(connector.events()) as events:
        async for item in events:
            await inbox.put(item)


def sends(effects: Sequence[Effect]) -> bool:
    """Whether commands leave once these are on disk."""
    return any(isinstance(effect, Send) for effect in effects)
