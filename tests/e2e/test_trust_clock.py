"""The host's clock is months ahead at a start: the record stays, until an admin says that the clock is right."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import configure, daemon, ozrules, phones
from tests.fakes.gateway import until

RULES = """
ozrules: 1
rules:
  - {id: seen, trigger: {state: Ringing}, actions: [{log: seen}]}
"""
AHEAD = "import time\nright = time.time\ntime.time = lambda: right() + 200 * 86400\n"


def _first(state: Path) -> int:
    with closing(sqlite3.connect(state / "journal.db")) as db:
        found: int = db.execute("SELECT min(seq) FROM records").fetchone()[0]
    return found


@pytest.mark.fault(22, 25)
async def test_nothing_is_removed_before_the_admin_says_so(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AHEAD)
    async with phones() as system:
        configure(tmp_path, system.url, RULES)
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(CallPlan(caller="+36201234567", callee="2666"))
            await one.saw("decision", rule="seen")
            assert "retention" not in (await ozrules(tmp_path, "status"))[1]
            assert (await ozrules(tmp_path, "trust-clock"))[0] == 1
            assert await one.stop() == 0
        for _ in range(2):
            async with daemon(tmp_path, PYTHONPATH=str(tmp_path)) as one:
                await one.ready()
                await one.error("nothing old is removed")
                assert "retention: the clock says " in (await ozrules(tmp_path, "status"))[1]
                assert await one.stop() == 0
            assert _first(tmp_path / "state") == 1
        async with daemon(tmp_path, PYTHONPATH=str(tmp_path)) as one:
            await one.ready()
            assert await ozrules(tmp_path, "trust-clock") == (0, "the clock is right; what is old is removed again\n")
            await until(lambda: _first(tmp_path / "state") > 1)
            [said] = await one.saw("control", command="trust-clock")
            assert said["who"]["by"]
            assert await one.stop() == 0
