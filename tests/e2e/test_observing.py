"""Mode observe: nothing is sent, and `ozrules status` says what the rules would have done so far."""

from pathlib import Path

import pytest

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import configure, daemon, ozrules, phones

RULES = """
ozrules: 1
rules:
  - id: no-answer
    trigger: {state: Ringing}
    conditions: {callee: 2666}
    actions: [{forward: 2010}]
"""


@pytest.mark.fault(46)
async def test_status_says_what_the_rules_would_have_done(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, RULES, mode="observe")
        async with daemon(tmp_path) as one:
            await one.ready()
            assert "so far the rules would have done nothing" in (await ozrules(tmp_path, "status"))[1]
            for count in (1, 2):
                system.call(CallPlan(caller="+36201234567", callee="2666"))
                await one.saw("decision", count, rule="no-answer", reason="fired")
            assert "  no-answer: forward, 2 times, last " in (await ozrules(tmp_path, "status"))[1]
            assert await one.stop() == 0
        assert system.ledger == []
