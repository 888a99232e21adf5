"""The codec of the session protocol: both ways of decoding agree, and no frame raises anything but WireError."""

import json
from contextlib import suppress
from typing import Literal, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.session_messages import (
    CODES,
    MAX_FRAME,
    Call,
    ConnectionNews,
    ErrorResponse,
    FromDaemon,
    FromGateway,
    Hello,
    ListSessions,
    Response,
    SessionNews,
    SnapshotPart,
    WireError,
)
from ozrules.connectors.session_protocol import decode, decode_request, encode, snapshot_parts
from ozrules.engine.events import RefusalKind
from ozrules.session.methods import METHODS
from ozrules.session.session import PROPERTIES, Session, session_from
from ozrules.session.state import IN_CALL, KNOWN_STATES, RINGING, State

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
SESSIONS = st.builds(
    lambda values, state, extra: session_from(values | extra | {"sessionId": "s1", "sessionState": state}),
    st.dictionaries(st.sampled_from(PROPERTIES), TEXT),
    st.sampled_from(KNOWN_STATES),
    st.dictionaries(st.text("xyz", min_size=3, max_size=6), TEXT, max_size=2),
)
IDS = st.integers(0, 2**53) | TEXT
SEQ = st.none() | st.integers(0, 2**53)
AT = st.none() | st.floats(0, 4e9)
PARTS = st.builds(
    lambda sessions, complete, part, last, seq, at, answers: SnapshotPart(
        sessions=tuple(sessions),
        complete=complete,
        part=part,
        last=last if part is not None else True,
        seq=seq,
        at=at,
        answers=answers,
    ),
    st.lists(SESSIONS, max_size=3),
    st.booleans(),
    st.none() | st.integers(1, 99),
    st.booleans(),
    SEQ,
    AT,
    st.none() | IDS,
)
FROM_GATEWAY: st.SearchStrategy[FromGateway] = st.one_of(
    st.builds(
        Hello,
        protocol=st.just(1),
        name=TEXT,
        epoch=TEXT,
        privileges=st.none() | st.frozensets(TEXT),
        snapshot=st.booleans(),
    ),
    st.builds(
        ConnectionNews, state=st.sampled_from(["ACCESS_GRANTED", "ACCESS_DENIED", "CONNECTION_CLOSED"]), detail=TEXT
    ),
    PARTS,
    st.builds(SessionNews, st.sampled_from(["created", "stateChanged", "closed"]), SESSIONS, AT, SEQ, st.booleans()),
    st.builds(Response, IDS, st.none() | PARTS),
    st.builds(ErrorResponse, IDS, st.sampled_from(get_args(RefusalKind)), TEXT),
)
FROM_DAEMON: st.SearchStrategy[FromDaemon] = st.one_of(
    st.builds(ListSessions, IDS),
    st.builds(
        Call, id=IDS, method=st.sampled_from(METHODS), session_id=TEXT, phone_number=TEXT, transferor=TEXT, key=TEXT
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def frame(method: str, params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})


@given(FROM_GATEWAY)
def test_what_a_gateway_writes_is_what_the_daemon_reads(message: FromGateway) -> None:
    assert decode(encode(message)) == message


@given(FROM_DAEMON)
def test_what_the_daemon_writes_is_what_a_gateway_reads(message: FromDaemon) -> None:
    assert decode_request(encode(message)) == message


@given(st.dictionaries(st.sampled_from([*PROPERTIES, "direction", "extra"]), st.text(max_size=3) | st.none() | JSON))
def test_the_fast_way_and_the_tolerant_way_give_the_same_session(values: dict[str, object]) -> None:
    received = {"sessionId": "s1", "sessionState": "IN_CALL"} | values
    try:
        expected: Session | None = session_from(json.loads(json.dumps(received)))
        news = decode(frame("session.stateChanged", {"session": received}))
    except (WireError, ValueError):
        return
    assert isinstance(news, SessionNews)
    assert news.session == expected


@pytest.mark.fault(14)
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")) | JSON.map(json.dumps))
def test_any_text_is_a_message_or_a_wire_error(text: str) -> None:
    for read in (decode, decode_request):
        with suppress(WireError):
            read(text)


@pytest.mark.fault(14)
@given(
    st.sampled_from(
        ["gateway.hello", "gateway.connection", "sessions.snapshot", "session.created", "session.stateChanged", "x"]
    ),
    JSON,
    JSON,
)
def test_any_params_are_a_message_or_a_wire_error(method: str, params: object, inner: object) -> None:
    for body in (
        params,
        {"session": inner},
        {"sessions": inner},
        {"session": {"sessionId": "a", "state": "b"}, "at": inner},
    ):
        with suppress(WireError):
            decode(json.dumps({"jsonrpc": "2.0", "method": method, "params": body}))


@pytest.mark.fault(14)
@given(JSON, JSON, JSON)
def test_any_response_is_a_message_or_a_wire_error(id: object, result: object, error: object) -> None:
    for body in ({"result": result}, {"result": {"sessions": result}}, {"error": error}, {"error": {"data": error}}):
        with suppress(WireError):
            decode(json.dumps({"jsonrpc": "2.0", "id": id, **body}))


SESSION = '{"sessionId":"s1","sessionState":"Ringing","caller":%s}'
CHANGE = '{"jsonrpc":"2.0","method":"session.stateChanged","params":{"session":%s}}'


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"jsonrpc":"1.0","method":"session.created"}',
        CHANGE % (SESSION % "NaN"),
        CHANGE % (SESSION % "1e999"),
        CHANGE % (SESSION % "-Infinity"),
        CHANGE % (SESSION % ("9" * 5000)),
        CHANGE % (SESSION % ("[" * 100_000 + "]" * 100_000)),
        CHANGE % (SESSION % ('{"a":' * 40_000 + "1" + "}" * 40_000)),
        CHANGE % (SESSION % '"x"')[:-5],
        CHANGE % "[]",
        CHANGE % "null",
        CHANGE % "{}",
        CHANGE % '{"sessionId":"","sessionState":"Ringing"}',
        CHANGE % '{"sessionId":"s1"}',
        CHANGE % '{"sessionId":[],"sessionState":"Ringing"}',
        '{"jsonrpc":"2.0","method":"session.stateChanged","params":[1]}',
        '{"jsonrpc":"2.0","method":"session.exploded","params":{}}',
        '{"jsonrpc":"2.0","method":"sessions.snapshot","params":{"sessions":{}}}',
        '{"jsonrpc":"2.0","method":"gateway.hello","params":{"protocol":"one"}}',
        '{"jsonrpc":"2.0","method":"gateway.connection","params":{"state":"FINE"}}',
        '{"jsonrpc":"2.0","id":true,"result":{}}',
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}',
        '[{"jsonrpc":"2.0","id":1,"result":{}}]',
    ],
)
def test_a_bad_frame_is_a_wire_error(text: str) -> None:
    with pytest.raises(WireError):
        decode(text)


