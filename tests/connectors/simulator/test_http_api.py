"""The HTTP API of the simulated phone system: every code, with the vendor's exact words."""

import re
from typing import Any

import pytest

from ozrules.connectors.simulator import OFFICE, Behaviour, Conduct, HttpManners, PhoneSystem, Switchboard
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.connectors.simulator.http_api import HttpApi
from ozrules.connectors.simulator.switchboard import Silent

NOW = 1_000_000.0
CALL = CallPlan(caller="2002", callee="2001", answers_after=5.0, talk=60.0)


class Desk:
    """An API with one call, and a clock."""

    def __init__(self, manners: HttpManners | None = None, behaviour: Behaviour | None = None) -> None:
        self.at = NOW
        self.phones = PhoneSystem(OFFICE, behaviour or Behaviour(), start=NOW, seed=1)
        self.phones.place(CALL, NOW)
        self.board = Switchboard(self.phones, seed=1)
        self.api = HttpApi(self.board, manners or HttpManners())

    def ask(self, peer: str = "127.0.0.1", **values: str) -> str:
        """The answer, without its prologue."""
        answer = self.api.answer(list(values.items()), peer, self.at)
        assert isinstance(answer, bytes)
        for news in self.board.changes(self.at):
            self.api.calls.note(news, news.at or self.at)
        return answer.decode().removeprefix('<?xml version="1.0" encoding="utf-8"?>')

    def later(self, seconds: float) -> None:
        self.at += seconds
        for news in self.board.changes(self.at):
            self.api.calls.note(news, news.at or self.at)


def said(code: int, message: str, more: str = "") -> str:
    return f"<Response><Code>{code}</Code><Message>{message}</Message>{more}</Response>"


OK = said(200, "Command successfully executed")


def test_the_list_in_the_classic_form() -> None:
    desk = Desk()
    assert desk.ask(command="ListActiveCalls") == said(
        200, "Command successfully executed", "<ActiveCalls></ActiveCalls>"
    )
    desk.later(2.3)
    row = re.search("<CallInfo>.*</CallInfo>", desk.ask(Command="listactivecalls"))
    assert row is not None
    assert row[0] == (
        "<CallInfo><CallState>Ringing</CallState><CallId>s1</CallId><Source>2002</Source>"
        "<CallerId>Sales Bela</CallerId><Destination>2001</Destination>"
        "<StartTime>1970-01-12T13:46:40.0000000+00:00</StartTime>"
        "<RingDuration>2</RingDuration><TalkDuration>0</TalkDuration></CallInfo>"
    )


def test_the_list_in_the_form_of_ozeki_10() -> None:
    desk = Desk(HttpManners(generation="ozeki10", caller_id="number"))
    desk.later(2.3)
    row = re.search("<Call>.*</Call>", desk.ask(command="ListActiveCalls"))
    assert row is not None
    assert row[0] == (
        "<Call><CallId>s1</CallId><Source>2002</Source><CallerId>2002</CallerId><Destination>2001</Destination>"
        "<CallerDialed>2001</CallerDialed><CalleeDialed>2001</CalleeDialed><StartTime>1970-01-12 13:46:40</StartTime>"
        "<RingDuration>2.000</RingDuration><TalkDuration>0.000</TalkDuration><CallState>Ringing</CallState></Call>"
    )


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({}, said(302, "Missing or invalid parameter 'command' for command ''")),
        ({"command": "Dance & <sing>"}, said(301, "Not implemented command: 'Dance &amp; &lt;sing&gt;'")),
        (
            {"command": "ForwardCall", "CallId": "s1", "Destination": "2010"},
            said(301, "Not implemented command: 'ForwardCall'"),
        ),
        (
            {"command": "Forward", "CallId": "s1"},
            said(302, "Missing or invalid parameter 'Destination' for command 'Forward'"),
        ),
        ({"command": "Hangup"}, said(302, "Missing or invalid parameter 'CallId' for command 'Hangup'")),
        ({"command": "Hangup", "callid": "zzz"}, said(601, "Call not found with ID 'zzz'")),
        (
            {"command": "Play", "CallId": "zzz", "Party": "all", "AudioFile": "a"},
            said(601, "Call not found with ID 'zzz'"),
        ),
        (
            {"command": "BlindTransfer", "CallId": "s1", "TransferorParty": "both", "Target": "2010"},
            said(302, "Missing or invalid parameter 'TransferorParty' for command 'BlindTransfer'"),
        ),
        ({"command": "Unhold", "CallId": "s1"}, said(303, "Command 'Unhold' cannot be used here")),
        ({"command": "FORWARD", "CALLID": "s1", "destination": "2010"}, OK),
        ({"command": "Hangup", "CallId": "s1"}, OK),
        ({"command": "Record", "CallId": "s1", "Format": "wav"}, OK),
        ({"command": "SendEmail", "ApiExtension": "9998", "Recipient": "a@b.example"}, OK),
        ({"command": "Call", "Dialed": "2001", "Url": "http://a/"}, OK),
        (
            {"command": "Call", "Dialed": "2998", "Url": "http://a/"},
            said(402, "Call connect to '2998' failed with result state 'NotFound'"),
        ),
    ],
)
def test_a_command_and_its_answer(values: dict[str, str], answer: str) -> None:
    desk = Desk()
    desk.later(2.0)
    assert desk.ask(**values) == answer


def test_an_sms_has_an_id() -> None:
    answer = Desk().ask(command="SendSms", ApiExtension="9998", Recipient="+36201234567", Message="a")
    assert re.search(r"<SmsId>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}</SmsId>", answer)


