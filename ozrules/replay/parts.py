"""What is otherwise in a rule between two sets of rules, part by part, in the words of the rule file."""

from collections.abc import Callable, Iterable
from typing import assert_never

import msgspec

from ozrules.engine.effects import Decision
from ozrules.engine.explain import states_text
from ozrules.rules import spans
from ozrules.rules.condition import leaves, wanted, where
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    CalendarTrigger,
    Compare,
    Condition,
    DuringSchedule,
    Fixed,
    Forward,
    Hunt,
    Lookup,
    PlainMethod,
    Rule,
    RuleSet,
    StateTrigger,
    Target,
    Templated,
    Trigger,
    Wait,
)
from ozrules.rules.nesting import every_condition

_MOST = 3
"""Changes of one part that are named."""


def changed_parts(was: Rule, now: Rule, old: RuleSet, new: RuleSet) -> dict[str, str]:
    """The parts that are otherwise, with what they were and are. Where a rule stands in its file is no part of it."""
    found: dict[str, str] = {}

    def look(part: str, of: Callable[[Rule], object], text: str = "") -> None:
        if plain(of(was)) != plain(of(now)):
            found[part] = text

    lists = _lists(was, now)
    if lists:
        found["list"] = ", ".join(lists)
    if _without_lists(was.condition) != _without_lists(now.condition):
        found["condition"] = _changes(_conditions(was.condition), _conditions(now.condition))
    schedules = [
        name for name in sorted(_schedules(was) & _schedules(now)) if old.schedules[name] != new.schedules[name]
    ]
    if schedules:
        found["schedule"] = ", ".join(schedules)
    look("trigger", lambda rule: rule.triggers, _changes(_triggers(was), _triggers(now)))
    look("exception", lambda rule: rule.exceptions, _changes(_exceptions(was), _exceptions(now)))
    look("status", lambda rule: rule.status, f"{plain(was.status)} -> {plain(now.status)}")
    look("throttle", lambda rule: rule.throttle)
    look("mode", lambda rule: (rule.mode, rule.max, rule.exclusive, rule.on_resync, rule.on_missed, rule.missed_grace))
    look("action", lambda rule: rule.actions, _changes(_actions(was), _actions(now)))
    if plain(old.guards) != plain(new.guards):
        found["guards"] = ""
    if old.numbers != new.numbers:
        found["defaults"] = ""
    return found


def action_texts(decision: Decision) -> list[str]:
    """What a decision does."""
    return [" ".join((action.action, *action.args.values())) for action in decision.actions]


def plain(part: object) -> object:
    """A part of a rule without the places where it was written."""
    return _unplaced(msgspec.to_builtins(part, order="deterministic"))


def _unplaced(value: object) -> object:
    match value:
        case dict():
            return {name: _unplaced(inner) for name, inner in value.items() if name != "place"}
        case list() | tuple():
            return [_unplaced(inner) for inner in value]
        case _:
            return value


# --- lists and schedules, which lie outside the rule ----------------------------------------------------------------


def _lists(was: Rule, now: Rule) -> list[str]:
    """The lists that both name and that hold other members."""
    before, after = _named(was), _named(now)
    return sorted(name for name in before.keys() & after.keys() if set(before[name]) != set(after[name]))


def _named(rule: Rule) -> dict[str, tuple[str, ...]]:
    return {leaf.name: leaf.texts for leaf in _leaves(rule) if isinstance(leaf, Compare) and leaf.name is not None}


def _without_lists(condition: Condition) -> object:
    return [
        (leaf.path, wanted(leaf)) if isinstance(leaf, Compare) and leaf.name is not None else plain(leaf)
        for leaf in leaves(condition)
    ]


def _schedules(rule: Rule) -> set[str]:
    return {leaf.name for leaf in _leaves(rule) if isinstance(leaf, DuringSchedule)}


def _leaves(rule: Rule) -> Iterable[object]:
    return (leaf for condition in every_condition(rule) for leaf in leaves(condition))


# --- texts ----------------------------------------------------------------------------------------------------------


def _conditions(condition: Condition) -> dict[str, str]:
    found: dict[str, str] = {}
    for leaf in leaves(condition):
        path = where(leaf)
        found[path] = f"{found[path]} and {wanted(leaf)}" if path in found else wanted(leaf)
    return found


def _triggers(rule: Rule) -> dict[str, str]:
    return {f"trigger {each.id}" if len(rule.triggers) > 1 else "": _trigger(each) for each in rule.triggers}


def _trigger(trigger: Trigger) -> str:
    match trigger:
        case StateTrigger():
            text = states_text(trigger.states)
            if trigger.origins is not None:
                text += f" from {states_text(trigger.origins)}"
            if trigger.hold is not None:
                text += f" for {spans.written(trigger.hold)}"
            return text if trigger.clock == "state" else f"{text} by {trigger.clock}"
        case CalendarTrigger():
            return "at another moment"
        case _:
            return trigger.kind


def _exceptions(rule: Rule) -> dict[str, str]:
    return {
        each.name: ", ".join(f"{path} {said}" for path, said in _conditions(each.condition).items())
        for each in rule.exceptions
    }


def _actions(rule: Rule) -> dict[str, str]:
    return {f"actions[{number}]": _action(action) for number, action in enumerate(rule.actions)}


def _action(action: Action) -> str:
    match action:
        case Forward(to=to):
            return f"forward {_target(to)}"
        case BlindTransfer(to=to, move=move):
            return f"blindTransfer {move} {_target(to)}"
        case PlainMethod(method=method):
            return method
        case Hunt(targets=targets):
            return f"hunt {', '.join(targets)}"
        case Wait(seconds=seconds):
            return f"wait {spans.written(seconds)}"
        case _:
            return type(action).__name__[0].lower() + type(action).__name__[1:]


def _target(to: Target) -> str:
    match to:
        case Fixed(number=number):
            return number
        case Lookup(name=name, key=key):
            return f"{name} by {key}"
        case Templated(field=field):
            return "{{ " + field + " }}"
        case _:
            assert_never(to)


def _changes(before: dict[str, str], after: dict[str, str]) -> str:
    """The entries that are not in both."""
    found = []
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was != now:
            said = f"+ {now}" if was is None else f"- {was}" if now is None else f"{was} -> {now}"
            found.append(f"{name} {said}".strip())
    more = f", and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return ", ".join(found[:_MOST]) + more
