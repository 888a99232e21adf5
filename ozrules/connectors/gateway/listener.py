"""Waits for a gateway to come: one at a time, with the right token, from a known page or from none.

After five wrong tokens within a minute every further wrong one from that address waits five seconds for its answer. The
right one never waits, so that nobody on the same address can keep the gateway out.
"""

import asyncio
import hmac
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, NamedTuple, cast

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ozrules.connectors.session_messages import BEARER, MAX_FRAME, SUBPROTOCOL
from ozrules.runtime.doorway import AT_ONCE, WAITING, Entrance
from ozrules.runtime.ports import Clock

PING_EVERY: Final = 20.0
PONG_WITHIN: Final = 20.0
CLOSE_WITHIN: Final = 2.0
WRONG_TOKENS: Final = 5
WRONG_WITHIN: Final = 60.0
DELAY: Final = 5.0
MAX_DELAYED: Final = 16
MAX_PEERS: Final = 1000

QUIET: Final = logging.getLogger("ozrules.connectors.gateway.wire")
"""websockets would log headers, and with them the token. What matters is told as items, so this one is silent."""
QUIET.disabled = True


class Came(NamedTuple):
    """A gateway that was let in at the moment ``since``."""

    connection: ServerConnection
    since: float


Arrival = Came | str
"""A gateway that was let in, or a line about one that was not."""


class WrongTokens:
    """Remembers wrong tokens by address. Bounded: the address that was wrong longest ago is forgotten first."""

    def __init__(self) -> None:
        self._by_peer: dict[str, deque[float]] = {}

    def note(self, peer: str, now: float) -> None:
        """A wrong token came from ``peer``."""
        moments = self._by_peer.pop(peer, None) or deque(maxlen=WRONG_TOKENS)
        moments.append(now)
        self._by_peer[peer] = moments
        if len(self._by_peer) > MAX_PEERS:
            del self._by_peer[next(iter(self._by_peer))]

    def too_many(self, peer: str, now: float) -> bool:
        """Whether the next try from ``peer`` must wait."""
        moments = self._by_peer.get(peer)
        return moments is not None and len(moments) == WRONG_TOKENS and now - moments[0] < WRONG_WITHIN


class _Connection(ServerConnection):
    """Comes in by the entrance, as connections of browsers do."""

    def __init__(self, entrance: Entrance, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._entrance = entrance

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        opened = cast(asyncio.Transport, transport)
        if self._entrance.enter(opened):
            super().connection_made(transport)
        else:
            opened.set_protocol(asyncio.Protocol())  # it is told so, and nothing of it is read

    def connection_lost(self, exc: Exception | None) -> None:
        self._entrance.leave(self.transport)
        super().connection_lost(exc)


class GatewayListener:
    """An async context manager: it listens as long as it is entered."""

    def __init__(self, host: str, port: int, *, token: str, origins: frozenset[str], clock: Clock) -> None:
        self._token = token.encode()
        self._origins = origins
        self._clock = clock
        self._wrong = WrongTokens()
        self._delayed = 0
        self._entrance = Entrance(full=lambda: self._arrived("refused a gateway: too many connections at once"))
        self._busy = False
        self._arrivals: asyncio.Queue[Arrival] = asyncio.Queue(100)
        self._server = serve(
            self._serve,
            host,
            port,
            process_request=self._admit,
            select_subprotocol=chosen_subprotocol,
            compression=None,
            max_size=MAX_FRAME,
            max_queue=64,
            open_timeout=10 + DELAY,
            ping_interval=PING_EVERY,
            ping_timeout=PONG_WITHIN,
            close_timeout=CLOSE_WITHIN,
            server_header=None,
            logger=QUIET,
            create_connection=partial(_Connection, self._entrance),  # type: ignore[arg-type]  # "a wrapper or a subclass"
            backlog=AT_ONCE,
        )
        self.port = port

    async def __aenter__(self) -> "GatewayListener":
        server = await self._server
        for each in server.sockets:
            with each.dup() as listening:
                listening.listen(WAITING)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.__aexit__(kind, error, trace)

    async def arrival(self) -> Arrival:
        """The next gateway that is let in, or a line about one that was not."""
        return await self._arrivals.get()

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        peer = str(connection.remote_address[0])
        origins = request.headers.get_all("Origin")
        if any(origin not in self._origins for origin in origins):
            return self._no(connection, HTTPStatus.FORBIDDEN, peer, "an unknown Origin")
        if not any(hmac.compare_digest(given, self._token) for given in tokens_in(request)):
            if self._wrong.too_many(peer, self._clock.now()):
                if self._delayed >= MAX_DELAYED:
                    return self._no(connection, HTTPStatus.TOO_MANY_REQUESTS, peer, "too many wrong tokens")
                self._delayed += 1
                try:
                    await self._clock.sleep_until(self._clock.now() + DELAY)
                finally:
                    self._delayed -= 1
            self._wrong.note(peer, self._clock.now())
            return self._no(connection, HTTPStatus.UNAUTHORIZED, peer, "a wrong token, or none")
        if self._busy:
            return self._no(connection, HTTPStatus.CONFLICT, peer, "another gateway is connected")
        self._entrance.begins(connection.transport)
        return None

    def _no(self, connection: ServerConnection, status: HTTPStatus, peer: str, why: str) -> Response:
        self._arrived(f"refused a gateway from {peer}: {why}")
        return connection.respond(status, f"{why}\n")

    def _arrived(self, arrival: Arrival) -> None:
        if not self._arrivals.full():
            self._arrivals.put_nowait(arrival)

    async def _serve(self, connection: ServerConnection) -> None:
        if self._busy:
            return  # two came at once, and the other was first; returning closes this one
        self._busy = True
        try:
            await self._arrivals.put(Came(connection, self._clock.now()))
            await connection.wait_closed()
        finally:
            self._busy = False


def tokens_in(request: Request) -> list[bytes]:
    """Every bearer token that a handshake presents: in the header, or as a subprotocol as browsers must."""
    words = [header.partition(" ") for header in request.headers.get_all("Authorization")]
    given = [token.strip() for scheme, _, token in words if scheme.lower() == "bearer"]
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
    given += [each.strip()[len(BEARER) :] for each in offered if each.strip().startswith(BEARER)]
    return [token.encode("utf-8", "surrogateescape") for token in given]  # the very bytes that came


def chosen_subprotocol(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """A browser ends the connection where none of the subprotocols it offers is chosen."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None
