"""Proofs over a whole set of rules. Sound before complete: what is reported is true, and not all that is true is found.

Each finding shows a call for which it holds, in the words of a rule test.
"""

from typing import assert_never

from ozrules.rules.circles import Circle, circles
from ozrules.rules.condition import wanted
from ozrules.rules.destinations import refusals
from ozrules.rules.diagnostics import Findings, Related, Span
from ozrules.rules.emails import covers
from ozrules.rules.model import (
    Action,
    Alive,
    BlindTransfer,
    Choose,
    Compare,
    Condition,
    DuringSchedule,
    Fixed,
    Forward,
    History,
    Hunt,
    Lookup,
    Place,
    Rule,
    RuleSet,
    StateTrigger,
    SystemAction,
    Target,
    Templated,
)
from ozrules.rules.nesting import every_action
from ozrules.rules.possible import conjuncts, contradiction, exact_values
from ozrules.rules.ranking import Refusal, outranked
from ozrules.rules.sense import named
from ozrules.session.state import State


def analyse(rules: RuleSet, findings: Findings) -> None:
    """Note what can never happen, and what never should, in a set that has no other errors."""
    refusal = refusals(rules.guards, rules.numbers)
    for rule in rules.rules:
        _contradictions(rule, rules, findings)
        for action in every_action(rule.actions):
            _destinations(action, rules, refusal, findings)
    for rule, stronger in outranked(rules, refusal):
        findings.warning(
            "outranked",
            Span(rule.place, len(rule.id)),
            f"{rule.id} can never act: {stronger.id} always comes first, for example for {_call(rule, rules)}.",
            suggestion=f"Give it a higher priority than {stronger.priority}, or narrow {stronger.id}.",
            related=(Related(stronger.place, "this rule controls the call"),),
        )
    for circle in circles(rules, refusal):
        _circle(circle, findings)


# --- conditions -----------------------------------------------------------------------------------------------------


def _contradictions(rule: Rule, rules: RuleSet, findings: Findings) -> None:
    given = conjuncts(rule.condition)
    _report(contradiction(given, rules.numbers), findings)
    for action in every_action(rule.actions):
        if isinstance(action, Choose):
            for branch in action.branches:
                if branch.condition is not None:
                    _report(contradiction(conjuncts(branch.condition), rules.numbers), findings)
    states = [trigger.states for trigger in rule.triggers if isinstance(trigger, StateTrigger)]
    for each in given:
        values = exact_values(each, rules.numbers)
        asked = isinstance(each, Compare) and each.field == "sessionState" and len(states) == len(rule.triggers)
        if asked and values and not any(values & state for state in states):
            acts = named(frozenset[State]().union(*states))
            findings.error(
                "contradiction", Span(each.place, _length(each)), f"The rule acts in {acts}, never in this state."
            )


def _report(found: tuple[Condition, Condition] | None, findings: Findings) -> None:
    if found is None:
        return
    first, second = sorted(found, key=lambda each: (each.place.line, each.place.column))
    findings.error(
        "contradiction",
        Span(second.place, _length(second)),
        f"{_words(first)} and {_words(second)} never hold together.",
        suggestion="For either of two, write a list or any: [ … ].",
        related=(Related(first.place, "the other condition"),) if first.place != second.place else (),
    )


def _length(condition: Condition) -> int:
    """How much of the line the condition's value takes, where that is known."""
    match condition:
        case Compare(name=str() as text) | Compare(texts=(text,)) | DuringSchedule(name=text):
            return len(text)
        case _:
            return 1


def _words(condition: Condition) -> str:
    match condition:
        case Compare():
            return f"{condition.field} {wanted(condition)}"
        case DuringSchedule() | History() | Alive():
            return wanted(condition)
        case _:
            return "this condition"


# --- destinations ---------------------------------------------------------------------------------------------------


