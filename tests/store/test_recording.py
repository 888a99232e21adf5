"""The lines of a recording."""

import asyncio
import json
from pathlib import Path

from msgspec import structs

from ozrules.engine.effects import Chosen, Send
from ozrules.engine.identity import CommandId
from ozrules.replay.recording import read
from ozrules.rules.model import Place, SecretRef
from ozrules.store.journal import SqliteJournal
from ozrules.store.reading import Reader
from ozrules.store.recording import command, counted, observed, outcome
from tests.fakes import effects
from tests.fakes.clock import StandingClock


def test_a_session_has_the_vendors_names_and_what_else_was_sent() -> None:
    session = structs.replace(effects.SESSION, extra={"Vendor-Key": "1", "caller": "never"})
    line = observed(effects.observed(session=session), 0.0)
    assert line["event"] == "stateChanged"
    assert line["session"] == {
        "Vendor-Key": "1",
        "sessionId": "s1",
        "sessionState": "Ringing",
        "caller": "+36201234567",
        "callee": "2001",
    }


def test_a_session_out_of_a_list_closes_no_other() -> None:
    event = structs.replace(effects.EVENT, kind="snapshot")
    line = observed(effects.observed(event=event), 0.0)
    assert (line["event"], line["complete"]) == ("snapshot", False)


def test_a_timer_is_no_event_of_its_own() -> None:
    line = observed(effects.observed(event=structs.replace(effects.EVENT, kind="timer")), 0.0)
    assert line["event"] == "stateChanged"


def test_a_command_and_its_outcome_belong_together() -> None:
    sent = structs.replace(effects.command(17), to=None, key=SecretRef("doorPin"), party="callee")
    asked, answered = command(sent, 0.0), outcome(effects.outcome(sent), 0.4)
    assert asked["args"] == {"party": "callee", "key": {"name": "doorPin"}}
    assert asked["command_id"] == answered["command_id"] == "17-0"
    assert asked["session"] == answered["session"] == {"sessionId": "s1", "startTime": "2026-11-23T10:00:00Z"}
    assert answered["outcome"] == "confirmed"


def test_a_question_is_an_event_of_its_own_under_the_id_of_its_conversation() -> None:
    event = structs.replace(effects.EVENT, kind="routing", routing="NoAnswer")
    session = structs.replace(effects.SESSION, session_id="routing-2")
    line = observed(effects.observed(event=event, session=session), 0.0)
    assert (line["event"], line["routing"]) == ("routing", "NoAnswer")
    assert line["session"] == {
        "sessionId": "s1",
        "sessionState": "Ringing",
        "caller": "+36201234567",
        "callee": "2001",
    }


def test_the_arguments_of_a_command_go_by_their_names() -> None:
    sent = structs.replace(effects.command(17, action="sendSms"), to="2001", arguments={"text": "missed"})
    assert command(sent, 0.0)["args"] == {"text": "missed", "to": "2001"}


def test_a_command_says_what_counted_for_it_without_the_names() -> None:
    values = {"conditions.caller": "+36201234567", "conditions.callerDisplayName": "Anna", "conditions.source": None}
    way = Chosen(
        at=0.0, decision=17, rule="r", session=effects.KEY, place=Place("r.yaml", 5, 9), branch="else", values=values
    )
    line = command(effects.command(17), 0.0, counted(values, [way]))
    assert line["values"] == {"conditions.caller": "+36201234567", "conditions.source": None}
    assert line["chosen"] == [{"at": "r.yaml:5:9", "branch": "else"}]
    assert not {"values", "chosen"} & set(command(effects.command(17), 0.0, counted({}, [])))


def test_the_journal_puts_it_beside_the_command(tmp_path: Path) -> None:
    key = effects.KEY
    first = structs.replace(effects.decision(1), values={"conditions.callee": "2001"})
    later = Chosen(at=0.0, decision=1, rule="r", session=key, place=Place("r.yaml", 7, 9), branch="onFailure")

    async def scene() -> None:
        journal = SqliteJournal(tmp_path, StandingClock())
        await journal.commit([first, Send(effects.command(1))], [effects.record(1, 1)])
        again = structs.replace(effects.command(1), id=CommandId("1-1"))
        await journal.commit([later, Send(again)], [])
        journal.close()

    asyncio.run(scene())
    reader = Reader(tmp_path)
    lines = [json.loads(line.body) for line in reader.recording(since=0.0)]
    reader.close()
    assert [line.get("values") for line in lines] == [{"conditions.callee": "2001"}, None]
    assert [line.get("chosen") for line in lines] == [None, [{"at": "r.yaml:7:9", "branch": "onFailure"}]]
    assert len(read(json.dumps(line) for line in lines)) == 2, "who replays it does not mind"
