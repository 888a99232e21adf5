"""What phone systems do beyond the methods of a session: sent once, guarded, and proven as far as it can be seen."""

from typing import Any

import msgspec
import pytest

from ozrules.engine.effects import Command
from ozrules.engine.events import ConnectionOpened, SessionsListed, Withheld
from ozrules.rules.model import (
    AttendedTransfer,
    Common,
    EmailGuard,
    ExternalCap,
    FieldRef,
    Fixed,
    Guards,
    Retry,
    SystemAction,
    Templated,
)
from ozrules.session.methods import FURTHER
from tests.engine.forge import HERE, allowing, enters, forward, plain, rule, rules
from tests.engine.stage import LINE, Stage


def system(operation: Any, to: str | None = None, *, over: str | None = None, **texts: Any) -> SystemAction:
    common = texts.pop("common", Common())
    return SystemAction(
        operation=operation,
        to=None if to is None else Fixed(to, HERE),
        party="all" if operation in ("play", "speak") else None,
        texts={name: text if isinstance(text, tuple) else (text,) for name, text in texts.items()},
        connection=over,
        common=common,
        place=HERE,
    )


SPEAK = system("speak", text=("Call from ", FieldRef("callerDisplayName")))
SMS = system("sendSms", "2010", text="missed")
EMAIL = system("sendEmail", text="missed")
CALL = system("call", "2010", url="https://ivr.example/")
TRANSFER = AttendedTransfer(transferor="callee", common=Common(), place=HERE)


def email(address: Any) -> SystemAction:
    return msgspec.structs.replace(EMAIL, texts={"to": address if isinstance(address, tuple) else (address,)})


def last(stage: Stage) -> Command:
    return stage.sent[-1]


def test_a_text_of_the_caller_is_data_whatever_it_says() -> None:
    stage = Stage(rules(rule("announce", enters("InCall"), SPEAK)))
    hostile = "{{ caller }}&Command=Hangup\r\n<Hangup/>"
    stage.call(state="InCall", callerDisplayName=hostile)
    assert (last(stage).action, last(stage).party) == ("speak", "all")
    assert last(stage).arguments == {"text": f"Call from {hostile}"}
    assert stage.decisions[-1].actions[0].args == {"text": f"Call from {hostile}", "to": "all"}
    stage.answer()
    assert stage.outcomes == ["accepted"]  # a voice leaves no trace in a session's state


@pytest.mark.parametrize("action", [SPEAK, SMS, CALL, TRANSFER], ids=lambda action: str(type(action).__name__))
def test_nothing_is_sent_twice(action: Any) -> None:
    tried = msgspec.structs.replace(action, common=Common(retry=Retry(3, 1.0)))
    stage = Stage(rules(rule("once", enters("InCall"), tried)))
    stage.call("held", state="OnHold", callee="2001", caller="2005")
    stage.call(state="InCall")
    stage.lose()
    stage.wait(60)
    assert len(stage.sent) == 1
    assert stage.outcomes == ["unknown", "unconfirmed"]


@pytest.mark.fault(45)
def test_an_emergency_call_is_never_touched_but_may_be_told_of() -> None:
    stage = Stage(rules(rule("all", enters("InCall"), SPEAK), rule("tell", enters("InCall"), SMS)))
    stage.call(state="InCall", callee="112")
    assert stage.reasons == [("all", "protected"), ("tell", "fired")]


def test_what_leaves_the_call_alone_works_after_its_end() -> None:
    stage = Stage(rules(rule("missed", enters("NotAnswered"), SMS, CALL)))
    stage.call()
    stage.change("s1", "NotAnswered")
    sms = last(stage)
    assert (sms.action, sms.to, sms.arguments) == ("sendSms", "2010", {"text": "missed"})
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE, privileges=frozenset(FURTHER)))
    stage.tell(SessionsListed(at=stage.now, connection=LINE, sessions=()))
    assert stage.engine.gate(sms, stage.now) is None
    stage.answer()
    assert [each.action for each in stage.sent] == ["sendSms", "call"]


