"""`ozrules forget`: nothing that is kept names the number afterwards, and who did it is on the record."""

from pathlib import Path

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import configure, daemon, ozrules, phones

NUMBER = "+36201234567"
RULES = """
ozrules: 1
defaults: {country: HU}
rules:
  - id: no-answer
    trigger: {state: Ringing}
    conditions: {callee: 2666}
    throttle: {onceWithin: 1h, groupBy: [caller]}
    actions: [hangup]
"""


async def test_a_number_is_forgotten(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, RULES)
        async with daemon(tmp_path) as one:
            await one.ready()
            plan = CallPlan(caller=NUMBER, caller_name="Anna", callee="2666")
            other = CallPlan(caller="+36709999999", callee="2666")
            system.call(plan)
            system.call(other)
            await one.saw("outcome", 2)
            await one.until(lambda: not system.system.sessions(system.clock.now()), "the calls have ended")
            assert (await ozrules(tmp_path, "forget", "anna"))[0] == 1
            code, said = await ozrules(tmp_path, "forget", "06 20 123 4567")
            assert (code, said.startswith("forgotten in ")) == (0, True), said
            for command in (["decisions", "--format", "json"], ["export", "--since", "1h"]):
                kept = (await ozrules(tmp_path, *command))[1]
                assert NUMBER not in kept
                assert "Anna" not in kept
                assert "+36709999999" in kept
            assert await one.stop() == 0
    acts = one.of("control", command="forget")
    assert [(act["ok"], NUMBER in str(act)) for act in acts] == [(False, False), (True, False)]
    assert NUMBER.encode() not in (tmp_path / "state" / "journal.db").read_bytes()
