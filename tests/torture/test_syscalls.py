"""The journal, disturbed at every system call of its write path: killed, the disk broken, full, or very slow."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import KEY
from tests.store.first_version import DECISIONS, write_first_version
from tests.torture.disturbed import Run, disturbed, needs_strace

pytestmark = [needs_strace, pytest.mark.timeout(1800)]

COMMITS: Final = 3
MOST: Final = 200


def _files(state: Path) -> list[Path]:
    return [state / "journal.db", state / "journal.db-wal"]


def _sweep(
    state: Path, inject: str, step: int, check: Callable[[Path, Run], None], begin: Callable[[Path], None]
) -> int:
    """Disturbs the writer at one call after the other until none is left to disturb. How many there were."""
    for at in range(1, MOST, step):
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        begin(state)
        run = disturbed("tests.torture.writer", str(state), str(COMMITS), inject=inject, at=at, paths=_files(state))
        if not run.met:
            assert run.code == 0
            return at - 1
        check(state, run)
    raise AssertionError("it never came to an end")


def _nothing(state: Path) -> None:
    """It begins without a journal."""


def _said(run: Run) -> list[int]:
    return [int(word) for word in run.said if word.isdigit()]


def _whole(state: Path, run: Run) -> None:
    """What was said is there, and at most one commit that was not yet said."""
    journal = SqliteJournal(state, StandingClock())
    saved = journal.load()
    journal.close()
    said = _said(run)[-1:] or [0]
    assert said[0] < saved.next_decision <= said[0] + 2
    assert saved.next_seq == saved.next_decision
    assert [one.decision for one in saved.open_commands] == list(range(1, saved.next_decision))
    if saved.next_decision > 1:
        assert saved.memories == ((KEY, b"%d" % (saved.next_decision - 1)),)


@pytest.mark.fault(29, 51)
def test_killed_at_every_call(tmp_path: Path) -> None:
    def check(state: Path, run: Run) -> None:
        assert run.code != 0
        _whole(state, run)

    assert _sweep(tmp_path / "state", "signal=SIGKILL", 1, check, _nothing) >= 10


@pytest.mark.fault(48, 49)
@pytest.mark.parametrize("error", ["EIO", "EROFS"])
def test_the_first_error_of_the_disk_is_the_last_thing_that_it_writes(
    tmp_path: Path, error: str, enough: Callable[[int, int], int]
) -> None:
    def check(state: Path, run: Run) -> None:
        if run.code:  # else the error fell on the last checkpoint, when all had been said
            assert run.said[-1].startswith(("lasting", "unusable"))
            assert "again" not in run.said
        _whole(state, run)

    assert _sweep(tmp_path / "state", f"error={error}", enough(3, 1), check, _nothing) >= 10


@pytest.mark.fault(47)
def test_a_disk_that_is_full_for_a_moment_costs_nothing(tmp_path: Path, enough: Callable[[int, int], int]) -> None:
    def check(state: Path, run: Run) -> None:
        assert run.code == 0 or run.said[-1].startswith("unusable")
        if run.code == 0:
            assert _said(run) == list(range(1, COMMITS + 1))
        _whole(state, run)

    assert _sweep(tmp_path / "state", "error=ENOSPC", enough(3, 1), check, _nothing) >= 10


@pytest.mark.fault(57)
def test_a_migration_that_is_killed_at_any_call_leaves_the_old_or_the_new(
    tmp_path: Path, enough: Callable[[int, int], int]
) -> None:
    def begin(state: Path) -> None:
        write_first_version(state / "journal.db")

    versions = set()

    def check(state: Path, run: Run) -> None:
        journal = SqliteJournal(state, StandingClock())
        saved = journal.load()
        journal.close()
        said = _said(run)[-1:] or [DECISIONS]
        assert said[0] < saved.next_decision <= said[0] + 2
        assert len(saved.decision_ids) == saved.next_decision - 1
        versions.add(bool(_said(run)))

    assert _sweep(tmp_path / "state", "signal=SIGKILL", enough(2, 1), check, begin) >= 10
    assert versions == {True, False}
