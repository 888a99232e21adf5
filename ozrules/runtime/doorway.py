"""The way in: so many connections and no more, and none of them may dawdle.

aiohttp waits for ever for a request whose head comes a byte at a time, and for a client that does not read its answer.
So it does not listen itself, neither for the dashboard nor for notifications: here each connection has `WITHIN` seconds
to say what it wants, and again after each answer; one that is being answered is left alone. What is too much is told so
in one line and closed. Gateways come in the same way.
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
BEYOND_WITHIN = 1.0
"""Seconds for who is heard although there is no room."""
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


class Entrance:
    """Who is inside, and who must say something before long.

    ``refused`` gives the words for an address that may not come in at all, None for all others; ``full`` is told of
    each connection that finds no room. ``beyond`` is how many are heard although there is no room: the newest takes the
    place of the one that has been silent longest, so that who asks at once is heard even while others dawdle.
    """

    def __init__(
        self,
        *,
        refused: Callable[[str], bytes | None] = lambda peer: None,
        full: Callable[[], None],
        beyond: int = 0,
    ) -> None:
        self._refused = refused
        self._full = full
        self._room = room()
        self._most_beyond = beyond
        self._inside: dict[asyncio.Transport, asyncio.TimerHandle | None] = {}
        self._beyond: dict[asyncio.Transport, asyncio.TimerHandle] = {}

    def enter(self, transport: asyncio.Transport) -> bool:
        """Whether it may come in; who may not has been told so. Its time begins."""
        name = transport.get_extra_info("peername")
        words = self._refused(name[0] if name else "")
        if words is not None:
            transport.write(words)
            transport.close()
            return False
        if len(self._inside) < self._room:
            self._inside[transport] = None
            self.ends(transport)
            return True
        if not self._most_beyond:
            self._turn_away(transport)
            return False
        if len(self._beyond) >= self._most_beyond:
            self._turn_away(next(iter(self._beyond)))
        later = asyncio.get_running_loop().call_later
        self._beyond[transport] = later(BEYOND_WITHIN, lambda: self._turn_away(transport))
        return True

    def leave(self, transport: asyncio.Transport) -> None:
        """This connection is gone."""
        for alarm in (self._inside.pop(transport, None), self._beyond.pop(transport, None)):
            if alarm is not None:
                alarm.cancel()

    def begins(self, transport: asyncio.BaseTransport | None) -> bool:
        """A request has come over this connection whole, and is being answered. False where there is no room for more
        than a word.
        """
        one = cast(asyncio.Transport, transport)
        if (silent := self._beyond.pop(one, None)) is not None:
            silent.cancel()
            self._inside[one] = None
            return False
        if (alarm := self._inside.get(one)) is not None:
            alarm.cancel()
            self._inside[one] = None
        return True

    def ends(self, transport: asyncio.BaseTransport | None) -> None:
        """The answer is on its way; the next request must come before long."""
        one = cast(asyncio.Transport, transport)
        if one in self._inside:
            self.begins(one)
            self._inside[one] = asyncio.get_running_loop().call_later(WITHIN, one.abort)

    def _turn_away(self, transport: asyncio.Transport) -> None:
        self.leave(transport)
        self._full()
        transport.write(TOO_MANY)
        transport.close()


class Doorway(Entrance):
    """Makes the protocol of each new connection; ``make`` makes the one that speaks HTTP."""

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        *,
        refused: Callable[[str], bytes | None] = lambda peer: None,
        full: Callable[[], None],
        beyond: int = 0,
    ) -> None:
        super().__init__(refused=refused, full=full, beyond=beyond)
        self._make = make

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self, self._make)


class _Connection(asyncio.Protocol):
    """Passes everything on to the protocol that speaks HTTP."""

    def __init__(self, doorway: Doorway, make: Callable[[], asyncio.Protocol]) -> None:
        self._doorway = doorway
        self._make = make
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._doorway.enter(self._transport):
            self._inner = self._make()
            self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._inner is None else self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
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
