"""An office on a real Asterisk: phones that are plugged in, a connector that watches them, and an oracle beside it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from ozrules.connectors.asterisk.configuration import AsteriskAccess
from ozrules.engine.events import SessionSeen, SessionsListed
from ozrules.runtime.clock import SystemClock
from ozrules.session.session import Session
from ozrules.session.state import State
from tests.connectors.asterisk.manager import Watched, watched
from tests.e2e.asterisk.judged import judge
from tests.e2e.asterisk.lab import PHONES, SECRET, Lab
from tests.e2e.asterisk.phone import Phone, PhoneCall, plugged
from tests.oracle.history import History
from tests.oracle.laws import FOREVER
from tests.oracle.tap import Tap, tap

TONES: Final = {"1001": 500, "1002": 700, "1003": 900, "1004": 1100, "1005": 1300, "trunk": 1500}


class Office:
    """The phones by number, the trunk's far end as ``trunk``, the connector, and the oracle's tap beside it."""

    def __init__(
        self, lab: Lab, access: AsteriskAccess, watching: Watched, phones: dict[str, Phone], beside: Tap
    ) -> None:
        self.lab = lab
        self.access = access
        self.watching = watching
        self.phones = phones
        self._beside = beside

    async def happened(self) -> History:
        """What Asterisk has done so far, as the oracle sees it."""
        await self._beside.ask("Ping")
        return self._beside.history()

    async def rings(self, caller: str = "1001", number: str = "1002") -> tuple[PhoneCall, PhoneCall, Session]:
        """A call that rings at a phone: the caller's end, the phone's, and the session."""
        calling = await self.phones[caller].call(number)
        called = await self.phones[number].incoming()
        await calling.until("ringing")
        return calling, called, await self.watching.state(State("Ringing"))

    async def talks(self, caller: str = "1001", number: str = "1002") -> tuple[PhoneCall, PhoneCall, Session]:
        """A call that is answered, where both hear each other."""
        calling, called, _ = await self.rings(caller, number)
        await called.answer()
        await calling.until("answered")
        return calling, called, await self.watching.state(State("InCall"))

    async def sees(self, callee: str, *states: str) -> Session:
        """Waits until the session with this callee has come to one of these states."""
        seen = await self.watching.until(
            SessionSeen, lambda seen: seen.session.callee == callee and seen.session.session_state in states
        )
        return seen.session

    async def way(self, session_id: str, end: str) -> list[str]:
        """The states of a session up to this one, as soon as it has come."""

        def its(item: object) -> bool:
            return isinstance(item, SessionSeen) and item.session.session_id == session_id

        await self.watching.until(SessionSeen, lambda seen: its(seen) and seen.session.session_state == end)
        seen = (item for item in self.watching.items if isinstance(item, SessionSeen) and its(item))
        states = [str(item.session.session_state) for item in seen]
        return states[: states.index(end) + 1]

    def states_of(self, callee: str) -> list[str]:
        """All states of the sessions with this callee so far, each once in a row."""
        told = [item.session for item in self.watching.items if isinstance(item, SessionSeen)]
        states = [str(session.session_state) for session in told if session.callee == callee]
        return [state for number, state in enumerate(states) if number == 0 or states[number - 1] != state]


async def until_empty(lab: Lab) -> None:
    """Waits until Asterisk has no channel left."""
    loop = asyncio.get_running_loop()
    ends = time.monotonic() + 30
    while left := await loop.run_in_executor(None, lab.channels):
        assert time.monotonic() < ends, f"channels are left: {left}"


def stops(watching: Watched) -> list[float]:
    """Writes down when the connector is stopped, in seconds since 1970 UTC."""
    stopped: list[float] = []
    stop = watching.stop

    def stop_now() -> None:
        stopped.append(SystemClock().now())
        stop()

    watching.stop = stop_now
    return stopped


async def all_told(watching: Watched, stopped: list[float]) -> None:
    """Waits until the connector has told all that it heard: a list comes in order with the events."""
    if stopped:
        return
    before = [item for item in watching.items if isinstance(item, SessionsListed)]
    await watching.connector.request_list()
    await watching.until(SessionsListed, lambda listed: not any(listed is item for item in before))


@asynccontextmanager
async def office(lab: Lab, access: AsteriskAccess) -> AsyncIterator[Office]:
    """All phones plugged in, nothing going on. Afterwards no channel is left, and what was told must be what was."""
    server = ("127.0.0.1", lab.sip)
    async with AsyncExitStack() as stack:
        phones: dict[str, Phone] = {}
        for number in PHONES:
            phones[number] = await stack.enter_async_context(plugged(number, lab.phones[number], server, TONES[number]))
        outside = plugged("trunk", lab.trunk, server, TONES["trunk"], "127.0.0.2")
        phones["trunk"] = await stack.enter_async_context(outside)
        beside = await stack.enter_async_context(tap(lab.ami, "watcher", SECRET))
        watching = await stack.enter_async_context(watched(access))
        await watching.until(SessionsListed)
        stopped = stops(watching)
        one = Office(lab, access, watching, phones, beside)
        try:
            yield one
            await until_empty(lab)
            await all_told(watching, stopped)
            happened = await one.happened()
        finally:
            lab.cli("channel request hangup all")  # what a failed test leaves must not fail the next
    judge(happened, watching.items, min(stopped, default=FOREVER))
