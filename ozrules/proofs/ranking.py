"""Rules that can never act: whenever they would, a rule that comes first controls the call already."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from ozrules.proofs.possible import conjuncts, exact_values, implied
from ozrules.rules.fields import kind_of
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    Compare,
    Condition,
    Fixed,
    Forward,
    Hunt,
    Log,
    PlainMethod,
    Rule,
    RuleSet,
    SetVariables,
    StateTrigger,
    Trigger,
    Webhook,
)
from ozrules.rules.sense import operation_of
from ozrules.session.methods import EXCLUSIVE, is_legal

MOST: Final = 50  # rules in one place that are held against one rule; beyond, nothing is claimed

Refusal: TypeAlias = Callable[[str], str | None]
_Key: TypeAlias = tuple[str, str] | None


def outranked(rules: RuleSet, refusal: Refusal) -> Iterator[tuple[Rule, Rule]]:
    """Each rule that can never act, with the one that always comes before it."""
    ranked = sorted(rules.rules, key=lambda rule: (-rule.priority, rule.order))
    earlier: dict[_Key, list[Rule]] = defaultdict(list)
    for rule in ranked:
        given = conjuncts(rule.condition)
        action = first_control(rule)
        if action is None or not rule.exclusive or rule.status != "active":
            continue
        candidates = [each for key in _implying(given, rules) for each in earlier[key][:MOST]]
        stronger = next((each for each in candidates if _always_first(each, rule, given, rules, refusal)), None)
        if stronger is not None:
            yield rule, stronger
        if not rule.exceptions and rule.throttle is None:
            for key in _implied_by(given, rules):
                earlier[key].append(rule)


def _implied_by(given: list[Condition], rules: RuleSet) -> Iterable[_Key]:
    """Under which of its conditions a rule is kept: the one with the fewest calls, best a number's."""
    exact = [(each, values) for each in given if (values := exact_values(each, rules.numbers)) is not None]
    if exact:
        best, values = min(exact, key=lambda pair: (_kind(pair[0]) != "number", len(pair[1])))
        return [(_field(best), value) for value in values]
    return [("", "")] if given else [None]


def _implying(given: list[Condition], rules: RuleSet) -> Iterable[_Key]:
    """Where a rule whose conditions all follow from ``given`` is kept."""
    keys: list[_Key] = [None, ("", "")]
    for each in given:
        values = exact_values(each, rules.numbers)
        if values:
            keys.append((_field(each), min(values)))
    return keys


def _field(condition: Condition) -> str:
    assert isinstance(condition, Compare)
    return condition.field


def _kind(condition: Condition) -> str | None:
    return kind_of(_field(condition))


def _always_first(stronger: Rule, rule: Rule, given: list[Condition], rules: RuleSet, refusal: Refusal) -> bool:
    if rule.on_resync and not stronger.on_resync:
        return False
    action = first_control(stronger)
    if action is None or not _surely_sent(action, rule, rules, refusal):
        return False
    return all(
        any(_covers(one, other, stronger, rule, action) for one in stronger.triggers) for other in rule.triggers
    ) and all(implied(each, given, rules.numbers) for each in conjuncts(stronger.condition))


def _covers(one: Trigger, other: Trigger, stronger: Rule, rule: Rule, action: Action) -> bool:
    """Whether ``one`` fires on every event on which ``other`` does, in a state in which ``action`` can work."""
    if not isinstance(one, StateTrigger) or not isinstance(other, StateTrigger):
        return False
    method = operation_of(action)
    if method is None or not all(is_legal(method, state) for state in other.states):
        return False
    if one.hold is not None or other.hold is not None:
        same = (one.states, one.origins, one.hold, one.clock) == (other.states, other.origins, other.hold, other.clock)
        return same and (stronger.on_missed, stronger.missed_grace) == (rule.on_missed, rule.missed_grace)
    origins = one.origins is None or (other.origins is not None and other.origins <= one.origins)
    return other.states <= one.states and origins


def first_control(rule: Rule) -> Action | None:
    """The action by which the rule takes the call, where nothing but remarks stands before it."""
    for action in rule.actions:
        if isinstance(action, Log | SetVariables | Webhook):
            continue
        return action if operation_of(action) in EXCLUSIVE else None
    return None


def _surely_sent(action: Action, rule: Rule, rules: RuleSet, refusal: Refusal) -> bool:
    """Whether no guard stops this action that would let the other rule's pass."""
    match action:
        case PlainMethod():
            return True
        case Forward(to=Fixed(number=number)) | BlindTransfer(to=Fixed(number=number)):
            other = first_control(rule)
            hops_alike = isinstance(other, Forward | BlindTransfer | Hunt)
            internal = rules.numbers.is_internal(number)
            return hops_alike and internal and refusal(number) is None
        case _:
            return False
