"""The way in: so many connections and no more, and none of them may dawdle.

aiohttp waits for ever for a request whose head comes a byte at a time, and for a client that does not read its answer.
So it does not listen itself, neither for the dashboard nor for notifications: here each connection has `WITHIN` seconds
to say what it wants, and again after each answer; one that is being answered is left alone. What is too much is told so
in one line and closed before anything of it is read.
"""

import asyncio
import resource
import socket
from collections.abc import Callable
from typing import Final, cast

MOST: Final = 64
"""Connections: a browser opens up to seven for one page."""
AT_ONCE: Final = 8
"""Connections that are taken from the kernel before those that find no room are told so."""
WAITING: Final = 64
"""Connections that wait in the kernel."""
WITHIN = 10.0
TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


def room() -> int:
    """How many may be inside: at most a quarter of the files that this process may have open, because the phone
    system's connection, the journal and a reload need some too.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if limit == resource.RLIM_INFINITY else min(MOST, limit // 4)


async def listen(doorway: "Doorway", listener: socket.socket) -> asyncio.Server:
    """Lets in whoever connects. asyncio would take a hundred at once, and then complain of each that it cannot."""
    server = await asyncio.get_running_loop().create_server(doorway, sock=listener, backlog=AT_ONCE)
    listener.listen(WAITING)
    return server


class Doorway:
    """Makes the protocol of each new connection; ``make`` makes the one that speaks HTTP.

    ``refused`` gives the words for an address that may not come in at all, None for all others; ``full`` is told of
    each connection that finds no room.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        *,
        refused: Callable[[str], bytes | None] = lambda peer: None,
        full: Callable[[], None],
    ) -> None:
        self._make = make
        self._refused = refused
        self._full = full
        self._room = room()
        self._inside: dict[asyncio.BaseTransport, _Connection] = {}

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self)

    def enter(self, transport: asyncio.BaseTransport, connection: "_Connection") -> asyncio.Protocol | bytes:
        """The protocol for one more connection, or the words with which it is turned away."""
        name = transport.get_extra_info("peername")
        words = self._refused(name[0] if name else "")
        if words is not None:
            return words
        if len(self._inside) >= self._room:
            self._full()
            return TOO_MANY
        self._inside[transport] = connection
        return self._make()

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """This connection is gone."""
        self._inside.pop(transport, None)

    def begins(self, transport: asyncio.BaseTransport | None) -> None:
        """A request has come over this connection whole, and is being answered."""
        if transport is not None and (connection := self._inside.get(transport)) is not None:
            connection.at_ease()

    def ends(self, transport: asyncio.BaseTransport | None) -> None:
        """The answer is on its way."""
        if transport is not None and (connection := self._inside.get(transport)) is not None:
            connection.hurry()


class _Connection(asyncio.Protocol):
    """Passes everything on to the protocol that speaks HTTP."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        entered = self._doorway.enter(transport, self)
        if isinstance(entered, bytes):
            self._transport.write(entered)
            self._transport.close()
            return
        self._inner = entered
        self._inner.connection_made(transport)
        self.hurry()

    def hurry(self) -> None:
        """A request must come before long."""
        self.at_ease()
        if self._transport is not None:
            self._alarm = asyncio.get_running_loop().call_later(WITHIN, self._transport.abort)

    def at_ease(self) -> None:
        """It may take its time."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._inner is None else self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.at_ease()
        if self._transport is not None:
            self._doorway.leave(self._transport)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()
