"""What else an office has: intercom, page, conference, menu, hours, transfers in every way, queues, codes."""

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

MORE: Final[dict[str, Scene]] = {}
scene = listed_in(MORE)


def answer_at_once(call: PhoneCall) -> None:
    """As a phone does that is told to by the call."""
    call.ring()
    call.when_free(call.answer())


@scene
async def s21_an_intercom_call_is_answered_by_the_phone_itself(here: Floor) -> list[Told]:
    here.desks["02"].does = answer_at_once
    calling = await here.call("01", f"*80{here.number('02')}")
    called = await here.desks["02"].comes()
    here.desks["02"].does = PhoneCall.ring
    await talk(calling, called)
    await calling.hang_up()
    await called.until("ended")
    return [internal(here, "01", "02", "Ringing InCall CallerHungUp")]


@scene
async def s22_a_page_is_no_call_of_those_who_hear_it(here: Floor) -> list[Told]:
    for desk in ("02", "04"):
        here.desks[desk].does = answer_at_once
    calling = await here.call("01", here.number("90"))
    hearing = [await here.desks[desk].comes() for desk in ("02", "04")]
    for desk in ("02", "04"):
        here.desks[desk].does = PhoneCall.ring
    for one in hearing:
        assert await one.hears(calling.sound.tone, one.sound.tone)
    await calling.hang_up()
    for one in hearing:
        await one.hang_up()
    return [to_the_pbx(here, "01", here.number("90"), "CallerHungUp")]


@scene
async def s23_a_conference(here: Floor) -> list[Told]:
    sitting = [await here.call(desk, here.number("80")) for desk in ("01", "02", "03")]
    for one in sitting:
        await one.until("answered")
    assert await sitting[0].hears(sitting[2].sound.tone, sitting[0].sound.tone)
    for one in sitting:
        await one.hang_up()
    return [to_the_pbx(here, desk, here.number("80"), "CallerHungUp") for desk in ("01", "02", "03")]


@scene
async def s24_a_menu_leads_to_a_phone(here: Floor) -> list[Told]:
    calling = await here.from_outside("7")
    await calling.until("answered")
    await calling.press("1")
    await talk(calling, await here.desks["01"].answers())
    await calling.hang_up()
    return [inbound(here, "01", "Ringing InCall CallerHungUp")]


