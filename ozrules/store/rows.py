"""Effects and records as rows: what one commit writes. Called in the writer's thread, inside its transaction."""

from collections.abc import Sequence
from typing import Final, assert_never

import apsw
import msgspec

from ozrules.engine.effects import (
    Chosen,
    Command,
    Decision,
    Effect,
    Forget,
    ListSessions,
    Notice,
    Observed,
    Outcome,
    Post,
    Remember,
    Send,
    Tally,
    Unrouted,
    Wake,
    WriteLog,
)
from ozrules.engine.identity import SessionKey
from ozrules.runtime.ports import Record
from ozrules.store import recording
from ozrules.store.schema import checksum

_JSON: Final = msgspec.json.Encoder()


class OutOfOrder(Exception):
    """A number went back or left a hole: the caller is at fault, nothing is written."""


class Counters(msgspec.Struct):
    """The next number of each kind, and how often was committed; they never go back."""

    seq: int
    decision: int
    commits: int = 0


def write(
    db: apsw.Cursor, counters: Counters, effects: Sequence[Effect], records: Sequence[Record], offset: float, now: float
) -> None:
    """Everything of one turn. ``now`` is wall clock, ``offset`` what it is ahead of the effects' clock."""
    ids = {record.decision: record.decision_id for record in records if record.type == "decision"}
    consulted: dict[int, dict[str, str | None]] = {}
    ways: dict[int, list[Chosen]] = {}
    for effect in effects:
        match effect:
            case Decision():
                consulted[effect.number], ways[effect.number] = effect.values, list(effect.chosen)
                if effect.number < counters.decision:
                    raise OutOfOrder(f"decision {effect.number} comes again; the next is {counters.decision}")
                counters.decision = effect.number + 1
                _decision(db, effect, ids.get(effect.number), effect.at + offset)
            case Send(command):
                _intent(db, command, now)
                counted = recording.counted(consulted.get(command.decision, {}), ways.get(command.decision, ()))
                _record_event(db, now, recording.command(command, now, counted))
            case Post():
                data = _JSON.encode(effect)
                post = (effect.id, now, data)
                db.execute("INSERT INTO webhooks VALUES (?, ?, ?, 'pending', NULL, ?)", (*post, checksum(*post)))
            case Outcome():
                _outcome(db, effect, effect.at + offset)
                _record_event(db, effect.at + offset, recording.outcome(effect, effect.at + offset))
            case Remember(key, memory):
                values = (key.connection, key.epoch, key.session_id, key.start, memory)
                db.execute("INSERT OR REPLACE INTO memories VALUES (?, ?, ?, ?, ?, ?)", (*values, checksum(*values)))
            case Forget(key):
                _forget(db, key)
            case Tally():
                tally = (effect.name, effect.group, effect.member, effect.at, effect.until)
                db.execute("INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?)", (*tally, checksum(*tally)))
            case Observed():
                _record_event(db, effect.at + offset, recording.observed(effect, effect.at + offset))
            case Chosen():
                ways.setdefault(effect.decision, []).append(effect)
            case Wake() | Unrouted() | WriteLog() | ListSessions() | Notice():
                pass  # memories hold the timers; the rest is for others
            case _ as never:
                assert_never(never)
    for record in records:
        if record.seq != counters.seq:
            raise OutOfOrder(f"record {record.seq} was given; the next is {counters.seq}")
        counters.seq += 1
        _record(db, record)
        if record.type == "gap":
            _record_event(db, record.time, recording.gap(record))
        elif record.type == "control" and record.body["command"] == "override" and record.body["ok"]:
            _record_event(db, record.time, recording.override(record))


def write_counters(db: apsw.Cursor, counters: Counters) -> None:
    """Once for each transaction."""
    for name, value in msgspec.structs.asdict(counters).items():
        db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", (name, value, checksum(name, value)))


def write_moment(db: apsw.Cursor, name: str, at: float) -> None:
    """Something happened at this moment of the wall clock, and the one before does not matter any more."""
    db.execute("INSERT OR REPLACE INTO moments VALUES (?, ?, ?)", (name, at, checksum(name, at)))


def newest(db: apsw.Cursor) -> float | None:
    """When something was last recorded, wall clock. None where nothing ever was."""
    found = db.execute(
        "SELECT max(at) FROM (SELECT max(time) AS at FROM records UNION ALL SELECT max(at) FROM recording"
        " UNION ALL SELECT at FROM moments WHERE name = 'alive')"
    ).get
    return None if found is None else float(found)


def _decision(db: apsw.Cursor, decision: Decision, decision_id: str | None, at: float) -> None:
    key = decision.session_key
    open_ = key is not None and decision.reason == "fired"  # only then outcomes may follow
    names = (key.connection, key.epoch, key.session_id, key.start) if key is not None else (None,) * 4
    fixed = (decision.number, decision_id, at, *names)
    db.execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*fixed, open_, checksum(*fixed)))


def _intent(db: apsw.Cursor, command: Command, now: float) -> None:
    data = _JSON.encode(command)
    values = (command.id, command.decision, now, data)
    db.execute("INSERT INTO intents VALUES (?, ?, ?, ?, ?)", (*values, checksum(*values)))


def _outcome(db: apsw.Cursor, outcome: Outcome, at: float) -> None:
    values = (outcome.command, at, outcome.outcome)
    # the first final outcome stays; only `unknown` may be followed
    db.execute(
        "INSERT INTO outcomes VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET at = ?2, outcome = ?3, crc = ?4"
        " WHERE outcomes.outcome = 'unknown'",
        (*values, checksum(*values)),
    )
    if outcome.action == "webhook":
        state = "delivered" if outcome.outcome == "confirmed" else "dead"
        db.execute(
            "UPDATE webhooks SET state = ?, detail = ? WHERE id = ? AND state = 'pending'",
            (state, outcome.error or outcome.outcome, outcome.command),
        )


def _forget(db: apsw.Cursor, key: SessionKey) -> None:
    names = (key.connection, key.epoch, key.session_id, key.start)
    where = "WHERE connection = ? AND epoch = ? AND session_id = ? AND start = ?"
    db.execute(f"DELETE FROM memories {where}", names)  # noqa: S608  # no outside text in it
    db.execute(f"UPDATE decisions SET open = 0 {where} AND open", names)  # noqa: S608  # no outside text in it


def _record(db: apsw.Cursor, record: Record) -> None:
    values = (
        record.seq,
        record.type,
        record.time,
        record.decision_id,
        record.rule,
        record.connection,
        record.session_id,
        _JSON.encode(record.body).decode(),
    )
    db.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, checksum(*values)))


def _record_event(db: apsw.Cursor, at: float, body: dict[str, object]) -> None:
    text = _JSON.encode(body).decode()
    db.execute("INSERT INTO recording (at, body, crc) VALUES (?, ?, ?)", (at, text, checksum(at, text)))