def _destinations(action: Action, rules: RuleSet, refusal: Refusal, findings: Findings) -> None:
    match action:
        case Forward(to=target) | BlindTransfer(to=target):
            _target(target, rules, refusal, findings)
        case SystemAction(to=system_target):
            if system_target is not None:
                _target(system_target, rules, refusal, findings)
            elif action.operation == "sendEmail":
                _email(action, rules, findings)
        case Hunt():
            for number in action.targets:
                _refused(number, action.place, len("hunt"), refusal, findings)
        case _:
            pass


def _email(action: SystemAction, rules: RuleSet, findings: Findings) -> None:
    guard, template = rules.guards.emails, action.texts["to"]
    fixed = [part for part in template if isinstance(part, str)]
    span = Span(action.place, len("sendEmail"))
    if len(fixed) == len(template):
        address = "".join(fixed)
        if not any(covers(pattern, address) for pattern in guard.allow):
            findings.warning(
                "refused-destination",
                span,
                f"The guards always refuse an e-mail to {address}.",
                suggestion=f'Allow it: guards: {{emails: {{allow: ["{address}"]}}}}.',
            )
    elif not guard.templated:
        findings.warning(
            "refused-destination",
            span,
            "The guards always refuse an address that comes from a field.",
            suggestion="Say guards: {emails: {templated: true, allow: […]}}; the addresses then pass the same guards.",
        )


def _target(target: Target, rules: RuleSet, refusal: Refusal, findings: Findings) -> None:
    match target:
        case Fixed():
            _refused(target.number, target.place, len(target.number), refusal, findings)
        case Lookup():
            numbers = [*target.table.values(), *([target.default] if target.default is not None else [])]
            if numbers and all(refusal(number) for number in numbers):
                _refused(numbers[0], target.place, 0, refusal, findings)
        case Templated():
            if not rules.guards.templated:
                findings.warning(
                    "refused-destination",
                    Span(target.place, 0),
                    "The guards always refuse a destination that comes from a field.",
                    suggestion="Say guards: {destinations: {templated: true}}; the numbers then pass the same guards.",
                )
        case _:
            assert_never(target)


def _refused(number: str, place: Place, length: int, refusal: Refusal, findings: Findings) -> None:
    why = refusal(number)
    if why is not None:
        findings.warning(
            "refused-destination",
            Span(place, length),
            f"The guards always refuse a call to {number}: {why}.",
            suggestion=f'Allow it: guards: {{destinations: {{allow: [internal, "{number}"]}}}}.'
            if "allow" in why
            else None,
        )


# --- circles and examples -------------------------------------------------------------------------------------------


def _circle(circle: Circle, findings: Findings) -> None:
    first = circle.steps[0]
    way = " → ".join([step.number for step in circle.steps] + [first.number])
    names = ", ".join(dict.fromkeys(step.rule.id for step in circle.steps))
    span = Span(first.rule.place, len(first.rule.id))
    related = tuple(Related(step.rule.place, f"{step.number} → {step.target}") for step in circle.steps[1:3])
    if circle.proven:
        message = f"A call to {first.number} goes round: {way} ({names}), until maxHops stops it."
        findings.error("forward-cycle", span, message, suggestion="Let one of them send it elsewhere.", related=related)
    else:
        message = f"A call to {first.number} may go round: {way} ({names}), until maxHops stops it."
        suggestion = "Let one of them send it elsewhere, or ask for hops: 0."
        findings.warning("forward-cycle", span, message, suggestion=suggestion, related=related)


def _call(rule: Rule, rules: RuleSet) -> str:
    """A call on which the rule would act, as far as its conditions name values."""
    said = []
    for each in conjuncts(rule.condition):
        values = exact_values(each, rules.numbers)
        if isinstance(each, Compare) and values:
            said.append(f"{each.field} {min(values)}")
    states = [min(trigger.states) for trigger in rule.triggers if isinstance(trigger, StateTrigger)]
    where = f" in {states[0]}" if states else ""
    return f"a call with {', '.join(said)}{where}" if said else f"any call{where}"
