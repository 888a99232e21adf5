"""What should match, judged the slow way: every rule on every event, over plain dicts, with no code of ozrules."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bench.workload import SCHEDULES, Demand, PlainEvent, PlainRule

_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": "[0-9]+"}


def matches(events: Sequence[PlainEvent], rules: Sequence[PlainRule]) -> list[frozenset[str]]:
    """For each event the ids of the rules that match it."""
    judges: dict[str, list[tuple[PlainRule, list[Callable[[PlainEvent], bool]]]]] = {}
    for rule in rules:
        judges.setdefault(rule.state, []).append((rule, [_judge(demand) for demand in rule.demands]))
    return [
        frozenset(
            rule.id
            for rule, demands in judges.get(event.properties["sessionState"], ())
            if (rule.origin is None or rule.origin == event.previous) and all(demand(event) for demand in demands)
        )
        for event in events
    ]


def _judge(demand: Demand) -> Callable[[PlainEvent], bool]:
    field, value = demand.field, demand.value
    match demand.op:
        case "eq":
            return lambda event: event.properties[field] == value
        case "in":
            members = frozenset(value) if isinstance(value, tuple) else frozenset()
            return lambda event: event.properties[field] in members
        case "startsWith":
            return lambda event: event.properties[field].startswith(str(value))
        case "matches":
            pattern = re.compile(r"\+?" + "".join(_CLASSES.get(character, character) for character in str(value)[1:]))
            return lambda event: pattern.fullmatch(event.properties[field]) is not None
        case "regex":
            expression = re.compile(str(value))
            return lambda event: expression.fullmatch(event.properties[field]) is not None
        case "gte":
            return lambda event: event.talked >= int(str(value))
        case "during":
            opens, closes = SCHEDULES[str(value)]
            return lambda event: opens <= datetime.fromtimestamp(event.at, UTC).strftime("%H:%M") < closes