def test_a_new_call_proves_that_one_was_made() -> None:
    stage = Stage(rules(rule("back", enters("NotAnswered"), CALL)))
    stage.call()
    stage.change("s1", "NotAnswered")
    stage.answer()
    assert stage.outcomes == []
    stage.call("s2", caller="9986", callee="2010")
    assert stage.outcomes == ["confirmed"]


def test_a_call_that_is_not_seen_is_unconfirmed() -> None:
    stage = Stage(rules(rule("back", enters("NotAnswered"), CALL)))
    stage.call()
    stage.change("s1", "NotAnswered")
    stage.answer()
    stage.call("s2", caller="9986", callee="2011")
    stage.wait(10)
    assert stage.outcomes == ["unconfirmed"]


@pytest.mark.fault(46)
def test_rules_that_call_because_of_calls_come_to_an_end() -> None:
    again = rule("again", enters("Ringing"), CALL)
    stage = Stage(rules(again, guards=Guards(max_hops=2)))
    stage.call()
    for number in range(2, 8):
        if not stage.open:
            break
        stage.answer()
        stage.call(f"s{number}", caller="9986", callee="2010")
    assert len(stage.sent) == 2
    assert stage.reasons[-1] == ("again", "hops")


@pytest.mark.parametrize("operation", ["call", "sendSms"])
def test_numbers_pass_the_same_guards_as_forwards(operation: Any) -> None:
    outside = system(operation, "+36201234567", text="x")
    refused = Stage(rules(rule("r", enters("Ringing"), outside)))
    refused.call()
    assert refused.reasons == [("r", "guard")]
    allowed = Stage(rules(rule("r", enters("Ringing"), outside), guards=allowing("+3620*")))
    allowed.call()
    assert last(allowed).to == "+36201234567"
    assert allowed.engine.gate(last(allowed), allowed.now) is not None  # the connection has not said that it can
    templated = msgspec.structs.replace(outside, to=Templated("caller", HERE))
    stage = Stage(rules(rule("r", enters("Ringing"), templated), guards=allowing("+3620*")))
    stage.call()
    assert stage.reasons == [("r", "guard")]


def test_a_message_outside_counts_for_the_cap_of_an_hour_and_not_for_calls_at_once() -> None:
    outside = system("sendSms", "+36201234567", text="x")
    guards = allowing("+3620*", external=ExternalCap(max_concurrent=1, max_per_hour=2))
    stage = Stage(rules(rule("r", enters("Ringing"), outside), guards=guards))
    for number in range(3):
        stage.call(f"s{number}")
    assert [reason for _, reason in stage.reasons] == ["fired", "fired", "guard"]


@pytest.mark.parametrize(
    ("address", "guard", "reason"),
    [
        ("desk@example.com", EmailGuard(), "guard"),
        ("desk@example.com", EmailGuard(allow=("*@example.com",)), "fired"),
        ("desk@example.org", EmailGuard(allow=("*@example.com",)), "guard"),
        ((FieldRef("callerDisplayName"),), EmailGuard(allow=("*@example.com",)), "guard"),
        ((FieldRef("callerDisplayName"),), EmailGuard(allow=("*@example.com",), templated=True), "fired"),
        ((FieldRef("caller"), "@example.com"), EmailGuard(allow=("*@example.com",), templated=True), "fired"),
        ((FieldRef("source"),), EmailGuard(allow=("*@example.com",), templated=True), "guard"),
    ],
)
def test_an_email_goes_only_where_the_guards_let_it(address: Any, guard: EmailGuard, reason: str) -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), email(address)), guards=Guards(emails=guard)))
    stage.call(callerDisplayName="anna@example.com", source="a@example.com, b@example.com")
    assert stage.reasons == [("r", reason)]


