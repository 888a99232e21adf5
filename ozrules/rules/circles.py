"""Calls that rules send round in a circle: 2001 forwards to 2002, and 2002 to 2001."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ozrules.rules.model import Compare, Condition, Fixed, Forward, Hunt, Rule, RuleSet, StateTrigger
from ozrules.rules.possible import conjuncts, contradiction, exact_values
from ozrules.rules.sense import operation_of
from ozrules.session.methods import EXCLUSIVE
from ozrules.session.state import RINGING


@dataclass(frozen=True)
class Step:
    """``rule`` sends a call for ``number`` to ``target``; ``others`` must hold besides."""

    rule: Rule
    number: str
    target: str
    others: tuple[Condition, ...]


@dataclass(frozen=True)
class Circle:
    """Steps of which each leads to the next and the last to the first. ``proven``: nothing can keep them from it."""

    steps: tuple[Step, ...]
    proven: bool


def circles(rules: RuleSet, refusal: Callable[[str], str | None]) -> Iterator[Circle]:
    """One shortest circle through each number that is on one, each circle once."""
    steps: dict[str, list[Step]] = defaultdict(list)
    for rule in rules.rules:
        for step in _steps(rule, rules, refusal):
            steps[step.number].append(step)
    seen: set[frozenset[str]] = set()
    for number in sorted(steps):
        way = _way_back(number, steps)
        if way is None or frozenset(step.number for step in way) in seen:
            continue
        seen.add(frozenset(step.number for step in way))
        if contradiction([each for step in way for each in step.others], rules.numbers) is None:
            yield Circle(way, _proven(way, rules))


def _steps(rule: Rule, rules: RuleSet, refusal: Callable[[str], str | None]) -> Iterator[Step]:
    if rule.status != "active" or rule.exceptions or not rule.actions:
        return
    action = rule.actions[0]
    rings = any(isinstance(trigger, StateTrigger) and RINGING in trigger.states for trigger in rule.triggers)
    if not rings or not isinstance(action, Forward) or not isinstance(action.to, Fixed):
        return
    numbers = rules.numbers
    if not numbers.is_internal(action.to.number) or refusal(action.to.number) is not None:
        return
    given = conjuncts(rule.condition)
    for callee in given:
        values = exact_values(callee, numbers) if isinstance(callee, Compare) and callee.field == "callee" else None
        if values is not None:
            others = tuple(each for each in given if each is not callee)
            if all(isinstance(each, Compare) and each.field not in ("callee", "hops") for each in others):
                target = numbers.normal(action.to.number)
                yield from (Step(rule, value, target, others) for value in sorted(values))
            return


def _way_back(number: str, steps: dict[str, list[Step]]) -> tuple[Step, ...] | None:
    """The shortest way from ``number`` back to it."""
    waiting: deque[tuple[str, tuple[Step, ...]]] = deque([(number, ())])
    reached: set[str] = set()
    while waiting:
        here, way = waiting.popleft()
        for step in steps.get(here, ()):
            if step.target == number:
                return (*way, step)
            if step.target not in reached:
                reached.add(step.target)
                waiting.append((step.target, (*way, step)))
    return None


def _proven(way: tuple[Step, ...], rules: RuleSet) -> bool:
    """Whether these rules surely act: they ask nothing else, and no other rule may take a ringing call before them."""
    if any(step.others or step.rule.throttle is not None or step.rule.mode != "single" for step in way):
        return False
    own = {step.rule.id for step in way}
    return not any(
        rule.id not in own
        and any(operation_of(action) in EXCLUSIVE or isinstance(action, Hunt) for action in rule.actions)
        for rule in rules.rules
    )
