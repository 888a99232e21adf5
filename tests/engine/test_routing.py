"""Where a call goes next, asked by the phone system: one answer for each question, in the same step."""

from typing import Any

import pytest

from ozrules.engine.effects import Decision, Effect, Send, Unrouted
from ozrules.engine.events import Gap, RoutingAsked, Withheld
from ozrules.rules.model import Common, Hunt, Routing, RoutingTrigger, Rule, Wait
from ozrules.session.session import session_from
from tests.engine.forge import HERE, allowing, enters, forward, having, log, plain, rule, rules
from tests.engine.stage import LINE, Stage


def on(kind: Routing, trigger_id: str = "0") -> RoutingTrigger:
    return RoutingTrigger(id=trigger_id, kind=kind, place=HERE)


def hunt(*numbers: str, ring: float = 15.0, exhausted: tuple[Any, ...] = ()) -> Hunt:
    return Hunt(targets=numbers, ring=ring, order="sequential", on_exhausted=exhausted, common=Common(), place=HERE)


def unrouted(effects: list[Effect]) -> bool:
    return any(isinstance(each, Unrouted) for each in effects)


class Asking(Stage):
    """A stage whose phone system asks. ``routes`` is what it was answered: (question, number, ring time)."""

    def __init__(self, *each: Rule, **rest: Any) -> None:
        super().__init__(rules(*each, **rest))
        self.questions = 0

    def ask(self, kind: Routing = "Calling", **properties: str) -> list[Effect]:
        self.questions += 1
        told = {
            "sessionId": f"routing-{self.questions}",
            "sessionState": "Setup",
            "caller": "+36201234567",
            "callee": "2001",
            "dialedNumber": "2001",
        } | properties
        asked = RoutingAsked(
            at=self.now, connection=LINE, question=f"q{self.questions}", kind=kind, session=session_from(told)
        )
        effects = self.tell(asked)
        answers = [each for each in effects if isinstance(each, Unrouted)]
        answers_given = [each for each in effects if isinstance(each, Send) and each.command.question is not None]
        assert len(answers) + len(answers_given) == 1, "exactly one answer follows"
        return effects

    @property
    def routes(self) -> list[tuple[str | None, str | None]]:
        return [(command.question, command.to) for command in self.sent if command.question is not None]


def test_a_forward_is_the_answer() -> None:
    stage = Asking(rule("boss", on("Calling"), forward("2010")))
    effects = stage.ask()
    assert stage.routes == [("q1", "2010")]
    decision = next(each for each in effects if isinstance(each, Decision))
    assert (decision.event.kind, decision.event.routing, decision.event.state) == ("routing", "Calling", "Setup")
    assert (decision.rule, decision.reason, decision.actions[0].action) == ("boss", "fired", "forward")
    numbers = [type(each) for each in effects]
    assert numbers.index(Decision) < numbers.index(Send)
    assert stage.engine.gate(stage.open[0], stage.now) is None


def test_no_rule_is_no_answer() -> None:
    stage = Asking(rule("boss", on("Busy"), forward("2010")))
    assert unrouted(stage.ask("Calling"))
    assert stage.routes == []
    assert stage.engine.alive == 0


def test_conditions_hold_for_questions_too() -> None:
    caller = having("caller", "eq", "+36201234567")
    tried = having("previousState", "eq", "NotAnswered")
    stage = Asking(rule("boss", on("NoAnswer"), forward("2010"), conditions=(caller, tried)))
    stage.ask("NoAnswer", caller="+36301234567")
    stage.ask("NoAnswer")
    assert stage.routes == [("q2", "2010")]
    assert stage.reasons == [("boss", "conditionFalse"), ("boss", "fired")]


def test_the_first_rule_by_priority_answers() -> None:
    stage = Asking(
        rule("low", on("Calling"), forward("2010")), rule("high", on("Calling"), forward("2011"), priority=200)
    )
    stage.ask()
    assert stage.routes == [("q1", "2011")]
    assert stage.reasons == [("high", "fired"), ("low", "outrankedBy")]


def test_rules_that_only_look_on_leave_it_to_the_dial_plan() -> None:
    stage = Asking(rule("note", on("Calling"), log("called")))
    assert unrouted(stage.ask())
    assert stage.logged == ["called"]


def test_to_observe_is_no_answer() -> None:
    stage = Asking(rule("boss", on("Calling"), forward("2010")))
    stage.engine._world.mode = "observe"  # as ModeChanged does
    assert unrouted(stage.ask())
    assert stage.reasons == [("boss", "fired")]


