"""The state that facts amount to, case by case where recordings do not reach."""

import pytest

from ozrules.connectors.asterisk.calls import Around, Call, judge
from ozrules.connectors.asterisk.legs import Leg

APART = Around(connected=False, shared=False, consulting=frozenset(), answered_elsewhere=False, now=0, dialler=None)


def call(facts: dict[str, object], *, alone: bool = False) -> Call:
    caller = Leg("1.1", "PJSIP/1-1", "1.1", state="Ring", exten="2")
    called = Leg("1.2", "PJSIP/2-1", "1.1", state="Ringing", dialled_by="1.1", dialled_from="2") if not alone else None
    for name, value in facts.items():
        side, _, fact = name.partition("__")
        setattr(caller if side == "caller" else called, fact, value)
    return Call("s", caller, "1.1", caller, called)


@pytest.mark.parametrize(
    ("status", "cause", "state"),
    [
        ("BUSY", 17, "Busy"),
        ("NOANSWER", 0, "NotAnswered"),
        ("NOANSWER", 19, "NotAnswered"),
        ("NOANSWER", 21, "Busy"),
        ("NOANSWER", 1, "NotFound"),
        ("NOANSWER", 28, "NotFound"),
        ("CONGESTION", 34, "Error"),
        ("CHANUNAVAIL", 20, "NotAnswered"),
        ("NOANSWER", 999, "Error"),
    ],
)
def test_the_called_leg_s_cause_decides(status: str, cause: int, state: str) -> None:
    verdict = judge(call({"callee__dial_status": status, "callee__cause": cause, "callee__gone": True}), APART)
    assert verdict is not None
    assert (verdict.state, verdict.ends) == (state, True)


def test_a_cancelled_dialling_waits_for_the_caller_to_show_why() -> None:
    facts: dict[str, object] = {"callee__dial_status": "CANCEL", "callee__cause": 16, "callee__gone": True}
    assert judge(call(facts), APART) is None
    shown: list[tuple[dict[str, object], str]] = [
        ({"caller__requested": 1}, "Cancelled"),
        ({"caller__leaving": True}, "Aborted"),
        ({"caller__exten": "3"}, "Redirected"),
    ]
    for more, state in shown:
        verdict = judge(call(facts | more), APART)
        assert verdict is not None
        assert verdict.state == state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"caller__state": "Up", "caller__requested": 1}, "CallerHungUp"),
        ({"caller__requested": 1}, "Cancelled"),
        ({"caller__gone": True, "caller__cause": 34, "caller__busy": True, "caller__requested": 1}, "Error"),
        ({"caller__gone": True, "caller__cause": 1}, "NotFound"),
        ({"caller__gone": True, "caller__cause": 16, "caller__state": "Up"}, "Completed"),
        ({"caller__gone": True, "caller__cause": 16}, "Aborted"),
        ({}, "Setup"),
    ],
)
def test_a_caller_who_reached_nobody(facts: dict[str, object], state: str) -> None:
    verdict = judge(call(facts, alone=True), APART)
    assert verdict is not None
    assert verdict.state == state


def test_early_media_is_ringing_that_was_concluded() -> None:
    verdict = judge(call({"callee__state": "Down", "callee__dial_status": "PROGRESS"}), APART)
    assert verdict is not None
    assert (verdict.state, verdict.derived) == ("Ringing", True)


def test_a_phone_that_picks_up_and_is_not_joined_yet_rings_on() -> None:
    assert judge(call({"callee__state": "Up", "callee__dial_status": "ANSWER"}), APART) is None


def test_both_holding_is_on_hold() -> None:
    held = call({})
    held.holders = frozenset({"1.1", "1.2"})
    verdict = judge(held, APART._replace(connected=True))
    assert verdict is not None
    assert (verdict.state, verdict.derived) == ("OnHold", False)


@pytest.mark.fault(32)
@pytest.mark.parametrize("moved", [{"caller__exten": "9"}, {"caller__last_dialling": 6}])
def test_who_is_sent_elsewhere_in_the_moment_of_the_answer_was_redirected(moved: dict[str, object]) -> None:
    answered = call({"callee__gone": True, "callee__ended": 7, "callee__state": "Up"} | moved)
    answered.answered, answered.answered_at, answered.answered_from = True, 5, ("2", "")
    verdict = judge(answered, APART)
    assert verdict is not None
    assert (verdict.state, verdict.ends) == ("Redirected", True)
