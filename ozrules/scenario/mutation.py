"""Small edits of the rules, one at a time, as a tired admin might make them. A test suite that notices none of them
for a line of a rule does not test that line.

The edits are made on the loaded rules, not on the text: each stands for one change of one place in a file.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from ozrules.rules.condition import leaves, replaced, said, wanted
from ozrules.rules.fields import kind_of
from ozrules.rules.model import (
    Action,
    Alive,
    All,
    BlindTransfer,
    Canary,
    Compare,
    Condition,
    DuringSchedule,
    Fixed,
    Forward,
    History,
    Leaf,
    Place,
    Rule,
    RuleSet,
    StateTrigger,
)
from ozrules.rules.nesting import every_choice, with_choice
from ozrules.scenario.model import ScenarioFile
from ozrules.scenario.suite import play_one
from ozrules.session.state import GROUPS

T = TypeVar("T")


class Mutant(msgspec.Struct, frozen=True):
    """The rules with one edit, described as a person would."""

    rule: str
    place: Place
    edit: str
    rules: RuleSet


def unnoticed(rules: RuleSet, files: Iterable[ScenarioFile]) -> Iterator[Mutant]:
    """The edits after which every test still passes."""
    scenarios = tuple(scenario for file in files for scenario in file.scenarios)
    for mutant in mutants(rules):
        if all(play_one(scenario, mutant.rules).passed for scenario in scenarios):
            yield mutant


def mutants(rules: RuleSet) -> Iterator[Mutant]:
    """Every edit of every rule that is not disabled."""
    for number, rule in enumerate(rules.rules):
        if rule.status == "disabled":
            continue
        for place, edit, changed in _edits(rule):
            yield Mutant(rule.id, place, edit, _with(rules, number, changed))


def _with(rules: RuleSet, number: int, rule: Rule) -> RuleSet:
    return msgspec.structs.replace(rules, rules=_put(rules.rules, number, rule))


def _put(items: tuple[T, ...], number: int, item: T) -> tuple[T, ...]:
    return (*items[:number], item, *items[number + 1 :])


def _edits(rule: Rule) -> Iterator[tuple[Place, str, Rule]]:
    replace = msgspec.structs.replace
    yield rule.place, "the rule is disabled", replace(rule, status="disabled")
    for number, trigger in enumerate(rule.triggers):
        if len(rule.triggers) > 1:
            left = rule.triggers[:number] + rule.triggers[number + 1 :]
            yield trigger.place, f"trigger {trigger.id} is removed", replace(rule, triggers=left)
        if isinstance(trigger, StateTrigger):
            for edit, changed in _trigger_edits(trigger):
                yield trigger.place, edit, replace(rule, triggers=_put(rule.triggers, number, changed))
    for leaf in leaves(rule.condition):
        for edit, change in _leaf_edits(leaf):
            condition = replaced(rule.condition, leaf, change(leaf))
            assert isinstance(condition, All), "what holds the leaves of a rule stays"
            yield leaf.place, edit, replace(rule, condition=condition)
    for number, exception in enumerate(rule.exceptions):
        place = next((leaf.place for leaf in leaves(exception.condition)), rule.place)
        left_over = rule.exceptions[:number] + rule.exceptions[number + 1 :]
        yield place, f"the exception {exception.name} is removed", replace(rule, exceptions=left_over)
    for number, action in enumerate(rule.actions):
        if len(rule.actions) > 1:
            fewer = rule.actions[:number] + rule.actions[number + 1 :]
            yield action.place, "this action is removed", replace(rule, actions=fewer)
        moved = _to_elsewhere(action)
        if moved is not None:
            yield (
                action.place,
                "the call goes to another number",
                replace(rule, actions=_put(rule.actions, number, moved)),
            )
    for path, asked in every_choice(rule.actions):
        for leaf in leaves(asked):
            for edit, change in _leaf_edits(leaf):
                actions = with_choice(rule.actions, path, replaced(asked, leaf, change(leaf)))
                yield leaf.place, edit, replace(rule, actions=actions)
    if rule.throttle is not None:
        yield rule.place, "the throttle is removed", replace(rule, throttle=None)
    if isinstance(rule.status, Canary):
        yield rule.place, "every call is in the canary", replace(rule, status="active")


def _trigger_edits(trigger: StateTrigger) -> Iterator[tuple[str, StateTrigger]]:
    replace = msgspec.structs.replace
    if trigger.hold is not None:
        yield f"for is {trigger.hold + 1:g}s instead of {trigger.hold:g}s", replace(trigger, hold=trigger.hold + 1)
        if trigger.hold > 1:
            yield f"for is {trigger.hold - 1:g}s instead of {trigger.hold:g}s", replace(trigger, hold=trigger.hold - 1)
    if trigger.origins is not None:
        yield "from is removed", replace(trigger, origins=None)
    if len(trigger.states) > 1 and trigger.states not in GROUPS.values():
        for state in sorted(trigger.states):
            yield f"the state {state} is taken out", replace(trigger, states=trigger.states - {state})


def _leaf_edits(leaf: Leaf) -> Iterator[tuple[str, Callable[[Leaf], Condition]]]:
    says = said(leaf)
    yield f"the condition {says} is removed", lambda leaf: All(of=(), path=leaf.path, place=leaf.place)
    if isinstance(leaf, DuringSchedule):
        turned = msgspec.structs.replace(leaf, inside=not leaf.inside)
        yield f"the condition {says} is turned round", lambda _: turned
    elif isinstance(leaf, History | Alive):
        for count in (leaf.count - 1, leaf.count + 1):
            other = msgspec.structs.replace(leaf, count=count)
            yield f"{says} is {wanted(other)}", lambda _, other=other: other  # type: ignore[misc]  # bound now
    elif isinstance(leaf, Compare) and leaf.number is not None and kind_of(leaf.field) in ("seconds", "count"):
        for number in (leaf.number - 1, leaf.number + 1):
            bound = msgspec.structs.replace(leaf, number=number)
            yield f"{says} is {leaf.op} {number:g} instead", lambda _, bound=bound: bound  # type: ignore[misc]  # bound now
    elif isinstance(leaf, Compare) and leaf.op == "in" and len(leaf.texts) > 1:
        for number, text in enumerate(leaf.texts):
            fewer = msgspec.structs.replace(leaf, texts=leaf.texts[:number] + leaf.texts[number + 1 :])
            yield f"{text} is taken out of {says}", lambda _, fewer=fewer: fewer  # type: ignore[misc]  # bound now


def _to_elsewhere(action: Action) -> Action | None:
    if isinstance(action, Forward | BlindTransfer) and isinstance(action.to, Fixed):
        return msgspec.structs.replace(action, to=Fixed("2" if action.to.number != "2" else "3", action.to.place))
    return None
