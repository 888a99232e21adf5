"""Opening the journal: checked before it is trusted, set aside where it is damaged, never repaired in silence.

What the daemon relies on (what waits, what is open, what counts) is always checked before it starts. What only tells of
the past is too, where the journal is small; a large one would keep calls waiting for seconds, so its past is checked
while the daemon runs. What is found then ends the daemon, and a mark in the state keeps the next start from going on.
"""

import os
from pathlib import Path
from typing import Final

import apsw

from ozrules.store.rows import Counters, write_counters
from ozrules.store.schema import SchemaMixed, SchemaNewer, checksum, compare, migrate
from ozrules.store.state_directory import StateDirectory, StateUnusable

LOG_KEPT: Final = 8 * 1024 * 1024
"""Bytes that the write-ahead log keeps once it has been written back, which is tried whenever it has half as many."""
PATIENCE = 5_000
"""Milliseconds for which another program that writes in the journal is waited for."""

SMALL = 64 * 1024 * 1024
"""Bytes up to which a journal is checked whole at the start."""

_CHECKED: Final = {
    "counters": "*",
    "moments": "*",
    "decisions": "number, decision_id, at, connection, epoch, session_id, start, crc",
    "intents": "*",
    "outcomes": "*",
    "memories": "*",
    "tallies": "*",
    "webhooks": "id, at, request, crc",
    "rule_files": "*",
    "earlier_rule_files": "*",
}
"""What the daemon relies on, and the columns that a row's checksum is over. Records are checked when they are read."""

_UNANSWERED: Final = "NOT EXISTS (SELECT 1 FROM outcomes WHERE outcomes.id = intents.id)"
_RELIED_ON: Final = {
    "decisions": f"open OR number IN (SELECT decision FROM intents WHERE {_UNANSWERED})",  # noqa: S608  # our own words
    "intents": _UNANSWERED,
    "outcomes": "FALSE",
}
"""Of tables that grow with the past, which rows the daemon still acts by."""


class _Cut(Exception):
    """The journal is whole, and older than it was once: waiting timers, and what has fired, would be forgotten in
    silence. The text says by how much.
    """


class _Damaged(Exception):
    """The journal is not what was written; the text says where."""


def open_journal(directory: StateDirectory, wall: float, *, new_state: bool) -> apsw.Connection:
    """The journal of ``directory``, whole and of this version; created where there is none.

    With ``new_state`` whatever is there is set aside first. A journal that begins anew counts from ``wall`` on, so that
    no number of an earlier one comes again. Raises StateUnusable.
    """
    first = 1
    if new_state and directory.set_aside("old") is not None:
        first = int(wall)
    try:
        return _open(directory, first)
    except (apsw.NotADBError, apsw.CorruptError, _Damaged) as error:
        raise StateUnusable(
            f"{directory.journal}: the journal is damaged: {error}. Nothing was sent and nothing was changed. "
            "`ozrules run --new-state` sets it aside and begins anew: calls that live now are then met as new, "
            "and what the old one says can still be looked into. To go on from a backup, put it in its place, and "
            f"remove {directory.damaged} if it is there."
        ) from error
    except _Cut as error:
        raise StateUnusable(
            f"{directory.journal}: the end of the journal is missing: {error}. The file, or its write-ahead log, was "
            "removed, emptied, cut off, or an older one put in its place. Nothing was sent and nothing was changed. "
            f"Put the files back; or, to go on from an older one on purpose (a backup), remove {directory.mark}; or "
            "set all aside and begin anew with `ozrules run --new-state`."
        ) from error
    except SchemaNewer as error:
        raise StateUnusable(
            f"{directory.journal}: this journal is from a newer ozrules: {error}. Run that one, or begin anew "
            "with `ozrules run --new-state`."
        ) from error
    except (SchemaMixed, apsw.SQLError) as error:
        raise StateUnusable(
            f"{directory.journal}: the tables of this journal are of different versions: {error}. Nothing was sent and "
            "nothing was changed. Put a backup in its place, or set it aside and begin anew with "
            "`ozrules run --new-state`."
        ) from error
    except apsw.BusyError as error:
        raise StateUnusable(
            f"{directory.journal}: another program is writing in the journal: {error}. Nothing was changed. End that "
            "program (`sqlite3`, a backup), then start again; `ozrules backup` copies a journal in use."
        ) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError, apsw.FullError) as error:
        raise StateUnusable(
            f"{directory.journal}: cannot be written as user {os.geteuid()}: {error}. "
            "Check the disk, the owner and the mode of this file."
        ) from error


