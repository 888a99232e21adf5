"""What the web side needs of the daemon, as a Protocol. `ozrules.app` implements it; everything here only looks."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from ozrules.engine.identity import SessionKey
from ozrules.runtime.measures import Histogram, Measures

Json: TypeAlias = Mapping[str, object]


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """What a scrape reads off the daemon as it is now. ``webhooks`` counts by result since the start;
    ``journal_log`` is the size of the journal's write-ahead log, in bytes."""

    version: str
    mode: str
    ready: bool
    sessions: int
    timers_waiting: int
    timers_late: int
    rules: int
    paused: int
    queues: Mapping[str, int]
    webhooks: Mapping[str, int]
    connections: Mapping[str, bool]
    tolerated: Mapping[str, int]
    journal_log: int


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What of the record is wanted, newest first: those before number ``before``, with ``text`` somewhere in them."""

    text: str = ""
    rule: str = ""
    reason: str = ""
    before: int | None = None
    limit: int = 100


class NotFound(Exception):
    """There is no such thing; the text says what."""


class Busy(Exception):
    """It cannot be said now; the text says why."""


class Source(Protocol):
    """The daemon, to be looked at."""

    @property
    def measures(self) -> Measures: ...

    @property
    def syncs(self) -> Histogram:
        """Seconds that the journal took until what was written was on disk."""

    def now(self) -> float:
        """The wall clock that all moments shown are on, seconds since 1970 UTC."""

    def clock(self) -> Json:
        """``now``; ``utcOffset``, seconds that the record's zone is ahead of UTC; ``pace``, how many seconds pass on it
        in one second: more than 1 in a demo.
        """

    def problems(self) -> list[str]:
        """Why it is not ready; nothing where it is."""

    def gauges(self) -> Gauges: ...

    def status(self) -> Json:
        """What `ozrules status` shows."""

    def watch(self, on: bool) -> None:
        """Whether anybody looks at sessions: only then `changed` is kept."""

    def changed(self) -> set[SessionKey]:
        """The sessions that have changed since this was asked last."""

    def keys(self) -> Sequence[SessionKey]:
        """All live sessions."""

    def session(self, key: SessionKey) -> Json | None:
        """One live session; None when it has ended."""

    def rules(self) -> Sequence[Json]:
        """The rules in force, in the order in which they come."""

    async def rule(self, name: str) -> Json:
        """One rule with its figures and its source. Raises NotFound, Busy."""

    async def records(self, search: Search) -> Sequence[str]:
        """Lines of the record as JSON texts, newest first. Raises Busy."""

    async def call(self, connection: str, session: str, start: str) -> bytes:
        """One call as a timeline, with every rule's why, as JSON. Raises NotFound, Busy."""

    async def week(self, caller: str, callee: str) -> bytes:
        """What would become of such a call in the next seven days, as JSON. Raises NotFound, Busy."""
