"""All ten methods and all states of the Session class, by name, between the simulated phone system and a connector."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ozrules.connectors.gateway import Dial, GatewayConnector
from ozrules.connectors.gateway.requests import MovedParty
from ozrules.connectors.simulator import OFFICE, Behaviour, PhoneSystem, SimulatorGateway, Switchboard
from ozrules.connectors.simulator.callers import CallPlan, Hold, Transfer
from ozrules.engine.events import Accepted, SessionSeen
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
from tests.fakes.clock import StandingClock
from tests.fakes.connectors import Reading, command_for, reading
from tests.fakes.gateway import until

TALK = CallPlan(caller="+36201234567", callee="2001", answers_after=5.0, talk=60.0)
RING = CallPlan(caller="+36201234567", callee="2001")


class Lab:
    """A phone system in virtual time, a connector in real time, and a socket between them."""

    def __init__(
        self, switchboard: Switchboard, clock: StandingClock, connector: GatewayConnector, reader: Reading
    ) -> None:
        self.switchboard = switchboard
        self.clock = clock
        self.connector = connector
        self.reader = reader

    async def do(self, method: Method, session: Session, to: str | None = None, party: str = "caller") -> None:
        command = command_for(session, method, to=to, party=party, key="5")
        assert await self.connector.execute(command, session) == Accepted()

    async def see(self, state: State, after: float = 0.0) -> Session:
        await self.clock.advance(after)
        return await self.reader.state(state)


@asynccontextmanager
async def lab(
    plan: CallPlan, behaviour: Behaviour | None = None, moved_party: MovedParty = "argument"
) -> AsyncIterator[Lab]:
    clock = StandingClock()
    phones = PhoneSystem(OFFICE, behaviour or Behaviour(), start=clock.now(), seed=1)
    phones.place(plan, clock.now() + 0.5)
    switchboard = Switchboard(phones, seed=1)
    gateway = SimulatorGateway(switchboard, clock, host="127.0.0.1", port=0, token="lab")
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(gateway.run())
        await gateway.until_listening()
        dial = Dial(f"ws://127.0.0.1:{gateway.port}/", "lab")
        connector = GatewayConnector(
            "office", dial, moved_party=moved_party, clock=StandingClock(), chance=random.Random(1)
        )
        async with reading(connector) as reader:
            await reader.ready()
            yield Lab(switchboard, clock, connector, reader)
        serving.cancel()


WAYS: dict[State, tuple[CallPlan, float]] = {
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
    assert set(WAYS) | set(BY_METHOD) == set(KNOWN_STATES) - {COMPLETED}


@pytest.mark.parametrize("state", WAYS)
async def test_a_state_that_people_bring_about_is_seen(state: State) -> None:
    plan, after = WAYS[state]
    async with lab(plan) as office:
        seen = await office.see(state, after)
    assert seen.caller == plan.caller or state == TRANSFER_SETUP


async def test_forward() -> None:
    async with lab(RING) as office:
        session = await office.see(RINGING, 1.0)
        await office.do("forward", session, to="2010")
        redirected = await office.see(REDIRECTED)
        onward = await office.see(IN_CALL, 10.0)
    assert redirected.session_id == session.session_id
    assert (onward.callee, onward.master_session_id) == ("2010", session.master_session_id)
    assert [(entry.method, entry.phone_number) for entry in office.switchboard.ledger] == [("forward", "2010")]


async def test_forward_within_the_same_session() -> None:
    async with lab(RING, Behaviour(forward="sameSession")) as office:
        session = await office.see(RINGING, 1.0)
        await office.do("forward", session, to="2010")
        answered = await office.see(IN_CALL, 10.0)
    assert (answered.session_id, answered.callee) == (session.session_id, "2010")


@pytest.mark.parametrize("moved_party", ["argument", "other"])
@pytest.mark.parametrize(("party", "number"), [("caller", "+36201234567"), ("callee", "2001")])
async def test_blind_transfer_moves_the_party_that_is_meant(moved_party: MovedParty, party: str, number: str) -> None:
    async with lab(TALK, Behaviour(moved_party=moved_party), moved_party) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("blindTransfer", session, to="2010", party=party)
        await office.see(TRANSFER_COMPLETED, 3.0)
        onward = await office.reader.state(TRANSFER_SETUP)
    assert (onward.caller, onward.callee) == (number, "2010")
    assert office.reader.states(session.session_id)[-3:] == [TRANSFER_REQUESTED, TRANSFERRING, TRANSFER_COMPLETED]


async def test_blind_transfer_to_nobody_fails_and_the_call_goes_on() -> None:
    async with lab(TALK) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("blindTransfer", session, to="2999")
        await office.see(TRANSFER_FAILED, 3.0)
        await office.reader.until(lambda reader: reader.states(session.session_id)[-1] == IN_CALL)


async def test_hold_and_unhold() -> None:
    async with lab(TALK) as office:
        session = await office.see(IN_CALL, 10.0)
        await office.do("hold", session)
        await office.see(ON_HOLD)
        await office.do("unhold", session)
        await office.reader.until(lambda reader: reader.states(session.session_id)[-2:] == [ON_HOLD, IN_CALL])


async def test_hold_on_top_of_a_party_that_holds_is_inactive() -> None:
    async with lab(
        CallPlan(caller="2002", callee="2001", answers_after=5.0, acts=(Hold(1.0, "caller", None),))
    ) as office:
        session = await office.see(CALLEE_ON_HOLD, 10.0)
        await office.do("hold", session)
        await office.see(ON_HOLD_INACTIVE)


@pytest.mark.parametrize(
    ("method", "ringing", "talking"),
    [
        ("hangup", CANCELLED, CALLER_HUNG_UP),
        ("closeWithHangup", CANCELLED, CALLEE_HUNG_UP),
        ("close", ABORTED, ABORTED),
    ],
)
async def test_what_ends_a_call(method: Method, ringing: State, talking: State) -> None:
    for plan, state, end in ((RING, RINGING, ringing), (TALK, IN_CALL, talking)):
        async with lab(plan) as office:
            session = await office.see(state, 10.0)
            await office.do(method, session)
            await office.see(end)
            await office.reader.until(lambda reader: reader.of(SessionSeen)[-1].kind == "closed")


@pytest.mark.fault(40)
@pytest.mark.parametrize(("party", "number"), [("caller", "+36201234567"), ("callee", "2001")])
async def test_send_dtmf_reaches_one_party_once(party: str, number: str) -> None:
    async with lab(TALK) as office:
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


@pytest.mark.fault(11)
async def test_an_orderly_stop_of_the_phone_system_aborts_its_calls() -> None:
    async with lab(TALK) as office:
        session = await office.see(IN_CALL, 10.0)
        office.switchboard.phones.shut_down(office.clock.now())
        await office.connector.request_list()
        await office.see(ABORTED)
        await until(lambda: office.reader.states(session.session_id)[-1] == ABORTED)
