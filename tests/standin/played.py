"""The stand-in for ``/WebphoneAPI`` in front of the simulated phone system, so that a browser sees the same office.

What the page calls arrives at the switchboard and stands in its ledger; what the phone system does is told to the page.
"""

import asyncio

import msgspec

from ozrules.connectors.pulse import Pulse
from ozrules.connectors.session_messages import Call, SessionNews
from ozrules.connectors.simulator import Switchboard
from ozrules.runtime.ports import Clock
from ozrules.session.methods import METHODS
from tests.standin.webphone import Webphone


class PlayedWebphone(Webphone):
    """Serves one switchboard to web clients."""

    def __init__(self, switchboard: Switchboard, clock: Clock, *, token: str) -> None:
        super().__init__({token: True})
        self._switchboard = switchboard
        self._clock = clock
        self._pulse = Pulse(clock)
        self._listening = asyncio.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def url(self) -> str:
        """Where the script is."""
        return self.script

    async def run(self) -> None:
        """Serve until cancelled."""
        async with self.running():
            self._listening.set()
            while True:
                for news in self._switchboard.changes(self._clock.now()):
                    await self._show(news)
                await self._pulse.wait(self._switchboard.phones.next_due())

    async def until_listening(self) -> None:
        """Returns when pages may come; `url` is known then."""
        await self._listening.wait()

    def poke(self) -> None:
        """Something was done to the phone system from elsewhere."""
        self._pulse.poke()

    async def _show(self, news: SessionNews) -> None:
        properties: dict[str, str] = msgspec.to_builtins(news.session)
        match news.kind:
            case "created":
                await self.create(properties.pop("sessionState"), **properties)
            case "stateChanged":
                await self.change(news.session.session_id, properties.pop("sessionState"), **properties)
            case "closed":
                await self.close(news.session.session_id)

    async def _carry_out(self, method: str, session_id: str) -> None:
        args = self.ledger[-1].args
        names = {"blindTransfer": ("transferor", "phone_number"), "sendDtmf": ("key", "phone_number")}
        given = dict(zip(names.get(method, ("phone_number",)), args, strict=False))
        (known,) = (each for each in METHODS if each == method)
        self._switchboard.ask(
            Call(
                id=0,
                method=known,
                session_id=session_id,
                transferor=given.get("transferor"),
                phone_number=given.get("phone_number"),
                key=given.get("key"),
            ),
            self._clock.now(),
        )
        self._pulse.poke()
