"""A manager interface on loopback that says what a test tells it to, and remembers every action it was sent."""

import asyncio
import random
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeVar

from ozrules.connectors.asterisk.ami import Decoder, Fields
from ozrules.connectors.asterisk.configuration import AsteriskAccess
from ozrules.connectors.asterisk.connector import NOWHERE, AsteriskConnector
from ozrules.engine.effects import Command
from ozrules.engine.events import Receipt, SessionSeen, SessionsListed
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.runtime.clock import SystemClock
from ozrules.runtime.ports import FromPhoneSystem
from ozrules.session.methods import METHODS, Method
from ozrules.session.session import Session
from ozrules.session.state import State

Item = TypeVar("Item", bound=FromPhoneSystem)

BANNER = "Asterisk Call Manager/9.0.0"
PASSWORD = "a-very-secret-word"
MAY = ("Redirect", "Getvar", "Originate", "BlindTransfer", "Hangup", "Bridge", "PlayDTMF")
TELLS = (*MAY, "Status")


def block(fields: Fields) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n"


class Manager:
    """The phone system's side. ``answers`` maps an action to its response; ``channels`` is what it lists.

    ``standing`` is how each channel stands by the events so far, or as a test says; it is what Status tells.
    ``meanwhile`` is done when an action has come, before it is answered: what happens in that very moment.
    """

    def __init__(self) -> None:
        self.port = 0
        self.actions: list[Fields] = []
        self.answers: dict[str, Fields | None] = {}
        self.channels: list[Fields] = []
        self.may: tuple[str, ...] = MAY
        self.banner = BANNER
        self.tells_of_calls = True
        self.connections = 0
        self.standing: dict[str, Fields] = {}
        self.devices: list[str] = []
        self.contexts: dict[str, str] = {}
        self.extensions = re.compile(r"[*0-9]{1,15}")
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._changed = asyncio.Condition()
        self._serving: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.serve(reader, writer))
        self._serving.add(task)

    async def end(self) -> None:
        """Closes what is open."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._serving:
            await asyncio.wait(self._serving)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connections += 1
        writer.write(self.banner.encode() + b"\r\n")
        decoder = Decoder()
        with suppress(ConnectionResetError):
            while data := await reader.read(65536):
                for action in decoder.feed(data):
                    assert isinstance(action, dict)
                    if action.get("Channel") == NOWHERE:
                        self._fail(action)
                        continue
                    self.actions.append(action)
                    self.meanwhile.pop(action["Action"], lambda: None)()
                    self._answer(action)
                async with self._changed:
                    self._changed.notify_all()

    def _fail(self, action: Fields) -> None:
        """An order for a call that cannot be made."""
        asked = {"ActionID": action["ActionID"]}
        self.write(block({"Response": "Success"} | asked))
        if self.tells_of_calls:
            failed = {"Event": "OriginateResponse", "Response": "Failure", "Channel": NOWHERE, "Reason": "0"}
            self.write(block(failed | asked))

    def _answer(self, action: Fields) -> None:
        name, asked = action["Action"], {"ActionID": action["ActionID"]}
        success = {"Response": "Success"} | asked
        match name:
            case "Login" if action["Secret"] != PASSWORD:
                self.write(block({"Response": "Error", "Message": "Authentication failed"} | asked))
            case _ if name in self.answers:
                answer = self.answers[name]
                if answer is not None:
                    self.write(block(answer | asked))
            case "ListCommands":
                self.write(block(success | dict.fromkeys(self.may, "a synopsis (Priv: call,all)")))
            case "CoreStatus":
                self.write(block(success | {"CoreStartupDate": "2026-11-23", "CoreStartupTime": "20:00:00"}))
            case "CoreShowChannels":
                self.write(block(success | {"EventList": "start"}))
                for channel in self.channels:
                    self.write(block({"Event": "CoreShowChannel"} | asked | channel))
                self.write(block({"Event": "CoreShowChannelsComplete", "EventList": "Complete"} | asked))
            case "Status":
                item = self.standing.get(action["Channel"])
                if item is None:
                    self.write(block({"Response": "Error", "Message": "No such channel"} | asked))
                    return
                self.write(block(success | {"EventList": "start"}))
                self.write(block({"Event": "Status", "Privilege": "Call"} | asked | item))
                self.write(block({"Event": "StatusComplete", "EventList": "Complete", "ListItems": "1"} | asked))
            case "DeviceStateList":
                self.write(block(success | {"EventList": "start"}))
                for device in self.devices:
                    self.write(block({"Event": "DeviceStateChange", "Device": device, "State": "NOT_INUSE"} | asked))
                self.write(block({"Event": "DeviceStateListComplete", "EventList": "Complete"} | asked))
            case "Getvar" if action["Variable"].startswith("PJSIP_ENDPOINT("):
                name = action["Variable"].removeprefix("PJSIP_ENDPOINT(").removesuffix(",context)")
                self.write(block(success | {"Value": self.contexts.get(name, "")}))
            case "Getvar" if action["Variable"].startswith("DIALPLAN_EXISTS("):
                extension = action["Variable"].split(",")[1]
                value = "1" if self.extensions.fullmatch(extension) else "0"
                self.write(block(success | {"Value": value}))
            case "Getvar":
                self.write(block(success | {"Value": "INVALID"}))
            case _:
                self.write(block(success))

    def write(self, data: bytes) -> None:
        """Bytes as they are, to whoever is connected."""
        assert self._writer is not None
        self._writer.write(data)

    def raise_events(self, events: Iterable[Fields]) -> None:
        for event in events:
            self.happens(event)
            self.write(block(event))

    def happens(self, event: Fields) -> None:
        """What an event says comes true, whether it is told or not."""
        for prefix in ("", "Dest"):
            channel = event.get(f"{prefix}Channel")
            if channel is None:
                continue
            one = self.standing.setdefault(channel, {"Channel": channel, "BridgeID": ""})
            for name in ("Uniqueid", "ChannelStateDesc", "Exten"):
                one[name] = event.get(f"{prefix}{name}", one.get(name, ""))
        match event.get("Event"):
            case "BridgeEnter":
                self.standing[event["Channel"]]["BridgeID"] = event["BridgeUniqueid"]
            case "BridgeLeave":
                self.standing[event["Channel"]]["BridgeID"] = ""
            case "Hangup":
                del self.standing[event["Channel"]]
            case _:
                pass

    def hang_up(self) -> None:
        """The phone system goes away without a word."""
        assert self._writer is not None
        self._writer.transport.abort()

    async def action(self, name: str, count: int = 1) -> Fields:
        """Waits until this many actions of this name have come; the last of them."""
        async with self._changed, asyncio.timeout(20):
            await self._changed.wait_for(lambda: len(self.sent(name)) >= count)
        return next(action for action in reversed(self.actions) if action["Action"] == name)

    def sent(self, *names: str) -> list[Fields]:
        """The actions of these names that came, in order, without their ids."""
        return [
            {name: value for name, value in action.items() if name != "ActionID"}
            for action in self.actions
            if action["Action"] in names
        ]


@asynccontextmanager
async def manager(tls: ssl.SSLContext | None = None) -> AsyncIterator[Manager]:
    """A listening manager."""
    standin = Manager()
    server = await asyncio.start_server(standin.accept, "127.0.0.1", 0, ssl=tls)
    standin.port = server.sockets[0].getsockname()[1]
    try:
        yield standin
    finally:
        server.close()
        await standin.end()


class Watched:
    """A connector with everything that it has told so far. ``stop`` ends it, as a crash does."""

    def __init__(self, connector: AsteriskConnector) -> None:
        self.connector = connector
        self.items: list[FromPhoneSystem] = []
        self.stop: Callable[[], object] = lambda: None
        self._came = asyncio.Condition()

    async def read(self) -> None:
        async with aclosing(self.connector.events()) as events:
            async for item in events:
                async with self._came:
                    self.items.append(item)
                    self._came.notify_all()

    @asynccontextmanager
    async def reading_nothing(self) -> AsyncIterator[None]:
        """Meanwhile whoever reads the events takes no further one."""
        async with self._came:
            yield

    async def until(self, kind: type[Item], which: Callable[[Item], bool] = lambda _: True) -> Item:
        """The first item of this kind that is so, as soon as it has come."""

        def found() -> Item | None:
            return next((item for item in self.items if isinstance(item, kind) and which(item)), None)

        async with self._came, asyncio.timeout(20):
            await self._came.wait_for(lambda: found() is not None)
        item = found()
        assert item is not None
        return item

    async def comes_to(self, condition: Callable[[], bool]) -> None:
        """Waits until what was told so far is so."""
        async with self._came:
            await self._came.wait_for(condition)

    async def state(self, state: State) -> Session:
        """The session that first came to this state."""
        return (await self.until(SessionSeen, lambda seen: seen.session.session_state == state)).session

    async def do(self, action: Method, session: Session, **values: str) -> Receipt:
        """Calls a method."""
        return await self.connector.execute(command(action, session, **values), session)


def command(action: Method, session: Session, **values: str) -> Command:
    assert action in METHODS
    party = values.get("party")
    assert party in (None, "caller", "callee")
    return Command(
        id=CommandId("1-0"),
        decision=1,
        step=0,
        rule="test",
        session=SessionKey("open", "", session.session_id, session.start_time or ""),
        action=action,
        to=values.get("to"),
        party="caller" if party == "caller" else "callee" if party == "callee" else None,
        key=values.get("key"),
        deadline=0.0,
        timeout=float(values.get("timeout", "5")),
    )


@asynccontextmanager
async def watched(access: AsteriskAccess) -> AsyncIterator[Watched]:
    """A connector whose events are read."""
    connector = AsteriskConnector("open", access, clock=SystemClock(), chance=random.Random(1))
    watching = Watched(connector)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(watching.read())
        watching.stop = reading.cancel
        try:
            yield watching
        finally:
            reading.cancel()


def access(
    port: int, *, password: str = PASSWORD, hold: str | None = None, listen: str | None = None
) -> AsteriskAccess:
    return AsteriskAccess(
        host="127.0.0.1",
        port=port,
        username="ozrules",
        password=password,
        context="internal",
        hold_extension=hold,
        supervisor=listen,
        trunks=("PJSIP/trunk-*",),
    )


@asynccontextmanager
async def connected(
    *, hold: str | None = None, listen: str | None = None, may: tuple[str, ...] = MAY
) -> AsyncIterator[tuple[Manager, Watched]]:
    """A connector that has logged in to a manager and told its list."""
    async with manager() as standin:
        standin.may = may
        async with connected_to(standin, hold=hold, listen=listen) as watching:
            yield standin, watching


@asynccontextmanager
async def connected_to(
    standin: Manager, *, hold: str | None = None, listen: str | None = None
) -> AsyncIterator[Watched]:
    """A connector that has logged in to this manager and told its list."""
    async with watched(access(standin.port, hold=hold, listen=listen)) as watching:
        await watching.until(SessionsListed)
        yield watching
