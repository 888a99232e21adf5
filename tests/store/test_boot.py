"""The clock that goes on over restarts, and begins anew with the host."""

from pathlib import Path

import pytest

from ozrules.store import boot
from ozrules.store.boot import steady_clock


@pytest.mark.fault(22)
def test_a_wall_clock_that_was_set_between_two_starts_does_not_move_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = steady_clock(tmp_path / "state")
    set_ahead = before.wall_offset() + 3600.0
    monkeypatch.setattr("time.time", lambda: before.now() + set_ahead)
    after = steady_clock(tmp_path / "state")
    assert after.shift == before.shift
    assert after.wall_offset() == pytest.approx(3600.0, abs=1.0)


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b'{"boot": 1}'])
def test_after_a_boot_or_a_spoilt_file_it_starts_at_the_wall_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: bytes
) -> None:
    steady_clock(tmp_path)
    monkeypatch.setattr(boot, "BOOT_ID", tmp_path / "another")
    (tmp_path / "another").write_text("another boot\n")
    assert abs(steady_clock(tmp_path).wall_offset()) < 5
    (tmp_path / "clock.json").write_bytes(spoilt)
    assert abs(steady_clock(tmp_path).wall_offset()) < 5
