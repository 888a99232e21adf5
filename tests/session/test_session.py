"""What a phone system sends, read as a Session: 17 properties in every spelling, the rest kept."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.session.session import MAX_TEXT, PROPERTIES, NotASession, Session, session_from

WHOLE = {name: f"value of {name}" for name in PROPERTIES} | {"sessionState": "Ringing"}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=10,
)


def test_there_are_seventeen_properties() -> None:
    assert len(PROPERTIES) == len(set(PROPERTIES)) == 17


def test_all_properties_are_read_and_written_in_the_vendors_spelling() -> None:
    session = session_from(WHOLE)
    assert msgspec.to_builtins(session) == WHOLE


@pytest.mark.parametrize(
    ("spelling", "attribute"),
    [
        ("sessionId", "session_id"),
        ("SessionID", "session_id"),
        ("Id", "session_id"),
        ("CallId", "session_id"),
        ("session_id", "session_id"),
        ("sessionState", "session_state"),
        ("SessionState", "session_state"),
        ("State", "session_state"),
        ("CallState", "session_state"),
        ("LastCallState", "session_state"),
        ("MasterSessionID", "master_session_id"),
        ("Caller", "caller"),
        ("Callee", "callee"),
        ("Source", "source"),
        ("Destination", "destination"),
        ("StartTime", "start_time"),
        ("TalkDuration", "talk_duration"),
        ("StateDuration", "state_duration"),
        ("DialedNumber", "dialed_number"),
        ("Direction", "direction"),
        ("CallDirection", "direction"),
    ],
)
def test_every_spelling_of_a_property(spelling: str, attribute: str) -> None:
    received = {"sessionId": "s1", "sessionState": "Ringing"}
    for vendor, name in (("sessionId", "session_id"), ("sessionState", "session_state")):
        if name == attribute:
            del received[vendor]
    session = session_from(received | {spelling: "Busy"})
    assert getattr(session, attribute) == "Busy"
    assert session.extra is None


def test_the_vendors_spelling_wins_over_a_variant() -> None:
    both = {"sessionState": "Ringing", "sessionId": "right", "Id": "wrong"}
    assert session_from(both).session_id == "right"
    assert session_from(dict(reversed(both.items()))).session_id == "right"


def test_what_is_not_the_vendors_is_kept_as_it_came() -> None:
    session = session_from({"sessionId": "s1", "sessionState": "Ringing", "Queue_Position": 3, "vip": True})
    assert session.extra == {"Queue_Position": "3", "vip": "true"}


@pytest.mark.parametrize("nothing", [None, "", [], {}, 10**60])
@pytest.mark.fault(18)
def test_null_empty_and_unusable_values_are_none(nothing: object) -> None:
    session = session_from({"sessionId": "s1", "sessionState": "Ringing", "callee": nothing, "more": nothing})
    assert session.callee is None
    assert session.extra is None


@pytest.mark.parametrize(
    ("value", "text"), [(2001, "2001"), (1.5, "1.5"), (False, "false"), ("\ud83d", "\ufffd"), ("+361", "+361")]
)
def test_values_become_the_text_they_show(value: object, text: str) -> None:
    assert session_from({"sessionId": "s1", "sessionState": "Ringing", "callee": value}).callee == text


def test_long_texts_are_cut() -> None:
    session = session_from({"sessionId": "s1", "sessionState": "Ringing", "callerDisplayName": "A" * 1_000_000})
    assert session.caller_display_name == "A" * MAX_TEXT


@pytest.mark.parametrize(
    ("received", "says"),
    [
        ("a text", "named properties"),
        ([], "named properties"),
        (None, "named properties"),
        ({1: "x"}, "name is text"),
        ({"sessionState": "Ringing"}, "sessionId is missing"),
        ({"sessionId": "", "sessionState": "Ringing"}, "sessionId is missing"),
        ({"sessionId": "s1"}, "sessionState is missing"),
    ],
)
@pytest.mark.fault(14)
def test_what_is_no_session_says_why(received: object, says: str) -> None:
    with pytest.raises(NotASession, match=says):
        session_from(received)


@given(_JSON)
@pytest.mark.fault(14)
def test_any_message_is_a_session_or_is_refused(received: object) -> None:
    with suppress(NotASession):
        session_from(received)


@given(st.dictionaries(st.text(), _JSON), st.text(min_size=1), st.text(min_size=1))
def test_a_session_survives_its_own_json(more: dict[str, object], session_id: str, state: str) -> None:
    session = session_from(more | {"sessionId": session_id, "sessionState": state})
    text = msgspec.json.encode(session)
    assert msgspec.json.decode(text, type=Session) == session
    json.loads(text)
