"""The tables, and how they come to be."""

from pathlib import Path

import apsw
import pytest

from ozrules.store import schema
from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.store.first_version import DECISIONS, write_first_version


@pytest.mark.fault(57)
def test_a_migration_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "journal.db"))
    db.execute("BEGIN")
    schema.migrate(db)
    db.execute("ROLLBACK")
    assert db.execute("SELECT count(*) FROM sqlite_schema").get == 0
    assert db.pragma("user_version") == 0
    db.close()


@pytest.mark.fault(57)
def test_a_migration_that_is_done_changes_nothing_more(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "journal.db"))
    for _ in range(2):
        with db:
            schema.migrate(db)
    assert db.pragma("user_version") == schema.VERSION
    db.close()


@pytest.mark.fault(57, 87)
def test_the_first_version_becomes_this_one_with_all_that_is_in_it(tmp_path: Path) -> None:
    write_first_version(tmp_path / "journal.db")
    journal = SqliteJournal(tmp_path, StandingClock())
    saved = journal.load()
    journal.close()
    assert saved.next_decision == DECISIONS + 1
    assert saved.decision_ids == tuple((number, f"01D{number}") for number in range(1, DECISIONS + 1))
    SqliteJournal(tmp_path, StandingClock()).close()  # each row has its checksum


@pytest.mark.fault(57)
def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "journal.db"))
    db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(schema.SchemaNewer, match="version"):
        schema.migrate(db)
    db.close()


def test_a_checksum_tells_values_and_their_order_apart() -> None:
    sums = {schema.checksum(*values) for values in (("a", 1), (1, "a"), ("a", 2), ("a", 1.5), (b"a", 1), ("a", None))}
    assert len(sums) == 6
