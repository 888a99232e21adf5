"""What ozrules does to calls in such an office, and what comes of it: more scenes, played and judged like the others.

The methods are called as rules call them, by the connector. What must not be done is tried as well.
"""

import asyncio
from typing import Final

from ozrules.engine.events import Accepted, Refused, Withheld
from ozrules.session.session import Session
from tests.e2e.asterisk.freepbx.building import Floor
from tests.e2e.asterisk.freepbx.playing import Scene, inbound, internal, listed_in, set_by_code, talk
from tests.e2e.asterisk.freepbx.told import Told
from tests.e2e.asterisk.lab import MUSIC
from tests.e2e.asterisk.phone import WITHIN, PhoneCall

ACTED: Final[dict[str, Scene]] = {}
scene = listed_in(ACTED)


async def rings(here: Floor, caller: str, desk: str) -> Session:
    """The session of a caller with a phone that rings."""
    return await here.sees(caller, here.number(desk), "Ringing")


def is_withheld(done: object) -> bool:
    """Whether a method was not called."""
    return isinstance(done, Refused | Withheld)


def refused_as(done: object) -> str:
    """Why a method was refused."""
    assert isinstance(done, Refused), done
    return done.kind


@scene
async def a01_an_unanswered_phone_is_forwarded_before_its_mailbox_answers(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("02"))
    called = await here.desks["02"].comes()
    session = await rings(here, here.number("01"), "02")
    assert await here.does("forward", session, to=here.number("04")) == Accepted()
    target = await here.desks["04"].answers()
    await talk(calling, target)
    await called.until("cancelled")
    await calling.hang_up()
    return [
        internal(here, "01", "02", "Ringing Redirected"),
        internal(here, "01", "04", "Ringing InCall CallerHungUp"),
    ]


@scene
async def a02_one_of_a_group_of_local_channels_is_forwarded_outside(here: Floor) -> list[Told]:
    calling = await here.call("03", here.number("63"))
    moved = await here.desks["01"].comes()
    other = await here.desks["02"].comes()
    session = await rings(here, here.number("03"), "01")
    assert await here.does("forward", session, to=here.mobile) == Accepted()
    mobile = await here.outside().comes()
    await moved.until("cancelled")
    assert other.state == "ringing"
    await mobile.answer()
    await talk(calling, mobile)
    await other.until("cancelled")
    await calling.hang_up()
    return [
        internal(here, "03", "01", "Ringing Redirected"),
        internal(here, "03", "02", "Ringing Completed"),
        Told(here.number("03"), here.mobile, "outbound", "Ringing InCall CallerHungUp"),
    ]


async def _one_of_two_is_forwarded(here: Floor, line: str) -> list[Told]:
    calling = await here.from_outside(line)
    first = await here.desks["01"].comes()
    second = await here.desks["02"].comes()
    session = await rings(here, here.caller, "01")
    assert await here.does("forward", session, to=here.number("04")) == Accepted()
    target = await here.desks["04"].answers()
    await talk(calling, target)
    await first.until("cancelled")
    await second.until("cancelled")
    await calling.hang_up()
    return [
        inbound(here, "01", "Ringing Redirected"),
        inbound(here, "02", "Ringing Completed"),
        inbound(here, "04", "Ringing InCall CallerHungUp"),
    ]


@scene
async def a03_one_of_a_group_is_forwarded_to_a_phone(here: Floor) -> list[Told]:
    return await _one_of_two_is_forwarded(here, "1")


@scene
async def a04_a_group_is_forwarded_outside_as_a_whole(here: Floor) -> list[Told]:
    calling = await here.from_outside("1")
    phones = [await here.desks[desk].comes() for desk in ("01", "02")]
    session = await rings(here, here.caller, "01")
    assert await here.does("forward", session, to=here.mobile) == Accepted()
    mobile = await here.outside().answers()
    await talk(calling, mobile)
    for phone in phones:
        await phone.until("cancelled")
    await calling.hang_up()
    return [
        inbound(here, "01", "Ringing Redirected"),
        inbound(here, "02", "Ringing Redirected"),
        Told(here.caller, here.mobile, "transit", "Ringing InCall CallerHungUp"),
    ]