@pytest.mark.fault(15)
def test_an_oversize_frame_is_not_even_looked_at() -> None:
    with pytest.raises(WireError) as caught:
        decode("[" * (MAX_FRAME + 1))
    assert caught.value.kind == "oversize"


def test_bytes_that_are_no_utf_8_are_a_wire_error() -> None:
    with pytest.raises(WireError):
        decode(b'{"jsonrpc":"2.0","method":"\xff"}')


@pytest.mark.fault(17)
@pytest.mark.parametrize("spelling", ["InCall", "IN_CALL", "INCALL", "Incall", "Answered", "in call"])
@pytest.mark.parametrize(
    ("id_key", "state_key"), [("sessionId", "sessionState"), ("Id", "State"), ("SessionID", "CallState")]
)
def test_every_spelling_of_the_vendor_is_read(spelling: str, id_key: str, state_key: str) -> None:
    news = decode(frame("session.stateChanged", {"session": {id_key: "s1", state_key: spelling}}))
    assert news == SessionNews("stateChanged", Session(session_id="s1", session_state=IN_CALL))


@pytest.mark.fault(17)
def test_a_state_nobody_knows_is_kept_as_its_text() -> None:
    news = decode(frame("session.stateChanged", {"session": {"sessionId": "s1", "sessionState": "Parked"}}))
    assert isinstance(news, SessionNews)
    assert news.session.session_state == State("other:Parked")


@pytest.mark.fault(18)
def test_null_empty_and_absent_are_the_same() -> None:
    values: dict[str, object] = {"sessionId": "s1", "sessionState": "Ringing", "caller": "", "callee": None}
    news = decode(frame("session.created", {"session": values, "at": None, "seq": None}))
    assert news == SessionNews("created", Session(session_id="s1", session_state=RINGING))


def test_unknown_keys_are_kept_and_long_values_cut() -> None:
    values = {"sessionId": "s1", "sessionState": "Ringing", "queue": "sales", "caller": "9" * 5000, "extra": {"a": "b"}}
    news = decode(frame("session.created", {"session": values}))
    assert isinstance(news, SessionNews)
    assert news.session.extra == {"queue": "sales"}
    assert news.session.caller == "9" * 1024


def test_a_time_may_be_written_as_text_and_an_odd_one_loses_nothing() -> None:
    session = {"sessionId": "s1", "sessionState": "Ringing"}
    for at, moment in [
        ("2026-11-23T10:00:00+01:00", 1795424400.0),
        (12, 12.0),
        ("soon", None),
        ([], None),
        (True, None),
    ]:
        news = decode(frame("session.created", {"session": session, "at": at, "seq": "seven"}))
        assert news == SessionNews("created", Session(session_id="s1", session_state=RINGING), moment)


@pytest.mark.parametrize(("epoch", "known"), [(1795424400.5, "1795424400.5"), (7, "7"), ("a", "a"), (None, "")])
def test_an_epoch_may_be_a_number_and_null_is_as_good_as_absent(epoch: object, known: str) -> None:
    told = {"protocol": 1, "name": None, "version": 2, "epoch": epoch, "privileges": None, "snapshot": None}
    assert decode(frame("gateway.hello", told)) == Hello(protocol=1, version="2", epoch=known)
    news = decode(frame("gateway.connection", {"state": "ACCESS_GRANTED", "detail": None}))
    assert news == ConnectionNews(state="ACCESS_GRANTED")


