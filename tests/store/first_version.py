"""The journal as the first version of its tables was, with something in it."""

from pathlib import Path
from typing import Final

import apsw

from ozrules.store import schema
from ozrules.store.schema import APPLICATION_ID, checksum
from tests.fakes.effects import KEY

DECISIONS: Final = 5


def write_first_version(path: Path) -> None:
    db = apsw.Connection(str(path))
    db.pragma("journal_mode", "wal")
    with db:
        db.execute(schema._STEPS[0])
        db.pragma("user_version", 1)
        db.pragma("application_id", APPLICATION_ID)
        for name in ("seq", "decision"):
            value = DECISIONS + 1
            db.execute("INSERT INTO counters VALUES (?, ?, ?)", (name, value, checksum(name, value)))
        for number in range(1, DECISIONS + 1):
            names = (KEY.connection, KEY.epoch, KEY.session_id, KEY.start)
            db.execute("INSERT INTO decisions VALUES (?, ?, 1.5, ?, ?, ?, ?, 1)", (number, f"01D{number}", *names))
    db.close()
