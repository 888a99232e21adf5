"""What happens, as it happens, for every browser that watches: sessions, records, how the daemon stands.

One task (`Hub.run`) makes each message once, four times a second at most, and puts it into the queue of each client;
it is the only one that does, so a client never sees an older view of a session after a newer one. A client that does
not read until `MOST_WAITING` bytes lie in its queue is dropped; its browser comes back and begins anew. The reactor
only notes which sessions have changed, and that only while somebody watches.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from ozrules.engine.identity import SessionKey
from ozrules.runtime.ports import Record
from ozrules.web.metrics import WebFigures
from ozrules.web.source import Json, Source

EVERY: Final = 0.25
STANDING_EVERY: Final = 4
"""Messages between two that say how the daemon stands."""
MOST_CLIENTS: Final = 32
MOST_WAITING: Final = 4 << 20
MOST_RECORDS: Final = 200
"""Records in one message; what comes faster is counted, and is in the store."""
PART: Final = 200
"""Sessions in one message; between two of them the loop does its other work."""


class Client:
    """One browser: what it has yet to be sent."""

    def __init__(self, drop: Callable[[], None]) -> None:
        self.drop = drop
        self.fresh = True
        """It has not been shown all sessions yet."""
        self._queue: deque[str] = deque()
        self._waiting = 0
        self._filled = asyncio.Event()

    def put(self, message: str) -> bool:
        """Whether there was room."""
        self._waiting += len(message)
        if self._waiting > MOST_WAITING:
            return False
        self._queue.append(message)
        self._filled.set()
        return True

    async def next(self) -> str:
        """The oldest message, when there is one."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        message = self._queue.popleft()
        self._waiting -= len(message)
        return message


class Full(Exception):
    """There are `MOST_CLIENTS` already."""


class Hub:
    """`ozrules.runtime.ports.RecordSink`, and the clients to whom it is passed on."""

    def __init__(self, figures: WebFigures) -> None:
        self._figures = figures
        self._clients: set[Client] = set()
        self._joined = asyncio.Event()
        self._records: list[Json] = []
        self._skipped = 0

    def write(self, records: Sequence[Record]) -> None:
        """Takes the record of one turn."""
        if self._clients:
            room = MOST_RECORDS - len(self._records)
            self._records += [record.body for record in records[:room]]
            self._skipped += max(0, len(records) - room)

    @contextmanager
    def client(self, drop: Callable[[], None]) -> Iterator[Client]:
        """A place for one more client; ``drop`` cuts its connection. Raises Full."""
        if len(self._clients) >= MOST_CLIENTS:
            raise Full
        client = Client(drop)
        self._clients.add(client)
        self._figures.clients = len(self._clients)
        self._joined.set()
        try:
            yield client
        finally:
            self._clients.discard(client)
            self._figures.clients = len(self._clients)

    async def run(self, source: Source) -> None:
        """Passes on what happens, for ever."""
        while True:
            self._joined.clear()
            if not self._clients:
                source.watch(False)
                self._records, self._skipped = [], 0
                await self._joined.wait()
                source.watch(True)
            for turn in range(STANDING_EVERY):
                await self._pass_on(source, standing=turn == 0)
                await asyncio.sleep(EVERY)
                if not self._clients:
                    break

    async def _pass_on(self, source: Source, *, standing: bool) -> None:
        settled = [client for client in self._clients if not client.fresh]
        changed = source.changed()
        if changed:
            for part in _parts(sorted(changed)):
                self._send(settled, _sessions(source, part))
                await asyncio.sleep(0)
        if self._records or self._skipped:
            records, skipped, self._records, self._skipped = self._records, self._skipped, [], 0
            self._send(settled, {"type": "records", "now": source.now(), "records": records, "skipped": skipped})
        if standing:
            self._send(settled, {"type": "standing", "now": source.now(), **source.status()})
        fresh = [client for client in self._clients if client.fresh]
        if fresh:
            await self._begin(source, fresh)

    async def _begin(self, source: Source, fresh: list[Client]) -> None:
        for client in fresh:
            client.fresh = False
        self._send(fresh, {"type": "hello", **source.clock(), **source.status()})
        for part in _parts(source.keys()):
            self._send(fresh, _sessions(source, part))
            await asyncio.sleep(0)
        self._send(fresh, {"type": "all"})

    def _send(self, clients: list[Client], message: Json) -> None:
        if not clients:
            return
        text = msgspec.json.encode(message).decode()
        for client in clients:
            if client in self._clients and not client.put(text):
                self._clients.discard(client)
                self._figures.dropped += 1
                client.drop()


def _parts(keys: Sequence[SessionKey]) -> Iterator[Sequence[SessionKey]]:
    for first in range(0, len(keys), PART):
        yield keys[first : first + PART]


def _sessions(source: Source, keys: Sequence[SessionKey]) -> Json:
    seen = [(key, source.session(key)) for key in keys]
    return {
        "type": "sessions",
        "now": source.now(),
        "sessions": [session for _, session in seen if session is not None],
        "gone": [key_text(key) for key, session in seen if session is None],
    }


def key_text(key: SessionKey) -> str:
    """A session's identity as a browser keeps it."""
    return f"{key.connection}/{key.session_id}@{key.start}"
