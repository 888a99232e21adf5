"""Forgetting one number: every row that is kept is read, and what names that number, or whose it is, is taken out.

What happened stays on the record, without whom it happened to: decisions keep their reasons and their places, and name
under ``erased`` what was taken out of them. Calls that are still alive are left alone; whoever asks is told of them.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import apsw
import msgspec

from ozrules.store.schema import checksum

BATCH: Final = 500
"""Rows that one transaction looks at, so that no decision waits for long."""

_NAME_OF: Final = {"caller": "callerDisplayName", "callee": "calleeDisplayName"}
_NAMES_OF_THE_SESSION: Final = frozenset(f"session.{name}" for name in _NAME_OF.values())
_READ: Final = ("values", "failed", "chosen")
_NUMBERS: Final = re.compile(r"(?<!\w)\+?[0-9*#](?:[0-9*#./() -]{0,40}[0-9*#])?(?!\w)", re.ASCII)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)

IsIt = Callable[[str], bool]
"""Whether a text is the number that is to be forgotten, in whatever form."""


def erased_from(body: object, is_it: IsIt) -> tuple[object, list[str]]:
    """A JSON value without that number, and the paths at which something was taken out."""
    paths: list[str] = []
    return _without(body, is_it, "", paths), paths


def forget_records(db: apsw.Cursor, after: int, is_it: IsIt) -> tuple[int | None, int]:
    """One batch of the decision record: where to go on, None at the end, and how many rows were changed."""
    columns = "seq, type, time, decision_id, rule, connection, session_id, body"
    rows = db.execute(f"SELECT {columns} FROM records WHERE seq > ? ORDER BY seq LIMIT {BATCH}", (after,)).fetchall()  # noqa: S608  # our own words
    changed = 0
    for row in rows:
        *others, text = row
        told = msgspec.json.decode(str(text))
        body, paths = erased_from(told, is_it)
        names = {told["session"][path[8:]] for path in paths if path in _NAMES_OF_THE_SESSION}
        if paths and isinstance(body, dict):
            for part in _READ if names else ():  # whose number is taken out, theirs is the name that was read
                body[part], more = erased_from(body.get(part), names.__contains__)
                paths += [f"{part}.{path}" for path in more]
            before = body.get("erased")
            body["erased"] = sorted({*(before if isinstance(before, list) else ()), *paths})
            changed += _replace(db, "records", "seq", others, body)
    return _next(rows), changed


def forget_recording(db: apsw.Cursor, after: int, is_it: IsIt) -> tuple[int | None, int]:
    """One batch of the recorded sessions, likewise."""
    columns = f"SELECT n, at, body FROM recording WHERE n > ? ORDER BY n LIMIT {BATCH}"  # noqa: S608  # our own words
    rows = db.execute(columns, (after,)).fetchall()
    changed = 0
    for number, at, text in rows:
        body, paths = erased_from(msgspec.json.decode(str(text)), is_it)
        if paths:
            data = _ENCODER.encode(body).decode()
            db.execute("UPDATE recording SET body = ?, crc = ? WHERE n = ?", (data, checksum(at, data), number))
            changed += 1
    return _next(rows), changed


def forget_rest(db: apsw.Cursor, is_it: IsIt) -> int:
    """Counts, settled commands and settled webhooks that name it: they are only needed while something is under way."""
    changed = 0
    for (group,) in db.execute("SELECT DISTINCT grp FROM tallies").fetchall():
        if erased_from(group, is_it)[1] or any(is_it(part) for part in str(group).split("\x1f")):
            db.execute("DELETE FROM tallies WHERE grp = ?", (group,))
            changed += 1
    settled = "SELECT id, command FROM intents WHERE id IN (SELECT id FROM outcomes WHERE outcome <> 'unknown')"
    for name, command in db.execute(settled).fetchall():
        if _names(command, is_it):
            db.execute("DELETE FROM intents WHERE id = ?", (name,))
            changed += 1
    for name, request in db.execute("SELECT id, request FROM webhooks WHERE state <> 'pending'").fetchall():
        if _names(request, is_it):
            db.execute("DELETE FROM webhooks WHERE id = ?", (name,))
            changed += 1
    return changed


def _names(data: "apsw.SQLiteValue", is_it: IsIt) -> bool:
    assert isinstance(data, bytes)  # as it was written
    return bool(erased_from(msgspec.json.decode(data), is_it)[1])


def _replace(db: apsw.Cursor, table: str, key: str, others: list[Any], body: dict[str, object]) -> int:
    text = _ENCODER.encode(body).decode()
    statement = f"UPDATE {table} SET body = ?, crc = ? WHERE {key} = ?"  # noqa: S608  # our own words
    db.execute(statement, (text, checksum(*others, text), others[0]))
    return 1


def _next(rows: list[tuple[Any, ...]]) -> int | None:
    return int(rows[-1][0]) if len(rows) == BATCH else None


def _without(value: object, is_it: IsIt, path: str, paths: list[str]) -> object:
    match value:
        case str():
            if is_it(value) or any(is_it(found[0]) for found in _NUMBERS.finditer(value)):
                paths.append(path)
                return None
            return value
        case dict():
            found = {key: _without(each, is_it, f"{path}.{key}".lstrip("."), paths) for key, each in value.items()}
            for party, name in _NAME_OF.items():
                if value.get(party) is not None and found[party] is None and found.get(name) is not None:
                    found[name] = None
                    paths.append(f"{path}.{name}".lstrip("."))
            return found
        case list():
            return [_without(each, is_it, f"{path}.{number}", paths) for number, each in enumerate(value)]
        case _:
            return value