@scene
async def a05_a_number_that_nobody_has_is_no_target(here: Floor) -> list[Told]:
    calling = await here.call("01", here.number("04"))
    called = await here.desks["04"].comes()
    session = await rings(here, here.number("01"), "04")
    assert refused_as(await here.does("forward", session, to="4711")) == "invalid"
    await called.answer()
    await talk(calling, called)
    session = await here.sees(here.number("01"), here.number("04"), "InCall")
    assert refused_as(await here.does("blindTransfer", session, to="4711", party="caller")) == "invalid"
    await talk(calling, called)
    await calling.hang_up()
    return [internal(here, "01", "04", "Ringing InCall CallerHungUp")]


@scene
async def a06_a_caller_from_outside_is_transferred(here: Floor) -> list[Told]:
    calling = await here.from_outside("5")
    called = await here.desks["01"].answers()
    await talk(calling, called)
    session = await here.sees(here.caller, here.number("01"), "InCall")
    assert await here.does("blindTransfer", session, to=here.number("02"), party="caller") == Accepted()
    target = await here.desks["02"].answers()
    await talk(calling, target)
    await called.until("ended")
    await calling.hang_up()
    return [
        inbound(here, "01", "Ringing InCall Transferring TransferCompleted"),
        inbound(here, "02", "Ringing InCall CallerHungUp"),
    ]


async def _with_an_agent(here: Floor) -> tuple[PhoneCall, PhoneCall, Session]:
    """A caller of the queue who talks with 02."""
    calling = await here.from_outside("4")
    await here.desks["01"].comes()
    agent = await here.desks["02"].answers()
    await talk(calling, agent)
    return calling, agent, await here.sees(here.caller, here.number("02"), "InCall")


@scene
async def a07_a_caller_of_a_queue_is_transferred(here: Floor) -> list[Told]:
    calling, agent, session = await _with_an_agent(here)
    assert await here.does("blindTransfer", session, to=here.number("04"), party="caller") == Accepted()
    target = await here.desks["04"].answers()
    await talk(calling, target)
    await agent.until("ended")
    await calling.hang_up()
    return [
        inbound(here, "01", "Ringing Completed"),
        inbound(here, "02", "Ringing InCall Transferring TransferCompleted"),
        inbound(here, "04", "Ringing InCall CallerHungUp"),
    ]


@scene
async def a08_a_call_to_a_group_is_hung_up(here: Floor) -> list[Told]:
    calling = await here.from_outside("1")
    phones = [await here.desks[desk].comes() for desk in ("01", "02")]
    session = await rings(here, here.caller, "02")
    assert await here.does("hangup", session) == Accepted()
    await calling.until("failed")
    for phone in phones:
        await phone.until("cancelled")
    return [inbound(here, desk, "Ringing Aborted") for desk in ("01", "02")]


@scene
async def a09_keys_are_sent_to_an_agent(here: Floor) -> list[Told]:
    calling, agent, session = await _with_an_agent(here)
    assert await here.does("sendDtmf", session, key="5", party="callee") == Accepted()
    async with asyncio.timeout(WITHIN):
        assert await agent.sound.gets_keys("5")
    assert calling.sound.keys == ""
    await calling.hang_up()
    return [inbound(here, "01", "Ringing Completed"), inbound(here, "02", "Ringing InCall CallerHungUp")]


