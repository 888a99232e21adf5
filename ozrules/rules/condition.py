"""Conditions, compiled: a tree of `model.Condition` becomes one function from a subject to a `Verdict`.

The function looks nothing up in the rules any more: what it needs of them (schedules, lists, readers) is in it, so that
it stays what it was when another rule set takes its place. What changes from call to call it is given: the subject, the
moment, and the counts over all subjects.

Three values, not two. A comparison with a missing value is MISSING: it does not hold, and `not` does not make it
hold. Only `exists` asks for presence. The same tree, walked slowly, tells every leaf that failed (`compile_failing`).

What a subject is, is the caller's affair: `Facts` gives the readers of its fields. The engine's subject is a live
session; here nothing is known of it.
"""

import operator
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar, assert_never

import msgspec
import re2

from ozrules.rules.calendar import Schedule
from ozrules.rules.fields import kind_of
from ozrules.rules.model import (
    Alive,
    All,
    AnyOf,
    Compare,
    Condition,
    CountOp,
    DuringSchedule,
    History,
    Leaf,
    Not,
)
from ozrules.rules.numbers import NumberPlan, pattern_predicate
from ozrules.session.state import State

Verdict: TypeAlias = Literal[1, 0, -1]
YES: Final = 1
NO: Final = 0
MISSING: Final = -1

Value: TypeAlias = str | float | None
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Window(msgspec.Struct, frozen=True):
    """What a ``history`` counts: the distinct subjects that entered ``states`` in the last ``within`` seconds.

    ``numbers`` says which numbers are one; what is kept under the name of a window is the same for all of them.
    """

    states: frozenset[State]
    within: float
    group_by: tuple[str, ...]
    numbers: NumberPlan

    @property
    def name(self) -> str:
        """The same for equal windows, also in what earlier versions have kept."""
        return f"history:{','.join(sorted(self.states))}:{self.within}:{','.join(self.group_by)}"


class Standing(msgspec.Struct, frozen=True):
    """What an ``active`` counts: the subjects that are in ``states`` now."""

    states: frozenset[State]
    group_by: tuple[str, ...]
    numbers: NumberPlan

    @property
    def name(self) -> str:
        """The same for equal ones."""
        return f"active:{','.join(sorted(self.states))}:{','.join(self.group_by)}:{self.numbers}"


class Counts(Protocol):
    """What is known beside the subject: counts over all of them, and what admins have switched by hand."""

    wall_offset: float
    """Seconds by which the wall clock is ahead of the moments that tests are given."""

    def by_hand(self, schedule: str, at: float) -> bool | None:
        """Whether an admin has switched a schedule open or closed; None where its hours count."""

    def entered(self, window: str, group: str, at: float, within: float) -> int:
        """How many of the group the `Window` of that name has."""

    def alive(self, standing: str, group: str) -> int:
        """How many of the group the `Standing` of that name has."""


Test: TypeAlias = Callable[[S, float, Counts], Verdict]


class Facts(Protocol[S_contra]):
    """What a rule set says that its conditions need."""

    @property
    def numbers(self) -> NumberPlan: ...

    def schedule(self, name: str) -> Schedule | None:
        """The hours under a name; None where nobody knows them any more, which no condition holds for."""

    def reader(self, field: str) -> Callable[[S_contra, float], Value]:
        """The function that reads a field: text, or seconds or a count as a number, or None where it is missing."""

    def group(self, fields: tuple[str, ...]) -> Callable[[S_contra, float], str | None]:
        """The function that reads the value of a ``groupBy``, or None where a field is missing."""


