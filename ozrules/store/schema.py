"""The tables of the journal, and how an older one becomes this one: every step in the one transaction.

Rows carry a checksum of their own: SQLite does not notice a bit that turned inside a value. It is over the columns
that never change; ``checksum`` is a function in SQL too, for the steps that bring it to rows that had none.
"""

from typing import Final
from zlib import crc32

import apsw
import msgspec

APPLICATION_ID: Final = 0x6F7A7275  # "ozru": a database of another program is refused

_STEPS: Final[tuple[str, ...]] = (
    """
    -- numbers that never go back, whatever retention removes
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
    -- the decision record, one line a row
    CREATE TABLE records (seq INTEGER PRIMARY KEY, type TEXT NOT NULL, time REAL NOT NULL, decision_id TEXT, rule TEXT,
                          connection TEXT, session_id TEXT, body TEXT NOT NULL, crc INTEGER NOT NULL);
    CREATE INDEX records_by_session ON records (session_id, seq) WHERE session_id IS NOT NULL;
    CREATE INDEX records_by_time ON records (time);
    CREATE UNIQUE INDEX records_one_decision ON records (decision_id) WHERE type = 'decision';
    -- decisions by the engine's number; open while outcomes may still come
    CREATE TABLE decisions (number INTEGER PRIMARY KEY, decision_id TEXT UNIQUE, at REAL NOT NULL, connection TEXT,
                            epoch TEXT, session_id TEXT, start TEXT, open INTEGER NOT NULL);
    CREATE INDEX decisions_open ON decisions (session_id) WHERE open;
    -- commands that may have left, and what became of them; a second row for one id cannot be
    CREATE TABLE intents (id TEXT PRIMARY KEY, decision INTEGER NOT NULL, at REAL NOT NULL, command BLOB NOT NULL,
                          crc INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE outcomes (id TEXT PRIMARY KEY, at REAL NOT NULL, outcome TEXT NOT NULL,
                           crc INTEGER NOT NULL) WITHOUT ROWID;
    -- what the engine remembers of each session: waiting timers, activations, running sequences
    CREATE TABLE memories (connection TEXT, epoch TEXT, session_id TEXT, start TEXT, memory BLOB NOT NULL,
                           crc INTEGER NOT NULL, PRIMARY KEY (connection, epoch, session_id, start)) WITHOUT ROWID;
    -- what is counted over a window: firings, entered states, calls sent outside
    CREATE TABLE tallies (name TEXT NOT NULL, grp TEXT NOT NULL, member TEXT NOT NULL, at REAL NOT NULL,
                          until REAL NOT NULL, crc INTEGER NOT NULL);
    CREATE INDEX tallies_by_end ON tallies (until);
    -- sessions as they went by, for `ozrules export`
    CREATE TABLE recording (n INTEGER PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL);
    CREATE INDEX recording_by_time ON recording (at);
    -- webhooks taken over for delivery
    CREATE TABLE webhooks (id TEXT PRIMARY KEY, at REAL NOT NULL, request BLOB NOT NULL, state TEXT NOT NULL,
                           detail TEXT, crc INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX webhooks_pending ON webhooks (at) WHERE state = 'pending';
    -- the rule files that held last
    CREATE TABLE rule_files (name TEXT PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
    """,
    """
    -- moments by the wall clock: `alive`, when something was last written; `rules`, since when the rule files hold
    CREATE TABLE moments (name TEXT PRIMARY KEY, at REAL NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
    -- the ids by which outcomes find their decisions are as dear as the rest
    ALTER TABLE decisions ADD COLUMN crc INTEGER;
    UPDATE decisions SET crc = checksum(number, decision_id, at, connection, epoch, session_id, start);
    """,
    """
    -- what is old is found from the oldest on, however much is kept
    CREATE INDEX decisions_by_time ON decisions (at);
    CREATE INDEX intents_by_time ON intents (at);
    CREATE INDEX intents_by_decision ON intents (decision);
    CREATE INDEX outcomes_by_time ON outcomes (at);
    CREATE INDEX webhooks_by_time ON webhooks (at);
    """,
    """
    -- rule files that held before, as long as something under way began with them
    CREATE TABLE earlier_rule_files (revision TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL,
                                     crc INTEGER NOT NULL, PRIMARY KEY (revision, name)) WITHOUT ROWID;
    """,
)
VERSION: Final = len(_STEPS)


def checksum(*values: str | bytes | float | None) -> int:
    """The checksum of a row's values, in the order of its columns."""
    return crc32(msgspec.msgpack.encode(values))


class SchemaNewer(Exception):
    """The journal was written by a newer ozrules; its tables mean something that this one does not know."""


class SchemaMixed(Exception):
    """The journal's tables are not those of its version; the text says which."""


def compare(connection: apsw.Connection) -> None:
    """Whether all tables and indexes of `VERSION` are there as this ozrules makes them. Raises SchemaMixed."""
    model = apsw.Connection(":memory:")
    migrate(model)
    statement = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
    found = {str(name): sql for name, sql in connection.execute(statement)}
    for name, sql in model.execute(statement):
        if found.get(str(name)) != sql:
            raise SchemaMixed(f"the {name} is {'another' if name in found else 'missing'}")


def migrate(connection: apsw.Connection) -> None:
    """Brings the tables to `VERSION`, inside the transaction that the caller holds.

    Raises SchemaNewer where a newer ozrules wrote them, apsw.NotADBError where another program did.
    """
    version = connection.pragma("user_version")
    owner = connection.pragma("application_id")
    assert isinstance(version, int)
    if version > VERSION:
        raise SchemaNewer(f"it has version {version} and this ozrules knows {VERSION}")
    foreign = connection.execute("SELECT 1 FROM sqlite_schema").get if version == 0 else owner != APPLICATION_ID
    if foreign:
        raise apsw.NotADBError("it is the database of another program")
    connection.create_scalar_function("checksum", checksum, deterministic=True)
    for number, step in enumerate(_STEPS[version:], version + 1):
        connection.execute(step)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
