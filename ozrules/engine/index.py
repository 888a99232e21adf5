"""The index: from what happened to the rules that could answer it.

A rule is filed under each state of its triggers, and there under the most telling thing that its conditions demand:
an exact value of a field, a prefix of a number, a regular expression. Rules that the session rules out by such a
value are never looked at, so the cost of an event does not grow with them. What cannot be filed is tried each time.

Small rule sets are tried whole: where at most `EXPLAIN_ALL` rules answer to a state, each of them gets its reason on
the record. In larger ones rules whose conditions do not hold are not written down one by one, whether the index or
their conditions ruled them out; `why` tells of them all.
"""

import sys
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

import msgspec
import re2

from ozrules.engine.consulted import Consult, Values, of_conditions, of_the_rest
from ozrules.engine.live import LiveSession
from ozrules.rules.condition import Counts, Facts, FailedLeaf, Failing, Test, compile_condition, compile_failing
from ozrules.rules.fields import kind_of
from ozrules.rules.model import (
    Action,
    All,
    AnyOf,
    AttendedTransfer,
    BlindTransfer,
    CalendarTrigger,
    Choose,
    Compare,
    Condition,
    Forward,
    Hunt,
    PlainMethod,
    Routing,
    RoutingTrigger,
    Rule,
    StateTrigger,
    Trigger,
    WaitFor,
)
from ozrules.rules.numbers import NumberPlan
from ozrules.session.methods import EXCLUSIVE
from ozrules.session.session import ATTRIBUTES, PROPERTIES
from ozrules.session.state import State

if TYPE_CHECKING:
    from ozrules.engine.program import Program

EXPLAIN_ALL: Final = 16
EVERY: Final = sys.maxsize
"""To explain every rule, however many there are."""


class Entry:
    """One trigger of one rule, compiled. ``rank`` orders entries by priority, then file, then position."""

    __slots__ = (
        "_consult",
        "_consult_rest",
        "_excepted",
        "_failing",
        "controls",
        "exceptions",
        "name",
        "program",
        "rank",
        "rule",
        "test",
        "trigger",
    )

    def __init__(
        self,
        rule: Rule,
        trigger: Trigger,
        rank: int,
        test: Test[LiveSession],
        exceptions: tuple[tuple[str, Test[LiveSession]], ...],
        program: "Program",
    ) -> None:
        self.rule = rule
        self.trigger = trigger
        self.rank = rank
        self.test = test
        self.exceptions = exceptions
        self.controls = rule.exclusive and takes_control(rule.actions)
        self.name = (rule.id, trigger.id)
        self.program = program
        self._failing: Failing[LiveSession] | None = None
        self._excepted: dict[str, Failing[LiveSession]] = {}
        self._consult: Consult | None = None
        self._consult_rest: Consult | None = None

    def failed(self, live: LiveSession, at: float, counts: Counts) -> tuple[FailedLeaf, ...]:
        """The leaves because of which the conditions do not hold."""
        if self._failing is None:
            self._failing = compile_failing(self.rule.condition, self.program)
        return self._failing(live, at, counts)

    def values(self, live: LiveSession, at: float, counts: Counts, *, held: bool) -> Values:
        """What the conditions read and, where they ``held``, what was read after them."""
        if self._consult is None:
            self._consult = of_conditions(self.rule, self.program)
        found = self._consult(live, at, counts)
        if held:
            if self._consult_rest is None:
                self._consult_rest = of_the_rest(self.rule, self.program)
            found |= self._consult_rest(live, at, counts)
        return found

    def excepted(self, name: str, live: LiveSession, at: float, counts: Counts) -> tuple[FailedLeaf, ...]:
        """The leaves because of which the exception ``name`` holds."""
        failing = self._excepted.get(name)
        if failing is None:
            condition = next(each.condition for each in self.rule.exceptions if each.name == name)
            failing = self._excepted[name] = compile_failing(condition, self.program, holds=False)
        return failing(live, at, counts)


def takes_control(actions: Iterable[Action]) -> bool:
    """Whether one of these actions decides where the call goes."""
    for action in actions:
        match action:
            case Forward() | BlindTransfer() | AttendedTransfer() | Hunt():
                return True
            case PlainMethod(method=method):
                if method in EXCLUSIVE:
                    return True
            case Choose(branches=branches):
                if any(takes_control(branch.actions) for branch in branches):
                    return True
            case WaitFor(on_timeout=tuple() as then):
                if takes_control(then):
                    return True
            case _:
                pass
        common = getattr(action, "common", None)
        if common is not None and common.on_failure and takes_control(common.on_failure):
            return True
    return False


class _Key(msgspec.Struct, frozen=True):
    kind: Literal["exact", "prefix", "regex"]
    field: str
    value: str


_TELLING: Final = (
    "callee",
    "dialedNumber",
    "destination",
    "caller",
    "source",
    "callerDisplayName",
    "calleeDisplayName",
)
_COARSE: Final = frozenset(
    {"direction", "sourceType", "destinationType", "previousState", "connection", "sessionState", "endpoint", "trunk"}
)


