"""An admin switches a schedule by hand: calls, record and a later question all know of it."""

import json
from pathlib import Path

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import configure, daemon, ozrules, phones

RULES = """
ozrules: 1
schedules:
  officeHours: {times: ["00:00-24:00"], timezone: UTC}
  night: {manual: closed}
rules:
  - id: closed
    trigger: {state: Ringing}
    conditions: {schedule: {outside: officeHours}}
    actions: [hangup]
  - id: at-night
    trigger: {state: Ringing}
    conditions: {schedule: {during: night}}
    actions: [{log: night}]
"""
CALL = CallPlan(caller="+36201234567", callee="2666")


async def test_it_holds_at_once_over_a_restart_and_until_its_time(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, RULES)
        async with daemon(tmp_path) as one:
            await one.ready()
            assert await ozrules(tmp_path, "override") == (0, "no schedule is switched by hand\n")
            assert (await ozrules(tmp_path, "override", "lunch", "closed"))[0] == 1
            code, said = await ozrules(tmp_path, "override", "officeHours", "closed", "--for", "1h")
            assert (code, said.startswith("officeHours: closed until ")) == (0, True)
            assert (await ozrules(tmp_path, "override", "night", "open"))[0] == 0
            system.call(CALL)
            await one.saw("decision", rule="closed", reason="fired")
            await one.saw("decision", rule="at-night", reason="fired")
            assert await one.stop() == 0
        async with daemon(tmp_path) as two:
            await two.ready()
            assert "officeHours is closed by hand until" in (await ozrules(tmp_path, "status"))[1]
            system.call(CALL)
            await two.saw("decision", rule="closed", reason="fired")
            assert (await ozrules(tmp_path, "override", "officeHours", "off"))[0] == 0
            assert (await ozrules(tmp_path, "override", "officeHours", "off"))[0] == 1
            assert (await ozrules(tmp_path, "override", "night", "closed", "--for", "1s"))[0] == 0
            system.call(CALL)
            (stopped,) = await two.saw("decision", rule="closed", reason="outsideSchedule")
            lifted = await two.saw("control", command="override", args={"schedule": "night", "to": "off"})
            assert [line["who"]["by"] for line in lifted] == ["its time is over"]
            assert await two.stop() == 0
    acts = [(line["args"]["schedule"], line["args"]["to"], line["ok"]) for line in one.of("control")]
    assert acts == [("lunch", "closed", False), ("officeHours", "closed", True), ("night", "open", True)]
    assert stopped["failed"][0]["actual"] == "open"

    code, recording = await ozrules(tmp_path, "export", "--since", "1h")
    assert code == 0
    assert [line["to"] for line in map(json.loads, recording.splitlines()) if line["event"] == "override"] == [
        "closed",
        "open",
        "off",
        "closed",
        "off",
    ]
    code, said = await ozrules(tmp_path, "why", "s1", "closed")
    assert (code, "fired" in said) == (0, True), said


async def test_where_it_cannot_be_kept_the_admin_is_told_and_nothing_changes(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, RULES)
        async with daemon(tmp_path) as one:
            await one.ready()
            for name in ("overrides", "paused"):
                (tmp_path / "state" / f"{name}.new").mkdir()
            code, said = await ozrules(tmp_path, "override", "officeHours", "closed")
            assert (code, "overrides.json: " in said, "nothing has changed" in said) == (1, True, True)
            code, said = await ozrules(tmp_path, "pause", "closed")
            assert (code, "paused.json: " in said, "nothing has changed" in said) == (1, True, True)
            assert await ozrules(tmp_path, "override") == (0, "no schedule is switched by hand\n")
            assert await one.stop() == 0
