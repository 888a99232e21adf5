"""Paused rules stay paused over a restart."""

from pathlib import Path

import pytest

from ozrules.app.paused import PausedRules
from ozrules.store.kept import NotKept


def test_they_are_there_again_after_a_restart(tmp_path: Path) -> None:
    one = PausedRules(tmp_path)
    one.put("a", paused=True)
    one.put(None, paused=True)
    one.put("b", paused=True)
    one.put("b", paused=False)
    assert PausedRules(tmp_path).rules == {"a", None}
    assert PausedRules(tmp_path).names() == ["*", "a"]


def test_a_file_that_cannot_be_read_pauses_everything(tmp_path: Path) -> None:
    (tmp_path / "paused.json").write_text("[")
    assert PausedRules(tmp_path).rules == {None}


def test_at_first_nothing_is_paused(tmp_path: Path) -> None:
    assert PausedRules(tmp_path).rules == set()


def test_what_cannot_be_kept_does_not_hold(tmp_path: Path) -> None:
    one = PausedRules(tmp_path)
    one.put("a", paused=True)
    (tmp_path / "paused.new").mkdir()
    with pytest.raises(NotKept, match=r"paused\.json: "):
        one.put("b", paused=True)
    with pytest.raises(NotKept):
        one.put("a", paused=False)
    assert one.rules == PausedRules(tmp_path).rules == {"a"}
