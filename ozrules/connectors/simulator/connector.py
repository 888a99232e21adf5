"""The simulated phone system inside the daemon: the Connector port without a socket, on the daemon's own clock."""

import itertools
from collections.abc import AsyncGenerator

from ozrules.connectors.gateway.requests import call_for
from ozrules.connectors.pulse import Pulse
from ozrules.connectors.simulator.switchboard import Done, Silent, Switchboard
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, ConnectionOpened, Gap, Refused, SessionSeen, SessionsListed, Unanswered
from ozrules.runtime.ports import Clock, ConnectionState, FromPhoneSystem
from ozrules.session.session import Session


class SimulatorConnector:
    """One simulated phone system."""

    def __init__(self, name: str, switchboard: Switchboard, clock: Clock) -> None:
        self._name = name
        self._switchboard = switchboard
        self._clock = clock
        self._pulse = Pulse(clock)
        self._open = False
        self._list_wanted = False
        self._ids = itertools.count(1)

    @property
    def name(self) -> str:
        return self._name

    @property
    def quiet(self) -> bool:
        """Whether no call lives and none will come."""
        return self._switchboard.phones.next_due() is None and not self._switchboard.phones.sessions(self._clock.now())

    async def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        """Everything that is seen; see `ozrules.runtime.ports.Connector.events`."""
        phones = self._switchboard.phones
        while True:
            now = self._clock.now()
            yield ConnectionOpened(at=now, connection=self._name, epoch=phones.epoch, privileges=self._privileges())
            self._switchboard.changes(now)  # the list tells it all
            yield self._listed(now)
            self._open = True
            yield ConnectionState(at=now, connection=self._name, ready=True, detail="the simulated phone system")
            while self._open:
                now = self._clock.now()
                for news in self._switchboard.changes(now):
                    yield SessionSeen(
                        at=now, connection=self._name, kind=news.kind, session=news.session, reported_at=news.at
                    )
                if self._list_wanted:
                    self._list_wanted = False
                    yield self._listed(now)
                await self._pulse.wait(phones.next_due())
            why = "the simulated phone system closed the connection"
            yield Gap(at=self._clock.now(), connection=self._name, why=why)
            yield ConnectionState(at=self._clock.now(), connection=self._name, ready=False, detail=why)

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        """Call a method of a session, once."""
        if not self._open:
            return Refused("unavailable", "not connected")
        call = call_for(
            command,
            session,
            id=next(self._ids),
            moved_party=self._switchboard.phones.behaviour.moved_party,
            privileges=self._privileges(),
        )
        if isinstance(call, Refused):
            return call
        reply = self._switchboard.ask(call, self._clock.now())
        self._pulse.poke()
        match reply:
            case Done():
                return Accepted()
            case Refused(kind=kind, message=message):
                return Refused(kind, message, handed_over=True)
            case Silent(closes=True):
                self._open = False
                return Unanswered("the connection ended before an answer came")
            case Silent():
                await self._clock.sleep_until(self._clock.now() + command.timeout)
                return Unanswered(f"no answer within {command.timeout:g} s")

    async def request_list(self) -> None:
        """Ask for the full list; it comes among the events."""
        self._list_wanted = True
        self._pulse.poke()

    def restart(self) -> None:
        """The phone system crashes and comes back: every call is gone, ids are given anew."""
        self._switchboard.phones.restart(self._clock.now())
        self._open = False
        self._pulse.poke()

    def _privileges(self) -> frozenset[str] | None:
        behaviour = self._switchboard.phones.behaviour
        return behaviour.privileges if behaviour.tells_privileges else None

    def _listed(self, now: float) -> SessionsListed:
        return SessionsListed(at=now, connection=self._name, sessions=self._switchboard.phones.sessions(now))