@pytest.mark.parametrize("command", ["Hold", "SendDTMF", "Speak", "BlindTransfer"])
def test_what_works_in_call(command: str) -> None:
    more = {"Party": "caller", "Keys": "12#", "Text": "Hello", "TransferorParty": "callee", "Target": "2010"}
    desk = Desk()
    desk.later(10.0)
    assert desk.ask(command=command, CallId="s1", **more) == OK
    pressed = [(key.party, key.key) for key in desk.phones.keys]
    assert pressed == ([("caller", "1"), ("caller", "2"), ("caller", "#")] if command == "SendDTMF" else [])


def test_an_attended_transfer_joins_the_two_others() -> None:
    desk = Desk()
    desk.phones.place(CallPlan(caller="2001", callee="2010", answers_after=1.0), NOW + 12.0)
    desk.later(10.0)
    assert desk.ask(command="Hold", CallId="s1") == OK
    desk.later(10.0)
    assert desk.ask(command="AttendedTransfer", TransferredCallId="s1", TargetCallId="s2") == OK
    (joined,) = desk.phones.sessions(desk.at)
    assert (joined.caller, joined.callee, joined.session_state) == ("2002", "2010", "InCall")


@pytest.mark.parametrize(
    ("values", "peer", "answer"),
    [
        ({}, "127.0.0.1", said(304, "Authentication required")),
        ({"Username": "api"}, "127.0.0.1", said(304, "Authentication required")),
        (
            {"Username": "api", "Password": "no"},
            "127.0.0.1",
            said(305, "Authentication failed, bad username or password"),
        ),
        ({"Username": "out", "Password": "y"}, "127.0.0.1", said(306, "User is not allowed to use API in ACL")),
        ({"username": "api", "password": "x"}, "10.0.0.1", said(307, "Use API from this address is forbidden")),
        ({"username": "api", "password": "x"}, "127.0.0.1", OK),
    ],
)
def test_who_may_ask(values: dict[str, str], peer: str, answer: str) -> None:
    manners = HttpManners(users={"api": "x", "out": "y"}, barred=frozenset({"out"}), addresses=("127.0.0.0/8",))
    desk = Desk(manners)
    desk.later(2.0)
    assert desk.ask(peer, command="Hangup", CallId="s1", **values) == answer
    assert len(desk.board.ledger) == (answer == OK)


def test_an_api_extension_that_is_not_there() -> None:
    desk = Desk(HttpManners(api_extensions=frozenset({"9998"})))
    message = "API extension '9997' unavailable, please check configuration or permissions"
    asked = {"command": "SendSms", "Recipient": "+36201234567", "Message": "a"}
    assert desk.ask(**asked, ApiExtension="9997") == said(401, message)
    assert "<SmsId>" in desk.ask(**asked, ApiExtension="9998")


def test_a_text_to_nobody() -> None:
    answer = Desk().ask(command="SendSms", ApiExtension="9998", Recipient="2998", Message="a")
    assert answer == said(501, "Destination of the SMS is not found")


@pytest.mark.parametrize(
    "rights",
    [
        "",
        "<SecurityToken/>",
        "<SecurityToken><AllowSessionModification>maybe</AllowSessionModification></SecurityToken>",
        "<SecurityToken><AllowSessionModification>True</AllowSessionModification>",
        "<Token><AllowSessionModification>True</AllowSessionModification></Token>",
    ],
)
def test_rights_that_cannot_be_read_make_no_token(rights: str) -> None:
    desk = Desk()
    answer = said(302, "Missing or invalid parameter 'AuthXml' for command 'GenerateSecurityToken'")
    assert desk.ask(command="GenerateSecurityToken", AuthXml=rights) == answer
    assert desk.api.tokens == {}


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({"refusal": 306}, said(306, "User is not allowed to use API in ACL")),
        ({"refusal": 303}, said(303, "Command 'Hangup' cannot be used here")),
    ],
)
def test_a_refusal_in_the_form_that_is_wanted(more: dict[str, Any], answer: str) -> None:
    desk = Desk(HttpManners(**more))
    desk.board.conduct = Conduct(methods={"hangup": "refuse"})
    desk.later(2.0)
    assert desk.ask(command="Hangup", CallId="s1") == answer


@pytest.mark.parametrize(
    ("wrong_state", "answer"),
    [
        (303, said(303, "Command 'Forward' cannot be used here")),
        (601, said(601, "Call not found with ID 's1'")),
        (200, OK),
    ],
)
def test_a_wrong_state_in_the_form_that_is_wanted(wrong_state: Any, answer: str) -> None:
    desk = Desk(HttpManners(wrong_state=wrong_state))
    desk.later(10.0)
    assert desk.ask(command="Forward", CallId="s1", Destination="2010") == answer
    assert not desk.board.ledger[0].performed


@pytest.mark.parametrize(("moved_party", "who"), [("argument", "2002"), ("other", "2001")])
def test_whom_a_transfer_moves_is_as_the_phone_system_means_it(moved_party: Any, who: str) -> None:
    desk = Desk(behaviour=Behaviour(moved_party=moved_party))
    desk.later(10.0)
    desk.ask(command="BlindTransfer", CallId="s1", TransferorParty="caller", Target="2010")
    desk.later(1.0)
    assert next(each for each in desk.phones.sessions(desk.at) if each.callee == "2010").caller == who


def test_the_table_of_ozeki_10_misspells_the_transferor() -> None:
    desk = Desk(HttpManners(generation="ozeki10"))
    desk.later(10.0)
    assert desk.ask(command="BlindTransfer", CallId="s1", TranferorParty="caller", Target="2010") == OK


def test_silence_is_no_answer() -> None:
    desk = Desk()
    desk.board.conduct = Conduct(methods={"hangup": "silence"})
    desk.later(2.0)
    assert desk.api.answer([("command", "Hangup"), ("CallId", "s1")], "", desk.at) == Silent(closes=False)
