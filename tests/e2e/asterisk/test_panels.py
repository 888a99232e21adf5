"""What an operator's panel does to calls on a real Asterisk: it joins, parks and ends legs that it did not call.

Beside each scene the oracle judges what the connector tells; here only how the calls end is looked at.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from ozrules.session.state import CALLEE_HUNG_UP, CALLER_HUNG_UP, CANCELLED, ENDED
from tests.e2e.asterisk.lab import SECRET, Lab
from tests.e2e.asterisk.office import Office, office
from tests.oracle.tap import Tap, tap

pytestmark = [
    pytest.mark.timeout(400),  # the first test may have to fetch Asterisk
    pytest.mark.every_asterisk,
]

MOVED: Final = ("Redirected", "Aborted")
"""How a call ends whose parties a panel took away: the other may not have got yet to where it goes."""

Scene = Callable[[Office, Tap], Awaitable[None]]


def play(lab: Lab, scene: Scene) -> None:
    async def run() -> None:
        async with office(lab, lab.access()) as one, tap(lab.ami, "ozrules", SECRET) as panel:
            await scene(one, panel)

    asyncio.run(run())


def test_two_talking_pairs_are_joined_crosswise(lab: Lab) -> None:
    async def scene(one: Office, panel: Tap) -> None:
        calling, called, session = await one.talks()
        second, other, _ = await one.talks("1004", "1003")
        third = await one.sees("1003", "InCall")
        legs = {"Channel1": str(session.caller_call_leg_id), "Channel2": str(third.caller_call_leg_id)}
        await panel.ask("Bridge", Tone="no", **legs)
        await called.until("ended")
        await other.until("ended")
        assert await calling.hears(1100, 700)
        assert await second.hears(500, 900)
        await one.sees("1002", "Redirected")
        await one.sees("1003", "Redirected")
        await calling.hang_up()

    play(lab, scene)


def test_a_caller_who_hears_ringing_is_joined_with_somebody_else(lab: Lab) -> None:
    async def scene(one: Office, panel: Tap) -> None:
        calling, called, session = await one.talks()
        waiting = await one.phones["1004"].call("1003")
        await (await one.phones["1003"].incoming()).until("ringing")
        rung = await one.sees("1003", "Ringing")
        legs = {"Channel1": str(session.caller_call_leg_id), "Channel2": str(rung.caller_call_leg_id)}
        await panel.ask("Bridge", Tone="no", **legs)
        await called.until("ended")
        assert await calling.hears(1100, 700)
        await one.sees("1002", *MOVED)
        await one.sees("1003", *MOVED)
        await calling.hang_up()
        await waiting.until("ended")

    play(lab, scene)


def test_a_caller_is_parked_and_fetched_by_somebody_else(lab: Lab) -> None:
    async def scene(one: Office, panel: Tap) -> None:
        calling, called, session = await one.talks()
        legs = {"Channel": str(session.caller_call_leg_id), "TimeoutChannel": str(session.callee_call_leg_id)}
        await panel.ask("Park", Timeout="20000", **legs)
        await one.sees("1002", "TransferCompleted")
        fetching = await one.phones["1003"].call("751")
        await fetching.until("answered")
        assert await fetching.hears(500, 700)
        await fetching.hang_up()
        await calling.until("ended")
        await called.finish()

    play(lab, scene)


def test_only_the_called_leg_is_ended_while_it_rings(lab: Lab) -> None:
    async def scene(one: Office, panel: Tap) -> None:
        calling, called, session = await one.rings()
        await panel.ask("Hangup", Channel=str(session.callee_call_leg_id))
        await called.until("cancelled")
        await calling.until("failed")
        ended = await one.sees("1002", *ENDED)
        assert ended.session_state not in (CANCELLED, CALLER_HUNG_UP, CALLEE_HUNG_UP)

    play(lab, scene)
