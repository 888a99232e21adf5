"""All methods and all states of the Session class, by name, between the simulated phone system and a connector.

Over the session protocol, and over the HTTP API of both generations as far as it has the methods and tells the states.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal, get_args

import pytest
from aiohttp import web

from ozrules.connectors.gateway import Dial, GatewayConnector
from ozrules.connectors.gateway.requests import MovedParty
from ozrules.connectors.ozeki_http import Access, OzekiHttpConnector
from ozrules.connectors.simulator import (
    OFFICE,
    Behaviour,
    HttpManners,
    PhoneSystem,
    SimulatorGateway,
    SimulatorHttp,
    Switchboard,
)
from ozrules.connectors.simulator.callers import CallPlan, Hold, Transfer
from ozrules.engine.events import Accepted, SessionSeen
from ozrules.runtime.ports import Connector
from ozrules.session.methods import METHODS, Method
from ozrules.session.session import Session
from ozrules.session.state import (
    ABORTED,
    BUSY,
    CALLEE_HUNG_UP,
    CALLEE_ON_HOLD,
    CALLER_HUNG_UP,
    CALLER_ON_HOLD,
    CANCELLED,
    COMPLETED,
    CREATED,
    ENDED,
    ERROR,
    IN_CALL,
    KNOWN_STATES,
    NOT_ANSWERED,
    NOT_FOUND,
    ON_HOLD,
    ON_HOLD_INACTIVE,
    REDIRECTED,
    RINGING,
    SETUP,
    TRANSFER_COMPLETED,
    TRANSFER_FAILED,
    TRANSFER_REQUESTED,
    TRANSFER_SETUP,
    TRANSFERRING,
    State,
)
from tests.fakes.clock import HastyClock, StandingClock
from tests.fakes.connectors import NO_ROUTES, Reading, command_for, reading
from tests.fakes.gateway import until

TALK = CallPlan(caller="+36201234567", callee="2001", answers_after=5.0, talk=60.0)
RING = CallPlan(caller="+36201234567", callee="2001")


Way = Literal["gateway", "classic", "ozeki10"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)

OVER_HTTP: Final[dict[State, State]] = {
    RINGING: RINGING,
    IN_CALL: IN_CALL,
    CALLER_HUNG_UP: COMPLETED,
    CALLEE_HUNG_UP: COMPLETED,
    ABORTED: COMPLETED,
    CALLEE_ON_HOLD: ON_HOLD,
    CALLER_ON_HOLD: ON_HOLD,
    ON_HOLD: ON_HOLD,
    ON_HOLD_INACTIVE: ON_HOLD,
    BUSY: BUSY,
    CANCELLED: CANCELLED,
    NOT_ANSWERED: NOT_ANSWERED,
    NOT_FOUND: ERROR,
    ERROR: ERROR,
    REDIRECTED: REDIRECTED,
    TRANSFER_COMPLETED: TRANSFER_COMPLETED,
}
"""How a state is told over HTTP; those that are absent are not told at all."""


class _Counting(SimulatorHttp):
    """Knows how often it was looked at."""

    looks = 0

    async def _take(self, request: web.Request) -> web.Response:
        self.looks += 1
        return await super()._take(request)


class Lab:
    """A phone system in virtual time, a connector in real time, and a socket between them."""

    def __init__(
        self,
        way: Way,
        switchboard: Switchboard,
        clock: StandingClock,
        connector: Connector,
        reader: Reading,
        http: _Counting | None,
    ) -> None:
        self.over_http = way != "gateway"
        self.switchboard = switchboard
        self.clock = clock
        self.connector = connector
        self.reader = reader
        self._http = http

    async def do(self, method: Method, session: Session, to: str | None = None, party: str = "caller") -> None:
        command = command_for(session, method, to=to, party=party, key="5")
        assert await self.connector.execute(command, session) == Accepted()

    async def see(self, state: State, after: float = 0.0) -> Session:
        await self.advance(after)
        return await self.reader.state(OVER_HTTP[state] if self.over_http else state)

    async def advance(self, seconds: float) -> None:
        """Lets time pass. Who has to look for changes gets the time to look between any two of them."""
        if self._http is None:
            await self.clock.advance(seconds)
            return
        end = self.clock.now() + seconds
        while True:
            due = self.switchboard.phones.next_due()
            if due is None or due > end:
                break
            await self.clock.advance(max(0.0, due - self.clock.now()))
            await self._looked(self._http)
        await self.clock.advance(end - self.clock.now())
        await self._looked(self._http)

    async def reached(self, callee: str) -> Session:
        """The session of whoever is called at this number."""
        await self.reader.until(lambda reader: any(each.session.callee == callee for each in reader.of(SessionSeen)))
        return next(each.session for each in self.reader.of(SessionSeen) if each.session.callee == callee)

    async def _looked(self, http: _Counting) -> None:
        began = http.looks
        await until(lambda: http.looks >= began + 4)


@asynccontextmanager
async def lab(
    plan: CallPlan, behaviour: Behaviour | None = None, moved_party: MovedParty = "argument", way: Way = "gateway"
) -> AsyncIterator[Lab]:
    clock = StandingClock()
    phones = PhoneSystem(OFFICE, behaviour or Behaviour(), start=clock.now(), seed=1)
    phones.place(plan, clock.now() + 0.5)
    switchboard = Switchboard(phones, seed=1)
    front: SimulatorGateway | _Counting
    if way == "gateway":
        front = SimulatorGateway(switchboard, clock, host="127.0.0.1", port=0, token="lab")
    else:
        front = _Counting(switchboard, HttpManners(generation=way), clock, host="127.0.0.1", port=0)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(front.run())
        await front.until_listening()
        connector = _connector(way, front, moved_party)
        async with reading(connector) as reader:
            await reader.ready()
            yield Lab(way, switchboard, clock, connector, reader, front if isinstance(front, _Counting) else None)
        serving.cancel()


def _connector(way: Way, front: SimulatorGateway | _Counting, moved_party: MovedParty) -> Connector:
    if way == "gateway":
        dial = Dial(front.url, "lab")
        return GatewayConnector("office", dial, moved_party=moved_party, clock=StandingClock(), chance=random.Random(1))
    return OzekiHttpConnector(
        "office",
        Access(host="127.0.0.1", port=front.port, generation=way, username="any", password="any"),
        moved_party=moved_party,
        ring_time=60.0,
        listening=None,
        outside_line=None,
        api_extension=None,
        routes=NO_ROUTES,
        clock=HastyClock(),
        chance=random.Random(1),
    )


BY_PEOPLE: dict[State, tuple[CallPlan, float]] = {
    CREATED: (TALK, 1.0),
    SETUP: (TALK, 1.0),
    RINGING: (TALK, 1.0),
    IN_CALL: (TALK, 10.0),
    CALLER_HUNG_UP: (TALK, 100.0),
    CALLEE_HUNG_UP: (CallPlan(caller="2002", callee="2001", answers_after=5.0, talk=9.0, hangs_up="callee"), 100.0),
    CALLEE_ON_HOLD: (
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Hold(3.0, "caller", 5.0),)),
        100.0,
    ),
    CALLER_ON_HOLD: (
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Hold(3.0, "callee", 5.0),)),
        100.0,
    ),
    BUSY: (CallPlan(caller="2002", callee="2001", rejects_after=5.0), 100.0),
    CANCELLED: (CallPlan(caller="2002", callee="2001", gives_up_after=5.0), 100.0),
    NOT_ANSWERED: (CallPlan(caller="2002", callee="2001"), 100.0),
    NOT_FOUND: (CallPlan(caller="2002", callee="2998"), 100.0),
    ERROR: (CallPlan(caller="2002", callee="2001", fails="Error"), 100.0),
    TRANSFER_REQUESTED: (
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Transfer(3.0, "callee", "2010"),)),
        9.0,
    ),
    TRANSFERRING: (
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Transfer(3.0, "callee", "2010"),)),
        20.0,
    ),
    TRANSFER_SETUP: (
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Transfer(3.0, "callee", "2010"),)),
        20.0,
    ),
    TRANSFER_COMPLETED: (
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Transfer(3.0, "callee", "2010"),)),
        20.0,
    ),
    TRANSFER_FAILED: (
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Transfer(3.0, "callee", "2999"),)),
        20.0,
    ),
}
"""States that people bring about by themselves."""

BY_METHOD: dict[State, tuple[Method, ...]] = {
    ON_HOLD: ("hold",),
    ON_HOLD_INACTIVE: ("hold",),
    REDIRECTED: ("forward",),
    ABORTED: ("close",),
}
"""States that a method brings about."""


def test_every_state_is_here() -> None:
    assert set(BY_PEOPLE) | set(BY_METHOD) == set(KNOWN_STATES) - {COMPLETED}


TOLD: Final = [(way, state) for way in WAYS for state in BY_PEOPLE if way == "gateway" or state in OVER_HTTP]
each_way = pytest.mark.parametrize("way", WAYS)


@pytest.mark.parametrize(("way", "state"), TOLD)
async def test_a_state_that_people_bring_about_is_seen(way: Way, state: State) -> None:
    plan, after = BY_PEOPLE[state]
    async with lab(plan, way=way) as office:
        seen = await office.see(state, after)
    assert seen.caller == plan.caller or state == TRANSFER_SETUP


@each_way
async def test_forward(way: Way) -> None:
    async with lab(RING, way=way) as office:
        session = await office.see(RINGING, 1.0)
        await office.do("forward", session, to="2010")
        redirected = await office.see(REDIRECTED)
        onward = await office.see(IN_CALL, 10.0)
    assert redirected.session_id == session.session_id
    assert (onward.callee, onward.master_session_id) == ("2010", session.master_session_id)
    assert [(entry.method, entry.phone_number) for entry in office.switchboard.ledger] == [("forward", "2010")]


@each_way
async def test_forward_within_the_same_session(way: Way) -> None:
    async with lab(RING, Behaviour(forward="sameSession"), way=way) as office:
        session = await office.see(RINGING, 1.0)
        await office.do("forward", session, to="2010")
        answered = await office.see(IN_CALL, 10.0)
    assert (answered.session_id, answered.callee) == (session.session_id, "2010")


@each_way
@pytest.mark.parametrize("moved_party", ["argument", "other"])
@pytest.mark.parametrize(("party", "number"), [("caller", "+36201234567"), ("callee", "2001")])
async def test_blind_transfer_moves_the_party_that_is_meant(
    way: Way, moved_party: MovedParty, party: str, number: str
) -> None:
    async with lab(TALK, Behaviour(moved_party=moved_party), moved_party, way) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("blindTransfer", session, to="2010", party=party)
        await office.see(TRANSFER_COMPLETED, 3.0)
        onward = await office.reached("2010")
    assert (onward.caller, onward.callee) == (number, "2010")
    states = office.reader.states(session.session_id)
    assert states[-1] == TRANSFER_COMPLETED
    assert office.over_http or states[-3:-1] == [TRANSFER_REQUESTED, TRANSFERRING]


@each_way
async def test_blind_transfer_to_nobody_fails_and_the_call_goes_on(way: Way) -> None:
    async with lab(TALK, way=way) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("blindTransfer", session, to="2999")
        if way == "gateway":
            await office.see(TRANSFER_FAILED, 3.0)
        await office.advance(3.0)
        await office.reader.until(lambda reader: reader.states(session.session_id)[-1] == IN_CALL)


@each_way
async def test_hold_and_unhold(way: Way) -> None:
    async with lab(TALK, way=way) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("hold", session)
        await office.see(ON_HOLD)
        await office.do("unhold", session)
        await office.reader.until(lambda reader: reader.states(session.session_id)[-2:] == [ON_HOLD, IN_CALL])


@each_way
async def test_hold_on_top_of_a_party_that_holds_is_inactive(way: Way) -> None:
    plan = CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Hold(1.0, "caller", None),))
    async with lab(plan, way=way) as office:
        session = await office.see(CALLEE_ON_HOLD, 10.0)
        await office.do("hold", session)
        await office.see(ON_HOLD_INACTIVE)
        (entry,) = office.switchboard.ledger
        assert entry.performed


@each_way
@pytest.mark.parametrize(
    ("method", "ringing", "talking"),
    [
        ("hangup", CANCELLED, CALLER_HUNG_UP),
        ("closeWithHangup", CANCELLED, CALLEE_HUNG_UP),
        ("close", ABORTED, ABORTED),
    ],
)
async def test_what_ends_a_call(way: Way, method: Method, ringing: State, talking: State) -> None:
    for plan, state, end in ((RING, RINGING, ringing), (TALK, IN_CALL, talking)):
        async with lab(plan, way=way) as office:
            session = await office.see(state, 10.0)
            await office.do(method, session)
            if office.over_http:  # there it is a Hangup whatever it is called
                await office.see(CALLER_HUNG_UP if state == IN_CALL else CANCELLED)
            else:
                await office.see(end)
                await office.reader.until(lambda reader: reader.of(SessionSeen)[-1].kind == "closed")


@each_way
@pytest.mark.fault(40)
@pytest.mark.parametrize(("party", "number"), [("caller", "+36201234567"), ("callee", "2001")])
async def test_send_dtmf_reaches_one_party_once(way: Way, party: str, number: str) -> None:
    async with lab(TALK, way=way) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("sendDtmf", session, party=party)
        assert [(key.party, key.key) for key in office.switchboard.phones.keys] == [(party, "5")]
        assert office.switchboard.ledger[0].phone_number == number


async def test_start_listen_and_stop_listen() -> None:
    async with lab(TALK) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("startListen", session)
        assert office.switchboard.phones.listened() == {session.session_id}
        await office.do("stopListen", session)
        assert office.switchboard.phones.listened() == frozenset()


def test_all_ten_methods_have_a_test_that_names_them() -> None:
    names = " ".join(name for name in globals() if name.startswith("test_")).replace("_", "")
    ending = {"hangup", "close", "closeWithHangup"}
    assert {method for method in METHODS if method.lower() not in names} == ending


@each_way
@pytest.mark.fault(11)
async def test_an_orderly_stop_of_the_phone_system_ends_its_calls(way: Way) -> None:
    async with lab(TALK, way=way) as office:
        session = await office.see(IN_CALL, 10.0)
        office.switchboard.phones.shut_down(office.clock.now())
        await office.connector.request_list()
        await office.see(ABORTED)
        await until(lambda: office.reader.states(session.session_id)[-1] in ENDED)
