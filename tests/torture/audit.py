"""Three accounts of the same hours, laid side by side: what daemons said, what their journal holds, and the ledger of
the phone system.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from ozrules.store.reading import Reader

Line = dict[str, Any]
NEVER_SENT = frozenset({"refused", "expired", "cancelled", "throttled"})


class Touch(NamedTuple):
    """What can be seen of a command at the phone system: on which session which method, with what."""

    session: str
    method: str
    number: str | None
    key: str | None


class Books:
    """The journal of a state directory, whole, read when no daemon holds it or while one does."""

    def __init__(self, state: Path) -> None:
        reader = Reader(state)
        lines = list(reader.records())
        self.events: list[Line] = [json.loads(line.body) for line in reader.recording(since=0.0)]
        reader.close()
        assert all(line.intact for line in lines)
        self.records: dict[int, Line] = {line.number: json.loads(line.body) for line in lines}
        with apsw.Connection(str(state / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY) as db:
            self.intents = {
                name: json.loads(command) for name, command in db.execute("SELECT id, command FROM intents")
            }
            self.outcomes: dict[str, str] = dict(db.execute("SELECT id, outcome FROM outcomes"))
            self.webhooks: dict[str, str] = dict(db.execute("SELECT id, state FROM webhooks"))

    def of(self, kind: str, **wanted: object) -> list[Line]:
        return [
            line
            for line in self.records.values()
            if line["type"] == kind and all(line.get(name) == value for name, value in wanted.items())
        ]


def believes_durations(state: Path) -> bool:
    """Whether the daemon has seen that the phone system's durations run, and so need doubt no stay after a gap."""
    db = apsw.Connection(str(state / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
    found = list(db.execute("SELECT 1 FROM tallies WHERE name = 'moves:stateDuration' AND member = 'True'"))
    db.close()
    return bool(found)


def unknown(state: Path) -> int:
    """How many commands there are of which nobody knows yet what became of them."""
    db = apsw.Connection(str(state / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
    [(count,)] = list(db.execute("SELECT count(*) FROM outcomes WHERE outcome = 'unknown'"))
    db.close()
    return int(count)


def nothing_lost(said: Iterable[Line], books: Books) -> int:
    """Every line that a daemon gave out is in the journal, word for word, and no number is missing. How many."""
    count = 0
    for line in said:
        if "seq" in line:
            assert books.records.get(line["seq"]) == line, f"said, and not in the journal: {line}"
            count += 1
    assert sorted(books.records) == list(range(1, len(books.records) + 1))
    return count


def nothing_twice(ledger: Iterable[Line], books: Books) -> int:
    """Every command that arrived was intended, and no intent arrived more than once; no rule fired twice for one stay.

    Of rules that fire once for each session at most. How many commands arrived.
    """
    arrived = Counter(
        Touch(entry["sessionId"], entry["method"], entry.get("phoneNumber"), entry.get("key")) for entry in ledger
    )
    may, must_not = Counter[Touch](), set[str]()
    for name, command in books.intents.items():
        may[_touch(command)] += 1
        if books.outcomes.get(name) in NEVER_SENT:
            must_not.add(name)
    twice = {touch: (count, may[_loose(touch)]) for touch, count in arrived.items() if count > may[_loose(touch)]}
    assert not twice, f"arrived more often than intended: {twice}"
    repeated = {touch for touch, count in may.items() if count > 1}
    assert not repeated, f"intended twice: {repeated}"
    fired = Counter((line["sessionId"], line["rule"]) for line in books.of("decision", reason="fired"))
    assert {each for each, count in fired.items() if count > 1} == set(), "a rule fired twice on one session"
    wrongly = {name for name in must_not if arrived[_touch(books.intents[name])]}
    assert not wrongly, "said to be withheld, and yet it arrived"
    return arrived.total()


def _touch(command: Line) -> Touch:
    return Touch(command["session"]["session_id"], command["action"], command.get("to"), command.get("key"))


def _loose(touch: Touch) -> Touch:
    """The number that goes with a key is that of the party who receives it, which an intent names as a party."""
    return touch if touch.method in ("forward", "blindTransfer") else touch._replace(number=None)
