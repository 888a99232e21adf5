"""Moments of the calendar that passed while nobody watched."""

import pytest

from ozrules.engine.events import CalendarDue, RulesReplaced
from ozrules.rules.calendar import Cron
from ozrules.rules.model import CalendarTrigger, OnMissed, RuleSet
from tests.engine.forge import HERE, log, plain, rule, rules, states
from tests.engine.stage import Stage


def _closing(policy: OnMissed = "fireIfStill") -> RuleSet:
    trigger = CalendarTrigger(id="0", cron=Cron.daily(18 * 60), sessions=states("InCall"), place=HERE)
    return rules(rule("closing", trigger, plain("hangup"), on_missed=policy, missed_grace=30.0))


def _due(stage: Stage, ago: float = 0.0, *, missed: bool = False, name: str = "closing") -> CalendarDue:
    return CalendarDue(at=stage.now, rule=name, trigger="0", due=stage.now - ago, missed=missed)


@pytest.mark.parametrize(
    ("policy", "late", "reason"),
    [
        ("fireIfStill", 30.0, "fired"),
        ("fireIfStill", 30.5, "missedTooLate"),
        ("fire", 80_000.0, "fired"),
        ("skip", 1.0, "missedSkip"),
        ("skip", 80_000.0, "missedSkip"),
    ],
)
def test_a_moment_that_passed_while_the_daemon_was_down(policy: OnMissed, late: float, reason: str) -> None:
    once = rule(
        "once",
        CalendarTrigger(id="0", cron=Cron.daily(18 * 60), place=HERE),
        log("six"),
        on_missed=policy,
        missed_grace=30.0,
    )
    stage = Stage(rules(once))
    stage.tell(_due(stage, late, missed=True, name="once"))
    [decision] = stage.decisions
    assert decision.reason == reason
    assert decision.event.late_by == pytest.approx(late)
    stage.tell(_due(stage, late, missed=True, name="once"))
    assert len(stage.decisions) == 1


@pytest.mark.fault(5)
def test_after_a_start_a_moment_waits_for_the_list_and_is_for_those_who_were_there() -> None:
    stage = Stage(_closing(), listed=False)
    stage.sessions = {
        "before": {"sessionId": "before", "sessionState": "InCall", "stateDuration": "00:01:00"},
        "after": {"sessionId": "after", "sessionState": "InCall", "stateDuration": "00:00:02"},
        "ringing": {"sessionId": "ringing", "sessionState": "Ringing"},
    }
    stage.tell(_due(stage, 8.0, missed=True))
    assert stage.sent == []
    stage.connect()
    assert [command.session.session_id for command in stage.sent] == ["before"]
    assert stage.decisions[0].event.late_by == pytest.approx(8.0)
    stage.connect()
    assert len(stage.decisions) == 1


@pytest.mark.fault(5)
@pytest.mark.parametrize(("policy", "fires"), [("fireIfStill", True), ("fire", True), ("skip", False)])
def test_a_moment_in_a_gap_comes_to_its_sessions_with_the_list(policy: OnMissed, fires: bool) -> None:
    stage = Stage(_closing(policy))
    stage.call("a", state="InCall")
    stage.gap()
    stage.now += 5
    stage.tell(_due(stage))
    assert stage.decisions == []
    stage.now += 10
    stage.connect()
    assert [decision.reason for decision in stage.decisions] == ["fired" if fires else "missedSkip"]
    assert len(stage.sent) == fires


def test_a_moment_whose_rule_has_gone_is_owed_to_nobody() -> None:
    stage = Stage(_closing())
    stage.call("a", state="InCall")
    stage.gap()
    stage.tell(_due(stage))
    stage.tell(RulesReplaced(at=stage.now, rules=rules()))
    stage.connect()
    assert stage.decisions == []