def test_a_caller_can_be_turned_away() -> None:
    stage = Asking(rule("blocked", on("Calling"), plain("hangup")))
    stage.ask()
    assert stage.routes == [("q1", None)]
    stage.answer()
    assert stage.outcomes == ["accepted"], "a caller who is turned away never gets a session to look at"


def test_what_is_no_answer_is_not_sent() -> None:
    stage = Asking(rule("odd", on("Calling"), plain("hold")))
    assert unrouted(stage.ask())
    assert stage.outcomes == ["lostRace"]


def test_an_answer_after_a_wait_comes_too_late() -> None:
    stage = Asking(rule("slow", on("Calling"), Wait(seconds=1.0, place=HERE), forward("2010")))
    assert unrouted(stage.ask())
    stage.wait(2)
    assert stage.routes == []
    assert stage.outcomes in (["lostRace"], ["targetGone"])
    assert stage.engine.alive == 0


# --- what proves it -------------------------------------------------------------------------------------------------


def test_ringing_at_the_number_proves_it() -> None:
    stage = Asking(rule("boss", on("Calling"), forward("2010")))
    stage.ask()
    stage.answer()
    assert stage.outcomes == []
    stage.call("s1", callee="2010")
    assert stage.outcomes == ["confirmed"]


def test_a_call_that_was_seen_before_the_question_proves_it_by_ringing_there() -> None:
    stage = Asking(rule("boss", on("NoAnswer"), forward("2010")))
    stage.call("s1", callee="2001")
    stage.wait(20)
    stage.ask("NoAnswer")
    stage.answer()
    stage.change("s1", "Ringing", callee="2010")
    assert stage.outcomes == ["confirmed"]


def test_the_next_question_proves_it_too() -> None:
    stage = Asking(rule("boss", on("Calling"), forward("2010")))
    stage.ask()
    stage.answer()
    stage.wait(1)
    stage.ask("Busy", callee="2010")
    assert stage.outcomes == ["confirmed"]


def test_what_is_not_seen_is_unconfirmed() -> None:
    stage = Asking(rule("boss", on("Calling"), forward("2010")))
    stage.ask()
    stage.answer()
    stage.wait(30)
    assert stage.outcomes == ["unconfirmed"]


def test_a_late_answer_is_recorded_as_expired() -> None:
    stage = Asking(rule("boss", on("Calling"), forward("2010")))
    stage.ask()
    stage.answer(Withheld("expired", "the phone system no longer waits for an answer"))
    assert stage.outcomes == ["expired"]
    assert stage.engine._world.live == {} or all(not live.chain.hops for live in stage.engine._world.live.values())


# --- hunting --------------------------------------------------------------------------------------------------------


def test_a_hunt_goes_from_number_to_number_with_each_question() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("2010", "2011", "2012")))
    stage.ask()
    stage.answer()
    stage.call("s1", callee="2010")
    assert stage.sent[0].ring == 15.0
    stage.wait(15)
    stage.close("s1", "NotAnswered")
    stage.ask("NoAnswer", callee="2010")
    stage.answer()
    stage.wait(1)
    stage.ask("Busy", callee="2011")
    stage.answer()
    assert stage.routes == [("q1", "2010"), ("q2", "2011"), ("q3", "2012")]
    stage.call("s3", callee="2012")
    stage.change("s3", "InCall")
    stage.wait(300)
    assert stage.outcomes == ["confirmed"] * 3
    assert [each for each in stage.reasons if each[1] == "fired"] == [("sales", "fired")]


def test_an_exhausted_hunt_says_what_then() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("2010", exhausted=(forward("2020"),))))
    stage.ask()
    stage.answer()
    stage.ask("NoAnswer", callee="2010")
    assert stage.routes == [("q1", "2010"), ("q2", "2020")]


def test_an_exhausted_hunt_leaves_the_rest_to_other_rules_and_the_dial_plan() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("2010")), rule("desk", on("NoAnswer"), forward("2020")))
    stage.ask()
    stage.answer()
    stage.ask("NoAnswer", callee="2010")
    assert stage.routes == [("q1", "2010"), ("q2", "2020")]
    stage.answer()
    assert unrouted(stage.ask("Busy", callee="2020"))


def test_while_a_hunt_is_under_way_no_other_rule_answers_or_takes_the_call() -> None:
    stage = Asking(
        rule("sales", on("Calling"), hunt("2010", "2011")),
        rule("desk", on("NoAnswer"), forward("2020")),
        rule("rings", enters("Ringing"), forward("2030")),
    )
    stage.ask()
    stage.answer()
    stage.call("s1", callee="2010")
    stage.ask("NoAnswer", callee="2010")
    assert stage.routes == [("q1", "2010"), ("q2", "2011")]
    assert [each for each in stage.reasons if each[1] != "fired"] == [("rings", "outrankedBy"), ("desk", "outrankedBy")]


