"""A rule on a call, from the first ring to the outcome.

Long, because what is shown is the whole way, in the order in which the engine meets it.
"""

import gc
import tracemalloc

import pytest

from ozrules.engine.engine import Engine
from ozrules.engine.events import (
    CalendarDue,
    ClockAdjusted,
    ConnectionOpened,
    ModeChanged,
    RulePaused,
    RulesReplaced,
    ScheduleSwitched,
    TimerCancelled,
    Withheld,
)
from ozrules.rules.calendar import Cron, Schedule
from ozrules.rules.model import CalendarTrigger, DuringSchedule, OnMissed
from ozrules.session.state import HELD, IN_CALL, VENDOR_STATES
from tests.engine.forge import HERE, allowing, enters, forward, having, log, plain, rule, rules, transfer
from tests.engine.stage import LINE, Stage

SIX = Cron.daily(18 * 60)
UNANSWERED = rule(
    "no-answer", enters("Ringing", hold=20.0), forward("2010"), conditions=(having("callee", "eq", "2001"),)
)


def test_an_unanswered_call_is_forwarded_once_and_proven() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(19.999)
    assert stage.sent == []
    stage.wait(0.001)
    assert [(command.action, command.to) for command in stage.sent] == [("forward", "2010")]
    stage.answer()
    assert stage.outcomes == []
    stage.change("s1", "Redirected")
    assert stage.outcomes == ["confirmed"]
    stage.wait(600)
    assert len(stage.sent) == 1
    assert stage.reasons == [("no-answer", "fired")]


def test_an_answered_call_is_left_alone_and_the_record_says_why() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(19)
    stage.change("s1", "InCall")
    stage.wait(600)
    assert stage.sent == []
    assert stage.reasons == [("no-answer", "stateLeftBeforeFor")]


def test_a_stopped_rule_names_every_failing_leaf() -> None:
    busy = rule(
        "busy", enters("Busy"), log(), conditions=(having("callee", "eq", "2002"), having("dialedNumber", "eq", "1"))
    )
    stage = Stage(rules(busy))
    stage.call(state="Ringing")
    stage.change("s1", "Busy")
    (decision,) = stage.decisions
    assert decision.reason == "fieldMissing"
    assert [(leaf.path, leaf.wanted, leaf.actual, leaf.missing) for leaf in decision.failed] == [
        ("conditions.callee", "eq 2002", "2001", False),
        ("conditions.dialedNumber", "eq 1", None, True),
    ]


@pytest.mark.parametrize("state", VENDOR_STATES)
def test_a_rule_fires_on_entering_each_of_the_19_states(state: str) -> None:
    stage = Stage(rules(rule("watch", enters(state), log("{}"))))
    if state != "Ringing":
        stage.call(state="Setup")
        stage.change("s1", state)
    else:
        stage.call()
    assert stage.reasons == [("watch", "fired")]


def test_from_restricts_what_was_left() -> None:
    stage = Stage(rules(rule("resumed", enters("InCall", came=("held",)), log())))
    stage.call()
    stage.change("s1", "InCall")
    assert stage.decisions == []
    stage.change("s1", "OnHold")
    stage.change("s1", "InCall")
    assert stage.reasons == [("resumed", "fired")]


@pytest.mark.fault(38)
def test_one_rule_controls_the_call_and_the_others_are_outranked() -> None:
    first = rule("vip", enters("Ringing"), forward("2010"), priority=200)
    second = rule("spam", enters("Ringing"), plain("hangup"))
    watching = rule("crm", enters("Ringing"), log("ring"))
    stage = Stage(rules(second, watching, first))
    stage.call()
    assert [command.rule for command in stage.sent] == ["vip"]
    assert {decision.rule: (decision.reason, decision.by) for decision in stage.decisions} == {
        "vip": ("fired", None),
        "spam": ("outrankedBy", "vip"),
        "crm": ("fired", None),
    }
    assert next(each for each in stage.decisions if each.rule == "vip").outranked == ("spam",)
    assert stage.logged == ["ring"]


def test_while_a_command_is_in_flight_no_other_rule_takes_control() -> None:
    held = rule("held", enters("InCall"), plain("hold"))
    limit = rule("limit", enters("InCall", hold=3.0), plain("hangup"))
    stage = Stage(rules(held, limit))
    stage.call()
    stage.change("s1", "InCall")
    stage.wait(3)
    assert [command.action for command in stage.sent] == ["hold"]
    assert ("limit", "outrankedBy") in stage.reasons


