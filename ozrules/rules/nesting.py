"""Actions inside actions, and conditions inside them: what a rule could ever do or ask, wherever in it that stands."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias, assert_never

import msgspec

from ozrules.rules.model import (
    Action,
    AttendedTransfer,
    BlindTransfer,
    Choose,
    Condition,
    Fixed,
    Forward,
    Hunt,
    Log,
    Lookup,
    PlainMethod,
    Rule,
    SendDtmf,
    SetVariables,
    Stop,
    SystemAction,
    Target,
    Templated,
    Wait,
    WaitFor,
    Webhook,
)

Path: TypeAlias = tuple[int | str, ...]
"""The way from a rule to a list of its actions: ``(2, "onFailure")``, or ``(0, 1)`` for a branch of a ``choose``."""


def every_action(actions: Iterable[Action]) -> Iterator[Action]:
    """The actions and all that stand inside them, in the order of the file."""
    for action in actions:
        yield action
        for _, inner in _lists(action):
            yield from every_action(inner)


def numbers_named(target: Target | None) -> Iterator[str]:
    """The numbers that a target may lead to, as far as the rule itself names them."""
    match target:
        case Fixed(number=number):
            yield number
        case Lookup(table=table, default=default):
            yield from table.values()
            if default is not None:
                yield default
        case Templated() | None:
            pass
        case _:
            assert_never(target)


def every_condition(rule: Rule) -> Iterator[Condition]:
    """All that a rule ever asks: its conditions, those of its exceptions, and those in its actions."""
    yield rule.condition
    for exception in rule.exceptions:
        yield exception.condition
    for _, condition in every_choice(rule.actions):
        yield condition


def every_choice(actions: Iterable[Action], path: Path = ()) -> Iterator[tuple[Path, Condition]]:
    """The condition of each branch of each ``choose``, with the way to the branch."""
    for place, action in enumerate(actions):
        for way, inner in _lists(action):
            if isinstance(action, Choose) and isinstance(way, int):
                condition = action.branches[way].condition
                if condition is not None:
                    yield (*path, place, way), condition
            yield from every_choice(inner, (*path, place, way))


def with_choice(actions: tuple[Action, ...], path: Path, condition: Condition) -> tuple[Action, ...]:
    """The actions with another condition of a branch. ``path`` is the way to it, as `every_choice` gives it."""
    place, way, *further = path
    assert isinstance(place, int)
    action, replace = actions[place], msgspec.structs.replace
    changed: Action
    match action:
        case Choose(branches=branches) if isinstance(way, int):
            branch = branches[way]
            if further:
                branch = replace(branch, actions=with_choice(branch.actions, tuple(further), condition))
            else:
                branch = replace(branch, condition=condition)
            changed = replace(action, branches=(*branches[:way], branch, *branches[way + 1 :]))
        case WaitFor(on_timeout=tuple() as then):
            changed = replace(action, on_timeout=with_choice(then, tuple(further), condition))
        case Hunt() if way == "onExhausted":
            changed = replace(action, on_exhausted=with_choice(action.on_exhausted, tuple(further), condition))
        case Log() | SetVariables() | Wait() | WaitFor() | Choose() | Stop():
            raise KeyError(path)
        case _:
            failed = with_choice(action.common.on_failure or (), tuple(further), condition)
            changed = replace(action, common=replace(action.common, on_failure=failed))
    return (*actions[:place], changed, *actions[place + 1 :])


def _lists(action: Action) -> Iterator[tuple[int | str, tuple[Action, ...]]]:
    """The lists of actions that stand inside an action, and where in it."""
    match action:
        case Hunt():
            yield "onExhausted", action.on_exhausted
            yield "onFailure", action.common.on_failure or ()
        case Forward() | BlindTransfer() | AttendedTransfer() | PlainMethod() | SendDtmf() | SystemAction() | Webhook():
            yield "onFailure", action.common.on_failure or ()
        case WaitFor(on_timeout=tuple() as then):
            yield "onTimeout", then
        case Choose(branches=branches):
            for number, branch in enumerate(branches):
                yield number, branch.actions
        case Log() | SetVariables() | Wait() | WaitFor() | Stop():
            pass
        case _:
            assert_never(action)
