"""What every connector must do, whoever implements the port: the simulated phone system, near and over two wires.

A gateway tells which methods may be called, and when the phone system was started anew; the HTTP API tells neither, so
what follows from that is asked of the others only (`telling`), and of the HTTP connector in its own tests.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from ozrules.connectors.gateway import Dial, GatewayConnector
from ozrules.connectors.ozeki_http import Access, OzekiHttpConnector
from ozrules.connectors.ozeki_http.requests import Generation
from ozrules.connectors.simulator import (
    OFFICE,
    Behaviour,
    Conduct,
    HttpManners,
    PhoneSystem,
    SimulatorConnector,
    SimulatorGateway,
    SimulatorHttp,
    Switchboard,
)
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.connectors.simulator.switchboard import Misdeed
from ozrules.engine.events import Accepted, ConnectionOpened, Gap, Refused, SessionSeen, SessionsListed, Unanswered
from ozrules.runtime.ports import ConnectionState, Connector
from ozrules.session.session import Session
from ozrules.session.state import IN_CALL, REDIRECTED, RINGING
from tests.fakes.clock import HastyClock, StandingClock
from tests.fakes.connectors import NO_ROUTES, Reading, command_for, reading

CALL = CallPlan(caller="+36201234567", callee="2001", answers_after=30.0, talk=60.0)
SESSION = Session(session_id="gone", session_state=RINGING)


class Lab:
    """A connector and the phone system behind it. ``clock`` is the phone system's."""

    def __init__(
        self,
        connector: Connector,
        switchboard: Switchboard,
        clock: StandingClock,
        restart: Callable[[], Awaitable[None]],
    ) -> None:
        self.connector = connector
        self.switchboard = switchboard
        self.clock = clock
        self.restart = restart

    async def ring(self, reader: Reading) -> Session:
        """A call that rings."""
        await self.clock.advance(1.0)
        return await reader.state(RINGING)


@asynccontextmanager
async def near(switchboard: Switchboard, clock: StandingClock) -> AsyncIterator[Lab]:
    connector = SimulatorConnector("office", switchboard, clock)

    async def restart() -> None:
        connector.restart()

    yield Lab(connector, switchboard, clock, restart)


@asynccontextmanager
async def far(switchboard: Switchboard, clock: StandingClock) -> AsyncIterator[Lab]:
    gateway = SimulatorGateway(switchboard, clock, host="127.0.0.1", port=0, token="lab")
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(gateway.run())
        await gateway.until_listening()
        dial = Dial(f"ws://127.0.0.1:{gateway.port}/", "lab")
        connector = GatewayConnector(
            "office", dial, moved_party="argument", clock=StandingClock(clock.now()), chance=random.Random(1)
        )
        yield Lab(connector, switchboard, clock, gateway.restart)
        serving.cancel()


def http(generation: Generation) -> Callable[[Switchboard, StandingClock], AbstractAsyncContextManager[Lab]]:
    @asynccontextmanager
    async def over_http(switchboard: Switchboard, clock: StandingClock) -> AsyncIterator[Lab]:
        manners = HttpManners(generation=generation)
        server = SimulatorHttp(switchboard, manners, clock, host="127.0.0.1", port=0)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.run())
            await server.until_listening()
            connector = OzekiHttpConnector(
                "office",
                Access(host="127.0.0.1", port=server.port, generation=generation, username="any", password="any"),
                moved_party="argument",
                ring_time=None,
                listening=None,
                outside_line=None,
                api_extension=None,
                routes=NO_ROUTES,
                clock=HastyClock(clock.now()),
                chance=random.Random(1),
            )
            yield Lab(connector, switchboard, clock, server.restart)
            serving.cancel()

    return over_http


Opened = Callable[[Behaviour, Conduct], AbstractAsyncContextManager[Lab]]
HONEST = Conduct()


Kind = Callable[[Switchboard, StandingClock], AbstractAsyncContextManager[Lab]]


def opening(kind: Kind) -> Opened:
    @asynccontextmanager
    async def opened(behaviour: Behaviour, conduct: Conduct) -> AsyncIterator[Lab]:
        clock = StandingClock()
        phones = PhoneSystem(OFFICE, behaviour, start=clock.now(), seed=1)
        phones.place(CALL, clock.now() + 0.5)
        switchboard = Switchboard(phones, seed=1)
        switchboard.conduct = conduct
        async with kind(switchboard, clock) as lab:
            yield lab

    return opened


TELLING: dict[str, Kind] = {"near": near, "far": far}
KINDS: dict[str, Kind] = TELLING | {"http": http("classic"), "http-10": http("ozeki10")}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def lab(request: pytest.FixtureRequest) -> Opened:
    return opening(request.param)


@pytest.fixture(params=list(TELLING.values()), ids=list(TELLING))
def telling(request: pytest.FixtureRequest) -> Opened:
    return opening(request.param)


