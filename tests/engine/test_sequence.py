"""Sequences of actions: every step has one outcome, and what follows depends on it.

Long, as there are many kinds of steps; what a refusal leads to stands in `test_refusals`.
"""

from typing import Any

import pytest

from ozrules.engine.events import Accepted, ClockAdjusted, CommandAnswered, PostSettled, Withheld
from ozrules.engine.run import SETTLE
from ozrules.rules.model import (
    Action,
    Branch,
    Choose,
    Expect,
    ExternalCap,
    FieldRef,
    Forward,
    Hunt,
    Log,
    Lookup,
    Mode,
    Retry,
    RuleSet,
    SecretRef,
    SendDtmf,
    SetVariables,
    Stop,
    Templated,
    Throttle,
    Wait,
    WaitFor,
    Webhook,
)
from ozrules.rules.model import Canary as CanaryStatus
from tests.engine.forge import (
    HERE,
    allowing,
    common,
    enters,
    forward,
    having,
    log,
    plain,
    rule,
    rules,
    states,
    transfer,
)
from tests.engine.stage import Stage


def on_answer(*actions: Action, **rest: Any) -> RuleSet:
    """One rule that takes these actions when a call is answered."""
    return rules(rule("r", enters("InCall"), *actions, **rest))


def talking(stage: Stage, session_id: str = "s1") -> None:
    stage.call(session_id)
    stage.change(session_id, "InCall")


def test_hold_wait_unhold_with_proofs() -> None:
    stage = Stage(on_answer(plain("hold"), Wait(seconds=60.0, place=HERE), plain("unhold")))
    talking(stage)
    stage.answer()
    assert [command.action for command in stage.sent] == ["hold"]
    stage.change("s1", "OnHold")
    assert stage.outcomes == ["confirmed"]
    stage.wait(60)
    assert [command.action for command in stage.sent] == ["hold", "unhold"]
    stage.answer()
    stage.change("s1", "InCall")
    assert stage.outcomes == ["confirmed", "confirmed"]


@pytest.mark.fault(28)
def test_an_answer_that_never_comes_is_unknown_and_then_settled_by_what_is_seen() -> None:
    stage = Stage(on_answer(transfer("2010")))
    talking(stage)
    stage.lose()
    assert stage.outcomes == ["unknown"]
    assert stage.list_requests == 1
    stage.change("s1", "Transferring")
    assert stage.outcomes == ["unknown", "confirmed"]
    stage.wait(600)
    assert len(stage.sent) == 1


@pytest.mark.fault(28)
def test_what_is_unknown_and_not_seen_is_unconfirmed_and_not_repeated() -> None:
    stage = Stage(on_answer(transfer("2010", retry=Retry(3, 1.0))))
    talking(stage)
    stage.lose()
    stage.wait(600)
    assert stage.outcomes == ["unknown", "unconfirmed"]
    assert len(stage.sent) == 1


@pytest.mark.fault(30)
def test_accepted_but_not_done_is_unconfirmed() -> None:
    stage = Stage(on_answer(plain("hold")))
    talking(stage)
    stage.answer()
    stage.wait(5)
    assert stage.outcomes == ["unconfirmed"]


def test_a_proof_that_comes_before_the_answer_counts() -> None:
    stage = Stage(on_answer(plain("hold")))
    talking(stage)
    stage.change("s1", "OnHold")
    assert stage.outcomes == []
    stage.answer()
    assert stage.outcomes == ["confirmed"]


@pytest.mark.fault(32)
def test_a_callee_who_answers_meanwhile_wins_the_race() -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"), log("went on"))))
    stage.call()
    stage.change("s1", "InCall")
    stage.answer()
    assert stage.outcomes == ["lostRace"]
    assert stage.logged == []


@pytest.mark.fault(33)
def test_a_caller_who_hangs_up_meanwhile_is_gone_and_the_rest_is_cancelled() -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"), log("went on"))))
    stage.call()
    stage.change("s1", "Cancelled")
    stage.answer()
    assert stage.outcomes == ["targetGone"]
    assert stage.logged == []
    assert not stage.engine._world.live


