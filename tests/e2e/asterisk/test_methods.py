"""The methods on a real Asterisk, with real phones that prove by tones who hears whom."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ozrules.engine.events import Accepted, CommandShown, Refused, SessionSeen
from ozrules.runtime.ports import ConnectionState
from ozrules.session.session import Session
from tests.connectors.asterisk.manager import watched
from tests.e2e.asterisk.lab import MUSIC, Lab
from tests.e2e.asterisk.office import Office, office
from tests.e2e.asterisk.phone import WITHIN
from tests.e2e.asterisk.sound import Sound

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk

Scene = Callable[[Office], Awaitable[None]]


def act(lab: Lab, scene: Scene, *, ari: bool = True, hold: str | None = None, listen: str | None = None) -> None:
    async def run() -> None:
        async with office(lab, lab.access(ari=ari, hold=hold, listen=listen)) as one:
            await scene(one)

    asyncio.run(run())


def test_an_unanswered_call_is_forwarded_and_answered_there(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        assert await one.watching.do("forward", session, to="1003") == Accepted()
        target = await one.phones["1003"].incoming()
        second = await one.sees("1003", "Ringing")
        assert second.master_session_id == session.master_session_id
        assert called.state == "ringing"  # make before break
        await target.answer()
        await calling.until("answered")
        await called.until("cancelled")
        await one.sees("1002", "Redirected")
        await one.sees("1003", "InCall")
        assert await calling.hears(900, 700)
        assert await target.hears(500, 700)
        await calling.hang_up()
        await one.sees("1003", "CallerHungUp")

    act(lab, scene)


def test_a_busy_target_loses_nothing(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        one.phones["1003"].on_call = lambda call: call.refuse(486)
        calling, called, session = await one.rings()
        await one.watching.do("forward", session, to="1003")
        await one.sees("1003", "Busy")
        assert (called.state, calling.state) == ("ringing", "ringing")
        await called.answer()
        await calling.until("answered")
        assert await calling.hears(700, 900)
        await calling.hang_up()

    act(lab, scene)


def test_the_target_stops_ringing_when_the_first_phone_answers(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        await one.watching.do("forward", session, to="1003")
        target = await one.phones["1003"].incoming()
        await called.answer()
        await target.until("cancelled")
        await one.sees("1002", "InCall")
        assert await calling.hears(700, 900)
        await calling.hang_up()

    act(lab, scene)


def test_the_target_stops_ringing_when_the_caller_gives_up(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        await one.watching.do("forward", session, to="1003")
        target = await one.phones["1003"].incoming()
        calling.cancel()
        await target.until("cancelled")
        await called.until("cancelled")

    act(lab, scene)


def test_a_second_target_takes_the_place_of_the_first(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, _, session = await one.rings()
        await one.watching.do("forward", session, to="1003")
        first = await one.phones["1003"].incoming()
        await one.sees("1003", "Ringing")
        await one.watching.do("forward", session, to="1004")
        second = await one.phones["1004"].incoming()
        await first.until("cancelled")
        await second.answer()
        await calling.until("answered")
        assert await calling.hears(1100, 900)
        await calling.hang_up()

    act(lab, scene)


def test_a_forward_outside_tells_the_provider_for_whom_it_was(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        assert await one.watching.do("forward", session, to="900442071838750") == Accepted()
        outside = await one.phones["trunk"].incoming()
        await called.until("cancelled")
        await one.sees("1002", "Redirected")
        assert outside.invite is not None
        assert "1002" in outside.invite.get("diversion")
        await outside.answer()
        onward = await one.sees("00442071838750", "InCall")
        assert onward.direction == "outbound"
        assert await calling.hears(1500, 700)
        await outside.hang_up()
        await one.sees("00442071838750", "CalleeHungUp")

    act(lab, scene)


def test_a_missing_extension_is_refused_and_the_phone_rings_on(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        done = await one.watching.do("forward", session, to="4711")
        assert isinstance(done, Refused)
        assert done.kind == "invalid"
        assert (calling.state, called.state) == ("ringing", "ringing")
        calling.cancel()

    act(lab, scene)


def test_one_phone_of_a_group_is_forwarded_and_the_other_rings_on(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling = await one.phones["1001"].call("2001")
        session = await one.sees("1003", "Ringing")
        await one.sees("1004", "Ringing")
        assert await one.watching.do("forward", session, to="900442071838750") == Accepted()
        outside = await one.phones["trunk"].incoming()
        assert (await one.phones["1004"].incoming()).state == "ringing"
        await outside.answer()
        await calling.until("answered")
        await one.sees("00442071838750", "InCall")
        assert await calling.hears(1500, 1100)
        await calling.hang_up()

    act(lab, scene)


@pytest.mark.parametrize(("moved", "hears"), [("caller", 500), ("callee", 700)])
def test_a_blind_transfer_moves_the_party_that_is_named(lab: Lab, moved: str, hears: int) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        assert await one.watching.do("blindTransfer", session, to="1003", party=moved) == Accepted()
        target = await one.phones["1003"].incoming()
        stays, leaves = (calling, called) if moved == "caller" else (called, calling)
        await leaves.until("ended")
        await target.answer()
        await one.sees("1002", "TransferCompleted")
        assert await target.hears(hears, 1200 - hears)
        await stays.hang_up()
        await one.sees("1003", "CallerHungUp")

    act(lab, scene)


def test_a_blind_transfer_to_nowhere_is_refused_and_both_talk_on(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        done = await one.watching.do("blindTransfer", session, to="4711", party="caller")
        assert isinstance(done, Refused)
        assert await calling.hears(700, 500)
        assert await called.hears(500, 700)
        await calling.hang_up()

    act(lab, scene)


@pytest.mark.parametrize("method", ["hangup", "close", "closeWithHangup"])
def test_a_ringing_call_is_hung_up(lab: Lab, method: str) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        match method:
            case "hangup" | "close" | "closeWithHangup":
                assert await one.watching.do(method, session) == Accepted()
        await calling.until("failed")
        await called.until("cancelled")
        assert calling.status == 603
        await one.sees("1002", "Aborted")

    act(lab, scene)


def test_a_talking_call_is_hung_up(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        assert await one.watching.do("hangup", session) == Accepted()
        await calling.until("ended")
        await called.until("ended")
        await one.sees("1002", "Aborted")

    act(lab, scene)


@pytest.mark.parametrize(("party", "caller", "callee"), [("caller", "1#", ""), ("callee", "", "1#")])
def test_keys_are_received_by_one_party_only(lab: Lab, party: str, caller: str, callee: str) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        for key in "1#":
            assert await one.watching.do("sendDtmf", session, key=key, party=party) == Accepted()
        receiver = calling if party == "caller" else called
        async with asyncio.timeout(WITHIN):
            assert await receiver.sound.gets_keys("1#")
        assert (calling.sound.keys, called.sound.keys) == (caller, callee)
        await calling.hang_up()

    act(lab, scene)


@pytest.mark.parametrize("hold", [None, "750"], ids=["music by ari", "parking extension"])
def test_both_are_held_and_talk_again(lab: Lab, hold: str | None) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        assert await one.watching.do("hold", session) == Accepted()
        await one.sees("1002", "OnHold")
        assert await calling.hears(MUSIC, 700)
        assert await called.hears(MUSIC, 500)
        assert await one.watching.do("unhold", session) == Accepted()
        assert await calling.hears(700, MUSIC)
        assert await called.hears(500, MUSIC)
        assert one.states_of("1002")[-2:] == ["OnHold", "InCall"]
        await calling.hang_up()
        await called.until("ended")
        await one.sees("1002", "CallerHungUp")

    act(lab, scene, ari=hold is None, hold=hold)


@pytest.mark.parametrize("hold", [None, "750"], ids=["music by ari", "parking extension"])
@pytest.mark.parametrize("who", ["caller", "callee"])
def test_nobody_is_left_alone_on_hold(lab: Lab, who: str, hold: str | None) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        await one.watching.do("hold", session)
        await one.sees("1002", "OnHold")
        gone, left = (calling, called) if who == "caller" else (called, calling)
        await gone.hang_up()
        await left.until("ended")
        await one.sees("1002", "CallerHungUp" if who == "caller" else "CalleeHungUp")

    act(lab, scene, ari=hold is None, hold=hold)


def test_a_held_call_is_transferred(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        await one.watching.do("hold", session)
        await one.sees("1002", "OnHold")
        assert await one.watching.do("blindTransfer", session, to="1003", party="caller") == Accepted()
        await called.until("ended")
        await (await one.phones["1003"].incoming()).answer()
        assert await calling.hears(900, MUSIC)
        await calling.hang_up()

    act(lab, scene)


def test_a_supervisor_hears_both_and_nobody_hears_the_supervisor(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        one.phones["1004"].on_call = lambda call: call.ring()
        assert await one.watching.do("startListen", session) == Accepted("follows")
        listener = await one.phones["1004"].incoming()
        await listener.answer()
        assert (await one.watching.until(CommandShown)).message == "ChanSpyStart"
        assert await listener.hears(500, 900)
        assert await listener.hears(700, 900)
        assert await calling.hears(700, 1100)
        assert await called.hears(500, 1100)
        assert await one.watching.do("stopListen", session) == Accepted("follows")
        await listener.until("ended")
        await one.watching.until(CommandShown, lambda shown: shown.message in ("ChanSpyStop", "Hangup"))
        assert calling.state == "answered"
        await calling.hang_up()
        assert "1004" not in {item.caller for item in sessions(one)}

    act(lab, scene, listen="PJSIP/1004")


def test_a_program_hears_both(lab: Lab) -> None:
    """The sound goes to an address of the admin's choice as RTP, for a recorder or a transcription."""

    async def run() -> None:
        program = Sound(0)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: program, local_addr=("127.0.0.1", 0))
        listen = f"UnicastRTP/127.0.0.1:{program.port}/c(ulaw)"
        async with office(lab, lab.access(listen=listen)) as one:
            calling, called, session = await one.talks()
            assert await one.watching.do("startListen", session) == Accepted("follows")
            async with asyncio.timeout(WITHIN):
                assert await program.comes_to(500, 900)
                assert await program.comes_to(700, 900)
            assert await calling.hears(700, 900)
            assert await called.hears(500, 900)
            await calling.hang_up()
        program.close()

    asyncio.run(run())


def sessions(one: Office) -> list[Session]:
    return [item.session for item in one.watching.items if isinstance(item, SessionSeen)]


def test_over_tls_all_is_the_same(lab: Lab) -> None:
    async def run() -> None:
        async with office(lab, lab.access(tls=True, ari=False)) as one:
            _, _, session = await one.talks()
            assert await one.watching.do("hangup", session) == Accepted()
            await one.sees("1002", "Aborted")

    asyncio.run(run())


def begins(lab: Lab, user: str) -> ConnectionState:
    """What the connector says at first."""

    async def run() -> ConnectionState:
        async with watched(lab.access(user=user, ari=False)) as watching:
            return await watching.until(ConnectionState)

    return asyncio.run(run())


def test_a_user_that_may_not_is_told_so_once(lab: Lab) -> None:
    detail = begins(lab, "watcher").detail
    assert "forward (the manager user may not send" in detail
    assert "hangup (the manager user may not send Hangup" in detail


def test_a_user_that_hears_of_no_calls_is_told_so(lab: Lab) -> None:
    state = begins(lab, "deaf")
    assert not state.ready
    assert "read = call,dtmf,system" in state.detail