def _cost(key: _Key) -> float:
    """How many sessions such a key lets through, roughly: the smaller, the better to file a rule under."""
    if key.kind == "exact":
        if key.field in _COARSE:
            return 1000.0
        return float(_TELLING.index(key.field)) if key.field in _TELLING else 10.0
    if key.kind == "prefix":
        return 100.0 - min(len(key.value), 20)
    return 500.0


def _keys(condition: Condition, numbers: NumberPlan) -> tuple[_Key, ...] | None:
    """Keys of which at least one is met wherever ``condition`` holds, or None where there are none."""
    match condition:
        case All():
            found = [keys for keys in (_keys(each, numbers) for each in condition.of) if keys is not None]
            return min(found, key=lambda keys: max(map(_cost, keys)), default=None)
        case AnyOf():
            branches = [_keys(each, numbers) for each in condition.of]
            if not branches or any(keys is None for keys in branches):
                return None
            return tuple(key for keys in branches if keys is not None for key in keys)
        case Compare():
            return _compare_keys(condition, numbers)
        case _:
            return None


def _compare_keys(leaf: Compare, numbers: NumberPlan) -> tuple[_Key, ...] | None:
    kind = kind_of(leaf.field)
    if leaf.number is not None or kind not in ("number", "text", "state"):
        return None
    match leaf.op:
        case "eq" | "in":
            keys: list[_Key] = []
            for text in leaf.texts:
                if leaf.op == "in" and text.endswith("*"):
                    if len(text) == 1:
                        return None
                    keys += _prefix_keys(leaf.field, text[:-1], numbers)
                else:
                    keys.append(_Key("exact", leaf.field, numbers.normal(text) if kind == "number" else text))
            return tuple(keys) or None
        case "startsWith":
            return _prefix_keys(leaf.field, leaf.texts[0], numbers) if leaf.texts[0] else None
        case "matches":
            return _pattern_keys(leaf.field, leaf.texts[0])
        case "regex" if kind != "number":
            return (_Key("regex", leaf.field, leaf.texts[0]),)
        case _:
            return None


def _prefix_keys(field: str, start: str, numbers: NumberPlan) -> tuple[_Key, ...]:
    starts = numbers.prefixes(start) if kind_of(field) == "number" else (start,)
    return tuple(_Key("prefix", field, each) for each in starts)


def _pattern_keys(field: str, pattern: str) -> tuple[_Key, ...] | None:
    """The literal beginning of a glob or of a phone pattern; the latter may leave out the plus."""
    phone = pattern.startswith("_")
    special = frozenset("XxZzNn[.!") if phone else frozenset("*?[")
    literal = ""
    for character in pattern[1:] if phone else pattern:
        if character in special:
            break
        literal += character
    if not literal:
        return None
    keys = (_Key("prefix", field, literal),)
    return (*keys, _Key("prefix", field, "+" + literal)) if phone and kind_of(field) == "number" else keys


_Filed: TypeAlias = dict[str, tuple[Entry, ...]]
_Get: TypeAlias = Callable[[LiveSession], str | None]


def _getter(field: str, facts: Facts[LiveSession]) -> _Get:
    """Reads a field that holds text, at no particular moment: only such fields are filed."""
    if field in PROPERTIES and field != "sessionState":
        return attrgetter("session." + ATTRIBUTES[field])
    read = facts.reader(field)

    def get(live: LiveSession) -> str | None:
        value = read(live, 0.0)
        return value if isinstance(value, str) else None

    return get


