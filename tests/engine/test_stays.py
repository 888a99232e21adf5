"""Whether a session that comes back on a list in the state we knew has left it meanwhile, however late the list is."""

import pytest

from ozrules.engine.events import SessionSeen, SessionsListed
from ozrules.engine.stays import NEW_STAY
from ozrules.session.session import Session, session_from
from tests.engine.forge import enters, log, rule, rules
from tests.engine.stage import LINE, Stage

HOLD = 5.0
ON_HOLD = rules(rule("held", enters("OnHold", hold=HOLD), log("5 s")), rule("now", enters("OnHold"), log("held")))


def _held(duration: float, state: str = "OnHold") -> Session:
    return session_from(
        {
            "sessionId": "s1",
            "sessionState": state,
            "caller": "+36201234567",
            "callee": "2001",
            "stateDuration": f"{duration}",
        }
    )


class Line:
    """A call that has been on hold for ten seconds, so that its rule has fired; then the connection is lost."""

    def __init__(self, fired: bool = True) -> None:
        self.stage = Stage(ON_HOLD)
        self.stage.call(state="InCall")
        self.stage.change("s1", "OnHold")
        self.held = self.stage.now
        self.stage.wait(10.0 if fired else 1.0)
        self.stage.gap()

    def lists(self, duration: float, late: float) -> None:
        """A list shows the call on hold for ``duration``; it may be ``late`` seconds old."""
        self.stage.tell(
            SessionsListed(at=self.stage.now, connection=LINE, sessions=(_held(duration),), complete=True, late=late)
        )

    def tells(self, state: str, at: float | None = None) -> None:
        at = self.stage.now if at is None else at
        seen = SessionSeen(at=at, connection=LINE, kind="stateChanged", session=_held(0.0, state))
        self.stage.tell(seen)

    @property
    def since(self) -> float:
        (live,) = self.stage.engine._world.live.values()
        return live.entered

    @property
    def fired(self) -> int:
        return self.stage.logged.count("5 s")


@pytest.mark.fault(5)
def test_a_list_that_took_long_begins_no_stay_anew() -> None:
    """It was drawn up three seconds before it came."""
    line = Line()
    line.stage.wait(3.0)
    line.lists(10.0, late=3.2)
    assert line.stage.list_requests == 1, "it might have been another stay, so it is asked once more"
    line.stage.wait(0.1)
    line.lists(13.1, late=0.1)
    line.stage.wait(60.0)
    assert (line.fired, line.since, line.stage.list_requests) == (1, line.held, 1)


@pytest.mark.fault(5)
def test_a_stay_that_is_surely_another_fires_anew_at_once() -> None:
    line = Line()
    line.stage.wait(8.0)
    line.lists(1.0, late=3.0)
    assert line.stage.list_requests == 0
    line.stage.wait(HOLD - 1.0 - 0.01)
    assert line.fired == 1
    line.stage.wait(0.02)
    assert line.fired == 2


@pytest.mark.fault(5)
def test_a_stay_in_doubt_that_the_answer_shows_to_be_another_fires_anew() -> None:
    line = Line()
    line.stage.wait(8.0)
    line.lists(1.0, late=30.0)
    line.stage.wait(0.1)
    line.lists(1.1, late=0.1)
    line.stage.wait(HOLD - 1.2)
    assert line.fired == 1
    line.stage.wait(0.2)
    assert line.fired == 2


@pytest.mark.fault(5)
def test_what_fires_while_a_stay_is_in_doubt_does_not_fire_again_when_it_is_another() -> None:
    line = Line(fired=False)
    line.stage.wait(9.0)
    line.lists(1.0, late=30.0)
    line.stage.wait(HOLD)
    assert line.fired == 1
    line.lists(6.0, late=0.1)
    line.stage.wait(60.0)
    assert line.fired == 1