def test_one_bad_session_does_not_lose_the_list() -> None:
    listed = decode(frame("sessions.snapshot", {"sessions": [{"id": "s1", "state": "Ringing"}, {"id": "s2"}, 7]}))
    assert listed == SnapshotPart(
        sessions=(Session(session_id="s1", session_state=RINGING),), complete=False, unreadable=2
    )


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_a_refusal_is_known_by_its_kind_or_its_code(kind: RefusalKind, code: int) -> None:
    by_code = decode(json.dumps({"jsonrpc": "2.0", "id": 4, "error": {"code": code, "message": "no"}}))
    by_kind = decode(json.dumps({"jsonrpc": "2.0", "id": 4, "error": {"message": "no", "data": {"kind": kind}}}))
    assert by_code == by_kind == ErrorResponse(4, kind, "no")


def test_an_error_nobody_knows_has_no_kind() -> None:
    message = decode('{"jsonrpc":"2.0","id":4,"error":{"code":-32603,"message":"oh"}}')
    assert message == ErrorResponse(4, None, "oh")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("session.forward", {"sessionId": "s1"}),
        ("session.forward", {"phoneNumber": "2010"}),
        ("session.blindTransfer", {"sessionId": "s1", "phoneNumber": "2010"}),
        ("session.sendDtmf", {"sessionId": "s1", "key": "", "phoneNumber": "2010"}),
        ("session.hold", []),
        ("session.explode", {"sessionId": "s1"}),
    ],
)
def test_a_request_that_cannot_be_meant_says_which_it_was(method: str, params: object) -> None:
    with pytest.raises(WireError) as caught:
        decode_request(json.dumps({"jsonrpc": "2.0", "id": 9, "method": method, "params": params}))
    assert caught.value.id == 9


def test_a_long_list_goes_in_parts_that_fit() -> None:
    sessions = [Session(session_id=f"s{n}", session_state=RINGING, caller="x" * 900) for n in range(1000)]
    parts = list(snapshot_parts(sessions, seq=3, at=7.5, answers=11))
    assert {(part.seq, part.at, part.answers) for part in parts} == {(3, 7.5, 11)}
    assert len(parts) > 3
    assert all(len(encode(part)) <= MAX_FRAME for part in parts)
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [session for part in parts for session in part.sessions] == sessions


def test_an_empty_list_is_one_part() -> None:
    assert list(snapshot_parts([])) == [SnapshotPart(sessions=())]


def test_extra_keys_stand_among_the_others_on_the_wire() -> None:
    session = Session(session_id="s1", session_state=RINGING, extra={"queue": "sales"})
    assert msgspec.json.decode(encode(SessionNews("created", session)))["params"]["session"] == {
        "sessionId": "s1",
        "sessionState": "Ringing",
        "queue": "sales",
    }


@pytest.mark.fault(14)
def test_what_an_odd_gateway_says_of_a_lists_moment_is_no_reason_to_lose_the_list() -> None:
    listed = decode(frame("sessions.snapshot", {"sessions": [], "seq": "seven", "at": {"now": True}}))
    assert listed == SnapshotPart(sessions=())
    told = decode(frame("sessions.snapshot", {"sessions": [], "seq": 7, "at": "2026-11-23T10:00:00+01:00"}))
    assert told == SnapshotPart(sessions=(), seq=7, at=1_795_424_400.0)


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\ud83d"])
def test_half_a_character_is_mended_in_both_directions(half: str) -> None:
    news = decode(CHANGE % (SESSION % f'"{half}"'))
    assert isinstance(news, SessionNews)
    assert news.session.caller == "\ufffd"
    listed = decode('{"jsonrpc":"2.0","id":1,"result":{"sessions":[%s]}}' % (SESSION % f'"x{half}"'))
    assert isinstance(listed, Response)
    assert listed.listed is not None
    assert listed.listed.sessions[0].caller == "x\ufffd"
    asked = decode_request(
        '{"jsonrpc":"2.0","id":1,"method":"session.forward","params":{"sessionId":"s%s","phoneNumber":"1"}}' % half  # noqa: UP031
    )
    assert isinstance(asked, Call)
    assert asked.session_id == "s\ufffd"


@pytest.mark.parametrize("kind", ["created", "stateChanged", "closed"])
def test_what_is_announced_is_said_to_be(kind: Literal["created", "stateChanged", "closed"]) -> None:
    news = SessionNews(kind, Session(session_id="s1", session_state=RINGING), announced=True)
    assert decode(encode(news)) == news
    session = {"sessionId": "s1", "sessionState": "RINGING", "queue": "sales"}
    for odd, announced in ((True, True), (False, False), (None, False), ("yes", False), (1, False)):
        told = decode(frame(f"session.{kind}", {"session": session, "announced": odd}))
        assert isinstance(told, SessionNews)
        assert told.announced is announced
