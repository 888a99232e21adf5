"""The whole way as the daemon has it: connector, bridge, a real browser on the page, the stand-in phone system."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Literal, TypeVar

from ozrules.connectors.gateway import GatewayConnector, Listen, MovedParty
from ozrules.connectors.webclient.page_server import ORIGIN
from ozrules.connectors.webclient.tokens import FixedToken, Tokens
from ozrules.connectors.webclient.webclient import WebClient, bridge_url
from ozrules.engine.effects import Command
from ozrules.engine.events import Receipt, SessionSeen, SessionsListed
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.runtime.clock import SystemClock
from ozrules.runtime.ports import ConnectionState, FromPhoneSystem
from ozrules.session.methods import Method
from ozrules.session.session import Session
from tests.standin.webphone import Webphone

T = TypeVar("T", bound=FromPhoneSystem)

TOKEN = "canary-phone-token-4711"
WATCHING_TOKEN = "canary-watch-token-4711"
PASSWORD = "canary-password-4711"
BRIDGE_TOKEN = "canary-bridge-token-4711"
WAIT = 20.0


class Linked:
    """What a test holds: the phone system to drive, and all that the connector said."""

    def __init__(self, phone: Webphone, connector: GatewayConnector) -> None:
        self.phone = phone
        self.connector = connector
        self.items: list[FromPhoneSystem] = []
        self._more = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    def start_reading(self) -> None:
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def stop_reading(self) -> None:
        """As when the daemon ends: nothing listens any more."""
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        async with contextlib.aclosing(self.connector.events()) as items:
            async for item in items:
                async with self._more:
                    self.items.append(item)
                    self._more.notify_all()

    async def until(self, kind: type[T], matches: Callable[[T], object] = lambda _: True, *, after: int = 0) -> T:
        """The first item of this kind that matches, of those after the first ``after`` ones."""

        def found() -> T | None:
            return next((item for item in self.items[after:] if isinstance(item, kind) and matches(item)), None)

        async with asyncio.timeout(WAIT), self._more:
            await self._more.wait_for(found)
        item = found()
        assert item is not None
        return item

    async def ready(self, *, after: int = 0) -> SessionsListed:
        """The list of sessions, when the connection has become ready."""
        listed = await self.until(SessionsListed, after=after)
        await self.until(ConnectionState, lambda item: item.ready, after=after)
        return listed

    async def seen(self, session_id: str, kind: Literal["created", "stateChanged", "closed"] = "created") -> Session:
        found = await self.until(SessionSeen, lambda item: item.kind == kind and item.session.session_id == session_id)
        return found.session

    async def ring(self, **properties: str) -> Session:
        """A new call, as the connector shows it."""
        return await self.seen(await self.phone.create(**properties))

    async def call(
        self,
        method: Method,
        session: Session,
        *,
        to: str | None = None,
        party: Literal["caller", "callee"] | None = None,
        key: str | None = None,
    ) -> Receipt:
        command = Command(
            id=CommandId("1-0"),
            decision=1,
            step=0,
            rule="test",
            session=SessionKey("office", "", session.session_id, session.start_time or ""),
            action=method,
            to=to,
            party=party,
            key=key,
            deadline=0.0,
            timeout=5.0,
        )
        return await self.connector.execute(command, session)


@contextlib.asynccontextmanager
async def linked(
    phone: Webphone,
    *,
    token: str = TOKEN,
    tokens: Tokens | None = None,
    password: str | None = None,
    moved_party: MovedParty | None = "argument",
) -> AsyncIterator[Linked]:
    """Everything running, from the phone system ``phone`` to the connector; ready or not."""
    connector = GatewayConnector(
        "office",
        Listen("127.0.0.1", 0, BRIDGE_TOKEN, frozenset({ORIGIN})),
        moved_party=moved_party,
        clock=SystemClock(),
        chance=random.Random(1),
    )
    link = Linked(phone, connector)
    link.start_reading()

    try:
        webclient = WebClient(
            connection="office",
            server="127.0.0.1",
            script=phone.script,
            tokens=FixedToken("office", lambda: token) if tokens is None else tokens,
            password=password,
            bridge_token=BRIDGE_TOKEN,
            chance=random.Random(1),
        )
        browsing = asyncio.get_running_loop().create_task(
            webclient.run(bridge_url("127.0.0.1", await connector.listening_port()))
        )
        try:
            yield link
        finally:
            browsing.cancel()
            await asyncio.wait([browsing])
    finally:
        await link.stop_reading()