@scene
async def s25_out_of_hours(here: Floor) -> list[Told]:
    await here.dials("01", f"*27{here.digit}")
    closed = await here.from_outside("6")
    await closed.until("ended")
    await here.dials("01", f"*27{here.digit}")
    opened = await here.from_outside("6")
    await talk(opened, await here.desks["01"].answers())
    await opened.hang_up()
    return [
        set_by_code(here, "01", f"*27{here.digit}"),
        Told(here.caller, here.number("did 6"), "inbound", "Completed"),
        set_by_code(here, "01", f"*27{here.digit}"),
        inbound(here, "01", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s26_a_phone_asks_and_then_transfers(here: Floor) -> list[Told]:
    calling = await here.from_outside("5")
    first = await here.desks["01"].answers()
    await talk(calling, first)
    await first.hold(on=True)
    asking = await here.call("01", here.number("02"))
    second = await here.desks["02"].answers()
    await talk(asking, second)
    assert await first.refer(here.number("02"), instead_of=asking) == 202
    await talk(calling, second)
    await calling.hang_up()
    await second.until("ended")
    return [
        inbound(here, "01", "Ringing InCall CallerOnHold TransferRequested TransferCompleted"),
        inbound(here, "02", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s27_a_transfer_by_code(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("03"))
    called = await here.desks["03"].answers()
    await talk(calling, called)
    await calling.press(f"##{here.number('02')}")
    target = await here.desks["02"].answers()
    await talk(called, target)
    await called.hang_up()
    await target.until("ended")
    return [
        internal(here, "01", "03", "Ringing InCall CalleeOnHold Transferring TransferCompleted"),
        internal(here, "03", "02", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s28_the_caller_of_a_group_gives_up(here: Floor) -> list[Told]:
    calling = await here.call("03", here.number("60"))
    ringing = [await here.desks[desk].comes() for desk in ("01", "02")]
    calling.cancel()
    for one in ringing:
        await one.until("cancelled")
    return [internal(here, "03", desk, "Ringing Cancelled") for desk in ("01", "02")]


@scene
async def s29_a_group_of_nobody(here: Floor) -> list[Told]:
    for desk in ("01", "02"):
        await here.dials(desk, "*78")
    calling = await here.call("03", here.number("60"))
    await calling.until("answered")
    await calling.until("ended")
    for desk in ("01", "02"):
        await here.dials(desk, "*79")
    assert not [one for one in here.events() if one["Event"] == "DialBegin"]
    codes = [set_by_code(here, desk, code) for desk in ("01", "02") for code in ("*78", "*79")]
    return [*codes, to_the_pbx(here, "03", here.number("60"), "Completed")]


@scene
async def s30_a_phone_transfers_into_a_queue(here: Floor) -> list[Told]:
    calling = await here.from_outside("0")
    transferring = await here.desks["02"].answers()
    await talk(calling, transferring)
    assert await transferring.refer(here.number("40")) == 202
    await here.desks["02"].comes()
    agent = await here.desks["01"].answers()
    await talk(calling, agent)
    await calling.hang_up()
    await agent.until("ended")
    return [
        inbound(here, "02", "Ringing InCall Transferring TransferCompleted"),
        inbound(here, "01", "Ringing InCall CallerHungUp"),
        inbound(here, "02", "Ringing Completed"),
    ]


@scene
async def s31_an_agent_holds(here: Floor) -> list[Told]:
    calling = await here.from_outside("4")
    other = await here.desks["02"].comes()
    agent = await here.desks["01"].answers()
    await talk(calling, agent)
    await agent.hold(on=True)
    await here.sees(here.caller, here.number("01"), "CallerOnHold")
    await agent.hold(on=False)
    await talk(calling, agent)
    await calling.hang_up()
    await other.until("cancelled")
    return [
        inbound(here, "02", "Ringing Completed"),
        inbound(here, "01", "Ringing InCall CallerOnHold InCall CallerHungUp"),
    ]


@scene
async def s32_one_of_a_group_of_local_channels_answers(here: Floor) -> list[Told]:
    calling = await here.call("03", here.number("63"))
    other = await here.desks["01"].comes()
    called = await here.desks["02"].answers()
    await talk(calling, called)
    await other.until("cancelled")
    await called.hang_up()
    return [internal(here, "03", "01", "Ringing Completed"), internal(here, "03", "02", "Ringing InCall CalleeHungUp")]


@scene
async def s33_who_asks_by_code_leaves_before_the_answer(here: Floor) -> list[Told]:
    calling = await here.from_outside("5")
    first = await here.desks["01"].answers()
    await talk(calling, first)
    await asks_by_code(here, first, "01", "02")
    second = await here.desks["02"].comes()
    await first.hang_up()
    await second.answer()
    await talk(calling, second)
    await calling.hang_up()
    await second.until("ended")
    return [
        inbound(here, "01", "Ringing InCall CallerOnHold TransferRequested TransferCompleted"),
        inbound(here, "02", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s34_follow_me_is_answered_at_the_desk(here: Floor) -> list[Told]:
    await here.dials("03", "*21")
    calling = await here.call("01", here.number("03"))
    desk = await here.desks["03"].answers()
    await talk(calling, desk)
    await calling.hang_up()
    await here.dials("03", "*21")
    return [
        set_by_code(here, "03", "*21"),
        internal(here, "01", "03", "Ringing InCall CallerHungUp"),
        set_by_code(here, "03", "*21"),
    ]


@scene
async def s35_a_code_ends_the_call(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("02"))
    called = await here.desks["02"].answers()
    await talk(calling, called)
    await called.press("**")
    await calling.until("ended")
    return [internal(here, "01", "02", "Ringing InCall Aborted")]


@scene
async def s36_a_mailbox_is_called(here: Floor) -> list[Told]:
    calling = await here.call("01", f"*{here.number('02')}")
    await calling.until("answered")
    await calling.hang_up()
    return [to_the_pbx(here, "01", f"*{here.number('02')}", "CallerHungUp")]


@scene
async def s37_who_asks_by_code_joins_all_three_and_leaves(here: Floor) -> list[Told]:
    calling = await here.from_outside("5")
    first = await here.desks["01"].answers()
    await talk(calling, first)
    await asks_by_code(here, first, "01", "02")
    second = await here.desks["02"].answers()
    await talk(first, second)
    await first.press("*3")
    await talk(calling, second)
    await talk(calling, first)
    await first.hang_up()
    await talk(calling, second)
    await calling.hang_up()
    await second.until("ended")
    return [
        inbound(here, "01", "Ringing InCall CallerOnHold TransferRequested TransferCompleted"),
        inbound(here, "02", "Ringing InCall CallerHungUp"),
    ]


@scene
async def s38_a_colleague_picks_up_a_call_from_outside(here: Floor) -> list[Told]:
    calling = await here.from_outside("5")
    called = await here.desks["01"].comes()
    picking = await here.call("03", f"**{here.number('01')}")
    await talk(calling, picking)
    await called.until("cancelled")
    await picking.hang_up()
    await calling.until("ended")
    return [
        inbound(here, "01", "Ringing Redirected"),
        inbound(here, "03", "InCall CalleeHungUp"),
        to_the_pbx(here, "03", f"**{here.number('01')}", "Completed"),
    ]
