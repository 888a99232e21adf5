"""Nine states, and what HTTP does not tell."""

import pytest

from ozrules.connectors.simulator import OFFICE, Behaviour, HttpManners, PhoneSystem
from ozrules.connectors.simulator.callers import CallPlan, Hold, Transfer
from ozrules.connectors.simulator.http_calls import HttpCalls, word_for
from ozrules.session.state import KNOWN_STATES

NOW = 1_000_000.0
WORDS = {"Ringing", "InCall", "Hold", "Error", "Cancelled", "Transferred", "Busy", "Completed"}


def words(plan: CallPlan, *, lingers: float = 2.0) -> tuple[list[str], PhoneSystem, HttpCalls]:
    """All that is posted of a call, in order."""
    phones = PhoneSystem(OFFICE, Behaviour(ring_timeout=30.0), start=NOW, seed=1)
    phones.place(plan, NOW)
    calls = HttpCalls(HttpManners(lingers=lingers))
    said = [
        call.word
        for news in phones.advance(NOW + 200.0)
        if news.session.session_id == "s1"
        for call in calls.note(news, news.at or NOW)
    ]
    return said, phones, calls


def test_every_state_has_one_of_eight_words_or_none_yet() -> None:
    assert {word_for(state) for state in KNOWN_STATES} == WORDS | {None}


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (CallPlan(caller="2002", callee="2001"), ["Ringing", "Busy"]),
        (CallPlan(caller="2002", callee="2001", rejects_after=3.0), ["Ringing", "Busy"]),
        (CallPlan(caller="2002", callee="2001", gives_up_after=3.0), ["Ringing", "Cancelled"]),
        (CallPlan(caller="2002", callee="2998"), ["Error"]),
        (CallPlan(caller="2002", callee="2001", answers_after=3.0), ["Ringing", "Answered", "InCall", "Completed"]),
        (
            CallPlan(caller="2002", callee="2001", answers_after=3.0, acts=(Hold(1.0, "caller", 5.0),)),
            ["Ringing", "Answered", "InCall", "Hold", "InCall", "Completed"],
        ),
        (
            CallPlan(caller="2002", callee="2001", answers_after=3.0, acts=(Transfer(1.0, "callee", "2010"),)),
            ["Ringing", "Answered", "InCall", "InCall", "InCall", "Transferred"],
        ),
    ],
)
def test_what_is_said_of_a_call(plan: CallPlan, said: list[str]) -> None:
    assert words(plan)[0] == said


def test_a_call_that_has_ended_stays_for_a_little_while_with_its_ring() -> None:
    _, phones, calls = words(CallPlan(caller="2002", callee="2001"), lingers=500.0)
    (call,) = calls.listed(phones.sessions(NOW + 200.0), NOW + 200.0)
    assert (call.word, round(call.rang)) == ("Busy", 30)
    assert calls.listed((), NOW + 1000.0) == []


def test_a_new_start_forgets_all() -> None:
    _, _, calls = words(CallPlan(caller="2002", callee="2001"), lingers=500.0)
    calls.forget()
    assert calls.listed((), NOW + 200.0) == []
