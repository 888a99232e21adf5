"""The tables, and how they come to be."""

from pathlib import Path

import apsw
import pytest

from ozrules.store import schema


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
