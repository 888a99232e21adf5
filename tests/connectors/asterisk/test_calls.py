"""The state that facts amount to, case by case where recordings do not reach."""

import pytest

from ozrules.connectors.asterisk.calls import Around, Call, Doubt, Verdict, judge
from ozrules.connectors.asterisk.legs import Leg

APART = Around(
    connected=False,
    waiting=False,
    parted=False,
    elsewhere=False,
    shared=False,
    transferring=False,
    consulting=frozenset(),
    answered_elsewhere=False,
    going_on=False,
    dialled="",
    next_way=False,
    now=0,
    dialler=None,
)


def call(facts: dict[str, object], *, alone: bool = False) -> Call:
    caller = Leg("1.1", "PJSIP/1-1", "1.1", state="Ring", exten="2")
    called = Leg("1.2", "PJSIP/2-1", "1.1", state="Ringing", dialled_by="1.1", dialled_at=("", "2"))
    for name, value in facts.items():
        side, _, fact = name.partition("__")
        setattr(caller if side == "caller" else called, fact, value)
    return Call("s", caller, "1.1", caller, None if alone else called)


def answered(facts: dict[str, object]) -> Call:
    talk = call({"callee__state": "Up", "callee__dial_status": "ANSWER"} | facts)
    talk.answered, talk.answered_at, talk.answered_in = True, 5, (("", "2"), ("", ""))
    return talk


def decided(one: Call, around: Around = APART) -> Verdict:
    """The verdict, which nothing that may come could change."""
    found = judge(one, around)
    assert isinstance(found, Verdict)
    return found


def doubted(one: Call, around: Around = APART) -> Verdict:
    """The verdict unless something comes within a moment."""
    found = judge(one, around)
    assert isinstance(found, Doubt)
    return found.otherwise


@pytest.mark.parametrize(
    ("status", "cause", "requested", "state"),
    [
        ("BUSY", 17, 1, "Busy"),
        ("BUSY", 17, 0, "Busy"),
        ("NOANSWER", 0, 0, "NotAnswered"),
        ("NOANSWER", 19, 0, "NotAnswered"),
        ("NOANSWER", 21, 1, "Busy"),
        ("NOANSWER", 1, 1, "NotFound"),
        ("NOANSWER", 28, 1, "NotFound"),
        ("CONGESTION", 34, 1, "Error"),
        ("CHANUNAVAIL", 20, 0, "NotAnswered"),
        ("NOANSWER", 999, 0, "Error"),
        ("CONTINUE", 16, 0, "NotAnswered"),
        ("ABORT", 16, 0, "NotAnswered"),
        ("GOTO:mailbox^s^1", 16, 0, "NotAnswered"),
        ("WHATEVER-COMES", 16, 0, "NotAnswered"),
        ("CONTINUE", 16, 1, "NotAnswered"),
    ],
)
def test_the_called_leg_s_cause_decides(status: str, cause: int, requested: int, state: str) -> None:
    facts: dict[str, object] = {"callee__dial_status": status, "callee__cause": cause, "callee__requested": requested}
    verdict = decided(call(facts | {"callee__gone": True}))
    assert (verdict.state, verdict.ends) == (state, True)


def test_a_ringing_leg_that_ends_as_refused_without_its_phone_saying_so_was_ended_by_an_admin() -> None:
    verdict = decided(call({"callee__dial_status": "NOANSWER", "callee__cause": 21, "callee__gone": True}))
    assert (verdict.state, verdict.derived) == ("Aborted", True)


CANCELLED: dict[str, object] = {"callee__dial_status": "CANCEL", "callee__cause": 16, "callee__gone": True}


def test_a_cancelled_dialling_waits_a_moment_for_the_caller_to_show_why() -> None:
    assert doubted(call(CANCELLED)).state == "Redirected"
    shown: list[tuple[dict[str, object], str]] = [
        ({"caller__requested": 1}, "Cancelled"),
        ({"caller__leaving": True}, "Aborted"),
        ({"caller__exten": "3"}, "Redirected"),
        ({"caller__context": "other"}, "Redirected"),
    ]
    for more, state in shown:
        assert decided(call(CANCELLED | more)).state == state


def test_a_phone_that_falls_silent_because_another_one_was_picked_up_is_in_no_call() -> None:
    for cause in (16, 19, 26):
        lost = call(CANCELLED | {"callee__cause": cause})
        assert decided(lost, APART._replace(answered_elsewhere=True)).state == "Completed"


