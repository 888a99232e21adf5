"""One daemon in a state directory, and room for last words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ozrules.store import state_directory
from ozrules.store.state_directory import StateDirectory, StateUnusable


@pytest.mark.fault(83)
def test_the_lock_goes_with_the_process_however_it_ends(tmp_path: Path) -> None:
    program = (
        "import sys, os; from pathlib import Path; from ozrules.store.state_directory import StateDirectory;"
        "held = StateDirectory(Path(sys.argv[1])); print('held', flush=True); os.kill(os.getpid(), 9)"
    )
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.stdout == "held\n"
    StateDirectory(tmp_path).close()


@pytest.mark.fault(56)
def test_a_directory_on_another_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mounts"
    mounts.write_text(f"96 28 {os.major(device)}:{os.minor(device)} / /srv rw shared:88 - nfs4 nas:/state rw\n")
    monkeypatch.setattr(state_directory, "MOUNTS", mounts)
    with pytest.raises(StateUnusable, match=rf"{tmp_path}: this directory lies on another host \(nfs4\)"):
        StateDirectory(tmp_path)


@pytest.mark.fault(49)
def test_a_place_that_cannot_be_written_is_named_with_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnusable, match=rf"file/state: cannot write here as user {os.geteuid()}"):
        StateDirectory(tmp_path / "file" / "state")


@pytest.mark.fault(83)
def test_the_second_is_told_about_the_first(tmp_path: Path) -> None:
    first = StateDirectory(tmp_path)
    with pytest.raises(StateUnusable, match=f"process {os.getpid()}"):
        StateDirectory(tmp_path)
    first.close()


@pytest.mark.fault(47)
def test_the_reserve_takes_room_and_gives_it_back(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path)
    assert directory.keep_reserve()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1024 * 1024
    directory.free_reserve()
    assert not (tmp_path / "reserve").exists()
    directory.close()


@pytest.mark.fault(50)
def test_what_is_set_aside_keeps_its_log_and_overwrites_nothing(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path)
    assert directory.set_aside("old") is None
    for number in (1, 2):
        for suffix in ("", "-wal", "-shm"):
            Path(f"{directory.journal}{suffix}").write_text(f"{number}{suffix}")
        assert directory.set_aside("old") == tmp_path / f"journal.old.{number}.db"
    assert (tmp_path / "journal.old.1.db-wal").read_text() == "1-wal"
    assert (tmp_path / "journal.old.2.db").read_text() == "2"
    directory.close()
