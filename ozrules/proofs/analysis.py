"""Proofs over a whole set of rules. Sound before complete: what is reported is true, and not all that is true is found.

What others reason out is told here, in words. Each finding carries the call that shows it, played before it is told
(`witness`).
"""

from typing import Any, Final, assert_never

from ozrules.engine.effects import Reason
from ozrules.proofs.circles import Circle, circles
from ozrules.proofs.destinations import refusals
from ozrules.proofs.fights import Fight, fights
from ozrules.proofs.possible import conjuncts, contradiction, exact_values
from ozrules.proofs.ranking import Refusal, outranked
from ozrules.proofs.refusal import refused
from ozrules.proofs.witness import CALL, Trials, as_test, every, stopped
from ozrules.rules.condition import wanted
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
    Not,
    Rule,
    RuleSet,
    StateTrigger,
    SystemAction,
    Target,
    Templated,
)
from ozrules.rules.nesting import every_action
from ozrules.rules.sense import named
from ozrules.scenario.model import Happens, Scenario
from ozrules.session.state import State

_OUTRANKED: Final[frozenset[Reason]] = frozenset({"outrankedBy"})
_FALSE: Final[frozenset[Reason]] = frozenset({"conditionFalse", "fieldMissing", "outsideSchedule"})
_TOLD: Final = frozenset({"caller", "callee", "dialedNumber", "direction"})


def analyse(rules: RuleSet, findings: Findings) -> None:
    """Note what can never happen, and what never should, in a set that has no other errors."""
    refusal = refusals(rules.guards, rules.numbers)
    trials = Trials(rules)
    impossible = {rule.id for rule in rules.rules if _contradictions(rule, trials, findings)}
    for circle in circles(trials, refusal):
        _circle(circle, findings)
    for rule, stronger in outranked(rules, refusal):
        witness = stopped(rule, rule.condition, trials, _OUTRANKED, f"{rule.id} is outranked")
        if rule.id in impossible or witness is None:
            continue
        findings.warning(
            "outranked",
            Span(rule.place, len(rule.id)),
            f"{rule.id} can never act: {stronger.id} always comes first, for example for {_call(witness)}.",
            suggestion=f"Give it a higher priority than {stronger.priority}, or narrow {stronger.id}.",
            related=(Related(stronger.place, "this rule controls the call"),),
            witness=as_test(witness),
        )
    for fight in fights(trials):
        _fight(fight, findings)
    for rule in rules.rules:
        for action in every_action(rule.actions):
            _destinations(rule, action, trials, refusal, findings)


# --- conditions -----------------------------------------------------------------------------------------------------


def _contradictions(rule: Rule, trials: Trials, findings: Findings) -> bool:
    """Note conditions of the rule that never hold together; whether because of them it can never act at all."""
    rules = trials.rules
    given = conjuncts(rule.condition)
    found = contradiction(given, rules.numbers, rules.schedules)
    if found is not None:
        witness = _unmet(rule, found[0], trials)
        _report(found, witness, findings)
    for action in every_action(rule.actions):
        if isinstance(action, Choose):
            for branch in action.branches:
                inside = (
                    contradiction(conjuncts(branch.condition), rules.numbers, rules.schedules)
                    if branch.condition
                    else None
                )
                if inside is not None:
                    _report(inside, None, findings)
    shut = _always_shut(rule, given, trials, findings)
    return _elsewhere(rule, given, trials, findings) or shut or found is not None


def _always_shut(rule: Rule, given: list[Condition], trials: Trials, findings: Findings) -> bool:
    """Whether the rule waits for a schedule that never opens."""
    for each in given:
        if isinstance(each, DuringSchedule) and each.inside and trials.rules.schedules[each.name].never_open():
            message = f"{rule.id} can never act: the schedule {each.name} is never open."
            findings.warning(
                "never-open", Span(each.place, len(each.name)), message, witness=_unmet(rule, every(), trials)
            )
            return True
    return False


def _elsewhere(rule: Rule, given: list[Condition], trials: Trials, findings: Findings) -> bool:
    """Whether the rule asks for a state in which it never acts."""
    states = [trigger.states for trigger in rule.triggers if isinstance(trigger, StateTrigger)]
    for each in given:
        values = exact_values(each, trials.rules.numbers)
        asked = isinstance(each, Compare) and each.field == "sessionState" and len(states) == len(rule.triggers)
        if asked and values and not any(values & state for state in states):
            acts = named(frozenset[State]().union(*states))
            message = f"The rule acts in {acts}, never in this state."
            witness = _unmet(rule, each, trials)
            findings.error("contradiction", Span(each.place, _length(each)), message, witness=witness)
            return True
    return False


def _unmet(rule: Rule, kept: Condition, trials: Trials) -> dict[str, Any] | None:
    """A call that meets one of two conditions, and not the rule."""
    name = f"{rule.id} is never met"
    witness = stopped(rule, kept, trials, _FALSE, name) or stopped(rule, every(), trials, _FALSE, name)
    return as_test(witness) if witness is not None else None


