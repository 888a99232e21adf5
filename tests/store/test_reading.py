"""Reading the journal without touching it."""

import asyncio
from pathlib import Path

import apsw
import pytest

from ozrules.store.journal import SqliteJournal
from ozrules.store.reading import Reader
from ozrules.store.state_directory import StateUnusable
from tests.fakes.clock import StandingClock
from tests.fakes.effects import decision, observed, record


def _fill(path: Path, many: int) -> SqliteJournal:
    journal = SqliteJournal(path, StandingClock())
    times = [1_000.0 + number for number in range(1, many + 1)]
    records = [record(number, number, time=at) for number, at in enumerate(times, 1)]
    asyncio.run(journal.commit([decision(one.seq) for one in records], records))
    return journal


def test_more_than_one_batch_comes_in_order_and_from_any_number_on(tmp_path: Path) -> None:
    journal = _fill(tmp_path, 1201)
    reader = Reader(tmp_path)
    assert [line.number for line in reader.records()] == list(range(1, 1202))
    assert [line.number for line in reader.records(after=1199)] == [1200, 1201]
    assert [line.number for line in reader.records(since=1_003.0, until=1_005.0)] == [3, 4]
    reader.close()
    journal.close()


@pytest.mark.parametrize(
    ("session", "found"), [("s1", 3), ("office/s1", 3), ("branch/s1", 0), ("s", 0), ("s1' OR 1=1 --", 0)]
)
def test_a_session_is_named_with_or_without_its_connection(tmp_path: Path, session: str, found: int) -> None:
    _fill(tmp_path, 3).close()
    reader = Reader(tmp_path)
    assert len(list(reader.records(session=session))) == found
    reader.close()


def test_a_session_is_found_in_the_recording_by_its_id(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, StandingClock())
    asyncio.run(journal.commit([observed()], []))
    journal.close()
    reader = Reader(tmp_path)
    span = reader.times_of(observed().key.session_id)
    assert span is not None
    assert [line.number for line in reader.recording(since=span[0], until=span[1])] == [1]
    assert list(reader.recording(since=0.0, until=span[0] - 1)) == []
    assert reader.times_of("s") is None
    assert reader.times_of('s1"') is None
    reader.close()


def test_a_damaged_line_says_so(tmp_path: Path) -> None:
    _fill(tmp_path, 3).close()
    with apsw.Connection(str(tmp_path / "journal.db")) as db:
        db.execute("UPDATE records SET body = '{}' WHERE seq = 2")
    reader = Reader(tmp_path)
    assert [line.intact for line in reader.records()] == [True, False, True]
    reader.close()


@pytest.mark.fault(55)
def test_a_reader_cannot_write(tmp_path: Path) -> None:
    _fill(tmp_path, 3).close()
    before = (tmp_path / "journal.db").read_bytes()
    reader = Reader(tmp_path)
    list(reader.records())
    reader.close()
    assert (tmp_path / "journal.db").read_bytes() == before


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="there is no journal yet"):
        Reader(tmp_path)
    (tmp_path / "journal.db").write_bytes(b"nothing of ours" * 999)
    with pytest.raises(StateUnusable):
        Reader(tmp_path)


@pytest.mark.fault(56)
def test_a_copy_of_a_journal_in_use_is_whole(tmp_path: Path) -> None:
    journal = _fill(tmp_path / "state", 500)
    reader = Reader(tmp_path / "state")
    (tmp_path / "copy").mkdir()
    reader.copy_to(tmp_path / "copy" / "journal.db")
    reader.close()
    journal.close()
    again = SqliteJournal(tmp_path / "copy", StandingClock())
    assert again.load().next_seq == 501
    again.close()
