"""What a rule's conditions read of a session, for the record: each value under the way that leads to it in the rule.

Compiled once for each rule, and called once for each record that is written, at the moment of the judgement: what the
actions of another rule change right after it is not what counted. Texts of callers are cut, as everywhere.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeAlias

from ozrules.engine.live import LiveSession
from ozrules.rules import spans
from ozrules.rules.condition import Counts, Facts, compile_reading, leaves, where
from ozrules.rules.fields import kind_of
from ozrules.rules.model import Alive, Canary, Compare, Condition, History, Leaf, Rule
from ozrules.session.session import MAX_TEXT

Values: TypeAlias = dict[str, str | None]
"""By the way to the condition in the rule; None where there was no value."""
Consult: TypeAlias = Callable[[LiveSession, float, Counts], Values]

EXCEPTIONS: Final = "exceptions."
_COUNTS: Final = frozenset({"history", "active", "during", "outside"})


def of_conditions(rule: Rule, facts: Facts[LiveSession]) -> Consult:
    """What the rule's conditions read."""
    return _together(_of(rule.condition, facts))


def of_the_rest(rule: Rule, facts: Facts[LiveSession]) -> Consult:
    """What is read once they hold: by the exceptions, and the groups of throttle and canary."""
    found = [
        (f"{EXCEPTIONS}{each.name}.{path.removeprefix(EXCEPTIONS)}", read)
        for each in rule.exceptions
        for path, read in _of(each.condition, facts)
    ]
    if rule.throttle is not None:
        found += _group("throttle", rule.throttle.group_by, facts)
    if isinstance(rule.status, Canary):
        found += _group("status.canary", rule.status.group_by, facts)
    return _together(found)


def of_condition(condition: Condition, facts: Facts[LiveSession]) -> Consult:
    """What one condition reads, such as a branch of ``choose``."""
    return _together(_of(condition, facts))


_One: TypeAlias = tuple[str, Callable[[LiveSession, float, Counts], str | None]]


def _of(condition: Condition, facts: Facts[LiveSession]) -> list[_One]:
    found = []
    for leaf in leaves(condition):
        found.append((where(leaf), _shown(leaf, facts)))
        if isinstance(leaf, History | Alive):
            found += _group(where(leaf), leaf.group_by, facts)
    return found


def _group(path: str, fields: Iterable[str], facts: Facts[LiveSession]) -> list[_One]:
    return [(f"{path}.groupBy.{field}", _field(field, facts)) for field in fields]


def _shown(leaf: Leaf, facts: Facts[LiveSession]) -> Callable[[LiveSession, float, Counts], str | None]:
    if isinstance(leaf, Compare):
        return _field(leaf.field, facts)
    reading = compile_reading(leaf, facts)
    return lambda live, at, counts: reading(live, at, counts)[0].actual


def _field(field: str, facts: Facts[LiveSession]) -> Callable[[LiveSession, float, Counts], str | None]:
    read, kind = facts.reader(field), kind_of(field)

    def text(live: LiveSession, at: float, counts: Counts) -> str | None:
        value = read(live, at)
        if value is None or isinstance(value, str):
            return value
        match kind:
            case "seconds":
                return spans.written(value)
            case "moment":
                return datetime.fromtimestamp(value, live.zone).isoformat(timespec="milliseconds")
            case _:
                return f"{value:g}"

    return text


def _together(parts: Iterable[_One]) -> Consult:
    named: dict[str, Callable[[LiveSession, float, Counts], str | None]] = {}
    for path, read in parts:
        name, number = path, 2
        while name in named and path.rpartition(".")[2] in _COUNTS:  # a field is the same wherever it is read
            name, number = f"{path}#{number}", number + 1
        named[name] = read
    readers = tuple(named.items())

    def consult(live: LiveSession, at: float, counts: Counts) -> Values:
        found: Values = {}
        for path, read in readers:
            value = read(live, at, counts)
            found[path] = value if value is None else value[:MAX_TEXT]
        return found

    return consult
