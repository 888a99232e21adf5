from ozrules.rules.model import Place
from ozrules.scenario.model import Happens, Participant, Spot
from ozrules.scenario.phone import Phone
from ozrules.session.state import CALLER_HUNG_UP, IN_CALL, ON_HOLD, RINGING, State

HERE = Spot(Place("x.test.yaml", 1, 1), 1)
START = 1795424400.0


def phone() -> Phone:
    return Phone((Participant("s1", "office", {"caller": "2001", "callee": "2002"}, HERE),))


def happens(state: State | None, **values: str) -> Happens:
    return Happens(0.0, "s1", state, values, HERE)


def test_reports_follow_the_life_of_a_session() -> None:
    office = phone()
    kinds = [
        office.change(happens(state), START + at).kind
        for at, state in ((0, RINGING), (5, IN_CALL), (60, CALLER_HUNG_UP), (70, RINGING))
    ]
    assert kinds == ["created", "stateChanged", "closed", "created"]


def test_an_id_that_comes_back_has_another_start() -> None:
    office = phone()
    first = office.change(happens(RINGING), START).session
    office.change(happens(CALLER_HUNG_UP), START + 5)
    again = office.change(happens(RINGING), START + 10).session
    assert first.start_time == "2026-11-23T09:00:00+00:00"
    assert again.start_time == "2026-11-23T09:00:10+00:00"


def test_the_list_says_how_long() -> None:
    office = phone()
    office.change(happens(RINGING), START)
    office.change(happens(IN_CALL), START + 5)
    office.change(happens(ON_HOLD), START + 15)
    office.change(happens(None, callee="2003"), START + 17)
    office.change(happens(IN_CALL), START + 20)
    (session,) = office.listing("office", START + 27).sessions or ()
    assert (session.session_state, session.state_duration, session.talk_duration) == (IN_CALL, "7.0", "17.0")
    assert session.callee == "2003"


def test_ended_sessions_and_other_lines_are_not_listed() -> None:
    office = phone()
    office.change(happens(RINGING), START)
    assert office.listing("branch", START).sessions == ()
    office.change(happens(CALLER_HUNG_UP), START + 5)
    assert office.listing("office", START + 6).sessions == ()


def test_what_a_test_gives_wins_over_what_is_measured() -> None:
    office = Phone((Participant("s1", "office", {"startTime": "2020-01-01T00:00:00Z"}, HERE),))
    assert office.change(happens(RINGING), START).session.start_time == "2020-01-01T00:00:00Z"
