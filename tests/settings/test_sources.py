"""Files as they are found. What `ozrules check` says of odd ones is in tests/cli/test_check.py."""

import os
from pathlib import Path

import pytest

from ozrules.rules.diagnostics import Diagnostic
from ozrules.rules.document import MAX_FILE, Source
from ozrules.settings.sources import read_source


def refused(path: Path) -> str:
    found = read_source(path)
    assert isinstance(found, Diagnostic)
    return found.code


def test_a_plain_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"x" * MAX_FILE)
    assert read_source(tmp_path / "a.yaml") == Source(str(tmp_path / "a.yaml"), b"x" * MAX_FILE)
    assert read_source(tmp_path / "a.yaml", "office") == Source("office", b"x" * MAX_FILE)


def test_a_pipe_stops_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "not-a-file"


def test_what_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == "not-a-file"
    assert refused(Path("/dev/null")) == "not-a-file"
    assert refused(tmp_path / "absent") == "no-such-file"
    assert refused(tmp_path / "nul\0byte") == "unreadable-file"


def test_a_name_that_is_no_text_is_refused_and_can_be_told(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.yaml")
    file.write_text("ozrules: 1\n")
    found = read_source(file)
    assert isinstance(found, Diagnostic)
    assert r"caf\udce9.yaml:1:1: error[unreadable-file]: The name of this file is not UTF-8 text." in str(found)
    assert str(found).encode()


def test_too_much_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (MAX_FILE + 1))
    assert refused(tmp_path / "a") == "file-too-large"


@pytest.mark.fault(77)
def test_what_others_may_write_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    file.chmod(0o602)
    assert refused(file) == "writable-by-others"
    file.chmod(0o600)
    tmp_path.chmod(0o1777)  # as /tmp: others may add files, not replace these
    assert isinstance(read_source(file), Source)
    tmp_path.chmod(0o777)
    assert refused(file) == "writable-by-others"