def _report(found: tuple[Condition, Condition], witness: dict[str, Any] | None, findings: Findings) -> None:
    first, second = sorted(found, key=lambda each: (each.place.line, each.place.column))
    numeric = isinstance(first, Compare) and first.number is not None
    by_hand = isinstance(first, DuringSchedule) and isinstance(second, DuringSchedule) and first.name != second.name
    note = findings.warning if by_hand else findings.error
    note(
        "contradiction",
        Span(second.place, _length(second)),
        f"{_words(first)} and {_words(second)} never hold together{', unless one is switched by hand' * by_hand}.",
        suggestion="Change one of the two limits." if numeric else "For either of two, write a list or any: [ … ].",
        related=(Related(first.place, "the other condition"),) if first.place != second.place else (),
        witness=witness,
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
        case DuringSchedule():
            return wanted(condition)
        case History():
            return f"history {wanted(condition)}"
        case Alive():
            return f"active {wanted(condition)}"
        case Not():
            return f"not {_words(condition.of)}"
        case _:
            return "this condition"


# --- destinations ---------------------------------------------------------------------------------------------------


def _destinations(rule: Rule, action: Action, trials: Trials, refusal: Refusal, findings: Findings) -> None:
    match action:
        case Forward(to=target) | BlindTransfer(to=target):
            _target(rule, action, target, trials, refusal, findings)
        case SystemAction(to=Fixed() | Lookup() | Templated() as target):
            _target(rule, action, target, trials, refusal, findings)
        case SystemAction(operation="sendEmail"):
            _email(action, trials.rules, findings)
        case Hunt():
            for number in action.targets:
                _refused(rule, action, number, Span(action.place, len("hunt")), trials, refusal, findings)
        case _:
            pass


def _target(rule: Rule, action: Action, target: Target, trials: Trials, refusal: Refusal, findings: Findings) -> None:
    match target:
        case Fixed():
            at = Span(target.place, len(target.number))
            _refused(rule, action, target.number, at, trials, refusal, findings)
        case Lookup():
            numbers = [*target.table.values(), *([target.default] if target.default is not None else [])]
            if numbers and all(refusal(number) for number in numbers):
                _refused(rule, action, numbers[0], Span(target.place), trials, refusal, findings)
        case Templated():
            if not trials.rules.guards.templated:
                findings.warning(
                    "refused-destination",
                    Span(target.place),
                    "The guards always refuse a destination that comes from a field.",
                    suggestion="Say guards: {destinations: {templated: true}}; the numbers then pass the same guards.",
                    witness=_refusal_of(rule, action, trials),
                )
        case _:
            assert_never(target)


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


def _refused(
    rule: Rule, action: Action, number: str, at: Span, trials: Trials, refusal: Refusal, findings: Findings
) -> None:
    why = refusal(number)
    if why is not None:
        findings.warning(
            "refused-destination",
            at,
            f"The guards always refuse a call to {number}: {why}.",
            suggestion=f'Allow it: guards: {{destinations: {{allow: [internal, "{number}"]}}}}.'
            if "allow" in why
            else None,
            witness=_refusal_of(rule, action, trials),
        )


def _refusal_of(rule: Rule, action: Action, trials: Trials) -> dict[str, Any] | None:
    """A call that the guards keep from being sent there."""
    witness = refused(rule, action, trials)
    return as_test(witness) if witness is not None else None


# --- circles and examples -------------------------------------------------------------------------------------------


def _circle(circle: Circle, findings: Findings) -> None:
    first = circle.steps[0]
    way = " → ".join([step.number for step in circle.steps] + [first.number])
    names = ", ".join(dict.fromkeys(step.rule.id for step in circle.steps))
    span = Span(first.rule.place, len(first.rule.id))
    related = tuple(Related(step.rule.place, f"{step.number} → {step.target}") for step in circle.steps[1:3])
    test = as_test(circle.witness)
    if circle.proven:
        message = f"A call to {first.number} goes round: {way} ({names}), until maxHops stops it."
        suggestion = "Let one of them send it elsewhere."
        findings.error("forward-cycle", span, message, suggestion=suggestion, related=related, witness=test)
    else:
        message = f"A call to {first.number} may go round: {way} ({names}), until maxHops stops it."
        suggestion = "Let one of them send it elsewhere, or ask for hops: 0."
        findings.warning("forward-cycle", span, message, suggestion=suggestion, related=related, witness=test)


def _fight(fight: Fight, findings: Findings) -> None:
    first, second = fight.first, fight.second
    span = Span(second.place, len(second.id))
    related = (Related(first.place, "the other rule"),)
    test, call = as_test(fight.witness), _call(fight.witness)
    match fight.kind:
        case "in turn":
            note = findings.error if fight.endless else findings.warning
            message = f"{first.id} and {second.id} undo each other: {call} is held and freed again and again."
            suggestion = "Let one of them ask for `from`, or for what tells the calls apart."
        case "at once":
            note = findings.warning
            message = f"{first.id} and {second.id} act at the same moment, for example on {call}."
            suggestion = "Let one of the two not apply, or leave out exclusive: false."
        case "claimed":
            note = findings.warning
            message = f"{first.id} and {second.id} both want {call}; {first.id} wins because it stands first."
            suggestion = "Give the one that shall win a higher priority, or keep their conditions apart."
        case _:
            assert_never(fight.kind)
    note("fight", span, message, suggestion=suggestion, related=related, witness=test)


def _call(witness: Scenario) -> str:
    """The call of a witness in words."""
    values = next(each.values for each in witness.sessions if each.session == CALL)
    said = [f"{name} {value}" for name, value in sorted(values.items()) if name in _TOLD]
    states = [each.state for each in witness.timeline if isinstance(each, Happens) and each.session == CALL]
    return f"a call with {', '.join(said)} in {states[-1]}"
