"""The tracker: when a state began, and which session a report is about."""

from datetime import UTC, datetime

import pytest

from ozrules.engine.events import ConnectionOpened, SessionSeen
from ozrules.session.session import session_from
from tests.engine.forge import enters, log, rule, rules
from tests.engine.stage import LINE, Stage

FOR = rules(rule("late", enters("Ringing", hold=20.0), log("20 s")))


def fires_after(stage: Stage) -> float:
    begun = stage.now
    due = min(stage.wakes.values())
    stage.wait(due - begun)
    assert stage.logged == ["20 s"]
    return due - begun


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("5", 15.0), ("00:00:05", 15.0), ("PT5S", 15.0), ("5.5", 14.5), ("", 20.0), ("nonsense", 20.0), ("-1", 20.0)],
)
def test_a_new_session_may_say_how_long_it_has_rung(duration: str, seconds: float) -> None:
    stage = Stage(FOR)
    stage.call(stateDuration=duration)
    assert fires_after(stage) == pytest.approx(seconds)


def test_a_live_change_counts_from_its_receipt_whatever_duration_comes_along() -> None:
    stage = Stage(rules(rule("late", enters("InCall", hold=20.0), log("20 s"))))
    stage.call()
    stage.wait(30)
    stage.change("s1", "InCall", stateDuration="30")
    assert fires_after(stage) == pytest.approx(20.0)


def test_the_phone_systems_own_time_of_a_report_gives_the_age_without_comparing_clocks() -> None:
    stage = Stage(FOR)
    session = session_from({"sessionId": "s", "sessionState": "Ringing", "startTime": "2026-11-23T10:00:00Z"})
    ten = 1_795_428_000.0
    stage.tell(SessionSeen(at=stage.now, connection=LINE, kind="created", session=session, reported_at=ten + 5))
    assert fires_after(stage) == pytest.approx(15.0)


def test_a_start_time_without_zone_is_read_in_the_connections_zone() -> None:
    stage = Stage(FOR, listed=False)
    stage.now = 1_795_428_005.0  # 2026-11-23 10:00:05 UTC
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE, zone="Europe/Budapest"))
    stage.sessions["s"] = {"sessionId": "s", "sessionState": "Ringing", "startTime": "2026-11-23 11:00:00"}
    stage.listing()
    assert fires_after(stage) == pytest.approx(15.0)


def test_a_start_in_the_future_counts_as_now() -> None:
    stage = Stage(FOR, listed=False)
    stage.sessions["s"] = {"sessionId": "s", "sessionState": "Ringing", "startTime": "2090-01-01T00:00:00Z"}
    stage.connect()
    assert fires_after(stage) == pytest.approx(20.0)


@pytest.mark.fault(10)
@pytest.mark.parametrize("ahead", [-7200.0, -240.0, 0.0, 240.0, 7200.0])
def test_before_the_first_report_a_list_says_how_far_the_phone_systems_clock_is_from_ours(ahead: float) -> None:
    stage = Stage(rules(), listed=False)

    def listed(state: str, age: float, **durations: str) -> dict[str, str]:
        started = datetime.fromtimestamp(stage.now + ahead - age, UTC).isoformat()
        return {"sessionId": state, "sessionState": state, "startTime": started} | durations

    stage.sessions["s1"] = listed("OnHold", 50.0, stateDuration="10", talkDuration="30")
    stage.sessions["s2"] = listed("InCall", 3605.0, stateDuration="5", talkDuration="3600")
    stage.connect()
    first, second = stage.engine._world.live.values()
    assert [stage.now - first.started, stage.now - second.started] == [pytest.approx(45.0), pytest.approx(3600.0)]


@pytest.mark.fault(7, 10)
@pytest.mark.parametrize("ahead", [-7200.0, -240.0])
def test_a_call_of_which_only_a_change_was_told_is_no_older_than_it_says_itself(ahead: float) -> None:
    """Its creation comes late, no list has shown a call yet, and the phone system's clock is behind ours."""
    stage = Stage(rules(rule("limit", enters("active", hold=70.0, clock="session"), log("long"))))
    stage.sessions["s1"] = {
        "sessionId": "s1",
        "sessionState": "Setup",
        "startTime": datetime.fromtimestamp(stage.now + ahead, UTC).isoformat(),
        "stateDuration": "00:00:00",
    }
    stage.change("s1", "Setup")
    stage.wait(69)
    assert stage.logged == []
    stage.wait(2)
    assert stage.logged == ["long"]