@pytest.mark.fault(33)
def test_a_call_that_ends_during_a_wait_cancels_the_rest() -> None:
    stage = Stage(on_answer(Wait(seconds=30.0, place=HERE), plain("hangup"), log("went on")))
    talking(stage)
    stage.wait(10)
    stage.change("s1", "CallerHungUp")
    stage.wait(60)
    assert stage.sent == []
    assert stage.outcomes == ["targetGone"]
    assert stage.logged == []


def held_and_refused(stage: Stage) -> None:
    """The call is put on hold, the transfer that follows is refused, and the call is taken up again."""
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    stage.refuse("invalid")
    stage.wait(SETTLE)
    assert [command.action for command in stage.sent] == ["hold", "blindTransfer", "unhold"]
    stage.answer()
    stage.change("s1", "InCall")


@pytest.mark.fault(37)
def test_on_failure_is_taken_where_a_later_step_fails() -> None:
    stage = Stage(on_answer(plain("hold"), transfer("2010", on_failure=(plain("unhold"),)), log("went on")))
    held_and_refused(stage)
    assert stage.outcomes == ["confirmed", "rejected", "confirmed"]
    assert stage.logged == ["went on"]


@pytest.mark.fault(37)
def test_a_sequence_that_stops_at_a_failure_takes_up_the_call_that_it_holds_and_does_nothing_else() -> None:
    stage = Stage(on_answer(plain("hold"), transfer("2010"), log("moved"), plain("unhold"), log("went on")))
    held_and_refused(stage)
    stage.wait(600)
    assert stage.outcomes == ["confirmed", "rejected", "confirmed"]
    assert stage.logged == []


@pytest.mark.fault(37)
def test_a_failure_within_a_branch_undoes_what_was_begun_before_the_branch_over_a_restart_too() -> None:
    branch = Choose(branches=(Branch(None, (plain("startListen"), transfer("2010"), plain("stopListen"))),), place=HERE)
    stage = Stage(on_answer(plain("hold"), branch, log("went on"), plain("unhold")))
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    stage.answer()
    stage.refuse("invalid")
    stage.wait(SETTLE)
    assert [command.action for command in stage.sent] == ["hold", "startListen", "blindTransfer", "stopListen"]
    stage.restart(1.0)
    stage.wait(10)
    assert [command.action for command in stage.sent][4:] == ["unhold"]
    assert stage.logged == []


@pytest.mark.fault(37)
def test_an_undo_that_fails_is_not_tried_by_another_step() -> None:
    stage = Stage(on_answer(plain("hold"), transfer("2010"), plain("unhold"), plain("unhold")))
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    for _ in range(2):
        stage.refuse("invalid")
        stage.wait(SETTLE)
    assert [command.action for command in stage.sent] == ["hold", "blindTransfer", "unhold"]


@pytest.mark.fault(37)
def test_nothing_is_undone_on_a_call_that_has_ended() -> None:
    stage = Stage(on_answer(plain("hold"), transfer("2010"), plain("unhold")))
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    stage.refuse("invalid")
    stage.change("s1", "CallerHungUp")
    stage.wait(60)
    assert stage.outcomes == ["confirmed", "rejected"]
    assert [command.action for command in stage.sent] == ["hold", "blindTransfer"]


@pytest.mark.fault(42)
def test_a_listener_that_may_have_begun_is_stopped_though_the_rule_only_takes_up_the_call() -> None:
    stage = Stage(on_answer(plain("hold"), plain("startListen"), log("went on"), plain("unhold")))
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    stage.restart(1.0)
    stage.wait(10)
    stage.answer()
    assert [command.action for command in stage.sent] == ["hold", "startListen", "stopListen", "unhold"]
    assert stage.logged == []


def test_without_on_failure_the_sequence_ends_at_the_failure() -> None:
    stage = Stage(on_answer(plain("hold"), log("went on")))
    talking(stage)
    stage.refuse("invalid")
    stage.wait(600)
    assert stage.outcomes == ["rejected"]
    assert stage.logged == []


def test_retry_follows_unavailable_and_each_try_is_its_own_command() -> None:
    stage = Stage(on_answer(transfer("2010", retry=Retry(2, 1.0))))
    talking(stage)
    for _ in range(3):
        stage.refuse("unavailable")
        stage.wait(4)
    assert len(stage.sent) == 3
    assert len({command.id for command in stage.sent}) == 3
    assert stage.outcomes == ["rejected"] * 3