@pytest.mark.fault(5)
def test_while_a_stay_is_in_doubt_it_counts_from_the_later_moment() -> None:
    line = Line(fired=False)
    line.stage.wait(3.0)
    line.lists(0.5, late=3.0)
    line.stage.wait(HOLD - 0.5 - 0.01)
    assert line.fired == 0
    line.stage.wait(0.02)
    assert line.fired == 1


@pytest.mark.fault(5)
def test_a_stay_that_is_the_same_after_all_counts_from_where_it_began() -> None:
    line = Line(fired=False)
    line.stage.wait(3.0)
    line.lists(1.0, late=3.0)
    line.lists(4.0, late=0.1)
    line.stage.wait(HOLD - 4.0)
    assert line.fired == 1


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.fault(5)
def test_a_doubt_is_asked_about_once_and_outlives_gaps_and_restarts(restarts: bool) -> None:
    line = Line()
    stage = line.stage
    stage.wait(8.0)
    for _ in range(5):
        line.lists(1.0, late=30.0)
    assert stage.list_requests == 1
    assert line.fired == 1
    stage.sessions["s1"]["stateDuration"] = "2"
    stage.now += 1.0
    if restarts:
        stage.restart()
    else:
        stage.gap()
        stage.connect()
    stage.wait(HOLD - 2.0)
    assert line.fired == 2


@pytest.mark.fault(5)
def test_a_state_that_is_left_leaves_no_doubt() -> None:
    line = Line()
    line.stage.wait(8.0)
    line.lists(1.0, late=30.0)
    line.tells("InCall")
    line.tells("OnHold")
    line.lists(0.0, late=30.0)
    line.stage.wait(HOLD)
    assert (line.fired, line.stage.list_requests) == (2, 1)


@pytest.mark.fault(6)
def test_changes_that_a_list_contains_begin_the_stay_that_it_shows_once() -> None:
    """Back in call and on hold again, as was told before the list: one further stay, and not two."""
    line = Line()
    line.stage.wait(8.0)
    told = line.stage.now
    line.tells("InCall")
    line.tells("OnHold")
    line.stage.wait(2.0)
    assert line.stage.logged == ["held", "5 s"], "nothing acts before the list"
    line.lists(2.0, late=2.0)
    assert line.stage.logged == ["held", "5 s", "held"], "what somebody saw happen counts as seen"
    assert line.since == told
    assert line.stage.list_requests == 0
    line.stage.wait(60.0)
    assert line.fired == 2


@pytest.mark.fault(6, 23)
def test_what_was_told_before_the_list_and_happened_earlier_counts_from_when_it_happened() -> None:
    """The host slept, and hears of it all at once."""
    line = Line()
    line.stage.wait(20.0)
    line.tells("InCall")
    line.tells("OnHold")
    line.lists(4.0, late=0.1)
    assert line.since == line.stage.now - 4.0
    line.stage.wait(HOLD - 4.0)
    assert line.fired == 2


@pytest.mark.fault(5, 6)
def test_a_call_that_began_and_ended_before_the_list_is_seen_and_ends() -> None:
    stage = Stage(rules(rule("missed", enters("NotAnswered"), log("missed"))))
    stage.gap()
    stage.call()
    stage.close("s1", "NotAnswered")
    assert stage.logged == []
    stage.listing()
    assert stage.logged == ["missed"]
    assert stage.engine.sessions() == ()


@pytest.mark.fault(5, 6)
def test_an_end_that_was_told_before_the_list_is_not_taken_for_one_that_nobody_told() -> None:
    stage = Stage(rules(rule("r", enters("ended"), log("gone"))))
    stage.call(state="InCall")
    stage.gap()
    stage.close("s1", "CallerHungUp")
    stage.listing()
    assert [each.event.state for each in stage.observed][-1] == "CallerHungUp"
    assert stage.logged == ["gone"]


def test_two_seconds_are_no_other_stay() -> None:
    """Phone systems round."""
    line = Line()
    line.stage.wait(5.0)
    line.lists(line.stage.now - line.held - NEW_STAY, late=0.0)
    line.stage.wait(60.0)
    assert (line.fired, line.stage.list_requests) == (1, 0)