class Bucket:
    """All entries of one state, filed. ``whole``: so few that each one is tried and explained."""

    def __init__(self, entries: tuple[Entry, ...], facts: Facts[LiveSession], explain: int) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.rank))
        self._normal = facts.numbers.normal
        self._rest: tuple[Entry, ...] = ()
        self._exact: tuple[tuple[_Get, bool, _Filed], ...] = ()
        self._prefix: tuple[tuple[_Get, bool, tuple[int, ...], _Filed], ...] = ()
        self._regex: tuple[tuple[_Get, _PatternSet], ...] = ()
        self._demanding = any(
            isinstance(entry.trigger, StateTrigger) and entry.trigger.origins is not None for entry in entries
        )
        self.whole = len(entries) <= explain
        if not self.whole:
            self._file(facts)

    def _file(self, facts: Facts[LiveSession]) -> None:
        filed: dict[tuple[str, str], dict[str, list[Entry]]] = {}
        rest = []
        for entry in self.entries:
            keys = _keys(entry.rule.condition, facts.numbers)
            if keys is None:
                rest.append(entry)
                continue
            for key in dict.fromkeys(keys):
                filed.setdefault((key.kind, key.field), {}).setdefault(key.value, []).append(entry)
        self._rest = tuple(rest)
        for (kind, field), values in sorted(filed.items()):
            read = _getter(field, facts)
            is_number = kind_of(field) == "number"
            table = {value: tuple(entries) for value, entries in values.items()}
            if kind == "exact":
                self._exact += ((read, is_number, table),)
            elif kind == "prefix":
                lengths = tuple(sorted({len(value) for value in table}))
                self._prefix += ((read, is_number, lengths, table),)
            else:
                self._regex += ((read, _PatternSet(table)),)

    def candidates(self, live: LiveSession) -> tuple[Entry, ...] | list[Entry]:
        """The entries that the session does not rule out, in the order of their rank."""
        if self.whole:
            return self.entries
        found: list[Entry] = []
        for read, is_number, table in self._exact:
            value = read(live)
            if value is not None:
                entries = table.get(self._normal(value) if is_number else value)
                if entries is not None:
                    found += entries
        for read, is_number, lengths, table in self._prefix:
            value = read(live)
            if value is None:
                continue
            self._add_prefixes(found, value, lengths, table)
            if is_number and (normal := self._normal(value)) != value:
                self._add_prefixes(found, normal, lengths, table)
        for read, patterns in self._regex:
            value = read(live)
            if value is not None:
                found += patterns.matching(value)
        if self._rest:
            found += self._rest
        if len(found) < 2:
            return found
        return sorted(set(found), key=_rank)

    def answering(self, live: LiveSession, origin: State | None, *, seen: bool) -> tuple[Entry, ...] | list[Entry]:
        """The candidates whose trigger this edge matches; where nobody saw it, only those that ask for such edges."""
        found = self.candidates(live)
        if seen and not self._demanding:
            return found
        return [
            entry
            for entry in found
            if (seen or entry.rule.on_resync)
            and (
                not isinstance(entry.trigger, StateTrigger)
                or entry.trigger.origins is None
                or origin in entry.trigger.origins
            )
        ]

    @staticmethod
    def _add_prefixes(found: list[Entry], text: str, lengths: tuple[int, ...], table: _Filed) -> None:
        length = len(text)
        for n in lengths:
            if n > length:
                break
            entries = table.get(text[:n])
            if entries is not None:
                found += entries


def _rank(entry: Entry) -> int:
    return entry.rank


class _PatternSet:
    """Many regular expressions over one field, matched in few passes. Values come again, so answers are kept.

    RE2 says "no match" too where a set outgrows its memory, so sets are kept far too small for that.
    """

    MOST_ANSWERS: Final = 8192
    MOST_PATTERNS: Final = 256
    MEMORY: Final = 64 << 20

    def __init__(self, table: _Filed) -> None:
        options = re2.Options()
        options.max_mem = self.MEMORY
        options.log_errors = False
        self._sets = []
        patterns = list(table.items())
        for first in range(0, len(patterns), self.MOST_PATTERNS):
            part = patterns[first : first + self.MOST_PATTERNS]
            together = re2.Set.FullMatchSet(options)
            for pattern, _ in part:
                together.Add(pattern)
            together.Compile()
            self._sets.append((together, tuple(entries for _, entries in part)))
        self._answers: dict[str, tuple[Entry, ...]] = {}

    def matching(self, text: str) -> tuple[Entry, ...]:
        """The entries whose pattern matches the whole text."""
        answer = self._answers.get(text)
        if answer is None:
            answer = tuple(
                entry
                for together, entries in self._sets
                for number in together.Match(text) or ()  # None where nothing matches
                for entry in entries[number]
            )
            if len(self._answers) >= self.MOST_ANSWERS:
                self._answers.clear()
            self._answers[text] = answer
        return answer


class Index:
    """All rules of a set, filed by what makes them look at a session.

    ``explain``: where at most so many answer to a state, each of them gets its reason.
    """

    def __init__(self, rules: Iterable[Rule], program: "Program", explain: int = EXPLAIN_ALL) -> None:
        entering: dict[State, list[Entry]] = {}
        holding: dict[State, list[Entry]] = {}
        asked: dict[Routing, list[Entry]] = {}
        self.calendar: dict[tuple[str, str], Entry] = {}
        self.rules = {rule.id: rule for rule in rules}
        ordered = sorted(self.rules.values(), key=lambda rule: (-rule.priority, rule.order))
        rank = 0
        for rule in ordered:
            test = compile_condition(rule.condition, program)
            exceptions = tuple((each.name, compile_condition(each.condition, program)) for each in rule.exceptions)
            for trigger in rule.triggers:
                rank += 1
                match trigger:
                    case StateTrigger():
                        entry = Entry(rule, trigger, rank, test, exceptions, program)
                        for state in trigger.states:
                            (entering if trigger.hold is None else holding).setdefault(state, []).append(entry)
                    case CalendarTrigger():
                        entry = Entry(rule, trigger, rank, test, exceptions, program)
                        self.calendar[entry.name] = entry
                    case RoutingTrigger():
                        entry = Entry(rule, trigger, rank, test, exceptions, program)
                        asked.setdefault(trigger.kind, []).append(entry)
                    case _:
                        assert_never(trigger)
        self.holds = {entry.name: entry for entries in holding.values() for entry in entries}
        self.entering = {state: Bucket(tuple(entries), program, explain) for state, entries in entering.items()}
        self.resyncing = {state for state, entries in entering.items() if any(one.rule.on_resync for one in entries)}
        self.holding = {state: Bucket(tuple(entries), program, explain) for state, entries in holding.items()}
        self.routing = {kind: Bucket(tuple(entries), program, explain) for kind, entries in asked.items()}
