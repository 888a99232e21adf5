"""A phone system behind the session protocol. Either side may open the socket; both ways end in the same `Link`.

The reading of `events` is what drives it: it connects, reads, and after a loss connects again, later each time. Read
it with ``contextlib.aclosing``, so that the socket is closed when the reading stops.
"""

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, assert_never
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI

from ozrules.connectors.gateway.link import Link, Socket
from ozrules.connectors.gateway.listener import CLOSE_WITHIN, PING_EVERY, PONG_WITHIN, QUIET, GatewayListener
from ozrules.connectors.gateway.requests import MovedParty
from ozrules.connectors.retry import wait_after
from ozrules.connectors.session_messages import MAX_FRAME
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, Gap, Refused, Unanswered
from ozrules.runtime.ports import Clock, ConnectionState, FromPhoneSystem
from ozrules.session.session import Session

OPEN_WITHIN: Final = 10.0
DENIED: Final = (401, 403)


class Dial(msgspec.Struct, frozen=True):
    """Connect to a gateway that listens at ``url``."""

    url: str
    token: str

    async def open(self) -> Socket:
        """The open socket. Raises what `websockets.connect` raises."""
        opened = await _Connect(
            self.url,
            additional_headers={"Authorization": f"Bearer {self.token}"},
            user_agent_header=None,
            compression=None,
            proxy=None,
            open_timeout=OPEN_WITHIN,
            ping_interval=PING_EVERY,
            ping_timeout=PONG_WITHIN,
            close_timeout=CLOSE_WITHIN,
            max_size=MAX_FRAME,
            max_queue=64,
            logger=QUIET,
        )
        _notice_dead_peers(opened)
        return opened


class Listen(msgspec.Struct, frozen=True):
    """Wait for a gateway to come. ``origins`` are the pages it may come from; a program that is no page has none."""

    host: str
    port: int
    token: str
    origins: frozenset[str] = frozenset()


class GatewayConnector:
    """The Connector port for one gateway."""

    def __init__(
        self,
        name: str,
        way: Dial | Listen,
        *,
        moved_party: MovedParty | None,
        clock: Clock,
        chance: random.Random,
        timezone: str = "UTC",
    ) -> None:
        self._name = name
        self._way = way
        self._moved_party = moved_party
        self._clock = clock
        self._chance = chance
        self._timezone = timezone
        self._link: Link | None = None
        self._told = ""
        self._port = way.port if isinstance(way, Listen) else 0
        self._listening = asyncio.Event()

    @property
    def name(self) -> str:
        return self._name

    async def listening_port(self) -> int:
        """The port on which a gateway is waited for, once it is open; made up once where it is given as 0."""
        await self._listening.wait()
        return self._port

    async def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        """Everything that is seen; see `ozrules.runtime.ports.Connector.events`."""
        failures = 0
        while True:
            denied = False
            try:
                match self._way:
                    case Dial() as way:
                        since = self._clock.now()
                        async with aclosing(self._talk(await way.open(), since)) as items:
                            async for item in items:
                                failures = 0 if _is_ready(item) else failures
                                yield item
                    case Listen() as way:
                        async with aclosing(self._serve(way)) as items:
                            async for item in items:
                                yield item
                    case _:
                        assert_never(self._way)
            except (OSError, InvalidHandshake, InvalidURI, EOFError) as error:
                denied = isinstance(error, InvalidStatus) and error.response.status_code in DENIED
                for item in self._down(_why_unreachable(error, self._way)):
                    yield item
            await self._clock.sleep_until(self._clock.now() + wait_after(failures, denied=denied, chance=self._chance))
            failures += 1

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        """Call a method of a session, once."""
        if self._link is None:
            return Refused("unavailable", "not connected")
        return await self._link.execute(command, session)

    async def request_list(self) -> None:
        """Ask for the full list; it comes among the events."""
        if self._link is not None:
            await self._link.request_list()

    async def _serve(self, way: Listen) -> AsyncGenerator[FromPhoneSystem, None]:
        async with GatewayListener(
            way.host, self._port, token=way.token, origins=way.origins, clock=self._clock
        ) as listener:
            self._port = listener.port
            self._listening.set()
            waiting = f"waiting for a gateway on {way.host}:{listener.port}"
            for item in self._down(waiting):
                yield item
            while True:
                arrival = await listener.arrival()
                if isinstance(arrival, str):
                    for item in self._down(f"{waiting}; {arrival}"):
                        yield item
                    continue
                _notice_dead_peers(arrival.connection)
                async with aclosing(self._talk(arrival.connection, arrival.since)) as items:
                    async for item in items:
                        yield item

    async def _talk(self, opened: Socket, since: float) -> AsyncGenerator[FromPhoneSystem, None]:
        """All that one open socket brings, and its end."""
        link = Link(
            opened,
            connection=self._name,
            moved_party=self._moved_party,
            clock=self._clock,
            timezone=self._timezone,
            since=since,
        )
        self._link = link
        try:
            async with aclosing(link.items()) as items:
                async for item in items:
                    yield item
        finally:
            self._link = None
        if link.greeted:
            yield Gap(at=self._clock.now(), connection=self._name, why=link.why)
            self._told = ""
        for item in self._down(link.why):
            yield item

    def _down(self, detail: str) -> list[FromPhoneSystem]:
        """That the connection is down, said once for each reason."""
        if detail == self._told:
            return []
        self._told = detail
        return [ConnectionState(at=self._clock.now(), connection=self._name, ready=False, detail=detail)]


class _Connect(connect):
    """Follows no redirects: the token is for the configured address alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _notice_dead_peers(opened: Connection) -> None:
    """What we send and nobody acknowledges ends the connection as late as a missing pong would."""
    raw = opened.transport.get_extra_info("socket")
    if raw is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int((PING_EVERY + PONG_WITHIN) * 1000))


def _is_ready(item: FromPhoneSystem) -> bool:
    return isinstance(item, ConnectionState) and item.ready


def _why_unreachable(error: Exception, way: Dial | Listen) -> str:
    """One line for an admin: what is wrong with reaching the gateway, and where to look."""
    where = f"{way.host}:{way.port}" if isinstance(way, Listen) else urlsplit(way.url).netloc.rpartition("@")[2]
    match error:
        case InvalidStatus() if error.response.status_code in DENIED:
            return f"ACCESS_DENIED: the gateway at {where} does not accept the token"
        case InvalidStatus():
            return f"{where} answers with HTTP status {error.response.status_code}; is a gateway listening there?"
        case InvalidMessage() | EOFError():
            return f"{where} does not answer as a WebSocket server; is it the right port?"
        case InvalidURI():
            return "the gateway's url is no ws:// or wss:// address"
        case ssl.SSLError():
            return f"no secure connection with {where}: {error.reason or error}"
        case TimeoutError():
            return f"{where} does not answer within {OPEN_WITHIN:g} s"
        case OSError():
            verb = "listen on" if isinstance(way, Listen) else "reach"
            return f"cannot {verb} {where}: {error.strerror or error}"
        case _:
            return f"{where} does not answer as a WebSocket server: {type(error).__name__}"
