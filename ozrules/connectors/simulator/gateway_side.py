"""The gateway's side of the session protocol, in front of a simulated phone system. It listens; the daemon dials it.

Each daemon has its own bounded queue of frames: one that does not read is cut off, and the calls go on.
"""

import asyncio
import hmac
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from ozrules.connectors.gateway.listener import QUIET, chosen_subprotocol, tokens_in
from ozrules.connectors.pulse import Pulse
from ozrules.connectors.session_messages import (
    MAX_FRAME,
    Call,
    ConnectionNews,
    ErrorResponse,
    FromGateway,
    Hello,
    ListSessions,
    RequestId,
    SnapshotPart,
    WireError,
)
from ozrules.connectors.session_messages import Response as Answer
from ozrules.connectors.session_protocol import decode_request, encode, snapshot_parts
from ozrules.connectors.simulator.switchboard import Done, Silent, Switchboard
from ozrules.engine.events import RefusalKind, Refused
from ozrules.runtime.ports import Clock

MAX_WAITING = 50_000  # frames that a daemon may leave unread


class SimulatorGateway:
    """Serves one switchboard to any number of daemons."""

    def __init__(self, switchboard: Switchboard, clock: Clock, *, host: str, port: int, token: str) -> None:
        self.port = port
        self._switchboard = switchboard
        self._clock = clock
        self._host = host
        self._token = token.encode()
        self._pulse = Pulse(clock)
        self._daemons: dict[ServerConnection, asyncio.Queue[bytes]] = {}
        self._listening = asyncio.Event()

    @property
    def url(self) -> str:
        """Where daemons connect, once it listens."""
        return f"ws://{self._host}:{self.port}/"

    async def run(self) -> None:
        """Serve until cancelled."""
        async with serve(
            self._serve,
            self._host,
            self.port,
            process_request=self._admit,
            select_subprotocol=chosen_subprotocol,
            compression=None,
            max_size=MAX_FRAME,
            close_timeout=1,
            server_header=None,
            logger=QUIET,
        ) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._listening.set()
            while True:
                self._tell_changes()
                await self._pulse.wait(self._switchboard.phones.next_due())

    async def until_listening(self) -> None:
        """Returns when daemons may come; `port` is known then."""
        await self._listening.wait()

    def poke(self) -> None:
        """Something was done to the phone system from elsewhere."""
        self._pulse.poke()

    async def restart(self) -> None:
        """The phone system crashes and comes back: calls and connections are gone."""
        self._switchboard.phones.restart(self._clock.now())
        for connection in list(self._daemons):
            await connection.close(1012, "restart")

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if any(hmac.compare_digest(given, self._token) for given in tokens_in(request)):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "a wrong token, or none\n")

    def _tell_changes(self) -> None:
        for news in self._switchboard.changes(self._clock.now()):
            frame = encode(news)
            for connection, waiting in self._daemons.items():
                if waiting.full():
                    connection.transport.abort()  # it reads too slowly; it may come back for the whole list
                else:
                    waiting.put_nowait(frame)

    async def _serve(self, connection: ServerConnection) -> None:
        waiting: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        for message in self._greeting():
            waiting.put_nowait(encode(message))
        self._daemons[connection] = waiting
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write(connection, waiting))
                await self._read(connection, waiting)
                writing.cancel()
        except* ConnectionClosed:
            pass  # a daemon may go at any moment
        finally:
            del self._daemons[connection]

    def _drawn(self, asked: RequestId | None = None) -> list[SnapshotPart]:
        """The list of this moment, after every change that there has been until now."""
        self._tell_changes()
        phones, now = self._switchboard.phones, self._clock.now()
        return list(snapshot_parts(phones.sessions(now), seq=phones.latest, at=now, answers=asked))

    def _greeting(self) -> list[FromGateway]:
        phones = self._switchboard.phones
        behaviour = phones.behaviour
        privileges = frozenset(map(str, behaviour.privileges)) if behaviour.privileges is not None else None
        hello = Hello(
            protocol=1,
            name="ozrules simulate",
            version="1",
            epoch=phones.epoch,
            privileges=privileges if behaviour.tells_privileges else None,
            snapshot=True,
        )
        return [hello, ConnectionNews(state="ACCESS_GRANTED"), *self._drawn()]

    async def _write(self, connection: ServerConnection, waiting: asyncio.Queue[bytes]) -> None:
        while True:
            await connection.send(await waiting.get(), text=True)

    async def _read(self, connection: ServerConnection, waiting: asyncio.Queue[bytes]) -> None:
        async for frame in connection:
            for message in await self._answers(connection, frame):
                await waiting.put(encode(message))
            self._pulse.poke()

    async def _answers(self, connection: ServerConnection, frame: str | bytes) -> list[FromGateway]:
        try:
            request = decode_request(frame)
        except WireError as error:
            kind: RefusalKind = "denied" if error.kind == "unknownMethod" else "invalid"
            return [] if error.id is None else [ErrorResponse(error.id, kind, str(error))]
        now = self._clock.now()
        match request:
            case ListSessions(id=id):
                parts = self._drawn(id)
                if len(parts) == 1:
                    return [Answer(id, parts[0])]
                return [Answer(id, SnapshotPart(sessions=(), complete=False)), *parts]
            case Call(id=id):
                reply = self._switchboard.ask(request, now)
                match reply:
                    case Done():
                        return [Answer(id)]
                    case Refused(kind=kind, message=text):
                        return [ErrorResponse(id, kind, text)]
                    case Silent(closes=closes):
                        if closes:
                            await connection.close(1011, "")
                        return []
