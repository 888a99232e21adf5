"""Where a list stands among the changes that were told before it."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.gateway.ordering import Drawn, contained
from ozrules.connectors.session_messages import SessionNews
from ozrules.session.session import Session
from ozrules.session.state import CALLER_HUNG_UP, IN_CALL, ON_HOLD, RINGING, State
from tests.fakes.gateway import ringing

STATES = st.lists(st.sampled_from([RINGING, IN_CALL, ON_HOLD]), min_size=2, max_size=8)


def news(states: Sequence[State], *, numbered: bool, dated: bool) -> list[SessionNews]:
    """A call in one state after another, at the seconds 1, 2, 3 and so on."""
    return [
        SessionNews(
            "stateChanged", ringing(state=state), float(second) if dated else None, second if numbered else None
        )
        for second, state in enumerate(states, 1)
    ]


def drawn(sessions: Iterable[Session], *, seq: int | None = None, at: float | None = None) -> Drawn:
    return Drawn({session.session_id: session for session in sessions}, complete=True, seq=seq, at=at)


@pytest.mark.fault(6)
@given(STATES, st.data())
def test_a_number_says_exactly_what_a_list_contains(states: list[State], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(states) - 1))
    held = news(states[1:], numbered=True, dated=data.draw(st.booleans()))
    assert contained(held, drawn([ringing(state=states[place])], seq=place, at=99.0)) == [
        number <= place for number in range(1, len(states))
    ]


@pytest.mark.fault(6)
@given(STATES, st.data())
def test_so_does_the_phone_systems_time(states: list[State], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(states) - 1))
    held = news(states[1:], numbered=False, dated=True)
    assert contained(held, drawn([ringing(state=states[place])], seq=place, at=place + 0.5)) == [
        second <= place for second in range(1, len(states))
    ]


@pytest.mark.fault(6)
@given(STATES, st.data())
def test_where_nothing_tells_the_last_state_is_the_newest_all_the_same(
    states: list[State], data: st.DataObject
) -> None:
    """Of a list that is not newer than all that was told before it."""
    place = data.draw(st.integers(0, len(states) - 1))
    held = news(states[1:], numbered=False, dated=False)
    shown = contained(held, drawn([ringing(state=states[place])]))
    assert shown == sorted(shown, reverse=True), "what is contained comes first"
    following = [each for each, inside in zip(held, shown, strict=True) if not inside]
    last = following[-1].session.session_state if following else states[place]
    assert last == states[-1]


@pytest.mark.fault(6)
def test_the_same_moment_is_decided_by_the_state() -> None:
    held = news([IN_CALL, ON_HOLD], numbered=False, dated=True)
    assert contained(held, drawn([ringing(state=ON_HOLD)], at=2.0)) == [True, True]
    assert contained(held, drawn([ringing(state=IN_CALL)], at=2.0)) == [True, False]


@pytest.mark.fault(10)
def test_a_state_of_another_call_under_the_id_is_not_what_the_list_shows() -> None:
    ended = SessionNews("closed", ringing(state=CALLER_HUNG_UP))
    anew = Session(session_id="s1", session_state=RINGING, caller="+36201234567", callee="2001", start_time="later")
    held = [ended, SessionNews("created", anew)]
    assert contained(held, drawn([ringing()])) == [False, False]
    assert contained(held, drawn([anew])) == [True, True]
    assert contained(held, drawn([])) == [True, False]