def test_exclusive_false_opts_out() -> None:
    stage = Stage(
        rules(
            rule("first", enters("InCall"), plain("hold")),
            rule("second", enters("InCall"), plain("hangup"), exclusive=False),
        )
    )
    stage.call()
    stage.change("s1", "InCall")
    assert [command.action for command in stage.sent] == ["hold", "hangup"]


def test_timers_of_one_instant_are_one_event() -> None:
    stage = Stage(
        rules(
            rule("a", enters("Ringing", hold=5.0), forward("2010")),
            rule("b", enters("Ringing", hold=5.0), plain("hangup"), priority=200),
        )
    )
    stage.call()
    stage.wait(5)
    assert stage.reasons == [("b", "fired"), ("a", "outrankedBy")]


@pytest.mark.parametrize("status", ["shadow", "disabled"])
@pytest.mark.fault(46)
def test_shadow_and_disabled_rules_never_act_and_never_take_control(status: str) -> None:
    stage = Stage(
        rules(
            rule("quiet", enters("Ringing"), forward("2010"), priority=500, status=status),
            rule("loud", enters("Ringing"), forward("2011")),
        )
    )
    stage.call()
    assert stage.reasons == [("quiet", status), ("loud", "fired")]
    assert [command.to for command in stage.sent] == ["2011"]


def test_observe_mode_decides_and_sends_nothing() -> None:
    stage = Stage(rules(UNANSWERED), mode="observe")
    stage.call()
    stage.wait(20)
    assert [(decision.reason, decision.mode) for decision in stage.decisions] == [("fired", "observe")]
    assert stage.sent == []
    stage.tell(ModeChanged(at=stage.now, mode="enforce"))
    stage.call("s2")
    stage.wait(20)
    assert len(stage.sent) == 1


def test_a_paused_rule_waits_until_it_is_resumed() -> None:
    stage = Stage(rules(rule("watch", enters("Ringing"), log())))
    stage.tell(RulePaused(at=stage.now, rule="watch", paused=True))
    stage.call("a")
    stage.tell(RulePaused(at=stage.now, rule="watch", paused=False))
    stage.call("b")
    stage.tell(RulePaused(at=stage.now, rule=None, paused=True))
    stage.call("c")
    assert stage.reasons == [("watch", "disabled"), ("watch", "fired"), ("watch", "disabled")]


@pytest.mark.fault(10)
@pytest.mark.fault(41)
def test_an_id_that_comes_back_is_a_new_session() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call("s1", startTime="2026-11-23T10:00:00Z")
    stage.wait(15)
    stage.call("s1", startTime="2026-11-23T10:00:15Z")
    stage.wait(6)
    assert stage.sent == []
    assert "sessionReused" in stage.notices
    stage.wait(14)
    assert [command.session.start for command in stage.sent] == ["2026-11-23T10:00:15Z"]


@pytest.mark.fault(7)
def test_repeated_reports_change_nothing() -> None:
    stage = Stage(rules(rule("watch", enters("Ringing", "InCall"), log())))
    stage.call()
    stage.change("s1", "Ringing")
    stage.change("s1", "InCall")
    stage.change("s1", "InCall")
    stage.listing()
    assert len(stage.logged) == 2


@pytest.mark.fault(8)
@pytest.mark.fault(9)
def test_what_has_ended_stays_ended() -> None:
    stage = Stage(rules(rule("watch", enters("active"), log())))
    stage.call()
    stage.change("s1", "InCall")
    stage.change("s1", "CallerHungUp")
    seen = len(stage.logged)
    stage.change("s1", "InCall")
    stage.change("s1", "OnHold")
    assert len(stage.logged) == seen
    assert stage.notices.count("lateEvent") == 2


@pytest.mark.fault(8)
def test_a_report_that_comes_too_late_asks_for_the_list() -> None:
    stage = Stage(rules(rule("watch", enters("Ringing"), log())))
    stage.call(state="InCall")
    stage.change("s1", "Ringing")
    assert stage.logged == []
    assert stage.notices == ["outOfOrder"]
    assert stage.list_requests == 1


def test_a_change_of_an_unknown_session_is_no_edge_and_asks_for_the_list() -> None:
    stage = Stage(
        rules(rule("watch", enters("Ringing"), log()), rule("late", enters("Ringing", hold=5.0), log("late")))
    )
    stage.sessions["s9"] = {"sessionId": "s9", "sessionState": "Ringing"}
    stage.change("s9", "Ringing")
    assert stage.logged == []
    assert stage.list_requests == 1
    stage.wait(5)
    assert stage.logged == ["late"]


