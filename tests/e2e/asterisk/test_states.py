"""What happens by itself on a real Asterisk, with real phones: each state seen as it came about."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.asterisk.lab import Lab
from tests.e2e.asterisk.office import Office, office

pytestmark = [
    pytest.mark.timeout(400),  # the first test may have to fetch Asterisk
    pytest.mark.every_asterisk,
]


def watch(lab: Lab, scene: Callable[[Office], Awaitable[None]]) -> None:
    async def run() -> None:
        async with office(lab, lab.access()) as one:
            await scene(one)

    asyncio.run(run())


@pytest.mark.parametrize(("who", "state"), [("caller", "CallerHungUp"), ("callee", "CalleeHungUp")])
def test_a_call_is_answered_and_hung_up(lab: Lab, who: str, state: str) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        assert await calling.hears(700, 500)
        assert await called.hears(500, 700)
        await (calling if who == "caller" else called).hang_up()
        await one.sees("1002", state)
        assert one.states_of("1002") == ["Setup", "Ringing", "InCall", state]
        assert (session.caller, session.direction) == ("1001", "internal")
        assert session.extra == {"endpoint": "PJSIP/1001", "presentedNumber": "1001"}

    watch(lab, scene)


@pytest.mark.parametrize(("status", "state"), [(486, "Busy"), (603, "Busy"), (404, "NotFound"), (503, "Error")])
def test_a_phone_refuses(lab: Lab, status: int, state: str) -> None:
    async def scene(one: Office) -> None:
        one.phones["1002"].on_call = lambda call: call.refuse(status)
        calling = await one.phones["1001"].call("1002")
        await one.sees("1002", state)
        await calling.until("failed")

    watch(lab, scene)


def test_a_caller_gives_up(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, _ = await one.rings()
        calling.cancel()
        await one.sees("1002", "Cancelled")
        await called.until("cancelled")

    watch(lab, scene)


def test_nobody_answers(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling = await one.phones["1001"].call("1098")  # the dialplan rings 1002 for two seconds
        await one.sees("1002", "NotAnswered")
        await calling.until("failed")
        assert calling.status == 480

    watch(lab, scene)


@pytest.mark.parametrize(("who", "state"), [("caller", "CalleeOnHold"), ("callee", "CallerOnHold")])
def test_a_party_holds(lab: Lab, who: str, state: str) -> None:
    async def scene(one: Office) -> None:
        calling, called, _ = await one.talks()
        holder, other = (calling, called) if who == "caller" else (called, calling)
        await holder.hold(on=True)
        await one.sees("1002", state)
        assert await other.hears(440, 500 if who == "caller" else 700)
        await holder.hold(on=False)
        await other.hears(500 if who == "caller" else 700, 440)
        await calling.hang_up()
        await one.sees("1002", "CallerHungUp")
        assert one.states_of("1002")[2:] == ["InCall", state, "InCall", "CallerHungUp"]

    watch(lab, scene)


def test_a_phone_transfers(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        assert await called.refer("1003") == 202
        target = await one.phones["1003"].incoming()
        await one.sees("1002", "Transferring")
        await target.answer()
        await one.sees("1002", "TransferCompleted")
        onward = await one.sees("1003", "InCall")
        assert onward.master_session_id == session.master_session_id
        assert await calling.hears(900, 700)
        await calling.hang_up()
        await one.sees("1003", "CallerHungUp")
        if called.state == "answered":
            await called.hang_up()

    watch(lab, scene)


def test_a_ring_group_is_one_session_for_each_phone(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling = await one.phones["1001"].call("2000")
        first = await one.sees("1003", "Ringing")
        second = await one.sees("1004", "Ringing")
        assert first.session_id != second.session_id
        assert first.master_session_id == second.master_session_id
        await (await one.phones["1004"].incoming()).answer()
        await one.sees("1004", "InCall")
        await one.sees("1003", "Completed")
        await calling.hang_up()

    watch(lab, scene)


def test_a_queue_rings_although_the_caller_is_answered(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling = await one.phones["1001"].call("5000")
        await calling.until("answered")
        await one.sees("1003", "Ringing")
        await (await one.phones["1003"].incoming()).answer()
        await one.sees("1003", "InCall")
        await calling.hang_up()
        await one.sees("1003", "CallerHungUp")

    watch(lab, scene)


@pytest.mark.fault(92)
def test_a_trunk_is_outside_whatever_number_it_sends(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling = await one.phones["trunk"].call("1002", caller="1001")
        session = await one.sees("1002", "Ringing")
        assert (session.caller, session.direction, session.source_type) == ("1001", "inbound", "trunk")
        assert session.extra == {"endpoint": "PJSIP/trunk", "trunk": "PJSIP/trunk", "presentedNumber": "1001"}
        calling.cancel()
        await one.sees("1002", "Cancelled")

    watch(lab, scene)


def test_a_call_out_is_outbound(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling = await one.phones["1001"].call("900442071838750")
        session = await one.sees("00442071838750", "Ringing")
        assert (session.direction, session.dialed_number) == ("outbound", "900442071838750")
        await (await one.phones["trunk"].incoming()).answer()
        await one.sees("00442071838750", "InCall")
        await calling.hang_up()

    watch(lab, scene)
