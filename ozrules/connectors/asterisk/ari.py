"""The one thing that the manager cannot do: hold two parties with music, whatever the dialplan says.

While an ARI application is connected Asterisk makes a context ``stasis-APP`` by itself. Channels that are redirected
into it are in our hands, hear music, and stay so when this connection ends, until the manager bridges them again. If
the application were not connected at that moment both calls would be dropped; so it is connected for each hold, and
seen to be connected, before anything is redirected.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec

from ozrules.connectors.asterisk.configuration import AriAccess
from ozrules.session.unicode import read_json

WITHIN: Final = 4.0


class AriFailed(Exception):
    """Nothing was held; the text says why. Both parties talk on."""


class HoldBroken(Exception):
    """The parties may be neither talking nor hearing music; the text says what went wrong."""


class _Channel(msgspec.Struct):
    id: str = ""


class _Event(msgspec.Struct):
    type: str = ""
    channel: _Channel | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)


class Ari:
    """Holds pairs of channels, one pair at a time."""

    def __init__(self, access: AriAccess) -> None:
        self._access = access
        self._turn = asyncio.Lock()

    @property
    def context(self) -> str:
        """The context that Asterisk makes for the application."""
        return f"stasis-{self._access.app}"

    async def hold(self, leg_ids: tuple[str, str], redirect: Callable[[], Awaitable[bool]]) -> bool:
        """Connects, lets ``redirect`` send both legs over, and gives them music. False where ``redirect`` refused.

        Raises AriFailed before anything was done to the call, and HoldBroken after.
        """
        access = self._access
        login = {"Authorization": aiohttp.encode_basic_auth(access.username, access.password)}
        async with self._turn, aiohttp.ClientSession(headers=login) as http:
            try:
                async with asyncio.timeout(WITHIN):
                    events = await http.ws_connect(
                        f"{access.url}/events", params={"app": access.app}, max_msg_size=1 << 18, autoping=True
                    )
                    await self._see_app(http)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise AriFailed(f"ARI at {access.url} cannot be used: {_why(error)}") from error
            if not await redirect():
                return False
            try:
                async with asyncio.timeout(WITHIN):
                    await self._arrived(events, set(leg_ids))
                    for leg_id in leg_ids:
                        await self._play(http, leg_id)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise HoldBroken(
                    f"the parties were taken apart, but music could not be started: {_why(error)}"
                ) from error
            return True

    async def _see_app(self, http: aiohttp.ClientSession) -> None:
        """That Asterisk knows the application: only then its context exists."""
        url = f"{self._access.url}/applications/{quote(self._access.app, safe='')}"
        async with http.get(url) as response:
            response.raise_for_status()

    async def _arrived(self, events: aiohttp.ClientWebSocketResponse, awaited: set[str]) -> None:
        while awaited:
            message = await events.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise aiohttp.ClientConnectionError("Asterisk closed the event connection")
            try:
                event = read_json(_EVENT, message.data)
            except msgspec.DecodeError:
                continue
            if event.type == "StasisStart" and event.channel is not None:
                awaited.discard(event.channel.id)

    async def _play(self, http: aiohttp.ClientSession, leg_id: str) -> None:
        async with http.post(f"{self._access.url}/channels/{quote(leg_id, safe='')}/moh") as response:
            response.raise_for_status()


def _why(error: Exception) -> str:
    match error:
        case aiohttp.WSServerHandshakeError(status=401) | aiohttp.ClientResponseError(status=401):
            return "user name or password is wrong"
        case aiohttp.ClientResponseError():
            return f"HTTP status {error.status}"
        case TimeoutError():
            return f"no answer within {WITHIN:g} s"
        case _:
            return str(error) or type(error).__name__
