"""Rows of ListActiveCalls: both generations, in all the forms that the vendor's pages show."""

from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.ozeki_http.answers import read
from ozrules.connectors.ozeki_http.rows import Listed, is_number, listed
from ozrules.session.durations import moment_from
from ozrules.session.session import Session
from ozrules.session.state import (
    BUSY,
    CANCELLED,
    COMPLETED,
    ERROR,
    IN_CALL,
    NOT_ANSWERED,
    ON_HOLD,
    RINGING,
    TRANSFER_COMPLETED,
    State,
)


def calls(inside: str) -> Listed:
    body = f"<Response><Code>200</Code><Message/><ActiveCalls>{inside}</ActiveCalls></Response>"
    return listed(read(body.encode()))


def row(name: str = "CallInfo", **cells: str) -> str:
    return f"<{name}>{''.join(f'<{key}>{escape(value)}</{key}>' for key, value in cells.items())}</{name}>"


def one(inside: str) -> Session:
    (found,) = calls(inside).rows
    return found.session


CLASSIC = row(
    CallState="InCall",
    CallId="uteom",
    Source="1000",
    CallerId="Kovacs Anna",
    Destination="1001",
    StartTime="2013-07-01T10:49:07.9558+02:00",
    RingDuration="2",
    TalkDuration="956",
)
OZEKI_10 = row(
    "Call",
    CallId="H2Wwb",
    Source="Line1",
    CallerId="+36201234567",
    Destination="1001",
    CallerDialed="06 1 555 1234",
    CelleeDialed="1001",
    StartTime="2021-03-04 08:02:50",
    RingDuration="0.749",
    TalkDuration="0.000",
    CallState="Ringing",
)


def test_a_classic_row() -> None:
    found = one(CLASSIC)
    assert found == Session(
        session_id="uteom",
        session_state=IN_CALL,
        start_time="2013-07-01T10:49:07.9558+02:00",
        talk_duration="956",
        caller="1000",
        callee="1001",
        caller_display_name="Kovacs Anna",
        source="1000",
        destination="1001",
    )
    assert moment_from(found.start_time) == pytest.approx(1372668547.9558)


def test_a_row_of_ozeki_10() -> None:
    (found,) = calls(OZEKI_10).rows
    assert found.rang == 0.749
    assert found.session == Session(
        session_id="H2Wwb",
        session_state=RINGING,
        start_time="2021-03-04 08:02:50",
        talk_duration="0.000",
        state_duration="0.749",
        caller="+36201234567",
        callee="1001",
        dialed_number="06 1 555 1234",
        source="Line1",
        destination="1001",
    )


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Ringing", RINGING),
        ("InCall", IN_CALL),
        ("Answered", IN_CALL),
        ("Hold", ON_HOLD),
        ("Error", ERROR),
        ("Cancelled", CANCELLED),
        ("Transferred", TRANSFER_COMPLETED),
        ("Busy", BUSY),
        ("Completed", COMPLETED),
        ("NoAnswer", NOT_ANSWERED),
        ("IN_CALL", IN_CALL),
        ("Queued", State("other:Queued")),
    ],
)
def test_the_nine_states_and_what_else_may_come(word: str, state: State) -> None:
    assert one(row(CallId="a", CallState=word)).session_state == state


@pytest.mark.parametrize(
    ("label", "source", "caller", "name"),
    [
        ("Anna", "1000", "1000", "Anna"),
        ("1000", "1000", "1000", None),
        ("+36 20 123-4567", "Line1", "+36 20 123-4567", None),
        ("Anna", "", "Anna", "Anna"),
        ("", "1000", "1000", None),
        ("555 Shop", "1000", "1000", "555 Shop"),
        ("٣٤٥", "1000", "1000", "٣٤٥"),
    ],
)
def test_the_callers_id_is_a_number_or_a_name(label: str, source: str, caller: str, name: str | None) -> None:
    found = one(row(CallId="a", CallState="Ringing", Source=source, CallerId=label))
    assert (found.caller, found.caller_display_name) == (caller, name)


def test_a_line_is_where_a_call_goes_and_the_number_is_whom_it_reaches() -> None:
    found = one(row("Call", CallId="a", CallState="InCall", Destination="Line1", CalleeDialed="+3612345678"))
    assert (found.callee, found.destination, found.dialed_number) == ("+3612345678", "Line1", "+3612345678")


def test_names_in_any_case_and_what_is_unknown_is_kept() -> None:
    found = one("<callinfo><CALLID>a</CALLID><callstate>ringing</callstate><Codec>PCMA</Codec></callinfo>")
    assert found == Session(session_id="a", session_state=RINGING, extra={"Codec": "PCMA"})


def test_rows_that_cannot_be_calls_are_counted_and_the_others_are_read() -> None:
    found = calls(row(CallId="a") + CLASSIC + row(CallState="InCall") + "<CallInfo/>" + OZEKI_10)
    assert [each.session.session_id for each in found.rows] == ["uteom", "H2Wwb"]
    assert found.unreadable == 2


def test_no_calls() -> None:
    assert calls("") == Listed(())
    assert listed(read(b"<Response><Code>200</Code></Response>")) == Listed(())


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("1000", True), ("*72", True), ("+36 (20) 123", True), ("", False), ("Anna", False), (None, False)],
)
def test_what_is_a_number(text: str | None, is_one: bool) -> None:
    assert is_number(text) == is_one


_CELLS = st.dictionaries(
    st.sampled_from(["CallId", "CallState", "Source", "CallerId", "Destination", "StartTime", "RingDuration", "Odd"]),
    st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=12),
)


@given(st.lists(_CELLS, max_size=4))
def test_every_row_with_an_id_and_a_state_is_a_session(cells: list[dict[str, str]]) -> None:
    found = calls("".join(row(**each) for each in cells))
    whole = {
        each["CallId"].strip() for each in cells if each.get("CallId", "").strip() and each.get("CallState", "").strip()
    }
    assert {each.session.session_id for each in found.rows} == whole
    assert len([each for each in cells if each]) >= found.unreadable
