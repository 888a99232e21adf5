"""The building: four floors of phones on one Asterisk, the world outside, a connector that watches, a recorder."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from ozrules.engine.events import Receipt, SessionSeen, SessionsListed
from ozrules.session.methods import Method
from ozrules.session.session import Session
from ozrules.session.state import ENDED
from tests.connectors.asterisk.manager import Watched, watched
from tests.e2e.asterisk.freepbx.laboratory import DESKS, FLOORS, REFUSED_CALLER, TRUNKS, UNREGISTERED, Laboratory
from tests.e2e.asterisk.freepbx.recorder import Event, Recorder, recording
from tests.e2e.asterisk.freepbx.told import Told, told_of
from tests.e2e.asterisk.phone import WITHIN, Phone, PhoneCall, plugged

TONES: Final = {"01": 500, "02": 700, "03": 900, "04": 1100, "06": 1300}
GROUPS: Final = ("40", "60", "61", "62", "63", "65", "80", "90")
OUTSIDE: Final = {"trkA": 1500, "trkB": 1700}
CALLER: Final = 1900
"""The tone of who calls from outside: he may be connected with somebody else outside."""


class Desk:
    """Who takes the calls to one number. ``does`` is what happens to a call that comes: it rings, unless told else."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.does: Callable[[PhoneCall], None] = PhoneCall.ring
        self._coming: asyncio.Queue[PhoneCall] = asyncio.Queue()

    def take(self, call: PhoneCall) -> None:
        self.does(call)
        self._coming.put_nowait(call)

    def forget(self) -> None:
        """The calls that nobody asked for are of no more interest."""
        self._coming = asyncio.Queue()

    async def comes(self) -> PhoneCall:
        """The next call that comes here, each once."""
        async with asyncio.timeout(WITHIN):
            return await self._coming.get()

    async def answers(self) -> PhoneCall:
        """Answers the next call that comes."""
        call = await self.comes()
        await call.answer()
        return call


