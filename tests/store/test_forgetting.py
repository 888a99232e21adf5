"""One number is taken out of everything that is kept, with the name of whose it is, and out of nothing else."""

import asyncio
import json
from pathlib import Path

import apsw
import msgspec
import pytest

from ozrules.rules.numbers import NumberPlan
from ozrules.store.forgetting import erased_from
from ozrules.store.journal import SqliteJournal
from ozrules.store.reading import Reader
from tests.fakes.clock import StandingClock
from tests.fakes.effects import decision, observed, record

PLAN = NumberPlan(country="HU")
NUMBER = "+36201234567"


def is_it(text: str) -> bool:
    return PLAN.normal(text) == NUMBER


def test_a_party_goes_with_its_name_and_the_other_stays() -> None:
    session = {
        "caller": "06 20 123 4567",
        "callerDisplayName": "Anna",
        "callee": "2001",
        "calleeDisplayName": "Sales",
        "dialedNumber": "2001",
    }
    body, paths = erased_from({"session": session, "rule": "r"}, is_it)
    assert paths == ["session.caller", "session.callerDisplayName"]
    assert body == {"session": session | {"caller": None, "callerDisplayName": None}, "rule": "r"}


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("0036201234567", True),
        ("call 06-20-123-4567 back", True),
        ("+362012345678", False),
        ("sha256:36201234567aa", False),
        ("2026-11-23T10:00:00+01:00", False),
        ("Anna", False),
    ],
)
def test_it_goes_in_every_form_and_out_of_texts(text: str, goes: bool) -> None:
    body, paths = erased_from({"args": [{"text": text}]}, is_it)
    assert body == {"args": [{"text": None if goes else text}]}
    assert paths == (["args.0.text"] if goes else [])


def test_nothing_of_it_stays_in_the_file_and_every_row_is_whole(tmp_path: Path) -> None:
    clock = StandingClock()

    async def scene() -> int:
        journal = SqliteJournal(tmp_path, clock)
        for number in range(1, 1_203):
            caller = NUMBER if number % 3 == 0 else "+3612345678"
            session = {"caller": caller, "callerDisplayName": f"Name {number % 3}", "callee": "2001"}
            await journal.commit([decision(number), observed()], [record(number, number, session=session)])
        changed = await journal.forget(is_it)
        journal.close()
        return changed

    changed = asyncio.run(scene())
    reader = Reader(tmp_path)
    lines = list(reader.records())
    reader.close()
    assert all(line.intact for line in lines)
    bodies = [msgspec.json.decode(line.body) for line in lines]
    assert [body["session"]["caller"] for body in bodies[:3]] == ["+3612345678", "+3612345678", None]
    assert bodies[2]["erased"] == ["session.caller", "session.callerDisplayName"]
    assert sum(body["session"]["caller"] is None for body in bodies) == 400
    assert changed >= 400
    assert json.dumps(bodies).count("Name 0") == 0
    for each in tmp_path.iterdir():
        assert NUMBER.encode() not in each.read_bytes(), each
    with apsw.Connection(str(tmp_path / "journal.db")) as db:
        assert db.pragma("integrity_check") == "ok"


def test_what_conditions_read_of_them_goes_too_and_rules_keep_their_names(tmp_path: Path) -> None:
    session = {"caller": NUMBER, "callerDisplayName": "desk", "callee": "2001"}
    values = {"conditions.caller": NUMBER, "conditions.callerDisplayName": "desk", "conditions.callee": "2001"}
    way = {"at": "r.yaml:1:1", "branch": "else", "values": values, "actions": [{"args": {"to": NUMBER}}]}

    async def scene() -> None:
        journal = SqliteJournal(tmp_path, StandingClock())
        line = record(1, 1, session=session, rule="desk", values=values, chosen=[way])
        await journal.commit([decision(1)], [line])
        await journal.forget(is_it)
        journal.close()

    asyncio.run(scene())
    reader = Reader(tmp_path)
    [line] = reader.records()
    reader.close()
    body = msgspec.json.decode(line.body)
    gone = {"conditions.caller": None, "conditions.callerDisplayName": None, "conditions.callee": "2001"}
    assert line.intact
    assert body["rule"] == "desk"
    assert (body["values"], body["chosen"][0]["values"]) == (gone, gone)
    assert body["chosen"][0]["actions"] == [{"args": {"to": None}}]
    assert {"values.conditions.callerDisplayName", "chosen.0.actions.0.args.to"} <= set(body["erased"])