def test_what_may_be_repeated_is_repeated_after_looking() -> None:
    stage = Stage(on_answer(plain("hangup", retry=Retry(2, 1.0))))
    talking(stage)
    stage.answer()
    stage.wait(6)
    assert len(stage.sent) == 2
    stage.change("s1", "CallerHungUp")
    stage.answer()
    assert stage.outcomes == ["unconfirmed", "confirmed"]


@pytest.mark.fault(40)
def test_dtmf_is_one_command_with_all_its_keys_and_is_never_repeated() -> None:
    keys = SendDtmf(to="callee", keys="12#", gap=0.25, common=common(retry=Retry(5, 1.0)), place=HERE)
    stage = Stage(on_answer(keys))
    talking(stage)
    (command,) = stage.sent
    assert (command.party, command.key, command.gap) == ("callee", "12#", 0.25)
    stage.lose()
    stage.wait(600)
    assert len(stage.sent) == 1
    assert stage.outcomes == ["unknown", "unconfirmed"]


@pytest.mark.fault(99)
def test_a_secret_is_named_and_never_shown() -> None:
    keys = SendDtmf(to="callee", keys=SecretRef("doorPin"), gap=0.25, common=common(), place=HERE)
    stage = Stage(on_answer(keys))
    talking(stage)
    assert stage.sent[0].key == SecretRef("doorPin")
    assert stage.decisions[0].actions[0].args["keys"] == "(secret)"
    stage.answer()
    assert stage.outcomes == ["accepted"]


def test_expect_looks_only_at_what_comes_after() -> None:
    wanted = forward("2010", expect=Expect(states("Ringing", "InCall"), 5.0))
    stage = Stage(rules(rule("r", enters("Ringing", hold=20.0), wanted)))
    stage.call(masterSessionId="m")
    stage.wait(20)
    stage.answer()
    stage.change("s1", "Ringing")
    assert stage.outcomes == []
    stage.change("s1", "Ringing", callee="2010")
    assert stage.outcomes == ["confirmed"]


def test_expect_looks_at_all_sessions_of_the_call() -> None:
    wanted = forward("2010", expect=Expect(states("Ringing"), 5.0))
    stage = Stage(rules(rule("r", enters("Ringing", hold=20.0), wanted)))
    stage.call("s1", masterSessionId="m")
    stage.wait(20)
    stage.answer()
    stage.change("s1", "Redirected")
    assert stage.outcomes == []
    stage.call("s2", callee="2010", masterSessionId="m")
    assert stage.outcomes == ["confirmed"]


def test_expect_that_is_not_met_is_unconfirmed() -> None:
    wanted = plain("hold", expect=Expect(states("OnHoldInactive"), 3.0))
    stage = Stage(on_answer(wanted))
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    stage.wait(3)
    assert stage.outcomes == ["unconfirmed"]


def test_wait_for_goes_on_with_the_state_or_takes_on_timeout() -> None:
    waiting = WaitFor(states=states("OnHold"), timeout=10.0, on_timeout=(log("nobody held"),), place=HERE)
    held, idle = Stage(on_answer(waiting, log("on"))), Stage(on_answer(waiting, log("on")))
    talking(held)
    held.change("s1", "OnHold")
    assert held.logged == ["on"]
    talking(idle)
    idle.wait(10)
    assert idle.logged == ["nobody held", "on"]


def test_wait_for_stop_ends_the_sequence() -> None:
    stage = Stage(on_answer(WaitFor(states=states("OnHold"), timeout=10.0, on_timeout="stop", place=HERE), log()))
    talking(stage)
    stage.wait(10)
    assert stage.logged == []


def test_choose_takes_the_first_branch_that_holds_and_set_is_read_back() -> None:
    vip = Branch(having("caller", "in", "+3620*"), (SetVariables(values={"kind": ("vip",)}, place=HERE),))
    other = Branch(None, (SetVariables(values={"kind": ("other",)}, place=HERE),))
    told = Log(text=("a ", FieldRef("var.kind"), " call from ", FieldRef("caller")), place=HERE)
    stage = Stage(on_answer(Choose(branches=(vip, other), place=HERE), told, Stop(place=HERE), log("never")))
    talking(stage)
    assert stage.logged == ["a vip call from +36201234567"]