class Floor:
    """One floor, with all that concerns it alone: so several floors can play at once."""

    def __init__(self, building: "Building", digit: str) -> None:
        self.building = building
        self.digit = digit
        self.desks = {desk: Desk(building.phones[digit + desk]) for desk in DESKS}
        for desk in self.desks.values():
            desk.phone.on_call = desk.take
        self.mobile = self.number("mobile")
        self.caller = f"0555{digit}00"
        self.refused = REFUSED_CALLER + digit
        self.began = self.told_before = 0
        self.calls_before: dict[str, int] = {}

    def number(self, name: str) -> str:
        """The number of a desk (``02``), a group or queue (``60``, ``40``), of what the provider sends (``did 0``)."""
        if name == "mobile":
            return f"040123{self.digit}"
        if name.startswith("did "):
            return f"55501{self.digit}{name[4:]}"
        return self.digit + name

    async def call(self, desk: str, number: str) -> PhoneCall:
        """A phone of the floor calls."""
        return await self.desks[desk].phone.call(number)

    async def from_outside(self, did: str, caller: str | None = None) -> PhoneCall:
        """The provider sends a call to one of the floor's numbers."""
        return await self.building.phones["trkA"].call(self.number(f"did {did}"), caller or self.caller, CALLER)

    def outside(self, trunk: str = "trkA") -> Desk:
        """The mobile, as it is reached by this trunk."""
        return self.building.desk_outside(trunk, self.mobile)

    async def dials(self, desk: str, code: str) -> None:
        """A code that the phone system answers, confirms and ends."""
        call = await self.call(desk, code)
        await call.until("ended")

    async def sees(self, caller: str | None, callee: str, *states: str) -> Session:
        """Waits until the session of these two has come to one of these states in this scene."""
        seen = await self.building.watching.until(
            SessionSeen,
            lambda seen: (
                seen in self.seen()
                and (caller is None or seen.session.caller == caller)
                and seen.session.callee == callee
                and seen.session.session_state in states
            ),
        )
        return seen.session

    def end_all(self) -> None:
        """Ends every channel of the floor, after a scene that went wrong."""
        for event in list(self.building.recorder.living.values()):
            if self._concerns_channel(event):
                self.building.lab.cli(f"channel request hangup {event['Channel']}")

    async def does(self, action: Method, session: Session, **values: str) -> Receipt:
        """The connector calls a method of a session."""
        return await self.building.watching.do(action, session, **values)

    # -- what happened

    def begin(self) -> None:
        """A scene begins."""
        self.began = self.building.recorder.mark()
        self.told_before = len(self.building.watching.items)
        self.calls_before = {desk.phone.number: len(desk.phone.calls) for desk in self.desks.values()}
        for desk in (*self.desks.values(), *(self.outside(trunk) for trunk in TRUNKS)):
            desk.forget()

    async def quiet(self) -> None:
        """Waits until the manager has told of every call of the phones and of its end, and the connector too."""
        for desk in self.desks.values():
            await self.building.recorder.until_begun(
                self.began, f"PJSIP/{desk.phone.number}-", len(desk.phone.calls) - self.calls_before[desk.phone.number]
            )
        await self.building.recorder.until_none(self._concerns_channel)
        try:
            async with asyncio.timeout(5):
                await self.building.watching.comes_to(self._all_told)
        except TimeoutError:
            pass  # what is told to live on is seen in what was told

    def events(self) -> list[Event]:
        """The events of the scene that name a call of this floor."""
        ours = self.ours()
        return [one for one in self.building.recorder.since(self.began) if one.get("Linkedid") in ours]

    def ours(self) -> set[str]:
        """The Linkedids of the scene's calls."""
        begun = (one for one in self.building.recorder.since(self.began) if one["Event"] == "Newchannel")
        return {one["Linkedid"] for one in begun if self._concerns_channel(one)}

    def seen(self) -> list[SessionSeen]:
        """What the connector told of the floor in this scene."""
        items = self.building.watching.items[self.told_before :]
        return [item for item in items if isinstance(item, SessionSeen) and self._concerns(item.session)]

    def told(self) -> list[Told]:
        """The sessions of the scene."""
        return told_of(self.seen())

    def _all_told(self) -> bool:
        last = {one.session.session_id: one.session for one in self.seen()}
        callers = {one["Linkedid"] for one in self.events() if one["Event"] == "Newchannel" and one["Exten"] != "s"}
        masters = {session.master_session_id for session in last.values()}
        return callers <= masters and all(session.session_state in ENDED for session in last.values())

    def _numbers(self) -> Iterator[str]:
        yield from (self.digit + name for name in (*DESKS, UNREGISTERED, *GROUPS))
        yield from (self.mobile, self.caller, self.refused)

    def _concerns(self, session: Session) -> bool:
        names = {session.caller, session.callee, session.source, session.destination, session.dialed_number}
        named = any(str(name).startswith(f"55501{self.digit}") for name in names if name)
        return named or not names.isdisjoint(self._numbers())

    def _concerns_channel(self, event: Event) -> bool:
        words = f"{event['Channel']} {event.get('Exten')} {event.get('CallerIDNum')}"
        return re.search(rf"\b({'|'.join(self._numbers())}|55501{self.digit}\d)\b", words) is not None


class Building:
    """All of it."""

    def __init__(self, lab: Laboratory, phones: dict[str, Phone], watching: Watched, recorder: Recorder) -> None:
        self.lab = lab
        self.phones = phones
        self.watching = watching
        self.recorder = recorder
        self._outside: dict[tuple[str, str], Desk] = {}
        self.floors = {digit: Floor(self, digit) for digit in FLOORS}
        for name in TRUNKS:
            phones[name].on_call = lambda call, name=name: self._called_out(name, call)  # type: ignore[misc]

    def desk_outside(self, trunk: str, number: str) -> Desk:
        """Who takes the calls to this number by this trunk."""
        return self._outside.setdefault((trunk, number), Desk(self.phones[trunk]))

    def _called_out(self, trunk: str, call: PhoneCall) -> None:
        assert call.invite is not None
        found = re.search(r"sip:([0-9]+)@", call.invite.first)
        self.desk_outside(trunk, found[1] if found else "").take(call)


@asynccontextmanager
async def building(lab: Laboratory) -> AsyncIterator[Building]:
    """All phones plugged in, nothing going on."""
    server = ("127.0.0.1", lab.sip)
    async with AsyncExitStack() as stack:
        phones: dict[str, Phone] = {}
        for number, port in lab.phones.items():
            phones[number] = await stack.enter_async_context(plugged(number, port, server, TONES[number[1:]]))
        for name, host in TRUNKS.items():
            outside = plugged(name, lab.trunks[name], server, OUTSIDE[name], host)
            phones[name] = await stack.enter_async_context(outside)
        recorder = await stack.enter_async_context(recording(lab))
        watching = await stack.enter_async_context(watched(lab.office()))
        await watching.until(SessionsListed)
        yield Building(lab, phones, watching, recorder)