def test_a_number_that_the_guards_refuse_is_passed_over() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("+36201112222", "2011")))
    stage.ask()
    assert stage.routes == [("q1", "2011")]
    assert stage.outcomes == ["refused"]


def test_a_hunt_ends_when_the_caller_gives_up() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("2010", "2011"), log("over")))
    stage.ask()
    stage.answer()
    stage.call("s1", callee="2010")
    stage.close("s1", "Cancelled")
    assert stage.logged == []
    stage.wait(300)
    assert stage.engine.alive == 0


def test_a_hunt_of_which_nothing_more_is_heard_ends() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("2010", "2011")))
    stage.ask()
    stage.answer()
    stage.wait(600)
    assert stage.routes == [("q1", "2010")]
    assert stage.engine.alive == 0


def test_two_calls_from_nobody_to_one_number_hunt_apart() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("2010", "2011", "2012")))
    stage.ask(caller="")
    stage.answer()
    stage.ask("NoAnswer", caller="", callee="2010")
    stage.answer()
    stage.ask(caller="")
    stage.answer()
    stage.ask("NoAnswer", caller="", callee="2011")
    assert [to for _, to in stage.routes] == ["2010", "2011", "2010", "2012"]


def test_a_hunt_goes_on_after_a_restart() -> None:
    stage = Asking(rule("sales", on("Calling"), hunt("2010", "2011")))
    stage.ask()
    stage.answer()
    stage.call("s1", callee="2010")
    stage.wait(5)
    stage.restart(away=5)
    stage.wait(5)
    stage.close("s1", "NotAnswered")
    stage.ask("NoAnswer", callee="2010")
    assert stage.routes == [("q1", "2010"), ("q2", "2011")]
    assert stage.reasons.count(("sales", "fired")) == 1


# --- guards ---------------------------------------------------------------------------------------------------------


@pytest.mark.fault(45)
def test_an_emergency_call_goes_where_it_was_dialled() -> None:
    stage = Asking(rule("all", on("Calling"), forward("2010")))
    assert unrouted(stage.ask(callee="112", dialedNumber="112"))
    assert stage.reasons == [("all", "protected")]


def test_a_destination_passes_the_guards() -> None:
    stage = Asking(rule("out", on("Calling"), forward("+36201112222")))
    stage.ask()
    assert stage.reasons == [("out", "guard")]
    allowed = Asking(rule("out", on("Calling"), forward("+36201112222")), guards=allowing("+3620*"))
    allowed.ask()
    assert allowed.routes == [("q1", "+36201112222")]


@pytest.mark.fault(46)
def test_rules_that_send_a_call_round_come_to_an_end() -> None:
    there = rule("there", on("NoAnswer"), forward("2011"), conditions=(having("callee", "eq", "2010"),))
    back = rule("back", on("NoAnswer"), forward("2010"), conditions=(having("callee", "eq", "2011"),))
    stage = Asking(there, back)
    callee = "2010"
    for _ in range(6):
        stage.ask("NoAnswer", callee=callee)
        if not stage.open:
            break
        stage.answer()
        stage.wait(40)
        callee = "2011" if callee == "2010" else "2010"
    assert len(stage.routes) == 3
    assert stage.reasons[-2:] == [("there", "conditionFalse"), ("back", "hops")] or stage.reasons[-1][1] == "hops"


@pytest.mark.fault(46)
def test_hops_by_forwards_of_the_ringing_call_count_too() -> None:
    stage = Asking(rule("boss", on("NoAnswer"), forward("2011")), rule("rings", enters("Ringing"), forward("2001")))
    stage.call("s1", callee="2005", masterSessionId="m")
    stage.answer()
    stage.change("s1", "Redirected")
    stage.call("s2", callee="2001", masterSessionId="m")
    stage.ask("NoAnswer")
    boss = next(each for each in stage.decisions if each.rule == "boss")
    assert boss.hops >= 1


def test_in_a_gap_nothing_is_answered_and_the_record_says_why() -> None:
    stage = Asking(rule("boss", on("Calling"), forward("2010")))
    stage.tell(Gap(at=stage.now, connection=LINE, why="cut"))
    assert unrouted(stage.ask())
    assert stage.reasons == [("boss", "degraded")]


def test_a_conversation_is_no_session() -> None:
    stage = Asking(
        rule("boss", on("Calling"), forward("2010")), rule("setup", enters("Setup", hold=5.0), log("waited"))
    )
    stage.ask()
    assert stage.engine.sessions() == ()
    stage.listing()
    stage.wait(30)
    assert stage.logged == []
