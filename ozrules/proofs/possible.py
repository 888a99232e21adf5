"""What a conjunction of conditions leaves possible. Sound before complete: what is said here holds for every call.

A number is compared in its normal form and in the form it was sent in, which nobody knows beforehand. So of a number
only that is used which holds for the normal form and every other.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Any, Final

import msgspec

from ozrules.proofs.hours import never_together, only_within
from ozrules.rules.calendar import Schedule
from ozrules.rules.condition import NO, YES, Value, Verdict, compile_condition
from ozrules.rules.fields import kind_of
from ozrules.rules.model import Alive, All, AnyOf, Compare, Condition, DuringSchedule, History, Not
from ozrules.rules.numbers import NumberPlan

_FORM_BOUND: Final = frozenset({"startsWith", "endsWith", "matches", "regex"})


class OneValue:
    """`Facts` about a subject that is the value itself. Only comparisons are asked, which count nothing."""

    wall_offset = 0.0

    def __init__(self, numbers: NumberPlan) -> None:
        self.numbers = numbers

    def reader(self, field: str) -> Callable[[str | float, float], Value]:
        return lambda subject, at: subject

    def test(self, condition: Condition) -> Callable[[str | float], Verdict]:
        """The function that judges a value by the condition."""
        compiled = compile_condition(condition, self)
        return lambda value: compiled(value, 0.0, self)

    def schedule(self, name: str) -> Schedule | None:
        raise AssertionError("only comparisons are asked")

    def group(self, fields: tuple[str, ...]) -> Callable[[str | float, float], str | None]:
        raise AssertionError("only comparisons are asked")

    def by_hand(self, schedule: str, at: float) -> bool | None:
        raise AssertionError("only comparisons are asked")

    def entered(self, window: str, group: str, at: float, within: float) -> int:
        raise AssertionError("only comparisons are asked")

    def alive(self, standing: str, group: str) -> int:
        raise AssertionError("only comparisons are asked")


def conjuncts(condition: Condition) -> list[Condition]:
    """The conditions that must all hold, without the `All`s around them."""
    if isinstance(condition, All):
        return [each for part in condition.of for each in conjuncts(part)]
    return [condition]


def essence(condition: Condition) -> tuple[Any, ...]:
    """What the condition asks, wherever it was written: equal essences hold for the same calls."""
    match condition:
        case Compare():
            return ("field", condition.field, condition.op, condition.texts, condition.number, condition.present)
        case DuringSchedule():
            return ("schedule", condition.name, condition.inside)
        case History():
            return ("history", _group(condition), condition.op, condition.count)
        case Alive():
            return ("active", _group(condition), condition.op, condition.count)
        case All():
            return ("all", tuple(essence(each) for each in condition.of))
        case AnyOf():
            return ("any", tuple(essence(each) for each in condition.of))
        case Not():
            return ("not", essence(condition.of))


def exact_values(leaf: Condition, numbers: NumberPlan) -> frozenset[str] | None:
    """The only values with which the comparison holds, normalised; None where they cannot be counted."""
    if not isinstance(leaf, Compare) or leaf.number is not None or leaf.op not in ("eq", "in"):
        return None
    if leaf.op == "in" and any(text.endswith("*") for text in leaf.texts):
        return None
    normal = numbers.normal if kind_of(leaf.field) == "number" else str
    return frozenset(normal(text) for text in leaf.texts)


def may_hold(leaf: Compare, value: str, numbers: NumberPlan) -> bool:
    """Whether the comparison can hold for a number whose normal form is ``value``."""
    if leaf.op == "exists":
        return leaf.present
    return leaf.number is None and OneValue(numbers).test(leaf)(value) == YES


def implied(wanted: Condition, given: Iterable[Condition], numbers: NumberPlan) -> bool:
    """Whether ``wanted`` surely holds wherever all of ``given`` do."""
    given = tuple(given)
    asked = essence(wanted)
    if any(essence(each) == asked for each in given):
        return True
    if isinstance(wanted, All | AnyOf):
        ways = (implied(each, given, numbers) for each in wanted.of)
        return all(ways) if isinstance(wanted, All) else any(ways)
    if isinstance(wanted, History | Alive) or (isinstance(wanted, Compare) and wanted.number is not None):
        return _within(wanted, given)
    if not isinstance(wanted, Compare):
        return False
    same = [each for each in given if isinstance(each, Compare) and each.field == wanted.field]
    if wanted.op == "exists":
        return wanted.present and any(each.op != "exists" for each in same)
    if wanted.op == "notIn" and any(text.endswith("*") for text in wanted.texts):
        return False
    test = OneValue(numbers).test(wanted)
    for each in same:
        values = exact_values(each, numbers)
        if values and all(test(value) == YES for value in values):
            return True
        if _begins_within(each, wanted, numbers):
            return True
    return False


def _begins_within(given: Compare, wanted: Compare, numbers: NumberPlan) -> bool:
    """Whether every beginning that ``given`` allows goes on from one that ``wanted`` allows."""
    begins = _beginnings(wanted, numbers)
    allowed = _beginnings(given, numbers)
    if not begins or not allowed or (wanted.op == "in" and not all(text.endswith("*") for text in wanted.texts)):
        return False
    return all(start.startswith(begins) for start in allowed)


def _beginnings(leaf: Compare, numbers: NumberPlan) -> tuple[str, ...] | None:
    """With one of which a value, or its normal form, begins wherever the comparison holds; None where unknown."""
    if leaf.op == "startsWith" or leaf.op in ("eq", "in"):
        number = kind_of(leaf.field) == "number"
        starts: list[str] = []
        for text in leaf.texts:
            if leaf.op == "startsWith" or (leaf.op == "in" and text.endswith("*")):
                start = text if leaf.op == "startsWith" else text[:-1]
                starts += numbers.prefixes(start) if number else (start,)
            else:
                starts.append(numbers.normal(text) if number else text)
        return tuple(starts)
    return None


def _within(wanted: Compare | History | Alive, given: tuple[Condition, ...]) -> bool:
    """Whether the limits in ``given`` leave no number that ``wanted`` refuses."""
    opposite = {"gt": "lte", "gte": "lt", "lt": "gte", "lte": "gt"}.get(wanted.op)
    if opposite is None:
        return False
    against = msgspec.structs.replace(wanted, op=opposite)
    limits = [each for each in given if _subject(each) == _subject(wanted)]
    return bool(limits) and _bounds([*limits, against]) is not None


def _subject(condition: Condition) -> object:
    """What the condition puts a limit to."""
    match condition:
        case Compare(number=float() | int(), field=field):
            return field
        case History() | Alive():
            return type(condition), _group(condition)
        case _:
            return None


def contradiction(
    given: Iterable[Condition], numbers: NumberPlan, schedules: Mapping[str, Schedule] = MappingProxyType({})
) -> tuple[Condition, Condition] | None:
    """Two of ``given`` because of which they never hold together, whatever the call; None where none are known."""
    parts = list(given)
    if len({each.field for each in parts if isinstance(each, Compare)}) == len(parts):
        return None  # each comparison about a field of its own
    found = (
        _opposites(parts)
        or _absent(parts)
        or _bounds(parts)
        or _values(parts, numbers)
        or _prefixes(parts, numbers)
        or _hours(parts, schedules)
    )
    if found is not None:
        return found
    for way in parts:
        if isinstance(way, AnyOf):
            rest = [each for each in parts if each is not way]
            found = None
            for branch in way.of:
                found = contradiction([*rest, *conjuncts(branch)], numbers, schedules)
                if found is None:
                    break
            if found is not None:
                return found
    return None


def _opposites(parts: list[Condition]) -> tuple[Condition, Condition] | None:
    seen = {essence(each): each for each in parts}
    for each in parts:
        match each:
            case Not():
                other = seen.get(essence(each.of))
            case DuringSchedule(inside=True):
                other = seen.get(("schedule", each.name, False))
            case _:
                other = None
        if other is not None:
            return each, other
    return None


def _absent(parts: list[Condition]) -> tuple[Condition, Condition] | None:
    comparisons = [each for each in parts if isinstance(each, Compare)]
    for absent in comparisons:
        if absent.op == "exists" and not absent.present:
            for each in comparisons:
                if each.field == absent.field and (each.op != "exists" or each.present):
                    return absent, each
    return None


def _bounds(parts: list[Condition]) -> tuple[Condition, Condition] | None:
    """Limits between which no number lies."""
    low: dict[Any, tuple[float, bool, Condition]] = {}
    high: dict[Any, tuple[float, bool, Condition]] = {}
    for each in parts:
        match each:
            case Compare(number=float() | int() as number, op=op) if op not in ("ne", "exists"):
                subject: Any = each.field
                whole = kind_of(each.field) == "count"
            case History(count=number, op=op) | Alive(count=number, op=op):
                subject, whole = (type(each), _group(each)), True
            case _:
                continue
        step = 1 if whole else 0
        if op in ("gt", "gte", "eq"):
            limit = (number + step, not whole) if op == "gt" else (number, False)
            if subject not in low or limit > low[subject][:2]:
                low[subject] = (*limit, each)
        if op in ("lt", "lte", "eq"):
            limit = (number - step, not whole) if op == "lt" else (number, False)
            if subject not in high or (-limit[0], limit[1]) > (-high[subject][0], high[subject][1]):
                high[subject] = (*limit, each)
    for subject, (least, above, first) in low.items():
        most, below, second = high.get(subject, (math.inf, False, first))
        if least > most or (least == most and (above or below)):
            return first, second
    return None


def _values(parts: list[Condition], numbers: NumberPlan) -> tuple[Condition, Condition] | None:
    """A field whose few possible values another comparison all refuses."""
    comparisons = [each for each in parts if isinstance(each, Compare) and each.number is None and each.op != "exists"]
    for first in comparisons:
        values = exact_values(first, numbers)
        if values is None:
            continue
        for other in comparisons:
            if other is first or other.field != first.field or not _certain(other):
                continue
            test = OneValue(numbers).test(other)
            values = frozenset(value for value in values if test(value) != NO)
            if not values:
                return first, other
    return None


def _prefixes(parts: list[Condition], numbers: NumberPlan) -> tuple[Condition, Condition] | None:
    """Two beginnings that no text has both of.

    Of a number the sent form and the normal form may begin differently, but never with the codes of two countries: so
    beginnings are held against each other only where both begin with a plus and their country codes differ.
    """
    known = [
        (each, starts)
        for each in parts
        if isinstance(each, Compare) and each.number is None and (starts := _beginnings(each, numbers))
    ]
    for (first, ones), (second, others) in combinations(known, 2):
        apart = _other_country if kind_of(first.field) == "number" else _unlike
        if first.field == second.field and all(apart(one, other) for one in ones for other in others):
            return first, second
    return None


def _unlike(one: str, other: str) -> bool:
    return not one.startswith(other) and not other.startswith(one)


def _other_country(one: str, other: str) -> bool:
    """Whether two beginnings of international numbers have different country codes: one digit for +1 and +7, else
    two at least (ITU-T E.164).
    """
    if not one.startswith("+") or not other.startswith("+"):
        return False
    codes = [text[1:2] if text[1:2] in ("1", "7") else text[1:3] for text in (one, other)]
    return len(codes[0]) > 0 and len(codes[1]) > 0 and _unlike(*codes)


def _hours(parts: list[Condition], schedules: Mapping[str, Schedule]) -> tuple[Condition, Condition] | None:
    """Two schedules that are never open together, or one that is open only when another is that must be closed."""
    asked = [each for each in parts if isinstance(each, DuringSchedule) and each.name in schedules]
    for first, second in combinations(asked, 2):
        one, other = schedules[first.name], schedules[second.name]
        if first.inside and second.inside and never_together(one, other):
            return first, second
        for inner, outer in ((first, second), (second, first)):
            if inner.inside and not outer.inside and only_within(schedules[inner.name], schedules[outer.name]):
                return first, second
    return None


def _certain(leaf: Compare) -> bool:
    """Whether its No to a value in normal form is a No to every form of it."""
    if kind_of(leaf.field) != "number":
        return True
    return leaf.op not in _FORM_BOUND and not (leaf.op == "in" and any(text.endswith("*") for text in leaf.texts))


def _group(condition: History | Alive) -> tuple[Any, ...]:
    within = condition.within if isinstance(condition, History) else None
    return (condition.states, within, condition.group_by)
