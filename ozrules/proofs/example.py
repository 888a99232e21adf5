"""A call on which conditions hold: values for the fields that they name, and a moment at which their schedules agree.

Sought, not solved: each condition offers the values that would please it, and of these the first is taken that pleases
all. Where none is found nothing is said, and whether the call does what is hoped for is shown by playing it.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, product
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ozrules.proofs.possible import OneValue
from ozrules.rules.calendar import DateRange, Schedule
from ozrules.rules.condition import NO, YES
from ozrules.rules.fields import DIRECTIONS, kind_of
from ozrules.rules.model import Alive, All, AnyOf, Compare, Condition, DuringSchedule, History, Leaf, Not, RuleSet
from ozrules.rules.numbers import NumberPlan
from ozrules.session.session import PROPERTIES

MOST_WAYS: Final = 64
"""Combinations of the branches of `any` that are tried."""

FIRST: Final = datetime(2026, 11, 23, 10, tzinfo=UTC)
"""A Monday morning, from which moments are sought."""

_EXTERNAL: Final = ("+36201234567", "+441632960123", "+12025550143", "0036301234567", "06209876543")
_INTERNAL: Final = ("2001", "2002", "101", "102", "31", "32", "20001", "200001")
_GIVEN: Final = frozenset(PROPERTIES) - {"sessionId", "sessionState", "startTime", "talkDuration", "stateDuration"}
_READ: Final = frozenset({"sessionState", "previousState", "connection", "hops"})
"""What a call has by its states and history, and nobody gives it."""


class Example(msgspec.Struct, frozen=True):
    """``values`` by the vendor's property names, and the ``absent`` ones; ``rings``: how long it should ring;
    ``others``: what must have happened, or be alive, besides.
    """

    values: dict[str, str]
    absent: frozenset[str]
    rings: float | None
    others: tuple[History | Alive, ...]
    schedules: tuple[DuringSchedule, ...]


class _Wish(msgspec.Struct, frozen=True):
    """A leaf that must hold, or must not (``holds`` False: a value is there and the comparison fails)."""

    leaf: Leaf
    holds: bool


def examples(condition: Condition, rules: RuleSet, given: dict[str, str] | None = None) -> Iterator[Example]:
    """Calls on which ``condition`` should hold. ``given`` are values that are settled."""
    for wishes in islice(_ways(condition, True), MOST_WAYS):
        found = _example(wishes, rules, dict(given or {}))
        if found is not None:
            yield from _peopled(found, rules.numbers)


def _ways(condition: Condition, holds: bool) -> Iterator[tuple[_Wish, ...]]:
    """The sets of leaves of which each would make the condition hold."""
    match condition:
        case All(of=of) | AnyOf(of=of):
            if isinstance(condition, All) is holds:
                parts = [list(islice(_ways(each, holds), MOST_WAYS)) for each in of]
                for chosen in islice(product(*parts), MOST_WAYS):
                    yield tuple(wish for wishes in chosen for wish in wishes)
            else:
                for each in of:
                    yield from _ways(each, holds)
        case Not(of=inner):
            yield from _ways(inner, not holds)
        case Compare() | DuringSchedule() | History() | Alive():
            yield (_Wish(condition, holds),)


def _example(wishes: Iterable[_Wish], rules: RuleSet, values: dict[str, str]) -> Example | None:
    fields: dict[str, list[_Wish]] = {}
    others: list[History | Alive] = []
    schedules: list[DuringSchedule] = []
    for wish in wishes:
        match wish.leaf:
            case Compare() as leaf:
                fields.setdefault(leaf.field, []).append(wish)
            case DuringSchedule() as schedule:
                schedules.append(
                    schedule if wish.holds else msgspec.structs.replace(schedule, inside=not schedule.inside)
                )
            case History() | Alive() as count:
                if wish.holds and count.op in ("gt", "gte", "eq"):
                    others.append(count)
    absent = {name for name, asked in fields.items() if any(_asks_absence(wish) for wish in asked)}
    rings = None
    for name, asked in fields.items():
        if name in absent or name in _READ or name.startswith("var."):
            continue
        if name == "ringDuration":
            rings = _seconds(asked)
        elif name in _GIVEN or name in ("direction", "endpoint", "trunk", "presentedNumber"):
            known = [values[name]] if name in values else None
            value = _value(name, asked, known, rules.numbers)
            if value is None:
                return None
            values[name] = value
    return Example(values, frozenset(absent), rings, tuple(others), tuple(schedules))


def _asks_absence(wish: _Wish) -> bool:
    leaf = wish.leaf
    return isinstance(leaf, Compare) and leaf.op == "exists" and leaf.present is not wish.holds


# --- values ---------------------------------------------------------------------------------------------------------


def _value(name: str, asked: list[_Wish], known: list[str] | None, numbers: NumberPlan) -> str | None:
    """A value of the field with which every wish comes true."""
    tests = [
        (OneValue(numbers).test(wish.leaf), YES if wish.holds else NO)
        for wish in asked
        if isinstance(wish.leaf, Compare) and wish.leaf.op != "exists"
    ]
    for candidate in known if known is not None else _candidates(name, asked):
        if all(test(candidate) == verdict for test, verdict in tests):
            return candidate
    return None


def _candidates(name: str, asked: list[_Wish]) -> Iterator[str]:
    leaves = [wish.leaf for wish in asked if isinstance(wish.leaf, Compare)]
    exact = [text for leaf in leaves if leaf.op in ("eq", "in") for text in leaf.texts if not text.endswith("*")]
    yield from exact
    for leaf in leaves:
        for text in leaf.texts:
            match leaf.op:
                case "in" if text.endswith("*"):
                    yield from _longer(text[:-1])
                case "startsWith":
                    yield from _longer(text)
                case "endsWith":
                    yield from (text, f"20{text}", f"+3620{text}", f"+362012{text}")
                case "matches":
                    yield from (_of_pattern(text) if text.startswith("_") else _of_glob(text),)
                case "regex":
                    yield from _of_regex(text)
                case _:
                    pass
    match kind_of(name):
        case "number":
            yield from (*_INTERNAL, *_EXTERNAL) if name == "callee" else (*_EXTERNAL, *_INTERNAL)
        case _ if name == "direction":
            yield from DIRECTIONS
        case _:
            yield from ("Anna", "any", "1")


def _longer(start: str) -> Iterator[str]:
    for rest in ("", "1", "12", "123", "1234", "01234", "201234567", "1234567", "12345678"):
        yield start + rest


def _of_pattern(pattern: str) -> str:
    """The least number of a phone-world pattern."""
    body = pattern[1:].replace("-", "") if "[" not in pattern else pattern[1:]
    parts = re.findall(r"\[[^\]]*\]|.", body)
    least = {"X": "1", "x": "1", "Z": "1", "z": "1", "N": "2", "n": "2", ".": "1", "!": "", "-": ""}
    return "".join(part[1] if part[0] == "[" else least.get(part, part) for part in parts)


def _of_glob(pattern: str) -> str:
    text = re.sub(r"\[!?([^\]])[^\]]*\]", r"\1", pattern).replace("*", "").replace("?", "1")
    return text if fnmatch.fnmatchcase(text, pattern) else text + "1"


_TOKEN: Final = re.compile(r"\\.|\[\^?[^\]]*\]|\(\?:|.", re.DOTALL)
_TIMES: Final = re.compile(r"\{(\d+)(?:,\d*)?\}")


def _of_regex(pattern: str) -> Iterator[str]:
    """Texts that simple expressions match: each alternative at the top, each thing as often as it must stand."""
    for way in _alternatives(pattern.removeprefix("^").removesuffix("$")):
        for fewest in (0, 1):
            text = _sample(way, fewest)
            if text is not None:
                yield text


def _alternatives(pattern: str) -> list[str]:
    """``a|b`` apart, and the first alternative of every group in brackets."""
    flat = pattern
    while (group := re.search(r"(?<!\\)\((?:\?:)?([^()|]*)(?:\|[^()]*)?\)", flat)) is not None:
        inner = group.group(1)
        times = _TIMES.match(flat, group.end())
        if times is not None:
            flat = flat[: group.start()] + inner * int(times.group(1)) + flat[times.end() :]
        elif flat[group.end() : group.end() + 1] in ("?", "*", "+"):
            kept = inner if flat[group.end()] == "+" else ""
            flat = flat[: group.start()] + kept + flat[group.end() + 1 :]
        else:
            flat = flat[: group.start()] + inner + flat[group.end() :]
    return flat.split("|")


def _sample(way: str, fewest: int) -> str | None:
    text, last, at = "", "", 0
    while at < len(way):
        times = _TIMES.match(way, at)
        if times is not None:
            text = text.removesuffix(last) + last * int(times.group(1))
            at = times.end()
            continue
        token = _TOKEN.match(way, at)
        assert token is not None, "any character is a token"
        part = token.group()
        at = token.end()
        match part:
            case "*" | "?":
                text = text.removesuffix(last) + last * fewest
            case "+":
                pass
            case "(" | ")" | "(?:" | "|":
                return None
            case _:
                last = _one(part)
                text += last
    return text


def _one(part: str) -> str:
    """A character that this part of an expression matches."""
    if part.startswith("\\"):
        return {"d": "1", "w": "a", "s": " "}.get(part[1], part[1])
    if part.startswith("[^"):
        return "7"
    if part.startswith("["):
        return _one(part[1:3]) if part[1] == "\\" else part[1]
    return "1" if part == "." else part


def _peopled(example: Example, numbers: NumberPlan) -> Iterator[Example]:
    """With a caller and a callee where none is named: a call from outside, and one between two of the office."""
    outside = next((each for each in _EXTERNAL if not numbers.is_internal(each)), _EXTERNAL[0])
    inside = [each for each in _INTERNAL if numbers.is_internal(each)] or [_INTERNAL[0]]
    direction = example.values.get("direction", "")
    callee = example.values.get("callee", outside if direction in ("outbound", "transit") else inside[0])
    own = next((each for each in inside if each != callee), inside[0])
    callers = {"outbound": [own], "internal": [own], "": [outside, own]}.get(direction, [outside])
    if "caller" in example.values or "caller" in example.absent:
        callers = callers[:1]
    for caller in callers:
        parties = {"caller": caller, "callee": callee}
        people = {name: number for name, number in parties.items() if name not in example.absent}
        yield msgspec.structs.replace(example, values=people | example.values)


# --- moments and durations ------------------------------------------------------------------------------------------


def _seconds(asked: list[_Wish]) -> float:
    """A duration that pleases the limits, if one does."""
    bounds = [wish.leaf.number for wish in asked if isinstance(wish.leaf, Compare) and wish.leaf.number is not None]
    candidates = [5.0, *bounds, *(bound + 1 for bound in bounds), *(max(0.0, bound - 1) for bound in bounds)]
    tests = [(OneValue(NumberPlan()).test(wish.leaf), wish.holds) for wish in asked]
    for value in candidates:
        if all((test(value) == YES) is holds for test, holds in tests):
            return value
    return candidates[0]


def moments(schedules: Iterable[DuringSchedule], rules: RuleSet) -> Iterator[float]:
    """Moments at which all of these schedules are as wished: near hours first, then each day that a schedule names.

    Where no schedule is asked: by day, by night, and on a Saturday, since other rules may ask.
    """
    wanted = [(rules.schedules[each.name], each.inside) for each in schedules]
    if not wanted:
        yield from (FIRST.timestamp() + hours * 3600.0 for hours in (0, 14, 5 * 24))
        return
    zone = ZoneInfo(wanted[0][0].timezone)
    start = FIRST.replace(tzinfo=zone)
    hours = (start + timedelta(hours=hour) for hour in range(24 * 14))
    for when in (*hours, *_named_days(wanted)):
        at = when.timestamp()
        if all(schedule.is_open(at) is inside for schedule, inside in wanted):
            yield at
    minutes = (start + timedelta(minutes=5 * number) for number in range(12 * 24 * 8))
    for when in minutes:
        at = when.timestamp()
        if all(schedule.is_open(at) is inside for schedule, inside in wanted):
            yield at


def _named_days(wanted: list[tuple[Schedule, bool]]) -> Iterator[datetime]:
    for schedule, _ in wanted:
        zone = ZoneInfo(schedule.timezone)
        for dates in (*schedule.dates, *schedule.closed):
            named = dates.first if isinstance(dates, DateRange) else date(FIRST.year, *divmod(dates.first, 100))
            for hour in range(0, 24, 3):
                yield datetime(named.year, named.month, named.day, hour, tzinfo=zone)
        if schedule.holidays is not None:
            for day in range(366):
                yield FIRST.replace(tzinfo=zone) + timedelta(days=day)