def test_guards_are_asked_again_when_an_email_leaves() -> None:
    allowed = rules(
        rule("r", enters("Ringing"), email("a@example.com")), guards=Guards(emails=EmailGuard(allow=("*@example.com",)))
    )
    stage = Stage(allowed)
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE, privileges=frozenset(FURTHER)))
    stage.tell(SessionsListed(at=stage.now, connection=LINE, sessions=()))
    stage.call()
    assert stage.engine.gate(last(stage), stage.now) is None
    elsewhere = msgspec.structs.replace(last(stage), arguments={"to": "a@example.org"})
    withheld = stage.engine.gate(elsewhere, stage.now)
    assert isinstance(withheld, Withheld)
    assert withheld.outcome == "refused"


def test_a_connection_that_does_not_say_that_it_can_is_not_asked() -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), SMS), rule("h", enters("Ringing"), forward("2011"))))
    stage.call()
    withheld = stage.engine.gate(stage.sent[0], stage.now)
    assert withheld == Withheld("rejected", "the connection office cannot do sendSms")
    assert stage.engine.gate(stage.sent[1], stage.now) is None


def test_another_connection_can_be_asked() -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), msgspec.structs.replace(SMS, connection="branch"))))
    stage.call()
    assert last(stage).connection == "branch"
    assert isinstance(stage.engine.gate(last(stage), stage.now), Withheld)
    stage.tell(ConnectionOpened(at=stage.now, connection="branch", privileges=frozenset(FURTHER)))
    stage.tell(SessionsListed(at=stage.now, connection="branch", sessions=()))
    assert stage.engine.gate(last(stage), stage.now) is None


# --- attended transfers ---------------------------------------------------------------------------------------------


def two_calls(**second: str) -> Stage:
    stage = Stage(rules(rule("join", enters("InCall"), TRANSFER)))
    stage.call("first", state="OnHold", caller="+36201234567", callee="2001")
    stage.call("second", state="InCall", **({"caller": "2005", "callee": "2001"} | second))
    return stage


def test_the_held_call_of_the_same_party_is_the_other_one() -> None:
    stage = two_calls()
    assert (last(stage).action, last(stage).party) == ("attendedTransfer", "callee")
    assert last(stage).other is not None
    assert last(stage).other.session_id == "first"  # type: ignore[union-attr]
    stage.answer()
    stage.change("second", "TransferCompleted")
    assert stage.outcomes == ["confirmed"]


def test_without_a_held_call_nothing_is_sent() -> None:
    stage = two_calls(callee="2002")
    assert stage.sent == []
    assert stage.outcomes == ["refused"]
    assert stage.errors == ["2002 has no other call held"]


def test_of_two_held_calls_none_is_chosen() -> None:
    stage = Stage(rules(rule("join", enters("InCall"), TRANSFER)))
    stage.call("first", state="OnHold")
    stage.call("other", state="CallerOnHold")
    stage.call("second", state="InCall")
    assert stage.errors == ["2001 has 2 other calls held"]


def test_a_held_call_that_comes_back_before_sending_stops_it() -> None:
    stage = two_calls()
    command = last(stage)
    stage.change("first", "InCall")
    withheld = stage.engine.gate(command, stage.now)
    assert isinstance(withheld, Withheld)
    assert withheld.outcome == "lostRace"


def test_a_transfer_excludes_other_control() -> None:
    stage = Stage(rules(rule("join", enters("InCall"), TRANSFER), rule("end", enters("InCall"), plain("hangup"))))
    stage.call("first", state="OnHold")
    stage.call("second", state="InCall")
    assert stage.reasons == [("join", "fired"), ("end", "outrankedBy")]


def test_a_run_that_waits_for_its_text_survives_a_restart() -> None:
    stage = Stage(rules(rule("announce", enters("InCall"), SPEAK, plain("hangup"))))
    stage.call(state="InCall")
    stage.restart()
    assert stage.outcomes[0] == "unknown"
    stage.wait(30)
    assert [each.action for each in stage.sent] == ["speak"]