def test_closed_without_a_final_state_is_aborted() -> None:
    stage = Stage(rules(rule("lost", enters("Aborted"), log())))
    stage.call()
    stage.close("s1")
    assert stage.reasons == [("lost", "fired")]
    assert stage.decisions[0].certainty == "derived"


@pytest.mark.fault(17)
def test_an_unknown_state_matches_only_rules_that_name_it() -> None:
    stage = Stage(rules(rule("any", enters("active"), log("any")), rule("odd", enters("other:Zork"), log("odd"))))
    stage.call()
    stage.change("s1", "Zork")
    assert stage.logged == ["any", "odd"]
    assert "unknownState" in stage.notices


# --- gaps ----------------------------------------------------------------------------------------------------------


@pytest.mark.fault(5)
def test_after_a_gap_the_list_is_merged_and_unseen_edges_fire_nothing() -> None:
    stage = Stage(
        rules(
            rule("answer", enters("InCall"), log("in call")),
            rule("asks", enters("InCall"), log("asks"), on_resync=True),
        )
    )
    stage.call("stays")
    stage.call("ends")
    stage.gap()
    stage.sessions["stays"]["sessionState"] = "InCall"
    del stage.sessions["ends"]
    stage.sessions["new"] = {"sessionId": "new", "sessionState": "InCall"}
    stage.connect()
    assert stage.logged == ["asks", "asks"]
    assert [each.session.session_id for each in stage.observed if each.event.state == "Aborted"] == ["ends"]


@pytest.mark.fault(6)
def test_reports_before_the_list_count_as_seen_where_the_list_agrees() -> None:
    stage = Stage(rules(rule("watch", enters("Ringing", "InCall"), log())), listed=False)
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE))
    stage.sessions["old"] = {"sessionId": "old", "sessionState": "Ringing"}
    stage.call("new")
    assert stage.logged == []
    stage.listing()
    assert stage.logged == ["seen"]
    stage.change("new", "Ringing")
    stage.change("old", "Ringing")
    assert stage.logged == ["seen"]


@pytest.mark.fault(11)
def test_another_epoch_ends_all_earlier_sessions() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call("s1")
    stage.sessions.clear()
    stage.connect(epoch="2")
    stage.wait(60)
    assert stage.sent == []
    stage.call("s1")
    stage.wait(20)
    assert [command.session.epoch for command in stage.sent] == ["2"]


def test_a_list_that_is_not_complete_closes_nothing() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call("s1")
    stage.sessions.clear()
    stage.listing(complete=False)
    stage.wait(20)
    assert len(stage.sent) == 1


def test_a_for_counts_from_the_state_that_the_list_tells() -> None:
    stage = Stage(rules(UNANSWERED), listed=False)
    stage.sessions["s1"] = {"sessionId": "s1", "sessionState": "Ringing", "callee": "2001", "stateDuration": "00:00:15"}
    stage.connect()
    stage.wait(4.9)
    assert stage.sent == []
    stage.wait(0.2)
    assert len(stage.sent) == 1


def test_nothing_is_due_inside_a_gap() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(10)
    stage.gap()
    stage.wait(12)
    assert stage.sent == []
    stage.connect()
    assert [command.to for command in stage.sent] == ["2010"]
    assert stage.decisions[-1].event.late_by == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("policy", "away", "expected"),
    [
        ("fireIfStill", 13.0, "fired"),
        ("fireIfStill", 15.5, "missedTooLate"),
        ("fire", 86400.0, "fired"),
        ("skip", 13.0, "missedSkip"),
        ("skip", 9.0, "fired"),
    ],
)
def test_moments_that_passed_while_we_were_away(policy: OnMissed, away: float, expected: str) -> None:
    late = rule("late", enters("Ringing", hold=20.0), log(), on_missed=policy)
    stage = Stage(rules(late))
    stage.call(startTime="2026-11-23T10:00:00Z")
    stage.wait(10)
    stage.restart(away)
    stage.wait(2)
    assert stage.reasons == [("late", expected)]


def test_left_and_back_while_we_were_away_is_another_stay() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(10)
    stage.gap()
    stage.wait(9)
    stage.sessions["s1"]["stateDuration"] = "3"
    stage.connect()
    stage.wait(16.9)
    assert stage.sent == []
    stage.wait(0.2)
    assert len(stage.sent) == 1


# --- restarts ------------------------------------------------------------------------------------------------------