async def test_the_list_comes_before_any_change(lab: Opened) -> None:
    async with lab(Behaviour(), HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        await office.ring(reader)
        kinds = [type(item) for item in reader.items]
        assert kinds[:3] == [ConnectionOpened, SessionsListed, ConnectionState]
        assert set(kinds[3:]) == {SessionSeen}


async def test_a_call_that_lives_already_is_on_the_list(lab: Opened) -> None:
    async with lab(Behaviour(), HONEST) as office:
        await office.clock.advance(2.0)
        async with reading(office.connector) as reader:
            (listed,) = await reader.count(SessionsListed, 1)
    assert listed.complete
    assert listed.sessions is not None
    assert [session.session_state for session in listed.sessions] == [RINGING]


async def test_nothing_can_be_asked_before_it_is_read(lab: Opened) -> None:
    async with lab(Behaviour(), HONEST) as office:
        answer = await office.connector.execute(command_for(SESSION, "hangup"), SESSION)
    assert isinstance(answer, Refused)
    assert answer.kind == "unavailable"


async def test_a_forward_is_handed_over_and_seen(lab: Opened) -> None:
    async with lab(Behaviour(), HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        assert await office.connector.execute(command_for(session, "forward", to="2010"), session) == Accepted()
        await reader.state(REDIRECTED)
        assert [(entry.method, entry.phone_number, entry.result) for entry in office.switchboard.ledger] == [
            ("forward", "2010", "done")
        ]


async def test_a_method_in_the_wrong_state_is_refused(lab: Opened) -> None:
    async with lab(Behaviour(), HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        answer = await office.connector.execute(command_for(session, "unhold"), session)
    assert isinstance(answer, Refused)
    assert answer.kind == "wrongState"


async def test_a_session_that_is_gone_is_not_found(lab: Opened) -> None:
    async with lab(Behaviour(), HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        answer = await office.connector.execute(command_for(SESSION, "hangup"), SESSION)
    assert isinstance(answer, Refused)
    assert answer.kind == "notFound"


@pytest.mark.fault(27)
async def test_a_method_without_privilege_is_denied_and_not_even_sent(telling: Opened) -> None:
    behaviour = Behaviour(privileges=frozenset({"hold", "unhold"}))
    async with telling(behaviour, HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        answer = await office.connector.execute(command_for(session, "forward", to="2010"), session)
        assert isinstance(answer, Refused)
        assert answer.kind == "denied"
        assert "forward" in answer.message
        assert office.switchboard.ledger == []
        assert reader.of(ConnectionOpened)[0].privileges == frozenset({"hold", "unhold"})


@pytest.mark.fault(27)
async def test_a_refusal_that_was_not_announced_is_denied_too(lab: Opened) -> None:
    behaviour = Behaviour(privileges=frozenset({"hold"}), tells_privileges=False)
    async with lab(behaviour, HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        answer = await office.connector.execute(command_for(session, "forward", to="2010"), session)
        assert isinstance(answer, Refused)
        assert answer.kind == "denied"
        assert [entry.result for entry in office.switchboard.ledger] == ["denied"]


@pytest.mark.fault(27, 28)
@pytest.mark.parametrize("misdeed", ["silence", "mute"])
async def test_silence_is_no_answer_whether_it_was_done_or_not(lab: Opened, misdeed: Misdeed) -> None:
    async with lab(Behaviour(), Conduct(methods={"hangup": misdeed})) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        answer = await office.connector.execute(command_for(session, "hangup", timeout=0.2), session)
        assert isinstance(answer, Unanswered)
        assert [entry.performed for entry in office.switchboard.ledger] == [misdeed == "mute"]


@pytest.mark.fault(2, 27, 28)
async def test_a_cut_in_flight_is_no_answer_and_the_list_comes_again(telling: Opened) -> None:
    async with (
        telling(Behaviour(), Conduct(methods={"hangup": "close"})) as office,
        reading(office.connector) as reader,
    ):
        await reader.ready()
        session = await office.ring(reader)
        assert isinstance(await office.connector.execute(command_for(session, "hangup"), session), Unanswered)
        await reader.count(SessionsListed, 2)
        assert len(reader.of(Gap)) == 1
        assert len(office.switchboard.ledger) == 1


@pytest.mark.fault(30)
async def test_what_is_accepted_but_not_done_shows_no_change(lab: Opened) -> None:
    async with lab(Behaviour(), Conduct(methods={"forward": "idle"})) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        assert await office.connector.execute(command_for(session, "forward", to="2010"), session) == Accepted()
        await office.clock.advance(31.0)
        await reader.state(IN_CALL)
        assert REDIRECTED not in reader.states(session.session_id)


@pytest.mark.fault(31)
async def test_what_is_done_but_answered_with_an_error_is_seen_to_be_done(lab: Opened) -> None:
    async with lab(Behaviour(), Conduct(methods={"forward": "lie"})) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        answer = await office.connector.execute(command_for(session, "forward", to="2010"), session)
        assert isinstance(answer, Refused)
        await reader.state(REDIRECTED)


async def test_the_list_can_be_asked_for(lab: Opened) -> None:
    async with lab(Behaviour(), HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        session = await office.ring(reader)
        await office.connector.request_list()
        listed = (await reader.count(SessionsListed, 2))[1]
        assert listed.sessions is not None
        assert [each.session_id for each in listed.sessions] == [session.session_id]


@pytest.mark.fault(11)
async def test_a_restart_of_the_phone_system_is_a_new_epoch(telling: Opened) -> None:
    async with telling(Behaviour(), HONEST) as office, reading(office.connector) as reader:
        await reader.ready()
        await office.ring(reader)
        await office.restart()
        await reader.count(SessionsListed, 2)
        assert [opened.epoch for opened in reader.of(ConnectionOpened)] == ["e1", "e2"]
        assert len(reader.of(Gap)) == 1
        assert reader.of(SessionsListed)[1].sessions == ()


@pytest.mark.fault(7, 8)
async def test_changes_that_come_twice_or_late_are_told_or_counted_never_fatal(lab: Opened) -> None:
    conduct = Conduct(duplicate=0.5, reorder=0.3)
    async with lab(Behaviour(), conduct) as office, reading(office.connector) as reader:
        await reader.ready()
        for _ in range(20):
            await office.clock.advance(10.0)
        await office.connector.request_list()
        assert (await reader.count(SessionsListed, 2))[1].sessions == ()
