"""From list to list: what is seen, what is derived, and that nothing is told twice or lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ozrules.connectors.ozeki_http.notifications import CallHint
from ozrules.connectors.ozeki_http.rows import Listed, Row
from ozrules.connectors.ozeki_http.watch import MOVING, Watch
from ozrules.engine.events import SessionSeen
from ozrules.session.session import Session
from ozrules.session.state import (
    ABORTED,
    BUSY,
    CANCELLED,
    COMPLETED,
    ENDED,
    IN_CALL,
    NOT_ANSWERED,
    ON_HOLD,
    REDIRECTED,
    RINGING,
    SETUP,
    TRANSFER_COMPLETED,
    State,
)
from tests.fakes.connectors import command_for

START = "2026-11-23T10:00:00+01:00"


def row(id: str = "a", state: State = RINGING, *, rang: float | None = 1.0, **more: str) -> Row:
    known = Session(session_id=id, session_state=state, caller="+36201234567", callee="2001", start_time=START)
    return Row(replace(known, **more), rang)


class Bench:
    """A watch with a clock: a list a second."""

    def __init__(self, *rows: Row, ring_time: float | None = 30.0) -> None:
        self.at = 0.0
        self.watch = Watch("office", ring_time=ring_time)
        self.watch.begin(Listed(rows), self.at)

    def look(self, *rows: Row, unreadable: int = 0, after: float = 1.0) -> list[tuple[str, str, State, bool]]:
        self.at += after
        return [_short(seen) for seen in self.watch.look(Listed(rows, unreadable), self.at)]

    def look_twice(self, *rows: Row, after: float = 1.0) -> list[tuple[str, str, State, bool]]:
        """What ends has ended when two lists say so."""
        assert [each for each in self.look(*rows, after=after) if each[0] != "created"] == []
        return self.look(*rows, after=0.25)

    def send(self, row: Row, action: str = "forward", to: str | None = "2010") -> None:
        session = row.session
        command = command_for(session, "forward" if action == "forward" else "blindTransfer", to=to, party="caller")
        self.watch.sent(command, session.session_id, self.at)

    def hint(self, id: str, state: State) -> None:
        self.watch.hint(CallHint(id, state), self.at)


def _short(seen: SessionSeen) -> tuple[str, str, State, bool]:
    return seen.kind, seen.session.session_id, seen.session.session_state, seen.derived


def test_the_life_of_a_call() -> None:
    bench = Bench()
    assert bench.look(row()) == [("created", "a", RINGING, False)]
    assert bench.look(row(rang=2.0)) == []
    assert bench.look(row(state=IN_CALL, talk_duration="0")) == [("stateChanged", "a", IN_CALL, False)]
    assert bench.look(row(state=IN_CALL, talk_duration="1")) == []
    assert bench.look(row(state=ON_HOLD)) == [("stateChanged", "a", ON_HOLD, True)]
    assert bench.look_twice(row(state=COMPLETED)) == [("stateChanged", "a", COMPLETED, True)]
    assert bench.look(row(state=COMPLETED)) == []
    assert bench.look() == []
    assert not bench.watch.alive


@pytest.mark.parametrize(
    ("rang", "state"), [(1.0, BUSY), (28.9, BUSY), (29.0, NOT_ANSWERED), (30.0, NOT_ANSWERED), (None, BUSY)]
)
def test_busy_after_the_ring_time_is_not_answered(rang: float | None, state: State) -> None:
    bench = Bench(row())
    assert bench.look_twice(row(state=BUSY, rang=rang)) == [("stateChanged", "a", state, True)]
    assert bench.look(row(state=BUSY, rang=rang), after=100.0) == []


def test_the_ring_is_measured_where_it_is_not_told() -> None:
    bench = Bench(row(rang=None))
    assert bench.look_twice(row(state=BUSY, rang=None), after=29.5) == [("stateChanged", "a", NOT_ANSWERED, True)]


@pytest.mark.parametrize(("rang", "state"), [(19.0, BUSY), (20.0, NOT_ANSWERED)])
def test_where_the_ring_time_is_not_known_a_long_ring_counts(rang: float, state: State) -> None:
    bench = Bench(row(), ring_time=None)
    assert bench.look_twice(row(state=BUSY, rang=rang)) == [("stateChanged", "a", state, True)]


def test_a_phone_that_is_busy_before_the_next_one_rings_ends_nothing() -> None:
    bench = Bench(row())
    assert bench.look(row(state=BUSY)) == []
    assert bench.watch.pressing
    assert bench.look(row(callee="2002")) == [("stateChanged", "a", RINGING, False)]
    assert bench.look(row(state=CANCELLED, callee="2002")) == []
    assert bench.look() == [("closed", "a", CANCELLED, True)]


def test_a_state_that_is_told_outright_is_not_derived() -> None:
    assert Bench(row()).look_twice(row(state=NOT_ANSWERED)) == [("stateChanged", "a", NOT_ANSWERED, False)]


@pytest.mark.parametrize(
    ("last", "end"),
    [
        (row(rang=3.0), CANCELLED),
        (row(rang=29.5), NOT_ANSWERED),
        (row(state=IN_CALL), COMPLETED),
        (row(state=ON_HOLD), COMPLETED),
        (row(state=SETUP), ABORTED),
    ],
)
def test_a_call_that_vanishes_has_ended_when_two_lists_lack_it(last: Row, end: State) -> None:
    bench = Bench(last)
    assert bench.look() == []
    assert bench.watch.pressing
    assert bench.look() == [("closed", "a", end, True)]
    assert bench.look() == []


def test_a_call_that_one_list_lacks_has_not_ended() -> None:
    bench = Bench(row())
    assert bench.look() == []
    assert [each.session_id for each in bench.watch.whole(Listed(()), bench.at).sessions or ()] == ["a"]
    assert bench.look(row()) == []
    assert bench.look() == []


def test_a_list_that_could_not_be_read_whole_ends_nothing() -> None:
    bench = Bench(row())
    for _ in range(3):
        assert bench.look(unreadable=1) == []
    assert not bench.watch.whole(Listed((), 1), bench.at).complete


@pytest.mark.fault(41)
def test_an_id_that_comes_back_is_another_call() -> None:
    bench = Bench(row(state=IN_CALL))
    later = row(start_time="2026-11-23T10:05:00+01:00")
    assert bench.look(later) == [("closed", "a", COMPLETED, True), ("created", "a", RINGING, False)]
    no_start = replace(row().session, start_time=None)
    bench = Bench(Row(replace(no_start, session_state=IN_CALL), 1.0))
    assert [kind for kind, *_ in bench.look(Row(no_start, 0.0))] == ["closed", "created"]


def test_a_start_that_is_written_a_little_otherwise_is_the_same_call() -> None:
    bench = Bench(row())
    seen = bench.look(row(start_time="2026-11-23T09:00:00.2+00:00"))
    assert [kind for kind, *_ in seen] == ["stateChanged"]


# --- hints ----------------------------------------------------------------------------------------------------------


@pytest.mark.fault(26)
def test_a_hint_alone_changes_nothing() -> None:
    bench = Bench(row())
    bench.hint("a", BUSY)
    bench.hint("b", COMPLETED)
    assert bench.look(row()) == []
    assert bench.watch.alive


@pytest.mark.parametrize(
    ("hinted", "last", "end"),
    [
        (BUSY, row(rang=3.0), BUSY),
        (BUSY, row(rang=29.5), NOT_ANSWERED),
        (CANCELLED, row(rang=29.5), CANCELLED),
        (TRANSFER_COMPLETED, row(state=IN_CALL), TRANSFER_COMPLETED),
    ],
)
def test_once_a_call_is_gone_a_hint_says_how(hinted: State, last: Row, end: State) -> None:
    bench = Bench(last)
    bench.hint("a", hinted)
    assert bench.look() == [("closed", "a", end, True)]


def test_an_old_hint_is_forgotten() -> None:
    bench = Bench(row())
    bench.hint("a", BUSY)
    assert bench.look(row(), after=60.0) == []
    assert bench.look() == []
    assert bench.look() == [("closed", "a", CANCELLED, True)]


def test_a_hint_that_a_call_lives_says_nothing_of_its_end() -> None:
    bench = Bench(row())
    bench.hint("a", IN_CALL)
    bench.look()
    assert bench.look() == [("closed", "a", CANCELLED, True)]


# --- what we sent elsewhere -----------------------------------------------------------------------------------------


def test_a_forwarded_call_that_comes_up_elsewhere_was_redirected() -> None:
    bench = Bench(row())
    bench.send(row())
    onward = row("b", callee="2010")
    assert bench.look() == []
    assert bench.look() == []
    assert bench.look(onward) == [("created", "b", RINGING, False), ("closed", "a", REDIRECTED, True)]


def test_a_forwarded_call_that_never_comes_up_has_ended() -> None:
    bench = Bench(row())
    bench.send(row())
    assert bench.look() == []
    assert bench.look(after=MOVING - 2.0) == []
    assert bench.look(after=2.0) == [("closed", "a", CANCELLED, True)]


@pytest.mark.parametrize(("action", "end"), [("forward", REDIRECTED), ("blindTransfer", TRANSFER_COMPLETED)])
def test_what_is_said_to_be_transferred_after_our_command_was_moved(action: str, end: State) -> None:
    bench = Bench(row(state=IN_CALL))
    bench.send(row(), action)
    assert bench.look_twice(row(state=TRANSFER_COMPLETED)) == [("stateChanged", "a", end, True)]


def test_a_call_that_is_cancelled_while_it_comes_up_elsewhere_was_redirected() -> None:
    bench = Bench(row())
    bench.send(row())
    seen = bench.look_twice(row(state=CANCELLED), row("b", callee="2010"))
    assert seen == [("stateChanged", "a", REDIRECTED, True)]


def test_a_call_that_goes_on_at_another_number_under_its_id_has_moved() -> None:
    bench = Bench(row())
    bench.send(row())
    ((kind, id, state, _),) = bench.look(row(callee="2010"))
    assert (kind, id, state) == ("stateChanged", "a", RINGING)


def test_a_call_that_begins_anew_at_another_number_under_its_id_has_moved() -> None:
    bench = Bench(row())
    bench.send(row())
    seen = bench.look(row(callee="2010", start_time="2026-11-23T10:00:20+01:00"))
    assert seen == [("closed", "a", REDIRECTED, True), ("created", "a", RINGING, False)]


def test_another_call_of_the_same_number_is_not_ours_when_it_was_there_before() -> None:
    other = row("b", callee="2010")
    bench = Bench(row(), other)
    bench.at = 1.0
    bench.send(row())
    assert bench.look(other) == []
    assert bench.look(other, after=MOVING) == [("closed", "a", CANCELLED, True)]


def test_a_command_of_long_ago_explains_nothing() -> None:
    bench = Bench(row())
    bench.send(row())
    bench.look(row(state=IN_CALL), after=60.0)
    bench.look(row("b"))
    assert bench.look(row("b")) == [("closed", "a", COMPLETED, True)]


# --- laws -----------------------------------------------------------------------------------------------------------

_ROWS = st.builds(
    row,
    st.sampled_from("abc"),
    st.sampled_from([RINGING, IN_CALL, ON_HOLD, BUSY, CANCELLED, COMPLETED, TRANSFER_COMPLETED]),
    rang=st.none() | st.floats(0, 60),
    callee=st.sampled_from(["2001", "2010"]),
    start_time=st.sampled_from([START, "2026-11-23T11:00:00+01:00"]),
)
_LISTS = st.lists(_ROWS, max_size=3, unique_by=lambda each: each.session.session_id).map(tuple)
_ACTS = st.none() | st.tuples(st.sampled_from("abc"), st.sampled_from([BUSY, CANCELLED, "forward"]))


@given(_LISTS, st.lists(st.tuples(_ACTS, _LISTS), max_size=12))
def test_what_is_told_adds_up_to_the_list(
    first: tuple[Row, ...], steps: list[tuple[tuple[str, str] | None, tuple[Row, ...]]]
) -> None:
    bench = Bench(*first)
    told = {each.session.session_id: each.session.session_state for each in first}
    lists = [rows for _, rows in steps]
    last = lists[-1] if lists else first
    for act, rows in [*steps, (None, last), (None, last)]:
        match act:
            case (id, "forward"):
                bench.send(row(id))
            case (id, state):
                bench.hint(id, State(state))
        for kind, id, state, _ in bench.look(*rows, after=MOVING if rows is last else 1.0):
            if kind == "created":
                assert told.get(id, COMPLETED) in ENDED
            else:
                assert told[id] not in ENDED, "after its end nothing is told of a call"
            assert kind != "closed" or state in ENDED
            told[id] = state
    listed = {each.session.session_id for each in last if each.session.session_state not in ENDED}
    assert {id for id, state in told.items() if state not in ENDED} <= listed
    assert listed <= set(told)
