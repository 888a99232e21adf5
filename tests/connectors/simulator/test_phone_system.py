"""The model of a phone system: what people do, what methods do, and that a seed gives the same calls again."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ozrules.connectors.session_messages import SessionNews
from ozrules.connectors.simulator import OFFICE, Behaviour, PhoneSystem, traffic
from ozrules.connectors.simulator.callers import CallPlan, Hold
from ozrules.engine.events import Refused
from ozrules.session.durations import moment_from, seconds_from
from ozrules.session.methods import METHODS, Further, Method, is_legal
from ozrules.session.session import PROPERTIES
from ozrules.session.state import CALLER_HUNG_UP, ENDED, IN_CALL, NOT_ANSWERED, State

TALK = CallPlan(caller="+36201234567", caller_name="Kovacs Kft", callee="2001", answers_after=5.0, talk=60.0)


def phones(plan: CallPlan = TALK, behaviour: Behaviour | None = None) -> PhoneSystem:
    system = PhoneSystem(OFFICE, behaviour or Behaviour(), start=0.0, seed=1)
    system.place(plan, 1.0)
    return system


def play(system: PhoneSystem, until: float = 1e9) -> list[SessionNews]:
    told: list[SessionNews] = []
    while (due := system.next_due()) is not None and due <= until:
        told += system.advance(due)
    return told


def states(told: list[SessionNews]) -> list[tuple[float, State]]:
    return [(round(news.at or 0.0, 3), news.session.session_state) for news in told if news.kind != "closed"]


def test_a_call_from_its_beginning_to_its_end() -> None:
    told = play(phones())
    assert states(told) == [
        (1.0, "Created"),
        (1.05, "Setup"),
        (1.3, "Ringing"),
        (6.3, "InCall"),
        (66.3, "CallerHungUp"),
    ]
    assert [news.kind for news in told] == [
        "created",
        "stateChanged",
        "stateChanged",
        "stateChanged",
        "stateChanged",
        "closed",
    ]


def test_a_session_shows_all_the_vendors_properties_in_forms_that_can_be_read() -> None:
    (live,) = phones().sessions(31.3)
    assert set(PROPERTIES) | {"direction"} == set(msgspec.to_builtins(live))
    assert seconds_from(live.talk_duration) == 25.0
    assert seconds_from(live.state_duration) == 25.0
    assert moment_from(live.start_time) == 1.0
    assert live.direction == "inbound"


def test_nobody_answers_and_the_phone_system_gives_up() -> None:
    told = play(phones(CallPlan(caller="2002", callee="2666"), Behaviour(ring_timeout=30.0)))
    assert states(told)[-1] == (31.3, NOT_ANSWERED)


def test_talk_counts_only_while_there_is_talk() -> None:
    plan = CallPlan(caller="2002", callee="2001", answers_after=0.0, talk=10.0, acts=(Hold(4.0, "caller", 20.0),))
    told = play(phones(plan))
    assert states(told)[-1] == (31.3, CALLER_HUNG_UP)
    assert seconds_from(told[-1].session.talk_duration) == 10.0


def test_who_is_left_on_hold_hangs_up_in_the_end() -> None:
    plan = CallPlan(caller="2002", callee="2001", answers_after=0.0, talk=10.0)
    system = phones(plan, Behaviour(hold_timeout=50.0))
    system.advance(2.0)
    assert system.call("hold", "s1", now=2.0) is None
    assert states(play(system))[-1] == (52.0, CALLER_HUNG_UP)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("moment", [1.0, 2.0, 10.0])
def test_a_method_works_in_the_states_where_it_is_legal(method: Method, moment: float) -> None:
    system = phones()
    (session,) = system.sessions(moment)
    refused = system.call(
        method, "s1", now=moment, phone_number="2001" if method == "sendDtmf" else "2010", transferor="2001", key="5"
    )
    if is_legal(method, session.session_state):
        assert refused is None
    else:
        assert refused == Refused("wrongState", f"{method} does not work in state {session.session_state}")


@pytest.mark.parametrize(
    ("method", "phone_number", "transferor", "key"),
    [
        ("blindTransfer", None, "2001", None),
        ("blindTransfer", "2010", "2002", None),
        ("sendDtmf", "2002", None, "5"),
        ("sendDtmf", "2001", None, "55"),
        ("sendDtmf", "2001", None, None),
    ],
)
def test_arguments_that_cannot_be_meant_are_invalid(
    method: Method, phone_number: str | None, transferor: str | None, key: str | None
) -> None:
    refused = phones().call(method, "s1", now=10.0, phone_number=phone_number, transferor=transferor, key=key)
    assert isinstance(refused, Refused)
    assert refused.kind == "invalid"


@pytest.mark.fault(32)
@pytest.mark.parametrize(("moment", "forwarded"), [(6.299, True), (6.301, False)])
def test_a_forward_just_before_the_answer_works_and_just_after_it_does_not(moment: float, forwarded: bool) -> None:
    system = phones()
    refused = system.call("forward", "s1", now=moment, phone_number="2010")
    assert (refused is None) == forwarded
    assert (IN_CALL in [state for _, state in states(system.advance(6.4))]) != forwarded


@pytest.mark.fault(10)
def test_an_id_may_come_back_at_once_for_another_call() -> None:
    system = phones(CallPlan(caller="2002", callee="2001", rejects_after=1.0), Behaviour(reuse_ids=True))
    system.place(TALK, 50.0)
    told = play(system)
    assert {news.session.session_id for news in told} == {"s1"}
    assert len({news.session.start_time for news in told}) == 2


@pytest.mark.fault(11)
def test_a_restart_forgets_calls_and_not_the_plans_of_people() -> None:
    system = phones()
    system.place(TALK, 100.0)
    system.advance(10.0)
    system.restart(20.0)
    assert (system.epoch, system.sessions(20.0)) == ("e2", ())
    assert states(play(system))[0] == (100.0, "Created")


@settings(max_examples=20)
@given(st.integers(), st.floats(0.1, 50.0))
def test_the_same_seed_gives_the_same_calls_however_they_are_watched(seed: int, step: float) -> None:
    def busy() -> PhoneSystem:
        system = PhoneSystem(OFFICE, Behaviour(), start=0.0, seed=seed)
        for at, plan in traffic(30, rate=0.5, start=0.0, seed=seed):
            system.place(plan, at)
        return system

    event_by_event = play(busy(), until=2000.0)
    watched = busy()
    by_steps: list[SessionNews] = []
    moment = 0.0
    while moment < 2000.0:
        moment = min(2000.0, moment + step)
        by_steps += watched.advance(moment)
    assert by_steps == event_by_event


@settings(max_examples=30)
@given(st.integers(), st.lists(st.tuples(st.floats(0, 300), st.sampled_from(METHODS), st.integers(1, 12)), max_size=30))
def test_whatever_is_asked_each_session_ends_once_and_says_nothing_after(
    seed: int, asked: list[tuple[float, Method, int]]
) -> None:
    system = PhoneSystem(OFFICE, Behaviour(), start=0.0, seed=seed)
    for at, plan in traffic(10, rate=0.1, start=0.0, seed=seed):
        system.place(plan, at)
    told: list[SessionNews] = []
    for at, method, number in sorted(asked):
        told += system.advance(at)
        system.call(method, f"s{number}", now=at, phone_number="2010", transferor="2001", key="1")
    told += play(system)
    assert system.sessions(1e9) == ()
    by_session: dict[str, list[SessionNews]] = {}
    for news in told:
        by_session.setdefault(news.session.session_id, []).append(news)
    for history in by_session.values():
        assert [news.kind for news in history] == ["created", *["stateChanged"] * (len(history) - 2), "closed"]
        ended = [news.session.session_state in ENDED for news in history]
        assert ended == [False] * (len(ended) - 2) + [True, True]
    assert [news.seq for news in told] == list(range(1, len(told) + 1))


@given(st.integers())
def test_calls_that_are_expected_one_by_one_are_the_same_calls(seed: int) -> None:
    placed, expected = (PhoneSystem(OFFICE, Behaviour(), start=0.0, seed=seed) for _ in range(2))
    for at, plan in traffic(8, rate=0.1, start=0.0, seed=seed):
        placed.place(plan, at)
    expected.expect(traffic(8, rate=0.1, start=0.0, seed=seed))
    assert play(placed) == play(expected)


def test_a_year_of_calls_takes_no_room() -> None:
    system = PhoneSystem(OFFICE, Behaviour(), start=0.0, seed=1)
    system.expect(traffic(10**9, rate=0.1, start=0.0, seed=1))
    assert len(states(play(system, until=600.0))) > 100


# --- questions about routing ------------------------------------------------------------------------------------------

ASKING = Behaviour(asks_routing=2.0, ring_timeout=30.0)
NOBODY = CallPlan(caller="+36201234567", callee="2666")


def test_it_asks_before_a_phone_rings_and_rings_where_it_is_told_to() -> None:
    system = phones(NOBODY, ASKING)
    (question,) = system.questions(1.1)
    assert (question.kind, question.session.dialed_number) == ("Calling", "2666")
    assert system.questions(1.5) == []
    system.answer(question.number, "2004", 10.0, 1.5)
    (session,) = system.sessions(2.0)
    assert (session.session_state, session.callee, session.dialed_number) == ("Ringing", "2004", "2666")


@pytest.mark.parametrize(("to", "at"), [(None, 1.5), ("2004", 9.0)])
def test_without_an_answer_in_time_the_dial_plan_decides(to: str | None, at: float) -> None:
    system = phones(NOBODY, ASKING)
    (question,) = system.questions(1.1)
    system.answer(question.number, to, None, at)
    (session,) = system.sessions(at + 1.0)
    assert (session.session_state, session.callee) == ("Ringing", "2666")


def test_it_asks_again_when_nobody_answers_and_goes_on_or_ends() -> None:
    system = phones(NOBODY, ASKING)
    (question,) = system.questions(1.1)
    system.answer(question.number, "2666", 5.0, 1.1)
    (again,) = system.questions(7.0)
    assert (again.kind, again.session.session_state) == ("NoAnswer", "Ringing")
    system.answer(again.number, None, None, 7.0)
    assert system.sessions(7.0) == ()
    assert system.advance(7.0)[-1].session.session_state == NOT_ANSWERED


def test_who_is_turned_away_hears_that_it_is_busy() -> None:
    system = phones(NOBODY, ASKING)
    (question,) = system.questions(1.1)
    system.answer(question.number, "", None, 1.1)
    assert system.advance(1.1)[-1].session.session_state == "Busy"


def test_a_caller_who_gave_up_is_not_routed_any_more() -> None:
    system = phones(NOBODY, ASKING)
    (question,) = system.questions(1.1)
    (session,) = system.sessions(1.1)
    assert system.call("hangup", session.session_id, now=1.2) is None
    system.answer(question.number, "2004", None, 1.3)
    assert system.sessions(2.0) == ()


# --- beyond the ten methods -------------------------------------------------------------------------------------------


def test_what_it_is_asked_for_beyond_the_methods_is_noted() -> None:
    system = phones()
    talking = system.sessions(10.0)[0].session_id
    wanted = {"party": "all", "text": "Hello"}
    assert system.further("speak", talking, now=10.0, other=None, arguments=wanted) is None
    assert system.further("sendSms", None, now=11.0, other=None, arguments={"to": "2000"}) is None
    assert [(wish.operation, wish.session_id) for wish in system.wishes] == [("speak", talking), ("sendSms", None)]


@pytest.mark.parametrize(
    ("operation", "session_id", "kind"), [("speak", "zzz", "notFound"), ("play", "s1", "wrongState")]
)
def test_what_cannot_be_done_is_refused(operation: Further, session_id: str, kind: str) -> None:
    system = phones(NOBODY)
    refused = system.further(operation, session_id, now=5.0, other=None, arguments={})
    assert isinstance(refused, Refused)
    assert refused.kind == kind
    assert system.wishes == []


@pytest.mark.parametrize(("callee", "held", "kind"), [("2004", False, "wrongState"), ("2005", True, "invalid")])
def test_only_two_calls_of_one_party_can_be_joined(callee: str, held: bool, kind: str) -> None:
    system = phones()
    system.place(CallPlan(caller="2002" if callee == "2005" else "2001", callee=callee, answers_after=1.0), 10.0)
    if held:
        assert system.call("hold", "s1", now=9.0) is None
    refused = system.further("attendedTransfer", "s1", now=20.0, other="s2", arguments={})
    assert isinstance(refused, Refused)
    assert refused.kind == kind