def test_a_lookup_takes_the_number_of_the_callee() -> None:
    mobiles = Lookup(name="ownerMobile", table={"2001": "+36301110001"}, key="callee", default=None, place=HERE)
    action = Forward(to=mobiles, common=common(), place=HERE)
    stage = Stage(rules(rule("r", enters("Ringing"), action), guards=allowing("+36*")))
    stage.call("a")
    stage.call("b", callee="2002")
    assert [command.to for command in stage.sent] == ["+36301110001"]
    assert stage.reasons == [("r", "fired"), ("r", "actionFailed")]


@pytest.mark.fault(90)
@pytest.mark.fault(73)
def test_a_destination_from_a_template_needs_the_guards_consent_and_passes_them() -> None:
    back = Forward(to=Templated("caller", HERE), common=common(), place=HERE)
    closed = Stage(rules(rule("r", enters("Ringing"), back), guards=allowing("+36*")))
    closed.call()
    assert closed.reasons == [("r", "guard")]
    opened = Stage(rules(rule("r", enters("Ringing"), back), guards=allowing("+36*", templated=True)))
    opened.call("ok")
    opened.call("bad", caller="+36201234567&SIP/evil")
    opened.call("far", caller="+4412345678")
    assert [command.to for command in opened.sent] == ["+36201234567"]


def test_a_hunt_rings_one_after_the_other_until_somebody_answers() -> None:
    hunt = Hunt(
        targets=("2011", "2012"),
        ring=15.0,
        order="sequential",
        on_exhausted=(log("nobody"),),
        common=common(),
        place=HERE,
    )
    stage = Stage(rules(rule("r", enters("Ringing"), hunt, log("answered"))))
    stage.call("s1", masterSessionId="m")
    assert [command.to for command in stage.sent] == ["2011"]
    stage.answer()
    stage.change("s1", "Redirected")
    stage.call("s2", callee="2011", masterSessionId="m")
    stage.wait(15)
    assert [(command.session.session_id, command.to) for command in stage.sent] == [("s1", "2011"), ("s2", "2012")]
    stage.answer()
    stage.change("s2", "Redirected")
    stage.call("s3", callee="2012", masterSessionId="m")
    stage.change("s3", "InCall")
    assert stage.logged == ["answered"]
    stage.wait(60)
    assert len(stage.sent) == 2


def test_a_hunt_that_nobody_answers_is_exhausted() -> None:
    hunt = Hunt(
        targets=("2011",), ring=15.0, order="sequential", on_exhausted=(log("nobody"),), common=common(), place=HERE
    )
    stage = Stage(rules(rule("r", enters("Ringing"), hunt)))
    stage.call()
    stage.answer()
    stage.change("s1", "Ringing", callee="2011")
    stage.wait(15)
    assert stage.logged == ["nobody"]


def test_round_robin_begins_with_the_next_number_each_time() -> None:
    hunt = Hunt(
        targets=("2011", "2012", "2013"), ring=15.0, order="roundRobin", on_exhausted=(), common=common(), place=HERE
    )
    stage = Stage(rules(rule("r", enters("Ringing"), hunt)))
    for name in "abcd":
        stage.call(name)
    assert [command.to for command in stage.sent] == ["2011", "2012", "2013", "2011"]


def test_a_webhook_does_not_stop_the_sequence_and_its_fate_is_recorded() -> None:
    hook = Webhook(
        url="https://crm.example/",
        method="POST",
        headers={},
        body={"who": (FieldRef("caller"),)},
        common=common(),
        place=HERE,
    )
    stage = Stage(on_answer(hook, log("went on")))
    talking(stage)
    (post,) = stage.posts
    assert post.body == {"who": "+36201234567"}
    assert stage.logged == ["went on"]
    stage.tell(CommandAnswered(at=stage.now, command=post.id, receipt=Accepted()))
    assert stage.outcomes == [], "taken over is not delivered"
    stage.close("s1", "CallerHungUp")
    stage.restart(60)
    stage.tell(PostSettled(at=stage.now, post=post, outcome="expired", after=60.0, error="status 503"))
    assert stage.outcomes == ["expired"]
    assert stage.errors == ["status 503"]


def test_a_webhook_with_on_failure_is_waited_for() -> None:
    hook = Webhook(
        url="https://crm.example/",
        method="POST",
        headers={},
        body={},
        common=common(on_failure=(log("dead"),)),
        place=HERE,
    )
    stage = Stage(on_answer(hook))
    talking(stage)
    stage.tell(CommandAnswered(at=stage.now, command=stage.posts[0].id, receipt=Withheld("throttled", "queue full")))
    assert stage.logged == ["dead"]
    assert stage.outcomes == ["throttled"]


