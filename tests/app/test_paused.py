"""Paused rules stay paused over a restart."""

from pathlib import Path

from ozrules.app.paused import PausedRules


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
