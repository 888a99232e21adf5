"""Commands as they are written, in either generation; and what must never be written."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ozrules.connectors.gateway.requests import MovedParty
from ozrules.connectors.ozeki_http.requests import (
    ABSENT,
    LIST,
    POSSIBLE,
    Generation,
    Request,
    Unsendable,
    encode,
    request_for,
)
from ozrules.engine.effects import Command
from ozrules.engine.events import Refused
from ozrules.session.methods import METHODS, OPERATIONS, Operation
from ozrules.session.session import Session
from ozrules.session.state import IN_CALL, ON_HOLD
from tests.fakes.connectors import command_for

TALKING = Session(session_id="uteom", session_state=IN_CALL, caller="1000", callee="1001")
HELD = Session(session_id="H2Wwb", session_state=ON_HOLD, caller="1001", callee="1002")

COMMANDS: dict[str, tuple[Command, str]] = {
    "forward": (command_for(TALKING, "forward", to="2010"), "command=Forward&CallId=uteom&Destination=2010"),
    "blindTransfer": (
        command_for(TALKING, "blindTransfer", to="+36201234567", party="caller"),
        "command=BlindTransfer&CallId=uteom&TransferorParty=caller&Target=%2B36201234567",
    ),
    "attendedTransfer": (
        command_for(TALKING, "attendedTransfer", party="callee", other=HELD),
        "command=AttendedTransfer&TransferredCallId=H2Wwb&TargetCallId=uteom",
    ),
    "hangup": (command_for(TALKING, "hangup"), "command=Hangup&CallId=uteom"),
    "close": (command_for(TALKING, "close"), "command=Hangup&CallId=uteom"),
    "closeWithHangup": (command_for(TALKING, "closeWithHangup"), "command=Hangup&CallId=uteom"),
    "hold": (command_for(TALKING, "hold"), "command=Hold&CallId=uteom"),
    "unhold": (command_for(TALKING, "unhold"), "command=Unhold&CallId=uteom"),
    "sendDtmf": (
        command_for(TALKING, "sendDtmf", party="callee", key="#"),
        "command=SendDTMF&CallId=uteom&Party=callee&Keys=%23",
    ),
    "play": (
        command_for(TALKING, "play", party="all", file="a b.wav", repeat="true"),
        "command=Play&CallId=uteom&Party=all&AudioFile=a+b.wav&Repeat=true",
    ),
    "speak": (
        command_for(TALKING, "speak", party="caller", text="Jó napot & szép estét"),
        "command=Speak&CallId=uteom&Party=caller&Text=J%C3%B3+napot+%26+sz%C3%A9p+est%C3%A9t",
    ),
    "record": (
        command_for(TALKING, "record", format="wav", url="http://crm.example/"),
        "command=Record&CallId=uteom&Format=wav&FinishedURL=http%3A%2F%2Fcrm.example%2F",
    ),
    "call": (
        command_for(TALKING, "call", to="2010", url="http://crm.example/", apiExtension="9998", callerId="1000"),
        "command=Call&Dialed=2010&ApiExtension=9998&Url=http%3A%2F%2Fcrm.example%2F&CallerId=1000",
    ),
    "sendSms": (
        command_for(TALKING, "sendSms", to="+36201234567", text="a\nb", apiExtension="9998", sender="Us"),
        "command=SendSms&ApiExtension=9998&Sender=Us&Recipient=%2B36201234567&Message=a%0Ab",
    ),
    "sendEmail": (
        replace(command_for(TALKING, "sendEmail"), arguments={"to": "a@b.example", "text": "T"}),
        "command=SendEmail&Recipient=a%40b.example&Message=T",
    ),
}


def asked(
    command: Command,
    generation: Generation = "classic",
    moved_party: MovedParty | None = "argument",
    api_extension: str | None = None,
) -> Request | Refused:
    return request_for(
        command,
        TALKING,
        other_is_held=True,
        generation=generation,
        moved_party=moved_party,
        api_extension=api_extension,
    )


def written(command: Command, generation: Generation = "classic") -> str:
    request = asked(command, generation)
    assert isinstance(request, Request), request
    return encode(request, None, None)


@pytest.mark.parametrize("action", COMMANDS)
def test_every_command_as_the_classic_pages_show_it(action: str) -> None:
    command, form = COMMANDS[action]
    assert written(command) == form


def test_all_that_is_possible_has_a_row_above() -> None:
    assert set(COMMANDS) == POSSIBLE == set(OPERATIONS) - {"startListen", "stopListen"}


def test_what_ozeki_10_does_otherwise() -> None:
    forward = written(COMMANDS["forward"][0], "ozeki10")
    assert forward == "command=ForwardCall&CallId=uteom&Destination=2010"
    transfer = dict(parse_qsl(written(COMMANDS["blindTransfer"][0], "ozeki10")))
    assert transfer["TransferorParty"] == transfer["TranferorParty"] == "caller"
    record = written(COMMANDS["record"][0], "ozeki10")
    assert record == COMMANDS["record"][1].replace("FinishedURL", "FinishedUrl")
    others = set(COMMANDS) - {"forward", "blindTransfer", "record"}
    assert all(written(COMMANDS[each][0], "ozeki10") == COMMANDS[each][1] for each in others)


@pytest.mark.parametrize(("party", "named"), [("caller", "callee"), ("callee", "caller")])
def test_the_transferor_is_the_other_party_where_that_is_set(party: str, named: str) -> None:
    request = asked(command_for(TALKING, "blindTransfer", to="2010", party=party), moved_party="other")
    assert isinstance(request, Request)
    assert dict(request.parameters)["TransferorParty"] == named


def test_an_attended_transfer_transfers_the_call_that_is_held() -> None:
    command = command_for(TALKING, "attendedTransfer", party="callee", other=HELD)
    request = request_for(
        command, TALKING, other_is_held=False, generation="classic", moved_party=None, api_extension=None
    )
    assert request == Request("AttendedTransfer", (("TransferredCallId", "uteom"), ("TargetCallId", "H2Wwb")))


def test_the_connections_api_extension_serves_where_the_rule_names_none() -> None:
    request = asked(COMMANDS["sendEmail"][0], api_extension="9990")
    assert isinstance(request, Request)
    assert dict(request.parameters)["ApiExtension"] == "9990"
    request = asked(COMMANDS["call"][0], api_extension="9990")
    assert isinstance(request, Request)
    assert dict(request.parameters)["ApiExtension"] == "9998"
    request = asked(COMMANDS["hangup"][0], api_extension="9990")
    assert request == Request("Hangup", (("CallId", "uteom"),))


@pytest.mark.parametrize("action", sorted(ABSENT))
def test_listening_does_not_exist_over_http(action: Operation) -> None:
    refused = asked(command_for(TALKING, action))
    assert isinstance(refused, Refused)
    assert refused.kind == "denied"
    assert action in refused.message
    assert action in METHODS


@pytest.mark.parametrize(
    "command",
    [
        command_for(TALKING, "forward"),
        command_for(TALKING, "blindTransfer", party="caller"),
        command_for(TALKING, "blindTransfer", to="2010"),
        command_for(TALKING, "sendDtmf", key="1"),
        command_for(TALKING, "sendDtmf", party="caller"),
        command_for(TALKING, "attendedTransfer", party="caller"),
        command_for(TALKING, "play", file="a.wav"),
    ],
)
def test_what_lacks_something_is_refused_before_it_is_sent(command: Command) -> None:
    refused = asked(command)
    assert isinstance(refused, Refused)
    assert refused.kind == "invalid"


def test_a_transfer_needs_to_know_whom_it_moves() -> None:
    refused = asked(COMMANDS["blindTransfer"][0], moved_party=None)
    assert isinstance(refused, Refused)
    assert "movedParty" in refused.message


@pytest.mark.fault(90)
@pytest.mark.parametrize(
    "to",
    ["2010&command=Hangup", "2010/n", "a@b", "2010,1", "２０１０", "2010\r\n", " 2010", "1" * 21, "+", "--1", "2010;x"],
)
@pytest.mark.parametrize("action", ["forward", "blindTransfer", "call", "sendSms"])
def test_only_a_number_is_a_target(action: Operation, to: str) -> None:
    refused = asked(command_for(TALKING, action, to=to, party="caller", url="http://a/", text="x"))
    assert isinstance(refused, Refused)
    assert refused.kind == "invalid"


@pytest.mark.fault(91)
@given(
    st.lists(st.tuples(st.sampled_from(["Text", "CallId", "Keys"]), st.text(max_size=40)), max_size=4),
    st.text(max_size=8),
)
def test_whatever_stands_in_a_parameter_stays_in_it(pairs: list[tuple[str, str]], password: str) -> None:
    try:
        form = encode(Request("Speak", tuple(pairs)), "api", password)
    except Unsendable:
        return
    assert form.isascii()
    assert not any(character in form for character in "\r\n\0 ")
    wanted = [("command", "Speak"), *pairs, ("Username", "api"), ("Password", password)]
    assert parse_qsl(form, keep_blank_values=True, strict_parsing=True) == wanted


@pytest.mark.fault(91)
@pytest.mark.parametrize("text", ["a\r\nHost: x", "a\0b", "\x7f", "\x1b[31m", "\ud800"])
def test_what_could_break_a_request_is_not_sent_and_not_shown(text: str) -> None:
    with pytest.raises(Unsendable) as caught:
        encode(Request("Hangup", (("CallId", text),)), None, None)
    assert "CallId" in str(caught.value)
    assert text not in str(caught.value)


def test_credentials_come_last_and_only_where_there_are_any() -> None:
    assert encode(LIST, None, "secret") == "command=ListActiveCalls"
    assert encode(LIST, "api", "p&p") == "command=ListActiveCalls&Username=api&Password=p%26p"
    assert encode(LIST, "api", None) == "command=ListActiveCalls&Username=api&Password="