@pytest.mark.parametrize(
    ("mode", "sent"), [("single", ["hold"]), ("parallel", ["hold", "hold"]), ("restart", ["hold", "hold"])]
)
def test_modes_decide_what_happens_while_a_rule_is_under_way(mode: Mode, sent: list[str]) -> None:
    stage = Stage(on_answer(plain("hold"), mode=mode, exclusive=False))
    talking(stage)
    stage.change("s1", "CallerOnHold")
    stage.change("s1", "InCall")
    assert [command.action for command in stage.sent] == sent


def test_queued_runs_come_one_after_the_other() -> None:
    stage = Stage(on_answer(Wait(seconds=10.0, place=HERE), log("done"), mode="queued", max=2))
    talking(stage)
    for _ in range(3):
        stage.change("s1", "CallerOnHold")
        stage.change("s1", "InCall")
    assert stage.reasons == [("r", "fired"), ("r", "fired"), ("r", "modeBusy"), ("r", "modeBusy")]
    stage.wait(10)
    assert stage.logged == ["done"]
    stage.wait(10)
    assert stage.logged == ["done", "done"]


@pytest.mark.fault(107)
def test_throttle_counts_firings_by_group_and_survives_a_restart() -> None:
    once = rule("once", enters("Ringing"), log(), throttle=Throttle(60.0, ("caller",)))
    stage = Stage(rules(once))
    stage.call("a")
    stage.call("b")
    stage.call("c", caller="+36209999999")
    stage.sessions.clear()
    stage.restart(10)
    stage.call("d")
    stage.wait(60)
    stage.call("e")
    assert [reason for _, reason in stage.reasons] == ["fired", "throttled", "fired", "throttled", "fired"]


def test_a_canary_acts_for_a_fixed_share_of_the_calls() -> None:
    stage = Stage(rules(rule("c", enters("Ringing"), log(), status=CanaryStatus(30.0, ()))))
    for number in range(1000):
        stage.call(f"s{number}", masterSessionId=f"m{number}")
    fired = sum(reason == "fired" for _, reason in stage.reasons)
    assert 230 <= fired <= 370
    assert {reason for _, reason in stage.reasons} == {"fired", "notInCanary"}


def test_the_caps_on_external_calls_hold() -> None:
    out = rule("out", enters("Ringing"), forward("+36301110001"))
    stage = Stage(rules(out, guards=allowing("+36*", external=ExternalCap(max_concurrent=5, max_per_hour=2))))
    for name in "abc":
        stage.call(name)
    assert [reason for _, reason in stage.reasons] == ["fired", "fired", "guard"]
    stage.wait(3600)
    stage.call("d")
    assert stage.reasons[-1] == ("out", "fired")


@pytest.mark.fault(22, 107)
@pytest.mark.parametrize("by", [-86_400.0, 86_400.0])
def test_a_wall_clock_that_is_set_gives_no_new_hour_and_takes_none(by: float) -> None:
    out = rule("out", enters("Ringing"), forward("+36301110001"))
    stage = Stage(rules(out, guards=allowing("+36*", external=ExternalCap(max_concurrent=5, max_per_hour=1))))
    stage.call("a")
    stage.tell(ClockAdjusted(at=stage.now, offset=by))
    stage.wait(3590)
    stage.call("b")
    assert stage.reasons[-1] == ("out", "guard")
    stage.wait(10)
    stage.call("c")
    assert stage.reasons[-1] == ("out", "fired")


def test_late_steps_expire_but_what_undoes_our_own_hold_never_does() -> None:
    late = Stage(on_answer(Wait(seconds=10.0, place=HERE), plain("hangup")))
    talking(late)
    late.gap()
    late.wait(60)
    late.connect()
    assert late.sent == []
    assert late.outcomes == ["expired"]
    held = Stage(on_answer(plain("hold"), Wait(seconds=10.0, place=HERE), plain("unhold")))
    talking(held)
    held.answer()
    held.change("s1", "OnHold")
    held.gap()
    held.wait(60)
    held.connect()
    assert [command.action for command in held.sent] == ["hold", "unhold"]