@pytest.mark.fault(29)
def test_a_waiting_for_survives_a_restart() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(12)
    stage.restart(3)
    stage.wait(4.9)
    assert stage.sent == []
    stage.wait(0.1)
    assert len(stage.sent) == 1


@pytest.mark.fault(29)
def test_what_fired_before_a_restart_does_not_fire_again() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(20)
    stage.restart(1)
    assert stage.outcomes == ["unknown"]
    stage.wait(600)
    assert len(stage.sent) == 1
    assert stage.outcomes == ["unknown", "unconfirmed"]


@pytest.mark.fault(29)
def test_an_unknown_command_is_settled_by_what_the_list_shows() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(20)
    stage.sessions["s1"]["callee"] = "2010"
    stage.restart(1)
    assert stage.outcomes == ["unknown", "confirmed"]


# --- rules change --------------------------------------------------------------------------------------------------


@pytest.mark.fault(75)
def test_equal_rules_keep_their_timers_and_a_changed_for_counts_from_the_same_start() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(10)
    stage.tell(RulesReplaced(at=stage.now, rules=rules(UNANSWERED)))
    longer = rule("no-answer", enters("Ringing", hold=30.0), forward("2010"))
    stage.tell(RulesReplaced(at=stage.now, rules=rules(longer)))
    stage.wait(19.9)
    assert stage.sent == []
    stage.wait(0.1)
    assert len(stage.sent) == 1


@pytest.mark.fault(5)
@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_decided_between_a_gap_and_the_list_is_degraded(restarts: bool) -> None:
    stage = Stage(rules(UNANSWERED))
    for session in ("s1", "s2"):
        stage.call(session)
    stage.wait(1)
    if restarts:
        stage.engine = Engine(rules(UNANSWERED), at=stage.now, memories=sorted(stage.memories.items()))
    else:
        stage.gap()
    stage.tell(TimerCancelled(at=stage.now, session=min(stage.memories), rule="no-answer", trigger="0"))
    stage.connect()
    stage.wait(20)
    assert [(each.reason, each.certainty) for each in stage.decisions] == [
        ("cancelled", "degraded"),
        ("fired", "complete"),
    ]


@pytest.mark.fault(75)
def test_a_removed_rule_ends_its_timer_and_says_so() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(10)
    stage.tell(RulesReplaced(at=stage.now, rules=rules()))
    stage.wait(60)
    assert stage.reasons == [("no-answer", "ruleRemoved")]
    assert stage.sent == []


@pytest.mark.fault(75)
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(("clock", "times"), [("session", 1), ("talk", 1), ("state", 2)])
def test_a_rule_that_is_taken_out_and_put_back_remembers_what_it_has_fired_on(
    clock: str, times: int, restarts: bool
) -> None:
    """Once a session where the session's time counts, once a stay where the state's does."""
    enough = rule("enough", enters("InCall", hold=5.0, clock=clock), log("enough"))
    stage = Stage(rules(enough))
    stage.call(state="InCall")
    stage.wait(6)
    stage.tell(RulesReplaced(at=stage.now, rules=rules()))
    if restarts:
        stage.rules = rules()
        stage.restart()
        times = 1  # of a rule that is not there, nobody knows whether the stay matters to it
    stage.change("s1", "OnHold")
    stage.change("s1", "InCall")
    stage.tell(RulesReplaced(at=stage.now, rules=rules()))
    stage.tell(RulesReplaced(at=stage.now, rules=rules(enough)))
    stage.wait(60)
    assert stage.logged == ["enough"] * times


@pytest.mark.fault(75)
def test_a_rule_that_is_put_back_in_the_same_stay_does_not_fire_again() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(25)
    stage.tell(RulesReplaced(at=stage.now, rules=rules()))
    stage.tell(RulesReplaced(at=stage.now, rules=rules(UNANSWERED)))
    stage.wait(60)
    assert len(stage.sent) == 1


def test_a_rule_that_is_loaded_later_acts_on_living_sessions_only_through_for() -> None:
    stage = Stage(rules())
    stage.call()
    stage.wait(10)
    edge = rule("edge", enters("Ringing"), plain("hangup"))
    stage.tell(RulesReplaced(at=stage.now, rules=rules(edge, UNANSWERED)))
    stage.wait(10)
    assert stage.reasons == [("no-answer", "fired")]


def test_a_timer_can_be_cancelled() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    (key,) = stage.wakes
    stage.tell(TimerCancelled(at=stage.now, session=key, rule="no-answer", trigger="0"))
    stage.wait(60)
    assert stage.reasons == [("no-answer", "cancelled")]


