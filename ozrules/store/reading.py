"""Reading the journal while the daemon writes it, or after: a connection of its own that can write nothing.

Rows are fetched in small batches, each in a read of its own, so that a slow reader never holds the log of the writer.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
import msgspec

from ozrules.store.schema import APPLICATION_ID, VERSION, checksum
from ozrules.store.state_directory import JOURNAL, StateUnusable

_BATCH: Final = 500


class Line(msgspec.Struct, frozen=True):
    """One line as it was stored: its number, and the JSON text. ``intact`` is False where it is not as written."""

    number: int
    body: str
    intact: bool


class Reader:
    """The journal of a state directory. Raises StateUnusable where it cannot be read."""

    def __init__(self, state: Path) -> None:
        self._path = state / JOURNAL
        try:
            self._db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            self._db.set_busy_timeout(5_000)
            version = self._db.pragma("user_version")
            foreign = self._db.pragma("application_id") != APPLICATION_ID
        except apsw.CantOpenError as error:
            why = "there is no journal yet" if not self._path.exists() else "this user may not read it"
            raise StateUnusable(f"{self._path}: {why}") from error
        except apsw.Error as error:
            raise StateUnusable(f"{self._path}: cannot be read: {error}") from error
        if foreign or not isinstance(version, int) or not 1 <= version <= VERSION:
            self._db.close()
            raise StateUnusable(f"{self._path}: this is no journal that this version of ozrules can read")

    def close(self) -> None:
        """Ends the reading."""
        self._db.close()

    def records(
        self,
        *,
        session: str | None = None,
        rule: str | None = None,
        since: float | None = None,
        until: float | None = None,
        after: int = 0,
    ) -> Iterator[Line]:
        """Records in order, those after number ``after`` alone. ``session`` may be ``CONNECTION/SESSION``."""
        where = ["seq > ?"]
        values: list[str | float] = []
        if session is not None:
            connection, _, rest = session.partition("/")
            where.append("(session_id = ? OR (session_id = ? AND connection = ?))")
            values += [session, rest, connection]
        for condition, value in (("rule = ?", rule), ("time >= ?", since), ("time < ?", until)):
            if value is not None:
                where.append(condition)
                values.append(value)
        columns = "seq, type, time, decision_id, rule, connection, session_id, body, crc"
        statement = f"SELECT {columns} FROM records WHERE {' AND '.join(where)} ORDER BY seq LIMIT {_BATCH}"  # noqa: S608  # our own words
        while rows := self._fetch(statement, (after, *values)):
            for row in rows:
                yield Line(_whole(row[0]), str(row[7]), checksum(*row[:-1]) == row[-1])
            after = _whole(rows[-1][0])

    def recording(self, *, since: float, until: float = math.inf) -> Iterator[Line]:
        """What happened to sessions from ``since`` to ``until``, wall clock, in order."""
        columns = "n, at, body, crc"
        statement = f"SELECT {columns} FROM recording WHERE n > ? AND at BETWEEN ? AND ? ORDER BY n LIMIT {_BATCH}"  # noqa: S608  # our own words
        after = 0
        while rows := self._fetch(statement, (after, since, until)):
            for row in rows:
                yield Line(_whole(row[0]), str(row[2]), checksum(*row[1:-1]) == row[-1])
            after = _whole(rows[-1][0])

    def times_of(self, session: str) -> tuple[float, float] | None:
        """When anything was first and last recorded of a session of that id, whatever call it was."""
        named = '"sessionId":' + msgspec.json.encode(session).decode()
        [(first, last)] = self._fetch("SELECT min(at), max(at) FROM recording WHERE instr(body, ?)", (named,))
        return (first, last) if isinstance(first, float) and isinstance(last, float) else None

    def would_have(self) -> list[tuple[str, str, int, float]]:
        """What rules would have done while the mode was observe: rule, action, how often, when last (wall clock)."""
        statement = """
            SELECT rule, json_extract(each.value, '$.action') AS action, count(*) AS times, max(time)
            FROM records, json_each(body, '$.actions') AS each
            WHERE records.type = 'decision' AND json_extract(body, '$.mode') = 'observe'
              AND json_extract(body, '$.reason') = 'fired'
            GROUP BY rule, action ORDER BY times DESC, rule, action"""
        return [(str(row[0]), str(row[1]), _whole(row[2]), float(row[3] or 0)) for row in self._fetch(statement, ())]

    def dead_posts(self) -> list[tuple[str, float, str]]:
        """Webhooks that were given up: id, when they were taken over, and why."""
        found = self._fetch("SELECT id, at, detail FROM webhooks WHERE state = 'dead' ORDER BY at", ())
        return [(str(row[0]), float(row[1] or 0), str(row[2])) for row in found]

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole journal, compact and checked. Raises StateUnusable, then there is no copy."""
        try:
            self._db.execute("VACUUM INTO ?", (str(path),))
            copy = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            found = copy.pragma("integrity_check")
            copy.close()
        except apsw.Error as error:
            path.unlink(missing_ok=True)
            raise StateUnusable(f"{path}: cannot be written: {error}") from error
        if found != "ok":
            path.unlink()
            raise StateUnusable(f"{self._path}: the journal is damaged: {found}")

    def _fetch(self, statement: str, values: tuple[str | float, ...]) -> "list[tuple[apsw.SQLiteValue, ...]]":
        try:
            return self._db.execute(statement, values).fetchall()
        except apsw.Error as error:
            raise StateUnusable(f"{self._path}: cannot be read: {error}") from error


def _whole(value: "apsw.SQLiteValue") -> int:
    assert isinstance(value, int)  # a primary key
    return value
