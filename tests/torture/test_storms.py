"""More than is usual of everything: events, signals, daemons."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.stage import Daemon, Line, configure, daemon, phones
from tests.fakes.gateway import until
from tests.torture.audit import Books, nothing_lost, nothing_twice
from tests.torture.office import simulator
from tests.torture.test_kills import RULES

EVENTS_A_CALL: Final = 5
LIFE: Final = ["Created", "Setup", "Ringing", "Busy"]
STORM: Final = """
ozrules: 1
rules:
  - {id: waits, trigger: {state: Ringing, for: 500ms}, conditions: {callee: 2001}, actions: [{log: still ringing}]}
  - {id: busy, trigger: {state: Busy}, conditions: {callee: 2001}, actions: [{log: busy}]}
"""
MEMORY: Final = 256 * 1024
"""KiB that the daemon may ever have taken."""


@pytest.mark.fault(3, 12)
@pytest.mark.timeout(3600)
async def test_a_storm_is_taken_in_order_without_loss_and_in_bounded_memory(
    tmp_path: Path, enough: Callable[[int, int], int]
) -> None:
    """A thousand events a second are offered, for ten seconds or ten minutes."""
    seconds = enough(10, 600)
    async with simulator(tmp_path, rate=1_000 / EVENTS_A_CALL, habits=("busy",)) as office:
        configure(tmp_path, office.url, STORM)
        async with daemon(tmp_path) as one:
            await one.ready()
            await asyncio.sleep(seconds)
            peak = _peak(one)
            assert await one.stop() == 0
        await office.stop()
    books = Books(tmp_path / "state")
    nothing_lost(one.lines, books)
    states = _as_seen(books)
    assert all(seen == LIFE[: len(seen)] for seen in states.values() if seen[0] == "Created")
    assert sum(len(seen) for seen in states.values()) > 100 * seconds
    assert peak < MEMORY
    assert books.of("decision", rule="waits", reason="missedTooLate") == []


@pytest.mark.fault(78)
@pytest.mark.timeout(3600)
async def test_ended_again_and_again_under_load_it_goes_in_good_order(
    tmp_path: Path, enough: Callable[[int, int], int]
) -> None:
    said: list[Line] = []
    async with simulator(tmp_path, rate=15.0, speed=20.0, habits=("letRing", "answer")) as office:
        configure(tmp_path, office.url, RULES % "http://127.0.0.1:1/")
        for _ in range(enough(5, 500)):
            async with daemon(tmp_path) as one:
                await one.ready()
                await one.saw("outcome", 3)
                one.process.send_signal(signal.SIGHUP)
                assert await one.stop() == 0
            said += one.lines
            assert not any("Traceback" in line for line in one.errors)
        ledger = await office.stop()
    books = Books(tmp_path / "state")
    nothing_lost(said, books)
    assert nothing_twice(ledger, books) > 0


@pytest.mark.fault(83)
@pytest.mark.timeout(600)
async def test_of_several_daemons_started_at_once_one_lives(tmp_path: Path, enough: Callable[[int, int], int]) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, STORM)
        for _ in range(enough(2, 50)):
            await _one_of(tmp_path, 3)


async def _one_of(folder: Path, count: int) -> None:
    async with AsyncExitStack() as stack:
        several = [await stack.enter_async_context(daemon(folder)) for _ in range(count)]
        await until(lambda: sum(one.process.returncode is not None for one in several) == count - 1)
        [alive] = [one for one in several if one.process.returncode is None]
        await alive.ready()
        for one in several:
            if one is not alive:
                assert await one.exit() == 1
                await one.error("another ozrules is running on this state")
        assert await alive.stop(signal.SIGKILL) == -signal.SIGKILL


def _as_seen(books: Books) -> dict[str, list[str]]:
    """The states of each session in the order in which they were seen, by reports or by a list."""
    states: dict[str, list[str]] = defaultdict(list)
    for event in books.events:
        for session in event.get("sessions") or [event.get("session") or {}]:
            seen = states[session.get("sessionId", "")]
            if session.get("sessionState") not in (None, *seen[-1:]):
                seen.append(session["sessionState"])
    return {name: seen for name, seen in states.items() if seen}


def _peak(one: Daemon) -> int:
    status = Path(f"/proc/{one.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
