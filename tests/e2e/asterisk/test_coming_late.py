"""A connector that comes in mid-call, as after a restart: it sees the same sessions, and can act on them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from ozrules.engine.events import Accepted, SessionSeen, SessionsListed
from ozrules.session.session import Session
from ozrules.session.state import State
from tests.connectors.asterisk.manager import Watched, watched
from tests.e2e.asterisk.lab import MUSIC, Lab
from tests.e2e.asterisk.office import Office, office
from tests.e2e.asterisk.phone import WITHIN

pytestmark = [
    pytest.mark.timeout(400),  # the first test may have to fetch Asterisk
    pytest.mark.every_asterisk,
]


def play(
    lab: Lab,
    scene: Callable[[Office], Awaitable[None]],
    *,
    ari: bool = True,
    hold: str | None = None,
    listen: str | None = None,
) -> None:
    async def run() -> None:
        async with office(lab, lab.access(ari=ari, hold=hold, listen=listen)) as one:
            await scene(one)

    asyncio.run(run())


@asynccontextmanager
async def late(one: Office) -> AsyncIterator[tuple[Watched, tuple[Session, ...]]]:
    """Another connector that comes now, and the sessions on its list."""
    async with watched(one.access) as another:
        listed = await another.until(SessionsListed)
        assert listed.sessions is not None
        yield another, listed.sessions


async def ends(another: Watched, state: str) -> None:
    await another.until(SessionSeen, lambda seen: seen.session.session_state == State(state))


def test_a_call_is_the_same_session(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, _, session = await one.talks()
        async with late(one) as (another, sessions):
            assert sessions == (session,)
            await calling.hang_up()
            await ends(another, "CallerHungUp")

    play(lab, scene)


def test_phones_that_ring_for_a_queue_are_the_same_sessions(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling = await one.phones["1001"].call("5000")
        called = await one.phones["1003"].incoming()
        rings = {(await one.sees(number, "Ringing")).session_id for number in ("1003", "1004")}
        async with late(one) as (another, sessions):
            assert {(each.session_id, each.session_state) for each in sessions} == {(name, "Ringing") for name in rings}
            await called.answer()
            await ends(another, "Completed")
            answered = await another.state(State("InCall"))
            assert (answered.callee, answered.session_id in rings) == ("1003", True)
            await calling.hang_up()
            await ends(another, "CallerHungUp")

    play(lab, scene)


async def until_on_hold(lab: Lab, number: str) -> None:
    """Waits until Asterisk knows it of the phone that hears the music, a moment after it has raised the event."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(WITHIN):
        while "On Hold" not in (await loop.run_in_executor(None, lab.cli, f"pjsip show endpoint {number}")).stdout:
            pass


@pytest.mark.parametrize(("who", "state"), [("caller", "CalleeOnHold"), ("callee", "CallerOnHold")])
def test_who_holds_is_seen(lab: Lab, who: str, state: str) -> None:
    async def scene(one: Office) -> None:
        calling, called, _ = await one.talks()
        holder = calling if who == "caller" else called
        await holder.hold(on=True)
        held = await one.sees("1002", state)
        await until_on_hold(lab, "1002" if who == "caller" else "1001")
        async with late(one) as (another, sessions):
            assert sessions == (held,)
            await holder.hold(on=False)
            await another.state(State("InCall"))
            await calling.hang_up()
            await ends(another, "CallerHungUp")

    play(lab, scene)


@pytest.mark.parametrize("hold", [None, "750"], ids=["music by ari", "parking extension"])
def test_a_call_that_was_held_before_is_taken_back(lab: Lab, hold: str | None) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        await one.watching.do("hold", session)
        await one.sees("1002", "OnHold")
        async with late(one) as (another, sessions):
            assert [(each.session_id, each.session_state) for each in sessions] == [(session.session_id, "OnHold")]
            assert await another.do("unhold", session) == Accepted()
            assert await calling.hears(700, MUSIC)
            assert await called.hears(500, MUSIC)
            await another.state(State("InCall"))
            await calling.hang_up()
            await ends(another, "CallerHungUp")

    play(lab, scene, ari=hold is None, hold=hold)


def test_nobody_is_left_alone_by_a_hold_of_before(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        await one.watching.do("hold", session)
        await one.sees("1002", "OnHold")
        async with late(one) as (another, _):
            one.watching.stop()
            await calling.hang_up()
            await called.until("ended")
            await ends(another, "CallerHungUp")

    play(lab, scene)


def test_a_forward_that_rings_beside_goes_on(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        await one.watching.do("forward", session, to="1003")
        target = await one.phones["1003"].incoming()
        beside = await one.sees("1003", "Ringing")
        async with late(one) as (_, sessions):
            assert {each.session_id for each in sessions} == {session.session_id, beside.session_id}
            assert {each.session_state for each in sessions} == {State("Ringing")}
            one.watching.stop()
            await called.answer()
            await target.until("cancelled")
            await calling.until("answered")
            assert await calling.hears(700, 900)
            await calling.hang_up()

    play(lab, scene)


def test_a_forward_that_was_answered_is_the_session_that_it_was(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, _, session = await one.rings()
        await one.watching.do("forward", session, to="1003")
        await (await one.phones["1003"].incoming()).answer()
        moved = await one.sees("1003", "InCall")
        await one.sees("1002", "Redirected")
        async with late(one) as (another, sessions):
            assert [each.session_id for each in sessions] == [moved.session_id]
            await calling.finish()
            await ends(another, "CallerHungUp")

    play(lab, scene)


def test_a_listener_of_before_is_ended(lab: Lab) -> None:
    async def scene(one: Office) -> None:
        calling, _, session = await one.talks()
        await one.watching.do("startListen", session)
        listener = await one.phones["1004"].incoming()
        await listener.answer()
        assert await listener.hears(500, 900)
        async with late(one) as (another, sessions):
            assert len(sessions) == 1
            assert await another.do("stopListen", session) == Accepted("follows")
            await listener.until("ended")
            await calling.hang_up()
            await ends(another, "CallerHungUp")

    play(lab, scene, listen="PJSIP/1004")
