"""The scenes that are known of FreePBX's dialplan, in its order, and the sessions that are right.

Each scene returns the sessions that must have been told, and asserts by its phones that the call was what it says. The
file is long because it is one list.
"""

from typing import Final

from tests.e2e.asterisk.freepbx.building import Floor
from tests.e2e.asterisk.freepbx.playing import (
    Scene,
    asks_by_code,
    inbound,
    internal,
    listed_in,
    set_by_code,
    talk,
    to_the_pbx,
)
from tests.e2e.asterisk.freepbx.told import Told
from tests.e2e.asterisk.phone import PhoneCall

SCENES: Final[dict[str, Scene]] = {}
scene = listed_in(SCENES)


# -- one phone calls another


@scene
async def s01_a_phone_calls_a_phone(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("02"))
    called = await here.desks["02"].answers()
    await talk(calling, called)
    await calling.hang_up()
    await called.until("ended")
    [begun] = [one for one in here.events() if one["Event"] == "DialBegin"]
    assert begun["DialString"].startswith(f"{here.number('02')}/sip:")
    return [internal(here, "01", "02", "Ringing InCall CallerHungUp")]


@scene
async def s02_nobody_answers_and_the_mailbox_does(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("02"))
    called = await here.desks["02"].comes()
    await called.until("cancelled")
    await calling.until("answered")
    await calling.hang_up()
    return [internal(here, "01", "02", "Ringing NotAnswered")]


@scene
async def s03_a_phone_without_mailbox_is_busy(here: Floor) -> list[Told]:
    here.desks["04"].does = lambda call: call.refuse(486)
    calling = await here.call("01", here.number("04"))
    await calling.until("failed")
    here.desks["04"].does = PhoneCall.ring
    assert calling.status == 486
    return [internal(here, "01", "04", "Busy")]


@scene
async def s04a_a_phone_is_not_registered(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("09"))
    await calling.until("answered")
    await calling.hang_up()
    return [to_the_pbx(here, "01", here.number("09"), "CallerHungUp")]


@scene
async def s04b_do_not_disturb(here: Floor) -> list[Told]:
    await here.dials("02", "*78")
    calling = await here.call("01", here.number("02"))
    await calling.until("answered")
    await calling.hang_up()
    await here.dials("02", "*79")
    assert not [one for one in here.events() if one["Event"] == "DialBegin"]
    return [
        set_by_code(here, "02", "*78"),
        to_the_pbx(here, "01", here.number("02"), "CallerHungUp"),
        set_by_code(here, "02", "*79"),
    ]


@scene
async def s04c_in_a_call_without_call_waiting(here: Floor) -> list[Told]:
    await here.dials("02", "*71")
    first = await here.call("02", here.number("03"))
    await talk(first, await here.desks["03"].answers())
    second = await here.call("01", here.number("02"))
    await second.until("answered")
    await second.hang_up()
    await first.hang_up()
    await here.dials("02", "*70")
    return [
        set_by_code(here, "02", "*71"),
        internal(here, "02", "03", "Ringing InCall CallerHungUp"),
        to_the_pbx(here, "01", here.number("02"), "CallerHungUp"),
        set_by_code(here, "02", "*70"),
    ]


@scene
async def s05_a_number_that_nobody_has(here: Floor) -> list[Told]:
    number = f"47{here.digit}1"
    calling = await here.call("01", number)
    await calling.until("failed")
    assert calling.status == 503
    return [to_the_pbx(here, "01", number, "Error")]


# -- from outside


@scene
async def s06_from_outside_to_a_phone(here: Floor) -> list[Told]:
    calling = await here.from_outside("0")
    called = await here.desks["02"].answers()
    await talk(calling, called)
    await called.hang_up()
    await calling.until("ended")
    return [inbound(here, "02", "Ringing InCall CalleeHungUp")]


@scene
async def s07a_from_outside_to_no_number_of_ours(here: Floor) -> list[Told]:
    calling = await here.from_outside("9")
    await calling.until("answered")
    await calling.until("ended")
    return [Told(here.caller, here.number("did 9"), "inbound", "Completed")]


@scene
async def s07b_a_caller_on_the_blacklist(here: Floor) -> list[Told]:
    calling = await here.from_outside("0", here.refused)
    await calling.until("answered")
    await calling.until("ended")
    return [Told(here.refused, here.number("did 0"), "inbound", "Completed")]


# -- ring groups


@scene
async def s08_one_of_a_group_answers(here: Floor) -> list[Told]:
    calling = await here.from_outside("1")
    first = await here.desks["01"].comes()
    second = await here.desks["02"].comes()
    await second.answer()
    await talk(calling, second)
    await first.until("cancelled")
    await calling.hang_up()
    [lost] = [one for one in here.events() if one["Event"] == "Hangup" and here.number("01") in one["Channel"]]
    assert lost["Cause"] == "19"
    return [inbound(here, "01", "Ringing Completed"), inbound(here, "02", "Ringing InCall CallerHungUp")]