def open_beside(directory: StateDirectory) -> apsw.Connection:
    """Reads what is on the disk in the journal that is open, from any thread, and beside the one that writes."""
    db = apsw.Connection(str(directory.journal), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(PATIENCE)
    return db


def find_damage(db: apsw.Connection) -> str | None:
    """What is damaged in the whole journal, read beside the one who writes; None where all is as it was written.

    Raises apsw.Error where it cannot be read to its end, apsw.InterruptError where nobody wants to know any more.
    """
    try:
        db.execute("BEGIN")  # one moment of it
        _check_pages(db, None)
        _check_rows(db, whole=True)
        db.execute("ROLLBACK")
    except (apsw.CorruptError, _Damaged) as error:
        return str(error)
    return None


def _open(directory: StateDirectory, first: int) -> apsw.Connection:
    path, marked = directory.journal, directory.marked()
    if directory.damaged.exists():
        raise _Damaged(directory.damaged.read_text(encoding="utf-8", errors="replace")[:500].strip())
    if marked and not (path.is_file() and path.stat().st_size):  # opened, it would lose its write-ahead log too
        raise _Cut(f"{marked} commits were written, and the file is {'empty' if path.exists() else 'not there'}")
    _create(path)
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(PATIENCE)
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # what is refused stays as it was found
        db.execute("PRAGMA trusted_schema = OFF")
        small = path.stat().st_size <= SMALL
        if small:
            _check_pages(db, None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA journal_size_limit = {LOG_KEPT}")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")  # what was removed or forgotten is in no free page either
        db.execute("BEGIN IMMEDIATE")
        migrate(db)
        compare(db)
        if db.execute("SELECT count(*) FROM counters").get == 0:
            write_counters(db.cursor(), Counters(seq=first, decision=first))
        if not small:
            for table in _CHECKED:
                _check_pages(db, table)
        _check_rows(db, whole=small)
        found = db.execute("SELECT coalesce(max(value), 0) FROM counters WHERE name = 'commits'").get
        if found < marked:
            raise _Cut(f"{marked} commits were written, and it knows {found}")
        db.execute("COMMIT")
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    except BaseException:
        db.close()
        raise
    return db


def _create(path: Path) -> None:
    """The file is there, and has one name: its write-ahead log lies beside the name by which it is opened."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateUnusable(
            f"{path}: cannot be written as user {os.geteuid()}: {os.strerror(error.errno or 0)}. "
            "Check what stands there, its owner and its mode."
        ) from error
    try:
        names = os.fstat(file).st_nlink
    finally:
        os.close(file)
    if names > 1:
        raise StateUnusable(
            f"{path}: this file has {names} names (hard links), and under another one it would be written without its "
            "write-ahead log. Remove the other names; `ozrules backup FILE` makes a copy that is whole."
        )


def _check_pages(db: apsw.Connection, table: str | None) -> None:
    """The pages of a table and its indexes, or of all."""
    found = db.execute(f"PRAGMA quick_check({table or 1})").get
    if found != "ok":
        raise _Damaged(str(found))


def _check_rows(db: apsw.Connection, *, whole: bool) -> None:
    for table, columns in _CHECKED.items():
        which = "TRUE" if whole else _RELIED_ON.get(table, "TRUE")
        for row in db.execute(f"SELECT {columns} FROM {table} WHERE {which}"):  # noqa: S608  # no outside text in it
            if checksum(*row[:-1]) != row[-1]:
                raise _Damaged(f"a row of {table} is not as it was written")
    last = db.execute("SELECT max(seq) FROM records").get
    if whole and last is not None:
        first, count = next(db.execute("SELECT min(seq), count(*) FROM records"))
        if last - first + 1 != count:
            raise _Damaged("records are missing")
    (after,) = next(db.execute("SELECT value FROM counters WHERE name = 'seq'"))
    if last is not None and last >= after:
        raise _Damaged("the counter of records has gone back")
