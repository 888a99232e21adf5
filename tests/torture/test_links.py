"""The whole daemon on a network that cuts, half-opens and slows, under load: each loss is a gap, nothing doubles."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.stage import configure, daemon
from tests.fakes.proxy import proxy
from tests.torture.audit import Books, believes_durations, nothing_lost, nothing_twice
from tests.torture.office import simulator
from tests.torture.test_kills import RULES

MANNERS: Final = ("reset", "end", "half open", "slow")


@pytest.mark.fault(1, 2, 5, 28)
@pytest.mark.timeout(3600)
async def test_a_link_that_fails_in_every_way_costs_gaps_and_nothing_else(
    tmp_path: Path, enough: Callable[[int, int], int]
) -> None:
    chance = random.Random(1)
    failures = enough(16, 1_000)
    async with simulator(tmp_path, rate=10.0, speed=20.0, habits=("letRing", "answer")) as office:
        async with proxy(office.port) as between:
            configure(tmp_path, f"ws://127.0.0.1:{between.port}/", RULES % "http://127.0.0.1:1/")
            async with daemon(tmp_path) as one:
                await one.ready()
                await one.until(lambda: believes_durations(tmp_path / "state"), "a duration that runs")
                for number in range(failures):
                    await asyncio.sleep(chance.uniform(0.0, 1.0))
                    manner = MANNERS[number % len(MANNERS)]
                    if manner in ("half open", "slow"):
                        between.swallow(manner == "half open")
                        between.delay = 0.1 if manner == "slow" else 0.0
                        await asyncio.sleep(chance.uniform(0.1, 1.5))
                    between.cut(reset=manner != "end")
                    between.swallow(False)
                    between.delay = 0.0
                    await one.saw("connection", number + 2, ready=True)
                for rule in ("after-a-while", "sequence", "at-once"):
                    await one.saw("outcome", 5, rule=rule, outcome="confirmed")
                assert await one.stop() == 0
        ledger = await office.stop()
    books = Books(tmp_path / "state")
    nothing_lost(one.lines, books)
    assert nothing_twice(ledger, books) > failures
    assert len(books.of("gap")) >= failures
    assert all(line["certainty"] != "degraded" for line in books.of("decision", reason="fired"))
