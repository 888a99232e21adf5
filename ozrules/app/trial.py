"""Tries a connection: reaches the phone system once, as the daemon would, and says what it found there."""

import asyncio
import random
from contextlib import aclosing
from typing import Final

import msgspec

from ozrules.app.connections import Shared, Unsupported, connect
from ozrules.engine.events import ConnectionOpened, SessionsListed
from ozrules.runtime.ports import Clock, ConnectionState, Connector
from ozrules.runtime.routes import Routes
from ozrules.settings.model import ConnectionSettings, OzekiHttpSettings, WebclientSettings

PATIENCE: Final = 20.0
"""Seconds in all, for a browser to start and a page to load among other things."""
REFUSED: Final = 3.0
"""Seconds that a phone system has left once it has been heard of as not reached."""


class Found(msgspec.Struct, frozen=True):
    """What came of it. ``problem`` is None where the phone system was reached and gave its list.

    ``privileges`` are the methods that the credentials may have carried out; None: the phone system does not say.
    ``detail`` is what the connection says of itself once it is ready.
    """

    problem: str | None
    sessions: int | None = None
    privileges: frozenset[str] | None = None
    detail: str = ""


async def attempt(settings: ConnectionSettings, clock: Clock, among: tuple[ConnectionSettings, ...] = ()) -> Found:
    """Connects, and disconnects again. ``among`` are all connections: a web client's token may come over another.

    No port is opened that the daemon may have open at this moment.
    """
    match settings:
        case WebclientSettings():
            settings = msgspec.structs.replace(settings, browser="managed", bridge=None)
        case OzekiHttpSettings():
            settings = msgspec.structs.replace(settings, notifications=None)
        case _:
            pass
    try:
        shared = Shared(
            clock=clock,
            chance=random.Random(),  # noqa: S311  # spreads retries
            routes=Routes(clock),
            troubles={},
            connections=among or (settings,),
        )
        connector, side = connect(settings, shared)
    except Unsupported as unsupported:
        return Found(str(unsupported))
    async with asyncio.TaskGroup() as group:
        beside = None if side is None else group.create_task(side())
        found = await _reach(connector, REFUSED if beside is None else PATIENCE)
        if beside is not None:
            beside.cancel()
    return found


async def _reach(connector: Connector, refused: float) -> Found:
    said = "it does not answer"
    privileges: frozenset[str] | None = None
    listed: SessionsListed | None = None
    try:
        async with asyncio.timeout(PATIENCE) as limit, aclosing(connector.events()) as events:
            async for item in events:
                match item:
                    case ConnectionState(ready=False, detail=detail):
                        said = detail
                        limit.reschedule(asyncio.get_running_loop().time() + refused)
                    case ConnectionOpened():
                        privileges = item.privileges
                    case SessionsListed():
                        listed = item
                    case ConnectionState(ready=True, detail=detail) if listed is not None:
                        sessions = None if listed.sessions is None else len(listed.sessions)
                        return Found(None, sessions, privileges, detail)
                    case _:
                        pass
    except TimeoutError:
        pass
    return Found(said)
