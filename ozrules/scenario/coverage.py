"""What of the rules no test has reached: rules that never fired, conditions that never stopped one, actions never done.

A condition counts as reached once it has stopped its rule: until then nobody knows whether it could.
"""

from collections.abc import Iterable, Iterator

import msgspec

from ozrules.rules.condition import leaves, said
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    Fixed,
    Forward,
    Log,
    Place,
    Rule,
    RuleSet,
    Webhook,
)
from ozrules.rules.nesting import every_action
from ozrules.rules.sense import operation_of
from ozrules.scenario.played import Performed, Played


class Unreached(msgspec.Struct, frozen=True):
    """A part of a rule that no test has reached."""

    rule: str
    place: Place
    message: str


class Coverage(msgspec.Struct, frozen=True):
    """How many parts of the rules there are, and those that no test reached."""

    parts: int
    unreached: tuple[Unreached, ...]


def coverage(rules: RuleSet, runs: Iterable[Played]) -> Coverage:
    """What all ``runs`` together have reached of ``rules``."""
    played = tuple(runs)
    found = [part for rule in rules.rules if rule.status != "disabled" for part in _parts(rule, played, rules)]
    return Coverage(len(found), tuple(part for part, reached in found if not reached))


def name_of(action: Action) -> str | None:
    """The name under which a test sees the action, or None where it sees nothing of it."""
    match action:
        case Webhook():
            return "webhook"
        case Log():
            return "log"
        case _:
            return operation_of(action)


def _parts(rule: Rule, runs: tuple[Played, ...], rules: RuleSet) -> Iterator[tuple[Unreached, bool]]:
    decisions = [each for run in runs for each in run.decisions if each.rule == rule.id]
    performed = [each for run in runs for each in run.performed if each.rule == rule.id]
    fired = any(each.reason in ("fired", "shadow") for each in decisions)
    yield Unreached(rule.id, rule.place, "No test makes this rule fire."), fired
    if len(rule.triggers) > 1:
        acted = {each.trigger for each in decisions if each.reason in ("fired", "shadow")}
        for trigger in rule.triggers:
            message = f"No test makes this trigger fire the rule: {trigger.id}."
            yield Unreached(rule.id, trigger.place, message), trigger.id in acted
    stopped = {leaf.at for decision in decisions for leaf in decision.failed}
    for leaf in leaves(rule.condition):
        message = f"In no test does this condition stop the rule: {said(leaf)}."
        yield Unreached(rule.id, leaf.place, message), str(leaf.place) in stopped
    names = {each.by for each in decisions if each.reason == "exception"}
    for exception in rule.exceptions:
        place = next((leaf.place for leaf in leaves(exception.condition)), rule.place)
        yield Unreached(rule.id, place, f"No test meets the exception {exception.name}."), exception.name in names
    if rule.throttle is not None:
        throttled = any(each.reason == "throttled" for each in decisions)
        yield Unreached(rule.id, rule.place, "No test meets the throttle."), throttled
    if rule.status == "shadow":
        return
    for action in every_action(rule.actions):
        name = name_of(action)
        if name is not None:
            reached = any(_is_of(each, name, action, rules) for each in performed)
            yield Unreached(rule.id, action.place, f"In no test is this action carried out: {name}."), reached


def _is_of(performed: Performed, name: str, action: Action, rules: RuleSet) -> bool:
    """Whether this is what the action does. Of two equal actions in one rule, either is taken for both."""
    if performed.action != name:
        return False
    match action:
        case Forward(to=Fixed(number=number)) | BlindTransfer(to=Fixed(number=number)):
            return performed.to == rules.numbers.normal(number)
        case _:
            return True
