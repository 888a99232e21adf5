"""A call that has moved on in the very moment in which something is to be done to it: nothing is sent to it.

Two manager users here never hear of some events, as if these had been lost: ``forgetful`` of ends and partings,
``late`` of answers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ozrules.engine.events import SessionsListed, Withheld
from ozrules.session.methods import Method
from tests.e2e.asterisk.lab import SECRET, Lab
from tests.e2e.asterisk.office import Office, office
from tests.e2e.asterisk.rules import settings
from tests.e2e.stage import daemon

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk

ECHO = "600"
"""Stands for voicemail, a menu, whatever the caller talks to next: it sends back what it hears."""

MOVED = ("targetGone", "lostRace")
"""A phone says that a call has ended a moment before Asterisk's channel is gone."""


def act(lab: Lab, scene: Callable[[Office], Awaitable[None]], user: str) -> None:
    async def run() -> None:
        async with office(lab, lab.access(user=user, hold="750", ari=False, listen="PJSIP/1004")) as one:
            await scene(one)

    asyncio.run(run())


async def moves_on(lab: Lab, channel: str) -> None:
    """An admin sends the caller elsewhere; the phone that was called is let go."""
    await asyncio.to_thread(lab.cli, f"channel redirect {channel} internal,{ECHO},1")


@pytest.mark.every_asterisk
@pytest.mark.fault(33, 41)
@pytest.mark.parametrize("user", ["ozrules", "forgetful"])
@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("hangup", {}),
        ("close", {}),
        ("blindTransfer", {"to": "1003", "party": "caller"}),
        ("hold", {}),
        ("sendDtmf", {"key": "5", "party": "caller"}),
        ("startListen", {}),
    ],
)
def test_a_caller_who_talks_to_somebody_else_by_now_is_left_alone(
    lab: Lab, method: Method, values: dict[str, str], user: str
) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.talks()
        assert session.caller_call_leg_id is not None
        await moves_on(lab, session.caller_call_leg_id)
        await called.until("ended")
        done = await one.watching.do(method, session, **values)
        assert isinstance(done, Withheld)
        assert done.outcome in MOVED
        assert await calling.hears(500, 700)  # its own voice: the echo goes on
        assert calling.state == "answered"
        assert calling.sound.keys == ""
        if user == "forgetful":  # nothing but the list can tell that the session is over
            await one.watching.until(
                SessionsListed, lambda listed: listed is not one.watching.items[1] and listed.sessions == ()
            )
        await calling.hang_up()

    act(lab, scene, user)


@pytest.mark.every_asterisk
@pytest.mark.fault(32)
@pytest.mark.parametrize("method", ["hangup", "forward"])
def test_a_phone_that_was_picked_up_unheard_is_left_alone(lab: Lab, method: Method) -> None:
    async def scene(one: Office) -> None:
        calling, called, session = await one.rings()
        await called.answer()
        await calling.until("answered")
        done = await one.watching.do(method, session, **({"to": "900442071838750"} if method == "forward" else {}))
        assert isinstance(done, Withheld)
        assert done.outcome == "lostRace"
        assert await calling.hears(700, 500)
        await calling.hang_up()

    act(lab, scene, "late")


RULE = """
  - id: talks-too-long
    trigger: {state: InCall, for: 2s}
    actions: [hangup]
"""


@pytest.mark.fault(33, 41)
def test_a_rule_s_hangup_never_ends_the_caller_s_next_conversation(lab: Lab, tmp_path: Path) -> None:
    settings(tmp_path, lab, RULE, user="forgetful")

    async def run() -> None:
        async with office(lab, lab.access()) as one, daemon(tmp_path, LAB_PASSWORD=SECRET) as running:
            await running.ready()
            calling, called, session = await one.talks()
            assert session.caller_call_leg_id is not None
            await moves_on(lab, session.caller_call_leg_id)
            await called.until("ended")
            [outcome] = await running.saw("outcome")
            assert outcome["action"] == "hangup"
            assert outcome["outcome"] in MOVED
            assert await calling.hears(500, 700)
            assert calling.state == "answered"
            await calling.hang_up()
            assert await running.stop() == 0

    asyncio.run(run())
