"""Which files the patterns find."""

from pathlib import Path

from ozrules.settings.rule_files import rule_files


def test_patterns_find_files_in_order_and_once(tmp_path: Path) -> None:
    (tmp_path / "rules.d").mkdir()
    for name in ("b.yaml", "a.yaml", ".a.yaml.swp", ".hidden.yaml", "notes.txt"):
        (tmp_path / "rules.d" / name).touch()
    patterns = (str(tmp_path / "rules.d/b.yaml"), str(tmp_path / "rules.d/*.yaml"), str(tmp_path / "missing.yaml"))
    names = [path.name for path in rule_files(patterns)]
    assert names == ["b.yaml", "a.yaml", "missing.yaml"]


def test_a_directory_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert rule_files((str(tmp_path / "nowhere/*/x?.yaml"),)) == ()


def test_two_stars_are_folders_of_any_depth(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "r.yaml").touch()
    assert rule_files((str(tmp_path / "**/*.yaml"),)) == (tmp_path / "a" / "b" / "r.yaml",)
