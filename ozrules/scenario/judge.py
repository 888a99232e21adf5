"""Whether what came of a scenario is what the test asks for, and whether it could have been anything else.

Each thing that is wrong is one `Failure`, with the place in the test file that asked for it. What the rules did and no
line asked for is wrong too: a test that only looks at what it likes to see is no test.
"""

from typing import Literal

import msgspec

from ozrules.engine.effects import Reason
from ozrules.engine.explain import Answer
from ozrules.rules.model import Hunt, RuleSet
from ozrules.rules.numbers import NumberPlan
from ozrules.scenario.model import Expectation, Scenario, Spot, Switch, WhyNot
from ozrules.scenario.played import Performed, Played
from ozrules.scenario.why import why

TOLERANCE = 0.0005  # seconds; times are written in milliseconds at the finest


class Failure(msgspec.Struct, frozen=True):
    """One thing that is wrong with a test's outcome (``failed``) or with the test itself (``vacuous``)."""

    kind: Literal["failed", "vacuous"]
    spot: Spot
    message: str
    why: Answer | None = None


def unknown_names(scenario: Scenario, rules: RuleSet) -> tuple[Failure, ...]:
    """What names a rule or a schedule that does not exist: it could not fail, so it shows nothing."""
    known = {rule.id for rule in rules.rules}
    naming: list[Expectation | WhyNot] = [*(scenario.expect or ()), *scenario.why_not]
    named = [("rule", each.rule, each.spot) for each in naming if each.rule is not None and each.rule not in known]
    for entry in scenario.timeline:
        if isinstance(entry, Switch) and entry.schedule not in rules.schedules:
            named.append(("schedule", entry.schedule, entry.spot))
    return tuple(
        Failure("vacuous", spot, f"There is no {kind} {name} in the rule files of this test.")
        for kind, name, spot in named
    )


def judge(scenario: Scenario, played: Played, rules: RuleSet) -> tuple[Failure, ...]:
    """Everything that is wrong, in the order of the test file."""
    failures: list[Failure] = []
    left = list(played.performed)
    hunts = {rule.id for rule in rules.rules if any(isinstance(action, Hunt) for action in rule.actions)}
    for expected in scenario.expect or ():
        if expected.at is not None and expected.at > played.end + TOLERANCE:
            late = f"This is expected after the end of the test, at {played.end:g}s; until: moves the end."
            failures.append(Failure("vacuous", expected.spot, late, _of(scenario, played, rules, expected)))
            continue
        found = next((each for each in left if _meets(each, expected, hunts, rules.numbers)), None)
        if found is None:
            message = _missed(expected, left)
            failures.append(Failure("failed", expected.spot, message, _of(scenario, played, rules, expected)))
        else:
            left.remove(found)
    if scenario.expect is not None:
        failures += (Failure("failed", scenario.spot, f"Nobody expects this action: {each}.") for each in left)
    for never in scenario.never:
        done = [each for each in played.performed if never.action in _names(each, hunts)]
        failures += (Failure("failed", never.spot, f"This action was carried out: {each}.") for each in done[:1])
    for why_not in scenario.why_not:
        if why_not.reason in _reasons(played, why_not):
            continue
        answer = why(scenario, rules, why_not.rule, why_not.session, played)
        if answer.reason != why_not.reason:
            message = f"The rule {why_not.rule} did not stop because of {why_not.reason}, but: {answer.reason}."
            failures.append(Failure("failed", why_not.spot, message, answer))
    for unused in played.unused:
        what = f"No {unused.action} was sent that this result could answer."
        failures.append(Failure("vacuous", unused.spot, what))
    return tuple(failures)


# --- expect ---------------------------------------------------------------------------------------------------------


def _names(performed: Performed, hunts: set[str]) -> tuple[str, ...]:
    return (
        (performed.action, "hunt") if performed.action == "forward" and performed.rule in hunts else (performed.action,)
    )


def _meets(performed: Performed, expected: Expectation, hunts: set[str], numbers: NumberPlan) -> bool:
    return (
        expected.action in _names(performed, hunts)
        and expected.rule in (None, performed.rule)
        and expected.session in (None, performed.session)
        and (expected.at is None or abs(expected.at - performed.at) <= TOLERANCE)
        and (expected.to is None or performed.to in (expected.to, numbers.normal(expected.to)))
        and expected.move in (None, performed.move)
        and expected.keys in (None, performed.keys)
        and expected.text in (None, performed.text)
        and (expected.late_by is None or abs(expected.late_by - performed.late_by) <= TOLERANCE)
        and expected.outcome in (None, performed.outcome)
    )


def _missed(expected: Expectation, left: list[Performed]) -> str:
    near = [each for each in left if each.action == expected.action and expected.rule in (None, each.rule)] or [
        each for each in left if expected.rule in (None, each.rule)
    ]
    if not near:
        by = "" if expected.rule is None else f" by the rule {expected.rule}"
        return f"This was not carried out{by}: {expected.action}."
    outcome = "" if expected.outcome is None else f", outcome {near[0].outcome}"
    return f"This was not carried out; what was: {near[0]}{outcome}."


# --- why ------------------------------------------------------------------------------------------------------------


def _reasons(played: Played, asked: WhyNot) -> set[Reason]:
    """All that was decided on the rule."""
    return {
        each.reason
        for each in played.decisions
        if each.rule == asked.rule
        and (asked.session is None or (each.session is not None and each.session.session_id == asked.session))
    }


def _of(scenario: Scenario, played: Played, rules: RuleSet, expected: Expectation) -> Answer | None:
    """Why the rule that should have acted did not; nothing where it did, otherwise than expected."""
    if expected.rule is None:
        return None
    answer = why(scenario, rules, expected.rule, expected.session, played)
    return None if answer.reason == "fired" else answer
