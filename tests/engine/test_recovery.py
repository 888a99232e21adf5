"""What a simulation of faults has found to be lost or doubled: by crashes, by gaps, by answers that do not come."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from ozrules.engine.events import ConnectionOpened, RulesReplaced, SessionSeen, SessionsListed
from ozrules.engine.live import LiveSession
from ozrules.rules.model import ExternalCap, Hunt, Wait, Webhook
from ozrules.session.session import session_from
from tests.engine.forge import HERE, allowing, common, enters, forward, having, log, plain, rule, rules, transfer
from tests.engine.stage import LINE, Stage

FROM_A = having("caller", "eq", "+36201234567")
RINGS = {"sessionId": "s1", "sessionState": "Ringing", "caller": "+36201234567", "callee": "2001"}


def _live(stage: Stage, session_id: str) -> LiveSession:
    return next(live for key, live in stage.engine._world.live.items() if key.session_id == session_id)


@pytest.mark.parametrize("after", ["InCall", "OnHold"])
def test_what_was_unknown_is_never_said_to_have_lost_a_race(after: str) -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"))))
    stage.call()
    stage.lose()
    stage.change("s1", after)
    assert stage.outcomes == ["unknown", "unconfirmed"]


def test_a_failed_transfer_of_which_nothing_was_heard_is_unconfirmed() -> None:
    stage = Stage(rules(rule("r", enters("InCall"), transfer("2010"))))
    stage.call(state="InCall")
    stage.lose()
    stage.change("s1", "TransferFailed")
    assert stage.outcomes == ["unknown", "unconfirmed"]


@pytest.mark.fault(29)
def test_a_command_that_was_proven_before_the_crash_is_settled_once_and_the_sequence_goes_on() -> None:
    stage = Stage(rules(rule("r", enters("InCall"), plain("hold"), log("held"))))
    stage.call(state="InCall")
    stage.change("s1", "OnHold")
    stage.restart(1)
    stage.wait(0)
    assert stage.outcomes == ["confirmed"]
    assert stage.logged == ["held"]
    stage.restart(1)
    assert stage.outcomes == ["confirmed"]


@pytest.mark.fault(29)
def test_a_sequence_that_waited_for_a_webhook_goes_on_after_a_crash() -> None:
    hook = Webhook(
        url="https://crm.example/", method="POST", headers={}, body={}, common=common(on_failure=(log(),)), place=HERE
    )
    stage = Stage(rules(rule("r", enters("InCall"), hook, log("told"))))
    stage.call(state="InCall")
    stage.restart(1)
    stage.wait(0)
    assert stage.logged == ["told"], "the queue takes over what the journal has"
    stage.close("s1", "CallerHungUp")
    assert stage.memories == {}


@pytest.mark.fault(29)
def test_a_session_that_ended_without_a_word_stays_ended_over_a_restart() -> None:
    stage = Stage(rules(rule("r", enters("Ringing", hold=1.0), plain("hangup"))))
    stage.call()
    stage.wait(1)
    stage.close("s1")
    stage.call()
    stage.restart(30)
    stage.tell(RulesReplaced(at=stage.now, rules=stage.rules))
    assert len(stage.engine.sessions()) == 1
    assert [command.action for command in stage.sent] == ["hangup"], "the second call's time has passed"


def test_a_hunt_rings_each_number_once_whoever_else_hunts_meanwhile() -> None:
    hunt = Hunt(targets=("2002", "2003"), ring=5.0, order="roundRobin", on_exhausted=(), common=common(), place=HERE)
    stage = Stage(rules(rule("r", enters("Ringing"), hunt)))
    stage.call("s1")
    stage.answer()
    stage.change("s1", "Ringing", callee=stage.sent[0].to or "")
    stage.call("s2")
    stage.restart(1)
    stage.wait(60)
    assert sorted(command.to or "" for command in stage.sent if command.session.session_id == "s1") == ["2002", "2003"]


def test_actions_on_the_session_to_which_a_call_has_moved_are_counted_over_a_restart() -> None:
    stage = Stage(
        rules(rule("r", enters("Ringing", hold=0.0), forward("2010"), Wait(seconds=1, place=HERE), plain("hangup")))
    )
    stage.call("s1", masterSessionId="m")
    stage.wait(0)
    stage.answer()
    stage.call("s2", masterSessionId="m", state="InCall", callee="2010")
    stage.close("s1", "Redirected")
    stage.wait(1)
    assert [command.session.session_id for command in stage.sent] == ["s1", "s2"]
    before = _live(stage, "s2").actions
    stage.restart(1)
    assert _live(stage, "s2").actions == before == 1


@pytest.mark.fault(89)
def test_calls_sent_outside_are_counted_over_a_restart() -> None:
    guards = allowing("+3630*", external=ExternalCap(max_concurrent=1))
    stage = Stage(rules(rule("r", enters("Ringing"), forward("+36301234567")), guards=guards))
    stage.call("s1")
    stage.answer()
    stage.change("s1", "Ringing", callee="+36301234567")
    stage.restart(1)
    stage.call("s2", caller="+36209999999")
    assert [decision.reason for decision in stage.decisions] == ["fired", "guard"]


@pytest.mark.fault(28)
@pytest.mark.parametrize(("lasts", "outcomes"), [("20", ["unknown"]), ("4", ["unknown", "confirmed"])])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_session_that_was_there_before_a_command_left_is_no_effect_of_it(
    lasts: str, outcomes: list[str], restarts: bool
) -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"))))
    stage.call("s1", masterSessionId="s1")
    stage.lose()
    stage.gap()
    stage.sessions["s2"] = RINGS | {
        "sessionId": "s2",
        "masterSessionId": "s1",
        "callee": "2010",
        "stateDuration": lasts,
    }
    stage.wait(4)
    if restarts:
        stage.restart()
    else:
        stage.connect()
    assert stage.outcomes == outcomes


@pytest.mark.fault(34)
@pytest.mark.parametrize("restarts", [False, True])
def test_hops_are_known_of_a_call_that_went_on_where_nobody_saw_it(restarts: bool) -> None:
    stage = Stage(rules(rule("r", enters("Ringing", hold=2.0), forward("2010"))))
    stage.call("s1", masterSessionId="s1")
    stage.wait(2)
    stage.answer()
    stage.close("s1", "Redirected")
    assert stage.memories == {}
    stage.sessions["s2"] = RINGS | {"sessionId": "s2", "masterSessionId": "s1", "callee": "2099"}
    stage.wait(20)
    if restarts:
        stage.restart(1)
    else:
        stage.gap()
        stage.connect()
    assert _live(stage, "s2").chain.hops == 1
    stage.call("s3", masterSessionId="s3")
    assert _live(stage, "s3").chain.hops == 0


@pytest.mark.fault(34)
def test_hops_of_two_calls_that_went_to_one_number_are_not_taken_for_each_other() -> None:
    stage = Stage(rules(rule("r", enters("Ringing", hold=2.0), forward("2010"))))
    for master in ("a", "b"):
        stage.call(master, masterSessionId=master)
    stage.wait(2)
    stage.answer()
    stage.call("a2", masterSessionId="a", callee="2010")
    stage.answer()
    stage.close("b", "Redirected")
    stage.call("b2", masterSessionId="b", callee="2010")
    assert _live(stage, "a2").chain is not _live(stage, "b2").chain
    assert _live(stage, "b2").chain.hops == 1


@pytest.mark.fault(34)
def test_a_call_that_was_taken_for_another_takes_no_hops_from_it_when_it_ends() -> None:
    """The same caller rings the number to which the other call was forwarded, before that is seen to go on."""
    stage = Stage(rules(rule("r", enters("Ringing", hold=2.0), forward("2010"))))
    stage.call("a", masterSessionId="a")
    stage.wait(2)
    stage.answer()
    stage.close("a", "Redirected")
    stage.call("b", masterSessionId="b", callee="2010")
    stage.call("a2", masterSessionId="a", callee="2010")
    stage.wait(2)
    for _ in stage.open[:]:
        stage.answer()
    assert _live(stage, "a2").chain.hops == 2
    stage.close("b", "CallerHungUp")
    stage.call("a3", masterSessionId="a", callee="2099")
    assert _live(stage, "a3").chain.hops == 2


def test_what_the_phone_system_did_although_it_said_no_is_counted_when_it_shows() -> None:
    waiting = rule("w", enters("Ringing"), Wait(seconds=60, place=HERE))
    stage = Stage(rules(waiting, rule("r", enters("Ringing"), forward("2010"))))
    stage.call("s1", masterSessionId="s1")
    stage.refuse("invalid")
    stage.close("s1", "Redirected")
    stage.call("s2", masterSessionId="s1", state="InCall", callee="2010")
    assert _live(stage, "s2").chain.hops == 1


@pytest.mark.parametrize("kind", ["created", "stateChanged"])
@pytest.mark.fault(22)
def test_a_session_s_age_is_told_by_the_phone_system_s_clock_alone(kind: Literal["created", "stateChanged"]) -> None:
    """Its clock is an hour behind ours: nothing may seem to have lasted an hour."""
    stage = Stage(rules(rule("r", enters("active", hold=600.0, clock="session"), plain("hangup"))))
    began = stage.now - 3600.0
    stage.sessions["s1"] = RINGS | {"startTime": _iso(began), "stateDuration": "00:00:00"}
    stage.wait(5)
    session = session_from(stage.sessions["s1"])
    stage.tell(SessionSeen(at=stage.now, connection=LINE, kind=kind, session=session, reported_at=began + 5))
    stage.wait(590)
    assert stage.sent == []
    stage.wait(11)
    assert [command.action for command in stage.sent] == ["hangup"]


def test_the_phone_system_s_word_on_the_time_talked_counts() -> None:
    """We heard of the hold three seconds late."""
    stage = Stage(rules(rule("r", enters("InCall", hold=30.0, clock="talk"), plain("hangup"))))
    stage.call(state="InCall", talkDuration="00:00:00")
    stage.wait(13)
    stage.change("s1", "OnHold", talkDuration="00:00:10")
    stage.change("s1", "InCall", talkDuration="00:00:10")
    stage.wait(19.9)
    assert stage.sent == []
    stage.wait(0.2)
    assert [command.action for command in stage.sent] == ["hangup"]


def test_a_reload_in_a_gap_is_remembered() -> None:
    stage = Stage(rules(rule("r", enters("Ringing", hold=20.0), plain("hangup"))))
    stage.call()
    stage.gap()
    changed = rules(
        rule("r", enters("Ringing", hold=10.0), plain("hangup")), rule("n", enters("Ringing", hold=5.0), log())
    )
    stage.tell(RulesReplaced(at=stage.now, rules=changed))
    (memory,) = stage.memories.values()
    assert b'"n"' in memory
    assert min(stage.wakes.values()) == stage.now + 5.0


@pytest.mark.fault(8)
@pytest.mark.parametrize(("known", "late"), [("Ringing", "Created"), ("Ringing", "Setup"), ("Setup", "Created")])
def test_a_report_that_a_call_went_back_begins_no_new_stay(known: str, late: str) -> None:
    """What was told before a list may come after it."""
    stage = Stage(rules(rule("r", enters(known, hold=1.0), log())))
    stage.call(state=known)
    stage.wait(1)
    stage.change("s1", late)
    stage.change("s1", known)
    stage.wait(60)
    assert stage.logged == ["seen"]
    assert "outOfOrder" in stage.notices


@pytest.mark.fault(9, 10)
@pytest.mark.parametrize("kind", ["stateChanged", "closed"])
def test_a_late_report_of_the_call_that_bore_an_id_before_does_not_end_the_one_that_bears_it(
    kind: Literal["stateChanged", "closed"],
) -> None:
    stage = Stage(rules(rule("r", enters("Ringing", hold=20.0), plain("hangup"))))
    stage.call("s1", startTime="2026-11-23T10:00:40Z")
    stage.wait(1)
    old = session_from(RINGS | {"sessionState": "CallerHungUp", "startTime": "2026-11-23T10:00:00Z"})
    stage.tell(SessionSeen(at=stage.now, connection=LINE, kind=kind, session=old))
    stage.wait(20)
    assert [command.action for command in stage.sent] == ["hangup"]
    assert "lateEvent" in stage.notices


@pytest.mark.fault(35)
@pytest.mark.fault(5)
def test_a_rule_that_acts_on_resync_acts_once_in_a_stay_through_restarts_and_gaps() -> None:
    stage = Stage(rules(rule("r", enters("InCall"), log("met"), on_resync=True)))
    stage.call("s1")
    stage.change("s1", "InCall")
    stage.restart(1.0)
    stage.gap()
    stage.connect()
    assert stage.logged == ["met"]
    stage.gap()
    stage.sessions["s1"]["sessionState"] = "OnHold"
    stage.connect()
    stage.restart(1.0)
    stage.change("s1", "InCall")
    assert stage.logged == ["met", "met"], "another stay"
    stage.close("s1", "CallerHungUp")
    assert stage.memories == {}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def test_what_the_end_of_a_call_sets_off_is_not_lost_where_the_same_list_proves_our_forward() -> None:
    moved = rule("r", enters("Ringing"), forward("2010"), conditions=(having("callee", "eq", "2001"),))
    gone = rule("gone", enters("Aborted"), Wait(seconds=5.0, place=HERE), log("followed up"), on_resync=True)
    stage = Stage(rules(moved, gone))
    stage.call(masterSessionId="m")
    stage.lose()
    stage.gap()
    del stage.sessions["s1"]
    stage.sessions["s2"] = RINGS | {"sessionId": "s2", "callee": "2010", "masterSessionId": "m"}
    stage.connect()
    assert stage.outcomes == ["unknown", "confirmed"]
    stage.wait(5)
    assert stage.logged == ["followed up"]
    stage.close("s2", "CallerHungUp")
    assert stage.memories == {}


@pytest.mark.fault(10)
@pytest.mark.parametrize("restarts", [False, True])
def test_another_call_under_the_same_id_proves_nothing_of_a_command_to_the_call_before(restarts: bool) -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"), log("moved"), conditions=(FROM_A,))))
    stage.call(startTime="2026-11-23T10:00:00Z")
    stage.call(startTime="2026-11-23T10:00:05Z", caller="+36309999999", callee="2003")
    if restarts:
        stage.restart()
    else:
        stage.lose()
    stage.change("s1", "InCall")
    stage.wait(60)
    assert stage.outcomes == ["unknown", "unconfirmed"]
    assert stage.logged == []


@pytest.mark.fault(6, 23)
def test_nothing_is_done_between_a_list_and_the_changes_that_follow_it() -> None:
    """The list shows a call that has rung for long; that it was answered since is known, and so it is let alone."""
    stage = Stage(rules(rule("r", enters("Ringing", hold=20.0), plain("hangup"))), listed=False)
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE, epoch=""))
    ringing = session_from(RINGS | {"sessionId": "s1", "sessionState": "Ringing", "stateDuration": "00:00:22"})
    answered = session_from(RINGS | {"sessionId": "s1", "sessionState": "InCall", "stateDuration": "00:00:00"})
    seen = SessionSeen(at=stage.now, connection=LINE, kind="stateChanged", session=answered)
    stage.tell(SessionsListed(at=stage.now, connection=LINE, sessions=(ringing,), follow=(seen,)))
    stage.wait(60)
    assert stage.sent == []
    assert stage.reasons == [("r", "stateLeftBeforeFor")]


def test_a_hunt_controls_the_call_where_a_list_that_is_not_whole_names_it() -> None:
    """The list names the number that rings now, and not the session that was sent there: nobody else may act on it."""
    hunt = Hunt(targets=("2003", "2002"), ring=20.0, order="sequential", on_exhausted=(), common=common(), place=HERE)
    other = rule("other", enters("Ringing", hold=3.0), forward("2010"), conditions=(having("callee", "eq", "2003"),))
    stage = Stage(rules(rule("hunts", enters("Ringing"), hunt, conditions=(having("callee", "eq", "2004"),)), other))
    stage.call(caller="+36201234567", callee="2004", startTime="1970-01-12T13:46:40Z")
    stage.now += 1
    stage.restart(1)
    del stage.sessions["s1"]
    stage.sessions["s2"] = RINGS | {"sessionId": "s2", "callee": "2003", "masterSessionId": "s1"}
    stage.gap()
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE))
    stage.listing(complete=False)
    stage.wait(10)
    assert [(decision.rule, decision.by) for decision in stage.decisions if decision.reason == "outrankedBy"] == [
        ("other", "hunts")
    ]
