"""The whole program on a real Asterisk: `ozrules run` in a process of its own, rules, real phones, and the record."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ozrules.runtime.clock import SystemClock
from tests.e2e.asterisk.judged import judge_record
from tests.e2e.asterisk.lab import SECRET, Lab
from tests.e2e.asterisk.office import Office, office, until_empty
from tests.e2e.asterisk.phone import WITHIN
from tests.e2e.asterisk.rules import OUTSIDE, settings
from tests.e2e.stage import Daemon, daemon, ozrules

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk

Scene = Callable[[Office, Daemon], Awaitable[None]]


def rule(folder: Path, lab: Lab, rules: str, scene: Scene) -> None:
    """Runs the daemon with these rules while the scene is played; what it recorded must be what happened."""
    settings(folder, lab, rules)

    async def run() -> None:
        async with office(lab, lab.access()) as one, daemon(folder, LAB_PASSWORD=SECRET) as running:
            await running.ready()
            await scene(one, running)
            stopped = SystemClock().now()
            assert await running.stop() == 0
            code, recorded = await ozrules(folder, "export", "--since", "1h")
            assert code == 0
            judge_record(await one.happened(), recorded, stopped)
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
        target = await one.phones["1003"].incoming()
        await one.sees("1003", "Ringing")
        await running.saw("outcome", outcome="confirmed")
        await running.saw("decision", rule="and-back", reason="fired")
        [stopped] = await running.saw("outcome", outcome="rejected")
        assert "1002 has been rung in this call already: forwarding back would be a loop" in stopped["error"]
        calling.cancel()
        await one.sees("1002", "Cancelled")
        await target.until("cancelled")
        assert (len(one.phones["1002"].calls), len(one.phones["1003"].calls)) == (1, 1)

    rule(tmp_path, lab, LOOP, scene)


BACK_BY_THE_DIALPLAN = """
  - id: to-the-night-desk
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 1002}
    actions: [{forward: 1097}]
"""


@pytest.mark.fault(34)
def test_a_number_that_the_dialplan_leads_back_is_not_called_twice(lab: Lab, tmp_path: Path) -> None:
    """No rule shows this loop: the phone system's own dialplan rings the same phone for the other number."""

    async def scene(one: Office, running: Daemon) -> None:
        calling, _, _ = await one.rings()
        await one.sees("1002", "Redirected")
        await running.saw("outcome", outcome="confirmed")
        [stopped] = await running.saw("outcome", outcome="rejected")
        assert "1097 has been rung in this call already" in stopped["error"]
        calling.cancel()
        await one.sees("1002", "Cancelled")
        assert len(one.phones["1002"].calls) == 2

    rule(tmp_path, lab, BACK_BY_THE_DIALPLAN, scene)


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


OUTSIDE_AT_ONCE = f"""
  - id: at-once
    trigger: {{state: Ringing}}
    conditions: {{callee: 1002}}
    actions: [{{forward: "{OUTSIDE}"}}]
"""


@pytest.mark.fault(32)
def test_a_forward_that_loses_the_race_with_an_answer_is_recorded_as_that(lab: Lab, tmp_path: Path) -> None:
    """Asterisk redirects whatever the call has become: for a few milliseconds that cannot be prevented, only told."""

    async def scene(one: Office, running: Daemon) -> None:
        for number in range(1, 5):
            calling = await one.phones["1001"].call("1002")
            called = await one.phones["1002"].incoming(number)
            await called.answer()
            outcome = (await running.saw("outcome", count=number))[-1]
            [decision] = running.of("decision", decision_id=outcome["decision_id"])
            if outcome["outcome"] == "confirmed":
                assert "InCall" not in await one.way(decision["sessionId"], "Redirected")
            else:
                assert outcome["outcome"] in ("lostRace", "rejected")
                assert "InCall" in await one.way(decision["sessionId"], "InCall")
            await calling.finish()
            if called.state == "answered":
                await called.hang_up()
            await until_empty(lab)

    rule(tmp_path, lab, OUTSIDE_AT_ONCE, scene)


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
        await running.saw("outcome", outcome="confirmed")
        await running.saw("outcome", outcome="accepted")  # nobody sees keys that are sent

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


@pytest.mark.fault(79)
def test_a_daemon_that_was_killed_while_it_held_a_call_lets_both_talk_again(lab: Lab, tmp_path: Path) -> None:
    settings(tmp_path, lab, HELD)

    async def run() -> None:
        async with office(lab, lab.access()) as one:
            async with daemon(tmp_path, LAB_PASSWORD=SECRET) as running:
                await running.ready()
                calling, called, _ = await one.talks()
                await one.sees("1002", "OnHold")
                await running.saw("outcome", outcome="confirmed")
                await running.stop(signal.SIGKILL)
            async with daemon(tmp_path, LAB_PASSWORD=SECRET) as again:
                [outcome] = await again.saw("outcome", outcome="confirmed")
                assert outcome["state"] == "InCall"
                assert await calling.hears(700, 440)
                assert await called.hears(500, 440)
                assert await again.stop() == 0
            await calling.hang_up()
            await called.until("ended")

    asyncio.run(run())


@pytest.mark.fault(1, 11)
def test_a_rule_that_waits_when_asterisk_dies_does_nothing_to_later_calls(lab: Lab, tmp_path: Path) -> None:
    async def scene(one: Office, running: Daemon) -> None:
        loop = asyncio.get_running_loop()
        await one.rings()
        await loop.run_in_executor(None, lab.kill)
        await running.saw("gap")
        await running.saw("connection", ready=False)
        await loop.run_in_executor(None, lab.start)
        await running.saw("connection", count=2, ready=True)
        assert running.of("decision", reason="fired") == []
        assert one.phones["1003"].calls == []
        calling = await one.phones["1001"].call("1002")
        await (await one.phones["1003"].incoming()).answer()
        await calling.until("answered")
        assert await calling.hears(900, 700)
        await calling.hang_up()
        [fired] = await running.saw("decision", reason="fired")
        assert fired["rule"] == "no-answer"

    rule(tmp_path, lab, UNANSWERED, scene)
