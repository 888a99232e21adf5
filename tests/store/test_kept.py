"""Small files that are replaced whole, or not at all."""

from pathlib import Path

import pytest

from ozrules.store.kept import NotKept, keep


def test_it_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    for data in (b"one", b"", b"three"):
        keep(tmp_path / "small.json", data)
        assert (tmp_path / "small.json").read_bytes() == data
    assert [file.name for file in tmp_path.iterdir()] == ["small.json"]


@pytest.mark.fault(47)
def test_on_a_full_disk_what_was_there_stays_and_no_half_of_it_is_left(tmp_path: Path) -> None:
    keep(tmp_path / "small.json", b"before")
    (tmp_path / "small.new").symlink_to("/dev/full")
    with pytest.raises(NotKept, match=r"small\.json: No space left on device"):
        keep(tmp_path / "small.json", b"after")
    assert (tmp_path / "small.json").read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["small.json"]
