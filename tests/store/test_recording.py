"""The lines of a recording."""

from msgspec import structs

from ozrules.rules.model import SecretRef
from ozrules.store.recording import command, observed, outcome
from tests.fakes import effects


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