# --- clocks --------------------------------------------------------------------------------------------------------


def test_clock_talk_counts_time_talked_and_fires_once_a_session() -> None:
    limit = rule("limit", enters("InCall", hold=60.0, clock="talk"), log("a minute"))
    stage = Stage(rules(limit))
    stage.call()
    stage.change("s1", "InCall")
    stage.wait(40)
    stage.change("s1", "OnHold")
    stage.wait(100)
    stage.change("s1", "InCall")
    stage.wait(19)
    assert stage.logged == []
    stage.wait(1)
    assert stage.logged == ["a minute"]
    stage.change("s1", "OnHold")
    stage.change("s1", "InCall")
    stage.wait(500)
    assert stage.logged == ["a minute"]


def test_clock_session_counts_from_the_start_of_the_session() -> None:
    limit = rule("limit", enters("active", hold=7200.0, clock="session"), log("two hours"))
    stage = Stage(rules(limit))
    stage.call()
    stage.wait(30)
    stage.change("s1", "InCall")
    stage.wait(7169)
    assert stage.logged == []
    stage.wait(1)
    assert stage.logged == ["two hours"]


def test_moving_between_listed_states_does_not_end_the_wait() -> None:
    hold = rule("held", enters("held", hold=30.0), log("long hold"))
    stage = Stage(rules(hold))
    stage.call()
    stage.change("s1", "InCall")
    stage.change("s1", "CalleeOnHold")
    stage.wait(20)
    stage.change("s1", "OnHold")
    stage.wait(10)
    assert stage.logged == ["long hold"]


@pytest.mark.fault(22)
def test_a_jump_of_the_wall_clock_moves_no_for() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(10)
    stage.tell(ClockAdjusted(at=stage.now, offset=86400.0))
    stage.wait(9.9)
    assert stage.sent == []
    stage.wait(0.1)
    assert len(stage.sent) == 1


# --- guards --------------------------------------------------------------------------------------------------------


@pytest.mark.fault(45)
def test_an_emergency_call_is_never_touched() -> None:
    stage = Stage(rules(rule("all", enters("Ringing"), forward("2010")), guards=allowing("*")))
    stage.call(callee="112")
    assert stage.reasons == [("all", "protected")]
    assert stage.sent == []


@pytest.mark.fault(89)
@pytest.mark.parametrize("number", ["+3690123456", "0690123456", "+4412345678", "*72", "#21#", "abc", "", "112"])
def test_a_destination_outside_the_policy_is_refused(number: str) -> None:
    stage = Stage(rules(rule("out", enters("Ringing"), forward(number)), guards=allowing("+3620*")))
    stage.call()
    assert stage.reasons in ([("out", "guard")], [("out", "protected")])
    assert stage.sent == []


def test_a_guarded_rule_does_not_take_control() -> None:
    stage = Stage(
        rules(
            rule("out", enters("Ringing"), forward("+4412345678"), priority=500),
            rule("in", enters("Ringing"), forward("2010")),
        )
    )
    stage.call()
    assert stage.reasons == [("out", "guard"), ("in", "fired")]


@pytest.mark.fault(34)
@pytest.mark.parametrize("master", ["m1", None])
def test_two_rules_that_forward_to_each_other_stop_at_the_guard(master: str | None) -> None:
    stage = Stage(
        rules(
            rule("ab", enters("Ringing"), forward("2002"), conditions=(having("callee", "eq", "2001"),)),
            rule("ba", enters("Ringing"), forward("2001"), conditions=(having("callee", "eq", "2002"),)),
        )
    )
    more = {} if master is None else {"masterSessionId": master}
    stage.call("s0", callee="2001", **more)
    for number in range(10):
        if not stage.open:
            break
        target = stage.sent[-1].to
        stage.answer()
        stage.change(f"s{number}", "Redirected")
        stage.call(f"s{number + 1}", callee=target or "", **more)
    assert len(stage.sent) == 3
    assert stage.reasons[-1][1] == "hops" or ("ab", "hops") in stage.reasons or ("ba", "hops") in stage.reasons


def test_a_session_has_a_budget_of_actions() -> None:
    flap = rule("flap", enters("InCall"), plain("hold"))
    stage = Stage(rules(flap))
    stage.call()
    for _ in range(12):
        stage.change("s1", "InCall")
        if stage.open:
            stage.answer()
        stage.change("s1", "OnHold")
    assert len(stage.sent) == 10
    assert stage.reasons[-1] == ("flap", "budget")