@scene
async def s09_nobody_of_a_group_answers_after_an_announcement(here: Floor) -> list[Told]:
    calling = await here.call("03", here.number("65"))
    await calling.until("answered")
    await (await here.desks["01"].comes()).until("cancelled")
    await (await here.desks["02"].comes()).until("cancelled")
    await calling.until("ended")
    return [internal(here, "03", desk, "Ringing NotAnswered") for desk in ("01", "02")]


@scene
async def s10_a_hunt_finds_the_second(here: Floor) -> list[Told]:
    calling = await here.call("03", here.number("61"))
    await (await here.desks["01"].comes()).until("cancelled")
    called = await here.desks["02"].answers()
    await talk(calling, called)
    await calling.hang_up()
    assert len({one.session.master_session_id for one in here.seen()}) == 1
    return [
        internal(here, "03", "01", "Ringing NotAnswered"),
        internal(here, "03", "02", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s11_a_mobile_of_a_group_confirms(here: Floor) -> list[Told]:
    calling = await here.from_outside("2")
    other = await here.desks["01"].comes()
    mobile = await here.outside().answers()
    await here.building.recorder.until(  # inside, with the channel that asks for the key
        here.began, "BridgeEnter", lambda one: one["Channel"].startswith(f"Local/{here.mobile}")
    )
    assert calling.state != "answered"
    assert "InCall" not in {str(one.session.session_state) for one in here.seen()}
    await mobile.press("1")
    await talk(calling, mobile)
    await other.until("cancelled")
    await calling.hang_up()
    return [
        inbound(here, "01", "Ringing Completed"),
        Told(here.caller, here.mobile, "transit", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s12_the_mailbox_of_a_mobile_does_not_confirm(here: Floor) -> list[Told]:
    calling = await here.from_outside("2")
    other = await here.desks["01"].comes()
    mobile = await here.outside().answers()
    await mobile.until("ended")
    assert other.state == "ringing"
    await other.answer()
    await talk(calling, other)
    await calling.hang_up()
    return [
        inbound(here, "01", "Ringing InCall CallerHungUp"),
        Told(here.caller, here.mobile, "transit", "Ringing NotAnswered"),
    ]


@scene
async def s13_follow_me_reaches_the_mobile(here: Floor) -> list[Told]:
    await here.dials("03", "*21")
    calling = await here.call("01", here.number("03"))
    desk = await here.desks["03"].comes()
    mobile = await here.outside().comes()
    await mobile.answer()
    await talk(calling, mobile)
    await desk.until("cancelled")
    await calling.hang_up()
    await here.dials("03", "*21")
    return [
        set_by_code(here, "03", "*21"),
        internal(here, "01", "03", "Ringing Completed"),
        Told(here.number("01"), here.mobile, "outbound", "Ringing InCall CallerHungUp"),
        set_by_code(here, "03", "*21"),
    ]


# -- queues


@scene
async def s14_a_queue_finds_an_agent(here: Floor) -> list[Told]:
    calling = await here.from_outside("4")
    await calling.until("answered")
    other = await here.desks["01"].comes()
    agent = await here.desks["02"].answers()
    await talk(calling, agent)
    await other.until("cancelled")
    await agent.hang_up()
    await calling.until("ended")
    return [inbound(here, "01", "Ringing Completed"), inbound(here, "02", "Ringing InCall CalleeHungUp")]


@scene
async def s15_a_queue_finds_nobody_in_two_rounds(here: Floor) -> list[Told]:
    calling = await here.from_outside("4")
    for _ in range(2):
        await (await here.desks["01"].comes()).until("cancelled")
        await (await here.desks["02"].comes()).until("cancelled")
    await calling.until("ended")
    assert len({one.session.master_session_id for one in here.seen()}) == 1
    return [inbound(here, desk, "Ringing NotAnswered") for desk in ("01", "02") for _ in range(2)]


# -- to outside


@scene
async def s16_the_second_trunk_takes_the_call(here: Floor) -> list[Told]:
    here.outside("trkA").does = lambda call: call.refuse(503)
    calling = await here.call("01", here.mobile)
    called = await here.outside("trkB").answers()
    here.outside("trkA").does = PhoneCall.ring
    await talk(calling, called)
    await calling.hang_up()
    return [Told(here.number("01"), here.mobile, "outbound", "Ringing InCall CallerHungUp")]


@scene
async def s17_declined_outside_on_every_trunk(here: Floor) -> list[Told]:
    here.outside("trkA").does = lambda call: call.refuse(603)
    here.outside("trkB").does = lambda call: call.refuse(603)
    calling = await here.call("01", here.mobile)
    await calling.until("failed")
    for trunk in ("trkA", "trkB"):
        here.outside(trunk).does = PhoneCall.ring
    return [Told(here.number("01"), here.mobile, "outbound", "Busy")]


# -- transfers and parking


async def _transferred(here: Floor, did: str, by: str) -> tuple[PhoneCall, PhoneCall]:
    calling = await here.from_outside(did)
    transferring = await here.desks[by].answers()
    await talk(calling, transferring)
    assert await transferring.refer(here.number("02")) == 202
    return calling, await here.desks["02"].comes()


async def _answered_after_transfer(here: Floor, did: str, by: str) -> list[Told]:
    calling, target = await _transferred(here, did, by)
    await target.answer()
    await talk(calling, target)
    await calling.hang_up()
    await target.until("ended")
    return [
        inbound(here, by, "Ringing InCall Transferring TransferCompleted"),
        inbound(here, "02", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s18a_a_phone_transfers(here: Floor) -> list[Told]:
    return await _answered_after_transfer(here, "5", "01")


@scene
async def s18b_a_phone_transfers_through_one_more_channel(here: Floor) -> list[Told]:
    return await _answered_after_transfer(here, "8", "06")


async def _in_the_mailbox_after_transfer(here: Floor, did: str, by: str) -> list[Told]:
    calling, target = await _transferred(here, did, by)
    await target.until("cancelled")
    # the caller has been answered since before: that the mailbox greets is all that is heard
    await here.sees(here.caller, here.number("02"), "NotAnswered")
    await calling.hang_up()
    return [
        inbound(here, by, "Ringing InCall Transferring TransferFailed Aborted"),
        inbound(here, "02", "Ringing NotAnswered"),
    ]


@scene
async def s18c_a_transfer_ends_in_the_mailbox(here: Floor) -> list[Told]:
    return await _in_the_mailbox_after_transfer(here, "5", "01")


@scene
async def s18d_a_transfer_through_one_more_channel_ends_in_the_mailbox(here: Floor) -> list[Told]:
    return await _in_the_mailbox_after_transfer(here, "8", "06")


async def _consulted(here: Floor) -> tuple[PhoneCall, PhoneCall]:
    """From outside to 01, who asks 02 by code and leaves."""
    calling = await here.from_outside("5")
    first = await here.desks["01"].answers()
    await talk(calling, first)
    await asks_by_code(here, first, "01", "02")
    second = await here.desks["02"].answers()
    await talk(first, second)
    await first.hang_up()
    await talk(calling, second)
    return calling, second


@scene
async def s19a_asked_by_code_then_parked_and_fetched(here: Floor) -> list[Told]:
    calling, second = await _consulted(here)
    assert await second.refer("70") == 202
    parked = await here.building.recorder.until(
        here.began, "ParkedCall", lambda one: one["ParkeeCallerIDNum"] == here.caller
    )
    fetching = await here.call("03", parked["ParkingSpace"])
    await talk(fetching, calling)
    await calling.hang_up()
    await fetching.until("ended")
    return [
        inbound(here, "01", "Ringing InCall CallerOnHold TransferRequested TransferCompleted"),
        inbound(here, "02", "Ringing InCall (Transferring) TransferCompleted"),
        Told(here.number("03"), here.caller, "outbound", "InCall CalleeHungUp"),
    ]


@scene
async def s19b_asked_by_code_then_parked_and_back(here: Floor) -> list[Told]:
    calling, second = await _consulted(here)
    assert await second.refer("70") == 202
    back = await here.desks["02"].answers()
    await talk(calling, back)
    await calling.hang_up()
    await back.until("ended")
    return [
        inbound(here, "01", "Ringing InCall CallerOnHold TransferRequested TransferCompleted"),
        inbound(here, "02", "Ringing InCall (Transferring) TransferCompleted"),
        inbound(here, "02", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s20a_all_calls_are_forwarded(here: Floor) -> list[Told]:
    await here.dials("02", f"*72{here.mobile}")
    calling = await here.call("01", here.number("02"))
    mobile = await here.outside().answers()
    await talk(calling, mobile)
    await calling.hang_up()
    await here.dials("02", "*73")
    return [
        set_by_code(here, "02", f"*72{here.mobile}"),
        Told(here.number("01"), here.mobile, "outbound", "Ringing InCall CallerHungUp"),
        set_by_code(here, "02", "*73"),
    ]


@scene
async def s20b_unanswered_calls_are_forwarded(here: Floor) -> list[Told]:
    await here.dials("02", f"*52{here.mobile}")
    calling = await here.call("01", here.number("02"))
    await (await here.desks["02"].comes()).until("cancelled")
    mobile = await here.outside().answers()
    await talk(calling, mobile)
    await calling.hang_up()
    await here.dials("02", "*53")
    return [
        set_by_code(here, "02", f"*52{here.mobile}"),
        internal(here, "01", "02", "Ringing NotAnswered"),
        Told(here.number("01"), here.mobile, "outbound", "Ringing InCall CallerHungUp"),
        set_by_code(here, "02", "*53"),
    ]


@scene
async def s20c_a_colleague_picks_up(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("02"))
    called = await here.desks["02"].comes()
    picking = await here.call("03", f"**{here.number('02')}")
    await talk(calling, picking)
    await called.until("cancelled")
    await calling.hang_up()
    await picking.until("ended")
    return [
        internal(here, "01", "02", "Ringing Redirected"),
        internal(here, "01", "03", "InCall CallerHungUp"),
        to_the_pbx(here, "03", f"**{here.number('02')}", "Completed"),
    ]
