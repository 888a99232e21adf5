"""The wall clock jumps, stands elsewhere after a restart, or the daemon itself stands still."""

import signal
from datetime import datetime
from pathlib import Path

import pytest

from ozrules.connectors.simulator import Behaviour
from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import configure, daemon, phones
from tests.torture.clocks import WallClock, needs_faketime

AT_TEN = """
ozrules: 1
rules:
  - {id: made-up, trigger: {at: "10:00"}, onMissed: fire, actions: [{log: ten}]}
  - {id: if-still, trigger: {at: "10:00"}, missedGrace: 10m, actions: [{log: ten}]}
  - {id: too-late, trigger: {at: "10:00"}, actions: [{log: ten}]}
  - {id: skipped, trigger: {at: "10:00"}, onMissed: skip, missedGrace: 10m, actions: [{log: ten}]}
"""
NEW = '  - {id: new, trigger: {at: "10:00"}, onMissed: fire, actions: [{log: ten}]}\n'


@pytest.mark.fault(22)
@needs_faketime
async def test_a_moment_that_passed_while_the_daemon_was_down_is_made_up_for_as_the_rule_says(tmp_path: Path) -> None:
    clock = WallClock(tmp_path, "@2026-11-23 09:58:00")
    async with phones() as system:
        configure(tmp_path, system.url, AT_TEN)
        async with daemon(tmp_path, **clock.environment) as one:
            await one.ready()
            assert await one.stop(signal.SIGKILL) == -signal.SIGKILL
        configure(tmp_path, system.url, AT_TEN + NEW)
        clock.set("@2026-11-23 10:05:00")
        async with daemon(tmp_path, **clock.environment) as two:
            await two.ready()
            await two.saw("log", 2)
            assert await two.stop() == 0
        clock.set("@2026-11-23 10:06:00")
        async with daemon(tmp_path, **clock.environment) as three:
            await three.ready()
            assert await three.stop() == 0
    assert one.of("log") == []
    assert {line["rule"] for line in two.of("log")} == {"made-up", "if-still"}
    assert {line["rule"]: line["reason"] for line in two.of("decision")} == {
        "made-up": "fired",
        "if-still": "fired",
        "too-late": "missedTooLate",
        "skipped": "missedSkip",
    }
    assert all(300 <= line["event"]["lateBy"] < 360 for line in two.of("decision"))
    assert three.of("decision") == [], "once"


WAITS = """
ozrules: 1
rules:
  - {id: no-answer, trigger: {state: Ringing, for: 3s}, conditions: {callee: 2666}, actions: [{forward: 2010}]}
"""


@pytest.mark.fault(22)
@needs_faketime
@pytest.mark.parametrize("jump", ["+1h", "-1h", "+1d", "-1d"])
async def test_a_waiting_timer_does_not_notice_that_the_wall_clock_was_set(tmp_path: Path, jump: str) -> None:
    clock = WallClock(tmp_path, "+0")
    async with phones(Behaviour(ring_timeout=60.0)) as system:
        configure(tmp_path, system.url, WAITS, log={"format": "json", "decisions": "all"})
        async with daemon(tmp_path, **clock.environment) as one:
            await one.ready()
            system.call(CallPlan(caller="+36201234567", callee="2666"))
            await one.until(lambda: bool(_rings(one.of("event"))), "the ring")
            clock.set(jump)
            await one.saw("outcome", outcome="confirmed")
            assert await one.stop() == 0
    [entry] = system.ledger
    [decision] = one.of("decision", reason="fired")
    assert decision["event"]["lateBy"] >= 0
    sign, hours = jump[0], {"h": 1, "d": 24}[jump[-1]]
    began, fired = one.lines[0]["time"], decision["time"]
    assert (fired > began) == (sign == "+"), "the record follows the wall clock"
    assert abs(_seconds(fired) - _seconds(began)) > hours * 3600 - 60
    assert entry.method == "forward"


THREE = """
ozrules: 1
rules:
  - {id: too-late, trigger: {state: Ringing, for: 3s}, conditions: {callee: 2666}, actions: [{forward: 2010}]}
  - {id: later, trigger: {state: Ringing, for: 9s}, conditions: {callee: 2001}, actions: [{forward: 2010}]}
  - {id: gone, trigger: {state: Ringing, for: 3s}, conditions: {callee: 2002}, actions: [{forward: 2010}]}
"""


@pytest.mark.fault(23, 86)
async def test_a_daemon_that_stood_still_looks_first_and_does_nothing_that_is_too_late(tmp_path: Path) -> None:
    async with phones(Behaviour(ring_timeout=60.0)) as system:
        configure(tmp_path, system.url, THREE, log={"format": "json", "decisions": "all"})
        async with daemon(tmp_path) as one:
            await one.ready()
            for callee, answers_after in (("2666", None), ("2001", None), ("2002", 2.0)):
                system.call(CallPlan(caller="+36201234567", callee=callee, answers_after=answers_after))
            await one.until(lambda: len(_rings(one.of("event"))) == 3, "the rings")
            one.process.send_signal(signal.SIGSTOP)
            await system.clock.sleep_until(system.clock.now() + 8.6)
            one.process.send_signal(signal.SIGCONT)
            await one.saw("outcome", outcome="confirmed", rule="later")
            assert await one.stop() == 0
    assert any("stood still" in line["reason"] for line in one.of("gap"))
    reasons = {(line["rule"], line["reason"]) for line in one.of("decision") if line["reason"] != "conditionFalse"}
    assert reasons == {("too-late", "missedTooLate"), ("later", "fired"), ("gone", "stateLeftBeforeFor")}
    assert len(system.ledger) == 1


def _rings(events: list[dict[str, object]]) -> list[dict[str, object]]:
    return [line for line in events if "'state': 'Ringing'" in str(line["event"])]


def _seconds(time: object) -> float:
    return datetime.fromisoformat(str(time)).timestamp()