def test_a_running_sequence_keeps_the_text_it_began_with_through_a_restart_with_other_rules() -> None:
    stage = Stage(on_answer(plain("hold"), Wait(seconds=10.0, place=HERE), plain("unhold"), log("old text")))
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    stage.restart(1, rules=on_answer(log("new text")))
    stage.wait(10)
    stage.answer()
    stage.change("s1", "InCall")
    assert stage.logged == ["old text"]
    stage.change("s1", "CallerOnHold")
    stage.change("s1", "InCall")
    assert stage.logged == ["old text", "new text"]


def test_after_a_forward_the_next_steps_are_about_the_moved_call() -> None:
    waiting = WaitFor(states=states("InCall"), timeout=60.0, on_timeout="stop", place=HERE)
    keys = SendDtmf(to="callee", keys="1", gap=0.0, common=common(), place=HERE)
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"), waiting, keys)))
    stage.call("s1", masterSessionId="m")
    stage.answer()
    stage.change("s1", "Redirected")
    stage.call("s2", callee="2010", masterSessionId="m")
    stage.change("s2", "InCall")
    assert [(command.session.session_id, command.action) for command in stage.sent] == [
        ("s1", "forward"),
        ("s2", "sendDtmf"),
    ]


# --- what a rule does makes it match again --------------------------------------------------------------------------


@pytest.mark.fault(35)
@pytest.mark.parametrize("answer_first", [True, False])
@pytest.mark.parametrize("mode", ["single", "restart", "queued", "parallel"])
def test_what_a_rule_does_never_sets_it_off_again(mode: Mode, answer_first: bool) -> None:
    ping_pong = on_answer(plain("hold"), plain("unhold"), mode=mode)
    stage = Stage(ping_pong)
    talking(stage)
    for state in ("OnHold", "InCall"):
        if answer_first:
            stage.answer()
        stage.change("s1", state)
        if not answer_first:
            stage.answer()
    stage.wait(60)
    assert [command.action for command in stage.sent] == ["hold", "unhold"]
    assert stage.reasons == [("r", "fired"), ("r", "modeBusy")]
    stage.change("s1", "CallerOnHold")
    stage.change("s1", "InCall")
    assert [command.action for command in stage.sent] == ["hold", "unhold", "hold"], "what people do sets it off"


