"""Whether what came of a scenario is what the test asks for, and whether it could have been anything else.

Each thing that is wrong is one `Failure`, with the place in the test file that asked for it. What the rules did and no
line asked for is wrong too: a test that only looks at what it likes to see is no test.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from ozrules.engine.effects import Decision
from ozrules.engine.explain import unheard
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.model import Hunt, RuleSet
from ozrules.rules.numbers import NumberPlan
from ozrules.scenario.model import Expectation, Scenario, Spot, Switch, WhyNot
from ozrules.scenario.played import Performed, Played

TOLERANCE = 0.0005  # seconds; times are written in milliseconds at the finest


class Failure(msgspec.Struct, frozen=True):
    """One thing that is wrong with a test's outcome (``failed``) or with the test itself (``vacuous``)."""

    kind: Literal["failed", "vacuous"]
    spot: Spot
    message: str


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
            failures.append(Failure("vacuous", expected.spot, late))
            continue
        found = next((each for each in left if _meets(each, expected, hunts, rules.numbers)), None)
        if found is None:
            failures.append(Failure("failed", expected.spot, _missed(expected, left)))
        else:
            left.remove(found)
    if scenario.expect is not None:
        failures += (Failure("failed", scenario.spot, f"Nobody expects this action: {each}.") for each in left)
    for never in scenario.never:
        done = [each for each in played.performed if never.action in _names(each, hunts)]
        failures += (Failure("failed", never.spot, f"This action was carried out: {each}.") for each in done[:1])
    for why in scenario.why_not:
        message = _otherwise(why, played, rules)
        if message is not None:
            failures.append(Failure("failed", why.spot, message))
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


# --- whyNot ---------------------------------------------------------------------------------------------------------


def _otherwise(why: WhyNot, played: Played, rules: RuleSet) -> str | None:
    """How the rule's behaviour differs from what the test says, if it does."""
    decisions = [each for each in played.decisions if each.rule == why.rule and _is_about(each, why.session)]
    if any(each.reason == why.reason for each in decisions):
        return None
    if decisions:
        said = ", ".join(dict.fromkeys(_said(each) for each in decisions))
        return f"The rule {why.rule} did not stop because of {why.reason}, but: {said}."
    rule = next(rule for rule in rules.rules if rule.id == why.rule)
    states = [each.event for each in played.observed if why.session in (None, each.key.session_id)]
    never = unheard(rule, states)
    reason = "conditionFalse" if never is None else never.reason
    if reason == why.reason:
        return None
    said = reason + _leaves(() if never is None else never.failed)
    return f"The rule {why.rule} did not stop because of {why.reason}, but: {said}."


def _is_about(decision: Decision, session: str | None) -> bool:
    return session is None or (decision.session is not None and decision.session.session_id == session)


def _said(decision: Decision) -> str:
    by = "" if decision.by is None else f" ({decision.by})"
    return f"{decision.reason}{by}{_leaves(decision.failed)}"


def _leaves(failed: Iterable[FailedLeaf]) -> str:
    return "".join(
        f" ({leaf.path}: wanted {leaf.wanted}, actual {'nothing' if leaf.actual is None else leaf.actual}, {leaf.at})"
        for leaf in failed
    )
