"""What the runtime needs of the world, as Protocols. The edges implement them; `ozrules.app` joins both."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from ozrules.engine.effects import Command, Effect, Post, Tally
from ozrules.engine.events import (
    Accepted,
    CommandShown,
    ConnectionOpened,
    Event,
    Gap,
    Receipt,
    Refused,
    SessionSeen,
    SessionsListed,
    Unanswered,
    Withheld,
)
from ozrules.engine.identity import SessionKey
from ozrules.engine.view import SessionView
from ozrules.rules.model import Routing
from ozrules.session.session import Session


class ConnectionState(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection stands, for readiness and the log: ``ready`` once its list of sessions has been given."""

    at: float
    connection: str
    ready: bool
    detail: str


class Malformed(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be used: counted, logged once for each ``kind``; ``sample`` is escaped and short."""

    at: float
    connection: str
    kind: str
    sample: str


FromPhoneSystem: TypeAlias = (
    ConnectionOpened | Gap | SessionsListed | SessionSeen | CommandShown | ConnectionState | Malformed
)


class Connector(Protocol):
    """One phone system. It reconnects by itself, with backoff, for as long as its events are read."""

    @property
    def name(self) -> str:
        """The connection's name in the configuration."""

    def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        """Everything that is seen. After each (re)connect: ConnectionOpened, then SessionsListed before any other.

        Reading slowly stops the reading of the socket; nothing is dropped in between without a Gap.
        """

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        """Call a method of a session, once. ``session`` is the session as last seen; its party ids are the arguments.

        Returns within ``command.timeout`` seconds: handed over, refused with a kind, or without an answer; never
        raises for what the phone system does.
        """

    async def request_list(self) -> None:
        """Ask for the full list; it comes as SessionsListed among the events."""


class Route(msgspec.Struct, frozen=True):
    """Where a call goes that a phone system asked about. An empty ``to`` turns the caller away.

    ``ring`` is how long, in seconds, it may ring there; None: as long as the phone system lets it.
    """

    to: str
    ring: float | None = None


class RoutingDesk(Protocol):
    """Whom a connector asks where a call goes, while its phone system waits for the reply."""

    async def ask(self, connection: str, kind: Routing, session: Session, *, within: float) -> Route | None:
        """What the rules answer, or None where none does: then the phone system's own dial plan decides.

        ``session`` is as in `RoutingAsked`; an empty ``session_id`` says that the phone system tells none. Never takes
        longer than ``within`` seconds of the daemon's clock: what comes later is not used, and recorded as expired.
        A Route that is given is on record already, and must be put into the reply at once.
        """


class WebhookQueue(Protocol):
    """Delivers webhooks apart from calls. What becomes of one that was taken over comes as `PostSettled`."""

    def post(self, request: Post) -> Receipt:
        """Takes the request over for delivery at least once, or says why not (full: Withheld throttled)."""

    def figures(self) -> dict[str, int]:
        """How many are ``waiting``, and how many were ``delivered``, ``dead`` and ``refused`` since the start."""


class Core(Protocol):
    """The engine, as the runtime uses it."""

    def step(self, event: Event) -> list[Effect]:
        """Takes one event in, and says all that follows from it."""

    def gate(self, command: Command, at: float) -> Withheld | None:
        """Why this command must not leave now, asked at the moment of sending."""

    def session(self, key: SessionKey) -> Session | None:
        """The session as last seen, while it lives."""

    @property
    def alive(self) -> int:
        """How many sessions live."""

    def sessions(self) -> tuple[SessionView, ...]:
        """All live sessions, with what waits on them."""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal gives back at the start: see `Journal.load`.

    ``decision_ids`` are (number, decision_id) of the decisions whose sessions are not forgotten yet, or that have an
    open command or a webhook on its way: their outcomes are still to come.
    """

    next_decision: int
    next_seq: int
    decision_ids: tuple[tuple[int, str], ...] = ()
    memories: tuple[tuple[SessionKey, bytes], ...]
    open_commands: tuple[Command, ...]
    tallies: tuple[Tally, ...]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the decision record, as `runtime.records` makes it of an effect.

    ``seq`` has no gaps over the life of the state directory. ``body`` is the JSON object of the contract, whole:
    plain dicts, lists, text and numbers. The other fields repeat what stores and journals search by; ``time`` is wall
    clock, ``decision`` the engine's number of the decision.
    """

    seq: int
    type: str
    time: float
    body: dict[str, object]
    decision: int | None = None
    decision_id: str | None = None
    rule: str | None = None
    connection: str | None = None
    session_id: str | None = None


class Journal(Protocol):
    """What must survive a crash."""

    def load(self) -> Saved:
        """What was on disk when the daemon stopped, however it stopped."""

    async def commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        """Returns when all of it is on disk (one fsync may serve several callers). Raises JournalFailed."""


class JournalFailed(Exception):
    """The journal cannot be written; nothing may be sent. Nothing of the commit is on disk.

    Unless the failure is ``lasting`` the same records may be tried again: a full disk may have room later. After a
    lasting one nothing can be written before a restart.
    """

    def __init__(self, why: str, *, lasting: bool = False) -> None:
        super().__init__(why)
        self.lasting = lasting


class RecordSink(Protocol):
    """Where the record is shown: the log, a follower, the dashboard. Never blocks, never fails."""

    def write(self, records: Sequence[Record]) -> None:
        """Called once for each turn, with all records of that turn in order."""


class Handle(Protocol):
    """Something that was asked for and can be called off."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """The only clock of the program."""

    def now(self) -> float:
        """Seconds since 1970 UTC on a clock that never jumps: what ``at`` of every event is."""

    def wall_offset(self) -> float:
        """How many seconds the host's wall clock is ahead of `now`."""

    async def sleep_until(self, at: float) -> None:
        """Returns when `now` is at least ``at``."""

    def call_at(self, at: float, callback: Callable[[], None]) -> Handle:
        """Calls ``callback`` once, in the running loop, when `now` is at least ``at``."""


class Log(Protocol):
    """The daemon's own log: a short constant message and its fields. Field values may be hostile text."""

    def debug(self, event: str, **fields: object) -> object: ...

    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...

    def error(self, event: str, **fields: object) -> object: ...
