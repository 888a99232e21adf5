"""The whole program on a real Asterisk: `ozrules run` in a process of its own, rules, real phones, and the record."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.e2e.asterisk.lab import SECRET, Lab
from tests.e2e.asterisk.office import Office, office
from tests.e2e.asterisk.phone import WITHIN
from tests.e2e.stage import Daemon, configure, daemon

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk

Scene = Callable[[Office, Daemon], Awaitable[None]]


def rule(folder: Path, lab: Lab, rules: str, scene: Scene) -> None:
    """Runs the daemon with these rules while the scene is played."""
    connection = {
        "name": "open",
        "type": "asterisk",
        "host": "127.0.0.1",
        "port": lab.ami,
        "username": "ozrules",
        "password": {"env": "LAB_PASSWORD"},
        "context": "internal",
        "trunks": ["PJSIP/trunk-*"],
        "ari": {
            "url": f"http://127.0.0.1:{lab.ari}/ari",
            "username": "ozrules",
            "password": {"env": "LAB_PASSWORD"},
        },
    }
    configure(folder, "ws://127.0.0.1:1/", f"ozrules: 1\nrules:\n{rules}", connections=[connection])

    async def run() -> None:
        async with office(lab, lab.access()) as one, daemon(folder, LAB_PASSWORD=SECRET) as running:
            await running.ready()
            await scene(one, running)
            assert await running.stop() == 0
            assert SECRET not in str(running.lines) + str(running.errors)

    asyncio.run(run())


UNANSWERED = """
  - id: no-answer
    trigger: {state: Ringing, for: 2s}
    conditions: {callee: 1002}
    actions: [{forward: 1003}]
"""


def test_an_unanswered_call_is_forwarded_after_two_seconds_and_answered_there(lab: Lab, tmp_path: Path) -> None:
    async def scene(one: Office, running: Daemon) -> None:
        calling, called, session = await one.rings()
        target = await one.phones["1003"].incoming()
        await target.answer()
        await calling.until("answered")
        await called.until("cancelled")
        assert await calling.hears(900, 700)
        [outcome] = await running.saw("outcome")
        [decision] = running.of("decision", reason="fired")
        assert (decision["rule"], outcome["outcome"]) == ("no-answer", "confirmed")
        assert decision["sessionId"] == session.session_id
        await calling.hang_up()

    rule(tmp_path, lab, UNANSWERED, scene)


LOOP = """
  - id: there
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 1002, direction: internal}
    actions: [{forward: 1003}]
  - id: and-back
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 1003, direction: internal}
    actions: [{forward: 1002}]
"""


@pytest.mark.fault(34)
def test_two_rules_that_forward_to_each_other_are_stopped(lab: Lab, tmp_path: Path) -> None:
    async def scene(one: Office, running: Daemon) -> None:
        calling, _, _ = await one.rings()
        await one.phones["1003"].incoming()
        await one.sees("1003", "Ringing")
        await running.until(lambda: bool(running.of("decision", rule="and-back")), "the second rule's decision")
        await running.saw("outcome", rule="there")
        back = running.of("decision", rule="and-back")[0]
        if back["reason"] == "fired":
            outcomes = await running.saw("outcome", count=2)
            assert {line["outcome"] for line in outcomes} == {"confirmed", "rejected"}
        calling.cancel()
        await one.sees("1002", "Cancelled")
        assert (len(one.phones["1002"].calls), len(one.phones["1003"].calls)) == (1, 1)

    rule(tmp_path, lab, LOOP, scene)


AT_ONCE = """
  - id: at-once
    trigger: {state: Ringing}
    conditions: {callee: 1002}
    actions: [{forward: 1003}]
"""


@pytest.mark.fault(32)
def test_a_rule_that_races_an_answer_harms_nobody(lab: Lab, tmp_path: Path) -> None:
    async def scene(one: Office, running: Daemon) -> None:
        one.phones["1002"].on_call = lambda call: call.ring()
        calling = await one.phones["1001"].call("1002")
        called = await one.phones["1002"].incoming()
        await called.answer()
        await calling.until("answered")
        await one.sees("1002", "InCall")
        assert await calling.hears(700, 900)
        await running.saw("outcome")
        await calling.hang_up()
        await one.sees("1002", "CallerHungUp")
        outcomes = {line["outcome"] for line in running.of("outcome")}
        assert outcomes <= {"lostRace", "confirmed", "targetGone", "rejected"}

    rule(tmp_path, lab, AT_ONCE, scene)


BOUND = """
  - id: known-phone
    trigger: {state: InCall}
    conditions: {endpoint: PJSIP/1001}
    actions: [{sendDtmf: {keys: "7", to: callee}}]
  - id: from-outside
    trigger: {state: Ringing}
    conditions: {trunk: PJSIP/trunk}
    actions: [hangup]
"""


def test_rules_are_bound_to_the_endpoint_and_the_trunk(lab: Lab, tmp_path: Path) -> None:
    async def scene(one: Office, running: Daemon) -> None:
        calling, called, _ = await one.talks()
        async with asyncio.timeout(WITHIN):
            assert await called.sound.gets_keys("7")
        await calling.hang_up()
        outside = await one.phones["trunk"].call("1004", caller="1001")  # says that it is 1001
        await outside.until("failed")
        [fired] = await running.saw("decision", rule="from-outside", reason="fired")
        assert fired["session"]["caller"] == "1001"
        assert fired["session"]["direction"] == "inbound"
        await running.saw("outcome", count=2, outcome="confirmed")

    rule(tmp_path, lab, BOUND, scene)


HELD = """
  - id: pause-and-go-on
    trigger: {state: InCall}
    conditions: {previousState: Ringing}
    actions: [hold, {wait: 1s}, unhold]
"""


def test_a_rule_holds_both_and_lets_them_talk_again(lab: Lab, tmp_path: Path) -> None:
    async def scene(one: Office, running: Daemon) -> None:
        calling, called, _ = await one.talks()
        await one.sees("1002", "OnHold")
        await running.saw("outcome", count=2, outcome="confirmed")
        assert await calling.hears(700, 440)
        assert await called.hears(500, 440)
        await calling.hang_up()

    rule(tmp_path, lab, HELD, scene)
