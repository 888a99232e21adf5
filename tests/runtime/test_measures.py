"""What is counted and timed, read off a working reactor; and that its labels stay few."""

import pytest

from ozrules.engine.effects import Decision, EventView, Outcome
from ozrules.engine.events import Refused, RulesReplaced
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.runtime.inbox import Reloaded, Who
from ozrules.runtime.measures import MOST_RULES, OTHERS, Histogram, Measures
from ozrules.session.state import RINGING
from tests.engine.forge import enters, forward, rule, rules
from tests.runtime.desk import Desk, desk

UNANSWERED = rules(rule("no-answer", enters("Ringing", hold=20.0), forward("2010")))


async def test_a_forward_is_counted_from_the_event_to_its_proof() -> None:
    async with desk(UNANSWERED) as one:
        await one.connect()
        await one.see("Ringing")
        await one.clock.advance(20.0)
        await one.clock.advance(2.0)
        await one.see("Redirected")
        measures = one.measures
    assert measures.events["office", "created"] == 1
    assert measures.events["office", "stateChanged"] == 1
    assert measures.events["office", "snapshot"] == 1
    assert measures.events["", "timer"] == 1
    assert measures.opened == {"office": 1}
    assert measures.decisions["no-answer", "fired"] == 1
    assert measures.outcomes == {("forward", "confirmed"): 1}
    assert sum(measures.event_to_decision.counts) == 1
    assert sum(measures.decision_to_command.counts) == 1
    assert sum(measures.lateness.counts) == 1
    assert measures.command_to_proof.total == pytest.approx(2.0)


async def test_a_command_that_is_refused_proves_nothing() -> None:
    async with desk(UNANSWERED) as one:
        one.phone.answer = Refused("denied", "no")
        await one.connect()
        await one.see("Ringing")
        await one.clock.advance(20.0)
        assert one.measures.outcomes == {("forward", "rejected"): 1}
        assert sum(one.measures.command_to_proof.counts) == 0


async def test_reloads_are_counted_by_how_they_ended() -> None:
    async with desk(UNANSWERED) as one:
        await _reload(one, RulesReplaced(at=one.clock.now(), rules=UNANSWERED))
        assert one.measures.reload_holds
        assert one.measures.reloaded_at == one.clock.now()
        await _reload(one, None, "rules.yaml:1:1: no")
        assert not one.measures.reload_holds
        assert one.measures.reloads == {"accepted": 1, "refused": 1}


async def _reload(one: Desk, event: RulesReplaced | None, *errors: str) -> None:
    who = Who(by="test")
    await one.inbox.ask(lambda done: Reloaded(at=one.clock.now(), who=who, event=event, errors=errors, done=done))


def test_a_histogram_counts_at_its_bounds() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 3.0):
        histogram.observe(value)
    assert histogram.counts == [2, 1, 1]
    assert histogram.total == 6.0
    assert histogram.quantile(0.5) == 1.0
    assert histogram.quantile(0.75) == 2.0
    assert histogram.quantile(1.0) is None
    assert Histogram((1.0,)).quantile(0.5) is None


def test_however_many_rules_there_are_the_labels_stay_few() -> None:
    measures = Measures()
    event = RulesReplaced(at=0.0, rules=UNANSWERED)
    for number in range(MOST_RULES + 100):
        measures.stepped(event, [_decision(f"rule-{number}")], lambda: 0.0)
    assert len(measures.decisions) == MOST_RULES + 1
    assert measures.decisions[OTHERS, "fired"] == 100
    assert measures.decisions.total() == MOST_RULES + 100


def test_an_outcome_without_its_command_is_an_outcome_all_the_same() -> None:
    """After a restart, outcomes come of commands that another process sent."""
    measures = Measures()
    outcome = Outcome(
        at=9.0,
        command=CommandId("7-0"),
        decision=7,
        rule="r",
        session=SessionKey("office", "", "s1", ""),
        action="forward",
        outcome="unconfirmed",
        state=None,
        after=3.0,
    )
    measures.stepped(RulesReplaced(at=9.0, rules=UNANSWERED), [outcome], lambda: 9.0)
    measures.leaves(CommandId("7-0"), 9.0)
    assert measures.outcomes == {("forward", "unconfirmed"): 1}
    assert sum(measures.decision_to_command.counts) == 0


def _decision(name: str) -> Decision:
    return Decision(
        number=1,
        at=0.0,
        session_key=None,
        session=None,
        event=EventView(kind="calendar", state=RINGING, from_state=None, since=0.0),
        hops=0,
        rule=name,
        reason="fired",
        status="active",
        trigger="0",
        revision="sha256:",
        mode="enforce",
    )