class FailedLeaf(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One thing that was not as a rule wanted it. ``at`` is where the rule says so, ``file:line:column``."""

    path: str
    wanted: str
    actual: str | None
    at: str
    missing: bool = False
    schedule: bool = False


Failing: TypeAlias = Callable[[S, float, Counts], tuple[FailedLeaf, ...]]

_ORDER: Final[dict[CountOp, Callable[[float, float], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
}


def compile_condition(condition: Condition, facts: Facts[S]) -> Test[S]:
    """The function that judges ``condition`` on a subject at a moment."""
    match condition:
        case All():
            return _all(tuple(compile_condition(each, facts) for each in condition.of))
        case AnyOf():
            return _any(tuple(compile_condition(each, facts) for each in condition.of))
        case Not():
            inner = compile_condition(condition.of, facts)

            def negated(subject: S, at: float, counts: Counts) -> Verdict:
                verdict = inner(subject, at, counts)
                return verdict if verdict == MISSING else NO if verdict == YES else YES

            return negated
        case DuringSchedule():
            return _during(condition, facts.schedule(condition.name))
        case History() | Alive():
            return _counted(_count(condition, facts), condition.op, condition.count)
        case Compare():
            return _compare(condition, facts)
        case _:
            assert_never(condition)


def compile_failing(condition: Condition, facts: Facts[S], *, holds: bool = True) -> Failing[S]:
    """The function that names every leaf because of which ``condition`` is not as wished, with what was found instead.

    ``holds``: the wish is that it holds; else that it does not, which a missing value grants neither. Slower than the
    test and compiled apart, because most conditions are never asked to explain themselves.
    """
    test = compile_condition(condition, facts)
    granted = YES if holds else NO
    parts: tuple[Failing[S], ...]
    match condition:
        case All() | AnyOf():
            parts = tuple(compile_failing(each, facts, holds=holds) for each in condition.of)
        case Not():
            parts = (compile_failing(condition.of, facts, holds=not holds),)
        case Compare() | DuringSchedule() | History() | Alive():
            parts = (_found(condition, facts, "" if holds else "not "),)
        case _:
            assert_never(condition)

    def failed(subject: S, at: float, counts: Counts) -> tuple[FailedLeaf, ...]:
        if test(subject, at, counts) == granted:
            return ()
        return tuple(leaf for part in parts for leaf in part(subject, at, counts))

    return failed


def compile_reading(leaf: Leaf, facts: Facts[S]) -> Failing[S]:
    """The function that tells what a leaf finds, whether it holds or not, as its only item."""
    return _found(leaf, facts, "")


def leaves(condition: Condition) -> Iterator[Leaf]:
    """The comparisons at the ends of the tree, in the order of the file."""
    match condition:
        case All() | AnyOf():
            for each in condition.of:
                yield from leaves(each)
        case Not():
            yield from leaves(condition.of)
        case Compare() | DuringSchedule() | History() | Alive():
            yield condition
        case _:
            assert_never(condition)


def replaced(condition: Condition, leaf: Leaf, by: Condition) -> Condition:
    """The condition with ``by`` in the place of that very leaf."""
    match condition:
        case All() | AnyOf():
            return msgspec.structs.replace(condition, of=tuple(replaced(each, leaf, by) for each in condition.of))
        case Not():
            return msgspec.structs.replace(condition, of=replaced(condition.of, leaf, by))
        case Compare() | DuringSchedule() | History() | Alive():
            return by if condition is leaf else condition
        case _:
            assert_never(condition)


def _found(leaf: Leaf, facts: Facts[S], negation: str) -> Failing[S]:
    read: Callable[[S, float, Counts], Value]
    match leaf:
        case Compare():
            field = facts.reader(leaf.field)

            def read(subject: S, at: float, counts: Counts) -> Value:
                return field(subject, at)
        case DuringSchedule(name=name):
            schedule = facts.schedule(name)

            def read(subject: S, at: float, counts: Counts) -> Value:
                switched = counts.by_hand(name, at)
                if switched is not None:
                    return "open, switched by hand" if switched else "closed, switched by hand"
                if schedule is None:
                    return None
                return "open" if schedule.is_open(at + counts.wall_offset) else "closed"
        case History() | Alive():
            read = _count(leaf, facts)
        case _:
            assert_never(leaf)
    asks_presence = isinstance(leaf, Compare) and leaf.op == "exists"
    path, wish, place = leaf.path, negation + wanted(leaf), str(leaf.place)

    def found(subject: S, at: float, counts: Counts) -> tuple[FailedLeaf, ...]:
        actual = read(subject, at, counts)
        return (
            FailedLeaf(
                path=path,
                wanted=wish,
                actual=None if actual is None else shown(actual),
                at=place,
                missing=actual is None and not asks_presence,
                schedule=isinstance(leaf, DuringSchedule),
            ),
        )

    return found


def wanted(leaf: Leaf) -> str:
    """What a leaf asks for, in the rule language's own words."""
    match leaf:
        case Compare(op="exists"):
            return f"exists {'true' if leaf.present else 'false'}"
        case Compare():
            if leaf.name is not None:
                return f"{leaf.op} {leaf.name}"
            values = ", ".join(leaf.texts)
            return f"{leaf.op} [{values}]" if leaf.op in ("in", "notIn") else f"{leaf.op} {values}"
        case DuringSchedule():
            return f"{'during' if leaf.inside else 'outside'} {leaf.name}"
        case History() | Alive():
            return f"{leaf.op} {leaf.count}"
        case _:
            assert_never(leaf)


def said(leaf: Leaf) -> str:
    """The way to a leaf and what it asks for, the operator named once."""
    return f"{where(leaf)} {wanted(leaf)}"


def where(leaf: Leaf) -> str:
    """The way to a leaf without its operator."""
    return leaf.path.removesuffix(f".{leaf.op}") if isinstance(leaf, Compare) else leaf.path


def shown(value: str | float) -> str:
    """A field's value as a record shows it: numbers without needless decimals."""
    return value if isinstance(value, str) else f"{value:.3f}".rstrip("0").rstrip(".")


def _all(tests: tuple[Test[S], ...]) -> Test[S]:
    if len(tests) == 1:
        return tests[0]

    def every(subject: S, at: float, counts: Counts) -> Verdict:
        missing = False
        for test in tests:
            verdict = test(subject, at, counts)
            if verdict == NO:
                return NO
            if verdict == MISSING:
                missing = True
        return MISSING if missing else YES

    return every


def _any(tests: tuple[Test[S], ...]) -> Test[S]:
    def some(subject: S, at: float, counts: Counts) -> Verdict:
        missing = False
        for test in tests:
            verdict = test(subject, at, counts)
            if verdict == YES:
                return YES
            if verdict == MISSING:
                missing = True
        return MISSING if missing else NO

    return some


def _during(leaf: DuringSchedule, schedule: Schedule | None) -> Test[S]:
    name, inside = leaf.name, leaf.inside

    def during(subject: S, at: float, counts: Counts) -> Verdict:
        is_open = counts.by_hand(name, at)
        if is_open is None:
            if schedule is None:
                return MISSING
            is_open = schedule.is_open(at + counts.wall_offset)
        return YES if is_open is inside else NO

    return during


def _count(leaf: History | Alive, facts: Facts[S]) -> Callable[[S, float, Counts], int | None]:
    """How many there are in the subject's group, or None where a groupBy field is missing."""
    group = facts.group(leaf.group_by)
    if isinstance(leaf, History):
        window, within = window_of(leaf, facts.numbers).name, leaf.within

        def entered(subject: S, at: float, counts: Counts) -> int | None:
            value = group(subject, at)
            return None if value is None else counts.entered(window, value, at, within)

        return entered
    standing = standing_of(leaf, facts.numbers).name

    def alive(subject: S, at: float, counts: Counts) -> int | None:
        value = group(subject, at)
        return None if value is None else counts.alive(standing, value)

    return alive


def window_of(leaf: History, numbers: NumberPlan) -> Window:
    """What has to be counted for it."""
    return Window(leaf.states, leaf.within, leaf.group_by, numbers)


def standing_of(leaf: Alive, numbers: NumberPlan) -> Standing:
    """What has to be counted for it."""
    return Standing(leaf.states, leaf.group_by, numbers)


def _counted(count: Callable[[S, float, Counts], int | None], op: CountOp, bound: int) -> Test[S]:
    compare = _ORDER[op]

    def counted(subject: S, at: float, counts: Counts) -> Verdict:
        number = count(subject, at, counts)
        return MISSING if number is None else YES if compare(number, bound) else NO

    return counted


def _compare(leaf: Compare, facts: Facts[S]) -> Test[S]:
    read = facts.reader(leaf.field)
    if leaf.op == "exists":
        present = leaf.present
        return lambda subject, at, counts: YES if (read(subject, at) is not None) is present else NO
    holds = _text_holds(leaf, facts.numbers) if leaf.number is None else _number_holds(leaf)

    def compared(subject: S, at: float, counts: Counts) -> Verdict:
        value = read(subject, at)
        if value is None:
            return MISSING
        return YES if holds(value) else NO

    return compared


def _number_holds(leaf: Compare) -> Callable[[Any], bool]:
    assert leaf.number is not None
    bound = leaf.number
    if leaf.op == "ne":
        return lambda value: bool(value != bound)
    assert leaf.op in ("gt", "gte", "lt", "lte", "eq"), "the loader gives a number to no other operator"
    compare = _ORDER[leaf.op]
    return lambda value: compare(value, bound)


def _text_holds(leaf: Compare, plan: NumberPlan) -> Callable[[Any], bool]:
    """The predicate over a field's text. Phone numbers are compared in their normal form on both sides."""
    is_number = kind_of(leaf.field) == "number"
    normal: Callable[[str], str] = plan.normal if is_number else _same
    starts: Callable[[str], tuple[str, ...]] = plan.prefixes if is_number else _only
    match leaf.op:
        case "eq" | "ne":
            text = normal(leaf.texts[0])
            if leaf.op == "eq":
                return lambda value: normal(value) == text
            return lambda value: normal(value) != text
        case "in" | "notIn":
            exact = frozenset(normal(text) for text in leaf.texts if not text.endswith("*"))
            prefixes = tuple(start for text in leaf.texts if text.endswith("*") for start in starts(text[:-1]))
            inside = leaf.op == "in"
            if not prefixes:
                return lambda value: (normal(value) in exact) is inside
            return lambda value: (
                (normal(value) in exact or value.startswith(prefixes) or normal(value).startswith(prefixes)) is inside
            )
        case "startsWith":
            beginnings = starts(leaf.texts[0])
            return lambda value: value.startswith(beginnings) or normal(value).startswith(beginnings)
        case "endsWith":
            end = leaf.texts[0]
            return lambda value: value.endswith(end) or normal(value).endswith(end)
        case "matches":
            matches = pattern_predicate(leaf.texts[0])
            if is_number:
                return lambda value: any(matches(form) for form in _forms(value, normal(value)))
            return matches
        case "regex":
            full = compile_regex(leaf.texts[0])
            if is_number:
                return lambda value: any(full(form) for form in _forms(value, normal(value)))
            return full
        case "gt" | "gte" | "lt" | "lte" | "exists":
            raise AssertionError("the loader gives these a number, or no text at all")
        case _:
            assert_never(leaf.op)


def _same(text: str) -> str:
    return text


def _only(text: str) -> tuple[str, ...]:
    return (text,)


def _forms(typed: str, normal: str) -> tuple[str, ...]:
    """The ways in which a number may have been meant: as sent, normalised, and normalised without its plus."""
    return (typed, normal, normal.removeprefix("+"))


def compile_regex(pattern: str, *, keep: bool = True) -> Callable[[str], bool]:
    """RE2, anchored at both ends: linear time whatever the pattern. Raises re2.error where RE2 refuses it.

    With ``keep`` answers are kept; without it each text is matched anew, to be measured.
    """
    compiled = _compiled(pattern)
    if not keep:
        return lambda text: compiled.fullmatch(text) is not None
    return lambda text: _matches(pattern, text)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    return re2.compile(pattern, options)


@lru_cache(maxsize=65536)
def _matches(pattern: str, text: str) -> bool:
    """Kept, because the same callers call again and a call into RE2 costs more than the match."""
    return _compiled(pattern).fullmatch(text) is not None
