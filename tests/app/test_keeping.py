"""What is old goes, unless the clock that says so cannot be believed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from ozrules.app.keeping import AHEAD, EVERY, Keeping
from ozrules.settings.model import Retention
from ozrules.store.journal import SqliteJournal
from ozrules.store.reading import Reader
from tests.fakes.clock import StandingClock
from tests.fakes.effects import record
from tests.fakes.gateway import until
from tests.fakes.phone import QuietLog

DAY = 86_400.0
NOW = 1_800_000_000.0
TIMES = Retention()


def kept(state: Path) -> list[int]:
    """The numbers of the records on the disk."""
    with closing(Reader(state)) as reader:
        return [line.number for line in reader.records()]


def held(state: Path) -> bool:
    return (state / "retention.json").exists() and (state / "retention.json").read_text() != "null"


class Office:
    """A journal, and what removes from it."""

    def __init__(self, state: Path, clock: StandingClock) -> None:
        self.state = state
        self.clock = clock
        self.log = QuietLog()
        self.journal = SqliteJournal(state, clock)
        self.keeping = Keeping(self.journal, state, clock, self.log)

    async def writes(self, seq: int, at: float) -> None:
        await self.journal.commit([], [record(seq, time=at)])

    async def looks(self) -> None:
        """The next look for what is old is over."""
        commits = self.journal._counters.commits
        await self.clock.advance(EVERY)
        if self.keeping.held is None:
            await until(lambda: self.journal._counters.commits >= commits + 7)


@asynccontextmanager
async def office(state: Path, clock: StandingClock) -> AsyncIterator[Office]:
    one = Office(state, clock)
    running = asyncio.ensure_future(one.keeping.run(lambda: TIMES))
    try:
        if one.keeping.held is None:
            await until(lambda: one.journal._counters.commits >= 7)  # one for each table
        yield one
    finally:
        running.cancel()
        one.journal.close()


@pytest.mark.fault(58)
async def test_what_is_old_goes_and_what_is_not_stays(tmp_path: Path) -> None:
    clock = StandingClock(NOW)
    async with office(tmp_path, clock) as one:
        await one.writes(1, NOW - 91 * DAY)
        await one.writes(2, NOW - 89 * DAY)
        await one.looks()
        assert kept(tmp_path) == [2]
        clock.at += 2 * DAY  # time passes; nothing jumps
        await one.writes(3, clock.at)
        await one.looks()
        assert kept(tmp_path) == [3]
    assert one.log.said == []


@pytest.mark.fault(22, 25)
async def test_a_clock_that_is_ahead_at_the_start_removes_nothing_until_an_admin_says_it_is_right(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, StandingClock(NOW)) as one:
        await one.writes(1, NOW)
    clock = StandingClock(NOW + 400 * DAY)
    for start in range(3):  # what is written meanwhile hides nothing from the next start
        async with office(tmp_path, clock) as one:
            await one.writes(2 + start, clock.at)
            await one.looks()
            assert one.keeping.held is not None
            assert "nothing old is removed until the clock is set" in one.keeping.held
        assert kept(tmp_path) == list(range(1, 3 + start))
        assert held(tmp_path)
    async with office(tmp_path, clock) as one:
        one.keeping.trust()
        await until(lambda: kept(tmp_path) == [2, 3, 4])  # at once
        assert one.keeping.held is None
    async with office(tmp_path, clock) as one:
        assert one.keeping.held is None, "over a start too"


@pytest.mark.fault(22, 25)
async def test_a_clock_that_jumps_ahead_while_the_daemon_runs_removes_nothing(tmp_path: Path) -> None:
    clock = StandingClock(NOW)
    async with office(tmp_path, clock) as one:
        await one.writes(1, NOW)
        clock.offset = 400 * DAY
        await one.writes(2, NOW + 400 * DAY)
        await one.looks()
        assert one.keeping.held is not None
        assert kept(tmp_path) == [1, 2]
        clock.offset = 0.0  # set right again
        await one.looks()
        assert one.keeping.held is None
        assert not held(tmp_path)
        assert kept(tmp_path) == [1, 2]


@pytest.mark.parametrize(("ahead", "doubted"), [(0.0, False), (AHEAD, False), (AHEAD + 1, True), (-400 * DAY, False)])
async def test_a_week_without_anything_on_the_record_is_no_reason_to_doubt(
    tmp_path: Path, ahead: float, doubted: bool
) -> None:
    async with office(tmp_path, StandingClock(NOW)) as one:
        await one.writes(1, NOW)
    async with office(tmp_path, StandingClock(NOW + ahead)) as one:
        assert (one.keeping.held is not None) is doubted


async def test_a_doubt_that_cannot_be_read_is_a_doubt(tmp_path: Path) -> None:
    (tmp_path / "retention.json").write_text("{")
    async with office(tmp_path, StandingClock(NOW)) as one:
        assert one.keeping.held is not None
