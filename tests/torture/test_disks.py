"""The whole daemon on a disk that is full, broken, slow or read-only: without a record, no action."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import configure, daemon, ozrules, phones
from tests.torture.audit import Books, nothing_lost
from tests.torture.disturbed import needs_strace

AT_ONCE = """
ozrules: 1
rules:
  - {id: at-once, trigger: {state: Ringing}, conditions: {callee: 2666}, actions: [{forward: 2010}]}
"""
NOBODY = CallPlan(caller="+36201234567", callee="2666", gives_up_after=20.0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def read_only(small_disk: Path) -> Path:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    return small_disk


@pytest.mark.fault(47)
async def test_on_a_full_disk_nothing_is_sent_it_says_so_and_it_comes_back_by_itself(
    tmp_path: Path, small_disk: Path
) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, AT_ONCE, state=str(small_disk / "state"), control=str(tmp_path / "control"))
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(NOBODY)
            await one.saw("outcome", outcome="confirmed")
            ballast = small_disk / "ballast"
            free = os.statvfs(small_disk)
            ballast.write_bytes(bytes(free.f_bavail * free.f_frsize))
            calls = 1
            while (await ozrules(tmp_path, "status"))[0] == 0:  # until the last free page is written
                for _ in range(20):
                    system.call(NOBODY)
                calls += 20
                assert calls < 500
            code, said = await ozrules(tmp_path, "status")
            assert code == 3
            assert "the disk is full" in said
            before = len(system.ledger)
            for _ in range(5):
                system.call(NOBODY)
            await system.clock.sleep_until(system.clock.now() + 2)
            assert len(system.ledger) == before, "without a record no action"
            ballast.unlink()
            while (await ozrules(tmp_path, "status"))[0] != 0:
                pass
            confirmed = len(one.of("outcome", outcome="confirmed"))
            system.call(NOBODY)
            await one.saw("outcome", confirmed + 1, outcome="confirmed")
            assert await one.stop() == 0
        books = Books(small_disk / "state")
    nothing_lost(one.lines, books)
    assert len({entry.session_id for entry in system.ledger}) == len(system.ledger)
    assert len(system.ledger) <= len(books.intents)


@pytest.mark.fault(49)
async def test_on_a_read_only_disk_it_does_not_start_and_names_the_place_and_the_user(
    tmp_path: Path, read_only: Path
) -> None:
    configure(tmp_path, "ws://127.0.0.1:1/", AT_ONCE, state=str(read_only / "state"), control=str(tmp_path / "control"))
    async with daemon(tmp_path) as one:
        assert await one.exit() == 1
    assert f"{read_only}/state: cannot write here as user 0" in "\n".join(one.errors)
    assert not any("Traceback" in line for line in one.errors)


def breaking(state: Path, calls: str, how: str) -> list[str]:
    """strace, which spoils ``calls`` on the journal of ``state``; the process that is started is the daemon's own."""
    files = [word for suffix in ("", "-wal") for word in ("-P", f"{state}/journal.db{suffix}")]
    return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", f"--trace={calls}", f"--inject={calls}:{how}", *files]


@needs_strace
@pytest.mark.fault(48, 81)
@pytest.mark.parametrize("error", ["EIO", "EROFS"])
async def test_a_disk_that_fails_ends_the_daemon_with_one_clear_line(
    tmp_path: Path, error: str, enough: Callable[[int, int], int]
) -> None:
    for at in range(3, enough(8, 40), enough(2, 1)):
        folder = tmp_path / str(at)
        folder.mkdir()
        async with phones() as system:
            configure(folder, system.url, AT_ONCE)
            spoilt = breaking(folder / "state", "fdatasync,pwrite64", f"error={error}:when={at}+")
            async with daemon(folder, through=spoilt) as one:
                while one.process.returncode is None:
                    system.call(NOBODY)
                    await system.clock.sleep_until(system.clock.now() + 0.2)
                assert one.process.returncode == 1
                assert "nothing more was sent" in one.errors[-1] or "cannot be written" in one.errors[-1]
                assert not any("Traceback" in line for line in one.errors)
        async with daemon(folder) as two:  # it checks the store, and goes on
            await two.until(lambda: bool(two.of("reload")), "the start")
            assert await two.stop() == 0
        books = Books(folder / "state")
        nothing_lost(one.lines, books)
        arrived = {entry.session_id for entry in system.ledger}
        assert arrived <= {command["session"]["session_id"] for command in books.intents.values()}


@needs_strace
@pytest.mark.fault(53)
async def test_on_a_slow_disk_the_daemon_answers_and_nothing_leaves_before_its_intent_is_on_disk(
    tmp_path: Path,
) -> None:
    rules = AT_ONCE.replace("actions:", "missedGrace: 1s, actions:").replace("callee: 2666", "callee: [2666, 2001]")
    async with phones() as system:
        configure(tmp_path, system.url, rules)
        slow = breaking(tmp_path / "state", "fdatasync", "delay_enter=1500000")
        async with daemon(tmp_path, through=slow) as one:
            await one.ready()
            for _ in range(10):
                system.call(NOBODY)
            # the loop goes on while the disk works
            assert (await ozrules(tmp_path, "status"))[0] == 0
            await one.saw("outcome", 10)
            assert await one.stop() == 0
        books = Books(tmp_path / "state")
    nothing_lost(one.lines, books)
    assert {line["outcome"] for line in one.of("outcome")} == {"expired"}, "later than missedGrace, so not at all"
    assert system.ledger == []
    assert list(books.outcomes.values()) == ["expired"] * 10
