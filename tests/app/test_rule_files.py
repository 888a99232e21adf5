"""Rule files read as one snapshot."""

import os
from pathlib import Path

import pytest

from ozrules.app.rule_files import Unreadable, fingerprint, read
from ozrules.rules.diagnostics import Diagnostic
from ozrules.rules.document import Source
from ozrules.settings.sources import read_source


def test_all_files_are_read_in_order_with_what_they_looked_like(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", ".hidden.yaml"):
        (tmp_path / name).write_text(name)
    pattern = (str(tmp_path / "*.yaml"),)
    sources, seen = read(pattern)
    assert [Path(source.name).name for source in sources] == ["a.yaml", "b.yaml"]
    assert seen == fingerprint(pattern)


@pytest.mark.fault(63)
def test_a_change_that_keeps_size_and_times_changes_the_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one")
    before, times = fingerprint((str(file),)), file.stat()
    file.write_text("two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fingerprint((str(file),)) != before
    file.unlink()
    assert fingerprint((str(file),)) == ((str(file), 0, 0, 0, 0, 0),)


@pytest.mark.fault(65)
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "large.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(Unreadable) as raised:
        read((str(tmp_path / "*.yaml"), str(tmp_path / "missing.yaml")))
    assert len(raised.value.problems) == 4


@pytest.mark.fault(77, 105)
def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("ozrules: 1")
    file.chmod(0o666)
    with pytest.raises(Unreadable, match="Everybody on this machine"):
        read((str(file),))


def test_no_file_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no rule file was found"):
        read((str(tmp_path / "*.yaml"),))


@pytest.mark.fault(64)
def test_files_that_change_while_they_are_read_are_read_again_as_one_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("old")
    second.write_text("old")
    reads = 0

    def meddling(path: Path) -> Source | Diagnostic:
        nonlocal reads
        reads += 1
        if reads == 2:  # an editor saves both between our looks at the first and the second
            first.write_text("new!")
            second.write_text("new!")
        return read_source(path)

    monkeypatch.setattr("ozrules.app.rule_files.read_source", meddling)
    sources, seen = read((str(tmp_path / "*.yaml"),))
    assert [source.data for source in sources] == [b"new!", b"new!"]
    assert seen == fingerprint((str(tmp_path / "*.yaml"),))


@pytest.mark.fault(63)
def test_a_folder_that_cannot_be_listed_is_said_and_looks_like_no_other(tmp_path: Path) -> None:
    pattern = (str(tmp_path / ("x" * 300) / "*.yaml"),)
    with pytest.raises(Unreadable, match="File name too long"):
        read(pattern)
    assert fingerprint(pattern) == fingerprint(pattern) != fingerprint((str(tmp_path / "*.yaml"),))
