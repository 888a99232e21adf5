"""A gateway that says what a test tells it to say, over a real WebSocket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve

from ozrules.connectors.session_messages import FromDaemon, FromGateway, Hello, SessionNews, SnapshotPart
from ozrules.connectors.session_protocol import decode_request, encode
from ozrules.session.session import Session
from ozrules.session.state import RINGING, State

TOKEN = "lab"
HELLO = Hello(protocol=1, name="a gateway", epoch="e1")
NO_SESSIONS = SnapshotPart(sessions=())

Script = Callable[["Speaker"], Awaitable[None]]


class Speaker:
    """A gateway's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def say(self, *messages: FromGateway | str) -> None:
        for message in messages:
            await self.connection.send(message if isinstance(message, str) else encode(message).decode())

    async def hear(self) -> FromDaemon:
        return decode_request(await self.connection.recv())

    async def stay(self) -> None:
        """Keeps the connection until the daemon goes, deaf and dumb."""
        await self.connection.wait_closed()


@asynccontextmanager
async def gateway(script: Script) -> AsyncIterator[int]:
    """Plays ``script`` to every daemon that comes; gives the port."""

    async def play(connection: ServerConnection) -> None:
        await script(Speaker(connection))

    async with serve(play, "127.0.0.1", 0, close_timeout=0.2) as server:
        yield server.sockets[0].getsockname()[1]


def ringing(id: str = "s1", *, state: State = RINGING, caller: str | None = "+36201234567") -> Session:
    return Session(session_id=id, session_state=state, caller=caller, callee="2001", start_time="2026-11-23T10:00:00Z")


def changed(id: str = "s1", state: State = RINGING, seq: int | None = None) -> SessionNews:
    return SessionNews("stateChanged", ringing(id, state=state), None, seq)


async def until(holds: Callable[[], bool]) -> None:
    """Returns once ``holds`` does, which something on the network brings about."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - the condition is on the other side of a socket
            await asyncio.sleep(0.005)