def test_the_gate_looks_again_at_the_moment_of_sending() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(20)
    (command,) = stage.sent
    assert stage.engine.gate(command, stage.now) is None
    late = stage.engine.gate(command, stage.now + 60)
    assert late is not None
    assert late.outcome == "expired"
    stage.change("s1", "InCall")
    raced = stage.engine.gate(command, stage.now)
    assert raced is not None
    assert raced.outcome == "lostRace"
    stage.change("s1", "CallerHungUp")
    gone = stage.engine.gate(command, stage.now)
    assert gone is not None
    assert gone.outcome == "targetGone"


@pytest.mark.fault(47)
def test_what_a_gap_keeps_from_leaving_is_not_laid_to_the_connection_for_the_disk_may_have_been_full() -> None:
    stage = Stage(rules(UNANSWERED))
    stage.call()
    stage.wait(20)
    (command,) = stage.sent
    stage.gap()
    withheld = stage.engine.gate(command, stage.now)
    assert withheld == Withheld("expired", "the list of calls had to be read anew before it could be sent")


# --- calendar ------------------------------------------------------------------------------------------------------


def test_a_calendar_moment_fires_once() -> None:
    nightly = rule(
        "nightly",
        CalendarTrigger(id="0", cron=SIX, sessions=frozenset(), place=HERE),
        log("closing"),
    )
    stage = Stage(rules(rule("once", CalendarTrigger(id="0", cron=SIX, place=HERE), log("six")), nightly))
    due = CalendarDue(at=stage.now, rule="once", trigger="0", due=stage.now)
    stage.tell(due)
    stage.tell(due)
    stage.tell(CalendarDue(at=stage.now, rule="nightly", trigger="0", due=stage.now))
    assert stage.logged == ["six"]


def test_a_calendar_moment_runs_for_each_live_session_of_its_states() -> None:
    closing = rule("closing", CalendarTrigger(id="0", cron=SIX, sessions=HELD | {IN_CALL}, place=HERE), plain("hangup"))
    stage = Stage(rules(closing))
    stage.call("a")
    stage.call("b", state="InCall")
    stage.tell(CalendarDue(at=stage.now, rule="closing", trigger="0", due=stage.now))
    assert [command.session.session_id for command in stage.sent] == ["b"]


def test_blind_transfer_names_the_party_that_moves() -> None:
    stage = Stage(rules(rule("pass-on", enters("InCall"), transfer("2010"))))
    stage.call()
    stage.change("s1", "InCall")
    (command,) = stage.sent
    assert (command.action, command.party, command.to) == ("blindTransfer", "caller", "2010")


def test_a_schedule_is_as_it_was_switched_until_its_time_is_over() -> None:
    during = DuringSchedule(name="hours", inside=True, path="conditions.schedule", place=HERE)
    open_always = rules(
        rule("open", enters("Ringing"), log(), conditions=(during,)), schedules={"hours": Schedule(timezone="UTC")}
    )
    stage = Stage(open_always)
    stage.call("s1")
    stage.tell(ScheduleSwitched(at=stage.now, schedule="hours", open=False, until=stage.now + 60))
    stage.call("s2")
    stage.wait(60)
    stage.call("s3")
    stage.tell(ScheduleSwitched(at=stage.now, schedule="hours", open=False))
    stage.wait(86_400)
    stage.call("s4")
    stage.tell(ScheduleSwitched(at=stage.now, schedule="hours", open=None))
    stage.call("s5")
    said = [(each.reason, *(leaf.actual for leaf in each.failed)) for each in stage.decisions]
    closed = ("outsideSchedule", "closed, switched by hand")
    assert said == [("fired",), closed, ("fired",), closed, ("fired",)]


@pytest.mark.fault(13)
@pytest.mark.timeout(600)
def test_ten_thousand_calls_and_timers_at_once_take_memory_in_step_and_all_fire_in_time() -> None:
    def held(calls: int) -> int:
        stage = Stage(rules(UNANSWERED))
        gc.collect()
        tracemalloc.start()
        for number in range(calls):
            stage.now += 0.001
            stage.call(f"s{number}", caller=f"+3620{number:07}")
        stage.effects.clear()
        stage.events.clear()
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        stage.wait(60)
        assert len(stage.sent) == calls
        assert all(decision.event.late_by == 0 for decision in stage.decisions)
        return used

    assert held(10_000) < 12 * held(1_000)
