"""Laws of questions about where calls go, under whatever a phone system asks, answers and reports, and restarts."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ozrules.engine.effects import Send
from ozrules.engine.events import Accepted, Unanswered, Withheld
from ozrules.rules.model import Routing
from tests.engine.forge import enters, forward, having, plain, rule
from tests.engine.test_routing import Asking, hunt, on

KINDS: tuple[Routing, ...] = ("Calling", "NoAnswer", "Busy", "NotFound")
NUMBERS = ("2001", "2010", "2011", "112")
MAX_HOPS = 3

RULES = (
    rule("nuisance", on("Calling"), plain("hangup"), conditions=(having("caller", "eq", "2005"),), priority=200),
    rule("sales", on("Calling"), hunt("2010", "2011", ring=15.0, exhausted=(forward("2001"),))),
    rule("round", on("NoAnswer"), forward("2010"), conditions=(having("callee", "eq", "2011"),)),
    rule("about", on("Busy"), forward("2011"), conditions=(having("callee", "eq", "2010"),)),
    rule("rings", enters("Ringing", hold=5.0), forward("2001"), conditions=(having("callee", "eq", "2011"),)),
)

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("ask"), st.sampled_from(KINDS), st.sampled_from(("", "2005", "2006")), st.sampled_from(NUMBERS)
        ),
        st.tuples(st.just("answer"), st.sampled_from((Accepted(), Unanswered("lost"), Withheld("expired", "late")))),
        st.tuples(st.just("call"), st.sampled_from(("2005", "2006")), st.sampled_from(NUMBERS)),
        st.tuples(st.just("end"), st.sampled_from(("NotAnswered", "Busy", "Cancelled", "Redirected"))),
        st.tuples(st.just("talk")),
        st.tuples(st.just("wait"), st.sampled_from((0.5, 6.0, 20.0, 200.0))),
        st.tuples(st.just("restart"), st.sampled_from((0.0, 5.0, 300.0))),
        st.tuples(st.just("gap")),
    ),
    max_size=40,
)


def play(steps: list[tuple[Any, ...]]) -> Asking:
    stage = Asking(*RULES)
    calls = 0
    for step in steps:
        match step:
            case ("ask", kind, caller, callee):
                stage.ask(kind, caller=caller, callee=callee, dialedNumber="2001")  # it checks: one answer, at once
            case ("answer", receipt) if stage.open:
                stage.answer(receipt)
            case ("call", caller, callee):
                calls += 1
                stage.call(f"c{calls}", caller=caller, callee=callee)
            case ("end", state) if stage.sessions:
                stage.close(min(stage.sessions), state)
            case ("talk",) if stage.sessions:
                stage.change(min(stage.sessions), "InCall")
            case ("wait", seconds):
                stage.wait(seconds)
            case ("restart", away):
                stage.restart(away)
            case ("gap",):
                stage.gap()
                stage.connect()
            case _:
                pass
    return stage


@settings(max_examples=150)
@given(STEPS)
def test_each_question_has_one_answer_and_nothing_outlives_its_call(steps: list[tuple[Any, ...]]) -> None:
    stage = play(steps)
    answered = [command.question for command in stage.sent if command.question is not None]
    assert len(answered) == len(set(answered)), "no question is answered twice"
    assert all(command.to != "112" for command in stage.sent)
    assert all(decision.hops <= MAX_HOPS for decision in stage.decisions if decision.reason == "fired")
    for session in list(stage.sessions):
        stage.close(session, "CallerHungUp")
    while stage.open:
        stage.answer()
    stage.wait(1000.0)
    assert stage.engine.alive == 0


@settings(max_examples=50)
@given(STEPS)
def test_equal_events_give_equal_answers(steps: list[tuple[Any, ...]]) -> None:
    one, other = play(steps), play(steps)
    assert [each for each in one.effects if isinstance(each, Send)] == [
        each for each in other.effects if isinstance(each, Send)
    ]