@pytest.mark.fault(35)
@pytest.mark.parametrize("answer_first", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
def test_what_a_rule_does_begins_no_wait_of_its_own(answer_first: bool, restarted: bool) -> None:
    other = rule("other", enters("InCall", hold=2.0), log("other"))
    stage = Stage(rules(rule("r", enters("InCall", hold=1.0), plain("hold"), plain("unhold")), other))
    talking(stage)
    stage.wait(1)
    for state in ("OnHold", "InCall"):
        if answer_first:
            stage.answer()
        stage.change("s1", state)
        if not answer_first:
            stage.answer()
    if restarted:
        stage.restart(0.5)
    stage.wait(60)
    assert [command.action for command in stage.sent] == ["hold", "unhold"]
    assert [reason for reason in stage.reasons if reason[0] == "r"] == [("r", "fired"), ("r", "modeBusy")]
    assert stage.logged == ["other"], "the stay counts for the others"
    stage.change("s1", "CallerOnHold")
    stage.change("s1", "InCall")
    stage.wait(1)
    assert [command.action for command in stage.sent] == ["hold", "unhold", "hold"], "what people do begins it anew"


@pytest.mark.fault(36)
def test_a_session_that_flaps_begins_each_wait_anew_and_has_a_limit_of_actions() -> None:
    waits = rule("waits", enters("InCall", hold=3.0), log("waited"))
    holds = rule("holds", enters("CallerOnHold"), log("held"))
    key = SendDtmf(to="callee", keys="1", gap=0.0, common=common(), place=HERE)
    acts = rule("acts", enters("InCall"), key)
    stage = Stage(rules(waits, holds, acts))
    stage.call()
    for _ in range(50):
        stage.change("s1", "InCall")
        if stage.open:
            stage.answer()
        stage.wait(1.0)
        stage.change("s1", "CallerOnHold")
        stage.wait(1.0)
    assert stage.logged == ["held"] * 50
    assert ("waits", "stateLeftBeforeFor") in stage.reasons
    assert len(stage.sent) == 10
    assert ("acts", "budget") in stage.reasons


LISTENS = (plain("startListen"), Wait(seconds=60.0, place=HERE), log("heard"), plain("stopListen"))


@pytest.mark.fault(42)
def test_a_listener_whose_start_was_not_answered_before_a_crash_is_stopped() -> None:
    stage = Stage(on_answer(*LISTENS))
    talking(stage)
    stage.restart(1.0)
    assert stage.outcomes == ["unknown"]
    stage.wait(10)
    assert stage.outcomes == ["unknown", "unconfirmed"]
    assert [command.action for command in stage.sent] == ["startListen", "stopListen"]
    stage.answer()
    assert stage.outcomes[-1] == "accepted"
    assert stage.logged == [], "what stood between the two is left out"


@pytest.mark.fault(42)
def test_a_listener_that_outlives_the_daemon_is_stopped_however_late() -> None:
    stage = Stage(on_answer(*LISTENS))
    talking(stage)
    stage.answer()
    stage.restart(600.0)
    stage.wait(1)
    assert [command.action for command in stage.sent] == ["startListen", "stopListen"]


@pytest.mark.fault(42)
@pytest.mark.parametrize("dies_again", [False, True])
def test_a_listener_that_may_have_begun_and_that_no_rule_ends_is_stopped_all_the_same(dies_again: bool) -> None:
    stage = Stage(on_answer(plain("startListen"), log("heard")))
    talking(stage)
    stage.restart(1.0)
    stage.wait(10)
    assert [command.action for command in stage.sent] == ["startListen", "stopListen"]
    if dies_again:
        stage.restart(1.0)
        stage.wait(10)
    else:
        stage.answer()
    assert stage.outcomes[:2] == ["unknown", "unconfirmed"]
    assert stage.outcomes[2:] == (["unknown", "unconfirmed"] if dies_again else ["accepted"])
    assert len(stage.sent) == 2
    assert stage.logged == [], "the step has failed"


@pytest.mark.fault(42)
def test_a_listener_that_is_known_to_have_begun_stays_where_no_rule_ends_it() -> None:
    stage = Stage(on_answer(plain("startListen")))
    talking(stage)
    stage.answer()
    stage.restart(1.0)
    stage.wait(10)
    assert stage.outcomes == ["accepted"]
    assert len(stage.sent) == 1


@pytest.mark.fault(42)
def test_what_a_rule_does_about_a_listener_of_which_nothing_was_heard_is_its_own_affair() -> None:
    stage = Stage(on_answer(plain("startListen", on_failure=(log("no listener"),))))
    talking(stage)
    stage.restart(1.0)
    stage.wait(10)
    assert len(stage.sent) == 1
    assert stage.logged == ["no listener"]


@pytest.mark.fault(37)
def test_a_call_that_a_late_sequence_holds_is_taken_up_again_and_what_was_left_out_is_on_record() -> None:
    stage = Stage(on_answer(plain("hold"), Wait(seconds=5.0, place=HERE), transfer("2010"), plain("unhold")))
    talking(stage)
    stage.answer()
    stage.change("s1", "OnHold")
    stage.restart(600.0)
    stage.wait(1)
    assert [command.action for command in stage.sent] == ["hold", "unhold"]
    assert stage.outcomes == ["confirmed", "expired"]
    assert len({command.id for command in stage.sent}) == 2


def test_a_session_is_not_free_while_a_command_to_it_is_not_heard_of() -> None:
    hunt = Hunt(targets=("2011", "2012"), ring=15.0, order="sequential", on_exhausted=(), common=common(), place=HERE)
    other = rule("other", enters("Ringing", hold=16.0), plain("hangup"), conditions=(having("callee", "eq", "2011"),))
    stage = Stage(rules(rule("r", enters("Ringing"), hunt, conditions=(having("callee", "eq", "2001"),)), other))
    stage.call("s1", masterSessionId="m")
    stage.answer()
    stage.change("s1", "Redirected")
    stage.call("s2", callee="2011", masterSessionId="m")
    stage.wait(15)
    assert [command.session.session_id for command in stage.sent] == ["s1", "s2"]
    stage.call("s3", callee="2012", masterSessionId="m")  # the run has gone on to it before the command was answered
    stage.wait(1)
    assert ("other", "outrankedBy") in stage.reasons
    assert len(stage.sent) == 2
