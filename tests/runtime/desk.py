"""The runtime on a desk: a real engine and reactor, a clock that stands, a phone system that is told what to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ozrules.engine.engine import Engine
from ozrules.engine.events import ConnectionOpened, SessionSeen, SessionsListed
from ozrules.rules.model import RuleSet
from ozrules.runtime.dispatcher import Dispatcher
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Inbox
from ozrules.runtime.measures import Measures
from ozrules.runtime.notices import Notices
from ozrules.runtime.reactor import Reactor
from ozrules.runtime.records import Records
from ozrules.runtime.routes import Routes
from ozrules.runtime.watch import Watch
from ozrules.session.session import session_from
from tests.fakes.clock import StandingClock, settle
from tests.fakes.journal import MemoryJournal
from tests.fakes.phone import FakeHooks, FakePhone, QuietLog, Shelf


class Desk:
    """Everything that a test of the runtime wants to look at."""

    def __init__(self, rules: RuleSet, group: asyncio.TaskGroup, journal: MemoryJournal, clock: StandingClock) -> None:
        self.clock = clock
        self.journal = journal
        self.phone = FakePhone()
        self.shelf = Shelf()
        self.log = QuietLog()
        self.hooks = FakeHooks()
        self.inbox = Inbox()
        self.health = Health(connections={})
        self.measures = Measures()
        self.watch = Watch()
        self.routes = Routes(clock)
        self.routes.open(self.inbox.add)
        saved = journal.load()
        self.engine = Engine(
            rules,
            at=clock.now(),
            next_decision=saved.next_decision,
            memories=saved.memories,
            tallies=saved.tallies,
            open_commands=saved.open_commands,
        )
        self.dispatcher = Dispatcher(
            core=self.engine,
            connectors={"office": self.phone},
            secret={"doorPin": "4711#"}.get,
            clock=clock,
            routes=self.routes,
            answer=self.inbox.add,
            group=group,
            log=self.log,
            measures=self.measures,
        )
        self.reactor = Reactor(
            core=self.engine,
            inbox=self.inbox,
            journal=journal,
            records=Records(
                next_seq=saved.next_seq,
                ids=saved.decision_ids,
                revision=rules.revision,
                mode="enforce",
                every_event=False,
                randomness=bytes,
            ),
            clock=clock,
            dispatcher=self.dispatcher,
            webhooks=self.hooks,
            sinks=[self.shelf],
            notices=Notices(self.log),
            health=self.health,
            measures=self.measures,
            watch=self.watch,
        )

    async def connect(self, *sessions: dict[str, str]) -> None:
        self.inbox.add(ConnectionOpened(at=self.clock.now(), connection="office", epoch="1"))
        listed = tuple(session_from(session) for session in sessions)
        self.inbox.add(SessionsListed(at=self.clock.now(), connection="office", sessions=listed))
        await settle()

    async def see(self, state: str, session_id: str = "s1", **properties: str) -> None:
        kind = "created" if state == "Ringing" else "stateChanged"
        whole = {"caller": "+36201234567", "callee": "2001", "startTime": "2026-11-23T10:00:00Z"} | properties
        self.inbox.add(
            SessionSeen(
                at=self.clock.now(),
                connection="office",
                kind="created" if kind == "created" else "stateChanged",
                session=session_from(whole | {"sessionId": session_id, "sessionState": state}),
            )
        )
        await settle()

    def lines(self, kind: str) -> list[dict[str, object]]:
        return [record.body for record in self.shelf.records if record.type == kind]


@asynccontextmanager
async def desk(
    rules: RuleSet, *, journal: MemoryJournal | None = None, clock: StandingClock | None = None
) -> AsyncIterator[Desk]:
    """A desk whose reactor runs."""
    clock = clock or StandingClock()
    async with asyncio.TaskGroup() as group:
        one = Desk(rules, group, journal or MemoryJournal(clock), clock)
        running = group.create_task(one.reactor.run())
        try:
            yield one
        finally:
            running.cancel()