@scene
async def a10_a_caller_of_a_queue_is_held(here: Floor) -> list[Told]:
    calling, agent, session = await _with_an_agent(here)
    assert await here.does("hold", session) == Accepted()
    held = await here.sees(here.caller, here.number("02"), "OnHold")
    assert await calling.hears(MUSIC, agent.sound.tone)
    assert await agent.hears(MUSIC, calling.sound.tone)
    assert await here.does("unhold", held) == Accepted()
    await talk(calling, agent)
    await agent.hang_up()
    await calling.until("ended")
    return [inbound(here, "01", "Ringing Completed"), inbound(here, "02", "Ringing InCall OnHold InCall CalleeHungUp")]


@scene
async def a11_nothing_is_done_to_a_mobile_that_has_not_confirmed(here: Floor) -> list[Told]:
    calling = await here.from_outside("2")
    other = await here.desks["01"].comes()
    session = await here.sees(here.caller, here.mobile, "Setup", "Ringing")
    mobile = await here.outside().answers()
    await here.building.recorder.until(
        here.began, "BridgeEnter", lambda one: one["Channel"].startswith(f"Local/{here.mobile}")
    )
    assert is_withheld(await here.does("sendDtmf", session, key="1", party="callee"))
    assert is_withheld(await here.does("hold", session))
    assert is_withheld(await here.does("blindTransfer", session, to=here.number("04"), party="caller"))
    assert is_withheld(await here.does("forward", session, to=here.number("04")))
    assert mobile.sound.keys == ""
    await mobile.press("1")
    await talk(calling, mobile)
    await other.until("cancelled")
    await calling.hang_up()
    return [
        inbound(here, "01", "Ringing Completed"),
        Told(here.caller, here.mobile, "transit", "Ringing InCall CallerHungUp"),
    ]


@scene
async def a12_a_phone_with_follow_me_is_forwarded(here: Floor) -> list[Told]:
    await here.dials("03", "*21")
    calling = await here.call("01", here.number("03"))
    called = await here.desks["03"].comes()
    session = await rings(here, here.number("01"), "03")
    assert await here.does("forward", session, to=here.number("04")) == Accepted()
    target = await here.desks["04"].answers()
    await talk(calling, target)
    await called.until("cancelled")
    await calling.hang_up()
    await here.dials("03", "*21")
    return [
        set_by_code(here, "03", "*21"),
        internal(here, "01", "03", "Ringing Redirected"),
        internal(here, "01", "04", "Ringing InCall CallerHungUp"),
        set_by_code(here, "03", "*21"),
    ]


@scene
async def a13_an_agent_of_a_queue_is_forwarded(here: Floor) -> list[Told]:
    return await _one_of_two_is_forwarded(here, "4")


@scene
async def a14_a_group_is_forwarded_to_a_mailbox(here: Floor) -> list[Told]:
    calling = await here.from_outside("1")
    phones = [await here.desks[desk].comes() for desk in ("01", "02")]
    session = await rings(here, here.caller, "01")
    assert await here.does("forward", session, to=f"*{here.number('03')}") == Accepted()
    for phone in phones:
        await phone.until("cancelled")
    assert await calling.until("answered", "failed") == "answered"  # though a group's callers may leave no message
    await calling.hang_up()
    return [inbound(here, desk, "Ringing Redirected") for desk in ("01", "02")]


@scene
async def a15_an_agent_of_a_queue_is_forwarded_to_a_mailbox(here: Floor) -> list[Told]:
    calling = await here.from_outside("4")
    await here.desks["01"].comes()
    other = await here.desks["02"].comes()
    session = await rings(here, here.caller, "01")
    assert await here.does("forward", session, to=f"*{here.number('03')}") == Accepted()
    await other.until("cancelled")
    await here.building.recorder.until(
        here.began,
        "BridgeEnter",
        lambda one: one["Channel"].startswith("PJSIP/trkA") and one["Linkedid"] in here.ours(),
    )
    await here.sees(here.caller, here.number("02"), "Completed")
    await calling.hang_up()
    return [inbound(here, "01", "Ringing Redirected"), inbound(here, "02", "Ringing Completed")]
