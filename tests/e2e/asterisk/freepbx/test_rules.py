"""The whole program in such an office: `ozrules run` with rules, four calls at once, and the record."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.asterisk.freepbx.building import Building, building
from tests.e2e.asterisk.freepbx.laboratory import CONTEXT, TRUNKS, Laboratory
from tests.e2e.asterisk.freepbx.playing import talk
from tests.e2e.asterisk.lab import SECRET
from tests.e2e.asterisk.phone import WITHIN
from tests.e2e.stage import Daemon, configure, daemon

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk

RULES = """
ozrules: 1
defaults: {extensions: _XXX} # 101 and 104 are emergency numbers elsewhere
guards: {destinations: {allow: [internal]}}
rules:
  - id: member
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 101}
    actions: [{forward: 104}]
  - id: before-the-mailbox
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 202}
    actions: [{forward: 204}]
  - id: passed-on
    trigger: {state: InCall}
    conditions: {callee: 301, direction: inbound}
    actions: [{blindTransfer: {to: 302, move: caller}}]
  - id: welcome
    trigger: {state: InCall}
    conditions: {callee: "0401234"}
    actions: [{sendDtmf: {keys: "5", to: callee}}]
"""


def test_rules_act_on_the_calls_that_they_mean(freepbx: Laboratory, tmp_path: Path) -> None:
    connection: dict[str, object] = {
        "name": "office",
        "type": "asterisk",
        "host": "127.0.0.1",
        "port": freepbx.ami,
        "username": "ozrules",
        "password": {"env": "LAB_PASSWORD"},
        "context": CONTEXT,
        "trunks": [f"PJSIP/{name}-*" for name in TRUNKS],
    }
    configure(tmp_path, connection, RULES)

    async def run() -> None:
        async with building(freepbx) as office, daemon(tmp_path, LAB_PASSWORD=SECRET) as running:
            await running.ready()
            for floor in office.floors.values():
                floor.begin()
            async with asyncio.TaskGroup() as group:
                for play in (member_of_a_group, before_the_mailbox, passed_on, not_before_the_key):
                    group.create_task(play(office, running))
            for floor in office.floors.values():
                await floor.quiet()
            assert len(await running.saw("outcome", count=3, outcome="confirmed")) == 3
            assert len(await running.saw("outcome", outcome="accepted")) == 1  # nobody sees keys that are sent
            fired = [line["rule"] for line in running.of("decision", reason="fired")]
            assert sorted(fired) == ["before-the-mailbox", "member", "passed-on", "welcome"]
            assert await running.stop() == 0
            assert running.errors == []

    asyncio.run(run())


async def member_of_a_group(office: Building, running: Daemon) -> None:
    """One phone of a group is forwarded to a colleague, who answers."""
    here = office.floors["1"]
    calling = await here.from_outside("1")
    lost = await here.desks["01"].comes()
    await talk(calling, await here.desks["04"].answers())
    await lost.until("cancelled")
    await calling.hang_up()


async def before_the_mailbox(office: Building, running: Daemon) -> None:
    """The colleague answers before the mailbox would."""
    here = office.floors["2"]
    calling = await here.call("01", here.number("02"))
    await talk(calling, await here.desks["04"].answers())
    await calling.hang_up()


async def passed_on(office: Building, running: Daemon) -> None:
    """Whoever calls this phone from outside is passed on, out of nested Gosubs."""
    here = office.floors["3"]
    calling = await here.from_outside("5")
    first = await here.desks["01"].answers()
    await talk(calling, await here.desks["02"].answers())
    await first.until("ended")
    await calling.hang_up()


async def not_before_the_key(office: Building, running: Daemon) -> None:
    """A mobile that is asked whether it takes the call is in no call yet."""
    here = office.floors["4"]
    calling = await here.from_outside("2")
    mobile = await here.outside().answers()
    await office.recorder.until(
        here.began, "BridgeEnter", lambda one: one["Channel"].startswith(f"Local/{here.mobile}")
    )
    assert running.of("decision", rule="welcome", reason="fired") == []
    await mobile.press("1")
    await talk(calling, mobile)
    async with asyncio.timeout(WITHIN):
        assert await mobile.sound.gets_keys("5")
    await calling.hang_up()