@pytest.mark.parametrize(("status", "state"), [("NOANSWER", "NotAnswered"), ("BUSY", "Busy"), ("ABORT", "NotAnswered")])
def test_a_phone_of_a_branch_that_is_given_up_ends_as_the_branch_does(status: str, state: str) -> None:
    assert decided(call(CANCELLED), APART._replace(dialled=status)).state == state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"caller__state": "Up", "caller__requested": 1}, "CallerHungUp"),
        ({"caller__requested": 1, "caller__cause": 127}, "Cancelled"),
        ({"caller__requested": 1, "caller__gone": True}, "Cancelled"),
        ({"caller__requested": 1, "caller__gone": True, "caller__cause": 34}, "Error"),
        ({"caller__gone": True, "caller__cause": 34, "caller__busy": True, "caller__requested": 1}, "Error"),
        ({"caller__gone": True, "caller__cause": 1}, "NotFound"),
        ({"caller__gone": True, "caller__cause": 16, "caller__state": "Up"}, "Completed"),
        ({"caller__gone": True, "caller__cause": 0, "caller__state": "Up"}, "Completed"),
        ({"caller__gone": True, "caller__cause": 0, "caller__state": "Up", "caller__rung": True}, "Completed"),
        ({"caller__gone": True, "caller__cause": 16}, "Aborted"),
        ({"caller__rung": True, "caller__requested": 1}, "Setup"),
        (
            {"caller__rung": True, "caller__requested": 1, "caller__gone": True, "caller__dial_status": "BUSY"},
            "Busy",
        ),
        ({"caller__rung": True, "caller__gone": True, "caller__cause": 0}, "NotAnswered"),
        ({}, "Setup"),
    ],
)
def test_a_caller_who_reached_nobody(facts: dict[str, object], state: str) -> None:
    assert decided(call(facts, alone=True)).state == state


def test_why_a_caller_left_is_told_at_the_end_where_it_was_not_told_before() -> None:
    assert doubted(call({"caller__requested": 1}, alone=True)).state == "Cancelled"


def test_a_trunk_that_refuses_may_be_followed_by_the_next() -> None:
    refused = call({"callee__dial_status": "CONGESTION", "callee__cause": 34, "callee__gone": True})
    assert doubted(refused, APART._replace(next_way=True)).state == "Error"
    busy = call({"callee__dial_status": "BUSY", "callee__cause": 17, "callee__gone": True})
    assert decided(busy, APART._replace(next_way=True)).state == "Busy"


def test_early_media_is_ringing_that_was_concluded() -> None:
    verdict = decided(call({"callee__state": "Down", "callee__dial_status": "PROGRESS"}))
    assert (verdict.state, verdict.derived) == ("Ringing", True)


def test_a_phone_that_picks_up_and_is_not_joined_yet_rings_on() -> None:
    assert judge(call({"callee__state": "Up", "callee__dial_status": "ANSWER"}), APART) is None


def test_both_holding_is_on_hold() -> None:
    held = call({})
    held.holders = frozenset({"1.1", "1.2"})
    verdict = decided(held, APART._replace(connected=True))
    assert (verdict.state, verdict.derived) == ("OnHold", False)


@pytest.mark.fault(32)
@pytest.mark.parametrize("moved", [{"caller__exten": "9"}, {"caller__last_dialling": 6}])
def test_who_is_sent_elsewhere_in_the_moment_of_the_answer_was_redirected(moved: dict[str, object]) -> None:
    verdict = decided(answered({"callee__gone": True, "callee__ended": 7} | moved))
    assert (verdict.state, verdict.ends) == ("Redirected", True)


def test_a_talk_is_over_when_one_of_the_two_hears_somebody_else() -> None:
    elsewhere = APART._replace(elsewhere=True)
    assert doubted(answered({}), elsewhere).state == "Redirected"
    assert decided(answered({"callee__gone": True}), elsewhere).state == "Redirected"
    # whose phone has another call may be about to transfer: that is told in the same moment
    assert doubted(answered({"callee__gone": True}), elsewhere._replace(transferring=True)).state == "Redirected"


def test_a_talk_is_over_when_the_called_leg_is_gone_whatever_the_caller_does() -> None:
    assert doubted(answered({"callee__gone": True})).state == "Aborted"
    assert decided(answered({"callee__gone": True, "callee__taken_out": True})).state == "Aborted"


def test_two_who_are_apart_are_held_only_where_both_wait() -> None:
    assert doubted(answered({}), APART._replace(waiting=True)).state == "OnHold"
    assert doubted(answered({})).state == "Redirected"
    assert decided(answered({"caller__music": True, "callee__music": True})).state == "OnHold"


def test_a_phone_that_was_picked_up_and_talks_no_more_does_not_ring() -> None:
    assert doubted(call({"callee__state": "Up"}), APART._replace(parted=True)).state == "Redirected"


def test_that_a_hold_has_ended_is_doubted_for_a_moment() -> None:
    held = answered({})
    held.holders = held.releasing = frozenset({"1.2"})
    assert doubted(held, APART._replace(connected=True)).state == "InCall"