def test_the_same_start_in_another_form_is_the_same_session() -> None:
    stage = Stage(FOR)
    stage.call(startTime="2026-11-23T10:00:00Z")
    stage.change("s1", "InCall", startTime="2026-11-23 10:00:00.4")
    assert "sessionReused" not in stage.notices


@pytest.mark.parametrize("apart", [-4, -2, 2, 4])
def test_a_start_that_is_reckoned_anew_each_time_is_the_same_session(apart: int) -> None:
    """A start that is worked out from a duration in whole seconds, or by a clock that is set, differs by seconds."""
    stage = Stage(rules(rule("keys", enters("InCall", hold=1.0), log("keys"))))
    began = stage.now

    def start(by: int) -> str:
        return datetime.fromtimestamp(began + by, UTC).isoformat()

    stage.call(startTime=start(0))
    stage.change("s1", "InCall", startTime=start(apart))
    stage.wait(2)
    stage.gap()
    stage.sessions["s1"]["startTime"] = start(-apart // 2)
    stage.connect()
    stage.wait(10)
    assert stage.logged == ["keys"]
    assert "sessionReused" not in stage.notices
    stage.close("s1", "CallerHungUp")
    stage.sessions["s1"] = {"sessionId": "s1", "sessionState": "InCall", "callee": "2001", "startTime": start(apart)}
    stage.listing()  # the phone system names it for a while after its end
    stage.wait(5)
    assert stage.logged == ["keys"]


def test_a_start_that_differs_by_seconds_is_another_session_where_it_rings_again_or_for_others() -> None:
    stage = Stage(FOR)
    stage.call(startTime="2026-11-23T10:00:00Z")
    stage.call(startTime="2026-11-23T10:00:03Z")
    assert stage.notices.count("sessionReused") == 1
    stage.change("s1", "InCall")
    stage.change("s1", "Ringing", startTime="2026-11-23T10:00:06Z")
    assert stage.notices.count("sessionReused") == 2
    stage.change("s1", "Ringing", startTime="2026-11-23T10:00:09Z", caller="2007", callee="2008")
    assert stage.notices.count("sessionReused") == 3
    assert stage.engine.alive == 1


def test_a_call_that_is_forwarded_under_its_id_with_a_start_reckoned_anew_goes_on() -> None:
    stage = Stage(FOR)
    stage.call(startTime="2026-11-23T10:00:00Z")
    stage.gap()
    stage.sessions.clear()
    stage.connect(complete=False)
    stage.call(startTime="2026-11-23T10:00:02Z")  # announced after a list that does not name it yet
    stage.change("s1", "Ringing", callee="2010", startTime="2026-11-23T09:59:58Z")
    assert "sessionReused" not in stage.notices


@pytest.mark.fault(10)
def test_an_id_without_start_that_begins_anew_is_another_session() -> None:
    stage = Stage(FOR)
    stage.call()
    stage.change("s1", "InCall")
    stage.call()
    assert "sessionReused" in stage.notices
    assert fires_after(stage) == pytest.approx(20.0)


def test_a_session_listed_twice_is_one() -> None:
    stage = Stage(FOR)
    stage.sessions["a"] = {"sessionId": "a", "sessionState": "Ringing"}
    stage.listing()
    stage.listing()
    assert len(stage.observed) == 1


def test_only_what_a_session_is_not_how_long_it_has_been_makes_a_change() -> None:
    stage = Stage(FOR)
    stage.call()
    stage.change("s1", "Ringing", stateDuration="3")
    assert len(stage.observed) == 1
    stage.change("s1", "Ringing", calleeDisplayName="Desk")
    assert len(stage.observed) == 2


@pytest.mark.fault(14)
@pytest.mark.parametrize("duration", ["99999999.00:00:00", "9999999999", "P99999999D", "1.00:00:00"])
def test_a_list_that_calls_ancient_what_was_just_seen_to_begin_is_not_believed(duration: str) -> None:
    stage = Stage(rules(rule("talks", enters("InCall", hold=20.0), log())), listed=False)
    stage.sessions["s1"] = {"sessionId": "s1", "sessionState": "Ringing"}
    stage.connect()
    stage.gap()
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE))
    began = stage.now
    stage.change("s1", "InCall")
    stage.wait(1.0)
    stage.sessions["s1"]["stateDuration"] = duration
    stage.listing()
    stage.wait(30.0)
    assert [(each.at - began, each.event.since) for each in stage.decisions] == [(20.0, began)]
