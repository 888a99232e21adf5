"""Conditions have three values: a missing field never makes anything true, negated or not."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.rules.calendar import Schedule
from ozrules.rules.condition import MISSING, NO, YES, Value, compile_condition, compile_failing, leaves, wanted
from ozrules.rules.model import Alive, AnyOf, Compare, Condition, DuringSchedule, History, Not, Op
from ozrules.rules.numbers import NumberPlan
from ozrules.session.state import RINGING
from tests.engine.forge import HERE, every, having

Call = Mapping[str, Value]


class Told:
    """The subject is what a test says: fields by name. The office is open, nobody is alive, and three have entered."""

    numbers = NumberPlan(country="HU")
    wall_offset = 0.0

    def reader(self, field: str) -> Callable[[Call, float], Value]:
        return lambda call, at: call.get(field)

    def group(self, fields: tuple[str, ...]) -> Callable[[Call, float], str | None]:
        return lambda call, at: None if any(field not in call for field in fields) else "group"

    def schedule(self, name: str) -> Schedule | None:
        return None

    def by_hand(self, schedule: str, at: float) -> bool | None:
        return {"officeHours": True, "lunch": False}.get(schedule)

    def entered(self, window: str, group: str, at: float, within: float) -> int:
        return 3

    def alive(self, standing: str, group: str) -> int:
        return 0


def judge(condition: Condition, call: Call) -> int:
    return compile_condition(condition, Told())(call, 0.0, Told())


@pytest.mark.parametrize(
    ("field", "op", "texts", "value", "expected"),
    [
        ("caller", "eq", ("06201234567",), "+36201234567", YES),
        ("caller", "ne", ("06201234567",), "+36201234567", NO),
        ("caller", "in", ("+3620*", "2001"), "0036201234567", YES),
        ("caller", "notIn", ("+3620*",), "+36201234567", NO),
        ("caller", "startsWith", ("+36",), "06201234567", YES),
        ("callee", "endsWith", ("01",), "2001", YES),
        ("callee", "matches", ("_20XX",), "2001", YES),
        ("callee", "matches", ("_21XX",), "2001", NO),
        ("caller", "matches", ("_36[237]0.",), "+36201234567", YES),
        ("callerDisplayName", "matches", ("*GmbH",), "Nord GmbH", YES),
        ("callerDisplayName", "regex", ("Nord.*",), "Nord GmbH", YES),
        ("callerDisplayName", "regex", ("Nord",), "Nord GmbH", NO),
        ("sourceType", "eq", ("SIP",), "sip", NO),
        ("sourceType", "in", ("SIP", "Trunk"), "Trunk", YES),
    ],
)
def test_text_operators(field: str, op: Op, texts: tuple[str, ...], value: str, expected: int) -> None:
    assert judge(having(field, op, *texts), {field: value}) == expected


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [("gt", 60.0, NO), ("gte", 60.0, YES), ("lt", 59.9, YES), ("lte", 60.1, NO), ("eq", 60.0, YES), ("ne", 60.0, NO)],
)
def test_durations_are_compared_as_seconds(op: Op, value: float, expected: int) -> None:
    assert judge(having("talkDuration", op, number=60.0), {"talkDuration": value}) == expected


@pytest.mark.fault(18)
@pytest.mark.parametrize("op", ["eq", "ne", "in", "notIn", "startsWith", "endsWith", "regex"])
def test_a_missing_field_is_missing_and_not_does_not_make_it_true(op: Op) -> None:
    leaf = having("callee", op, "2001")
    assert judge(leaf, {}) == MISSING
    assert judge(Not(of=leaf, path="not", place=HERE), {}) == MISSING


@pytest.mark.fault(18)
def test_only_exists_asks_for_presence() -> None:
    present = Compare(field="callee", op="exists", present=True, path="c", place=HERE)
    absent = Compare(field="callee", op="exists", present=False, path="c", place=HERE)
    assert (judge(present, {}), judge(absent, {})) == (NO, YES)
    assert (judge(present, {"callee": "1"}), judge(absent, {"callee": "1"})) == (YES, NO)


def test_schedules_and_counts() -> None:
    during = DuringSchedule(name="officeHours", inside=True, path="s", place=HERE)
    outside = DuringSchedule(name="officeHours", inside=False, path="s", place=HERE)
    assert (judge(during, {}), judge(outside, {})) == (YES, NO)
    often = History(states=frozenset({RINGING}), within=60.0, group_by=(), op="gte", count=3, path="h", place=HERE)
    assert judge(often, {}) == YES
    busy = Alive(states=frozenset({RINGING}), group_by=("caller",), op="gt", count=0, path="a", place=HERE)
    assert judge(busy, {}) == MISSING
    assert judge(busy, {"caller": "1"}) == NO


def test_a_schedule_that_nobody_knows_any_more_is_missing_until_somebody_switches_it() -> None:
    for inside in (True, False):
        assert judge(DuringSchedule(name="gone", inside=inside, path="s", place=HERE), {}) == MISSING
    assert judge(DuringSchedule(name="lunch", inside=False, path="s", place=HERE), {}) == YES


verdicts = st.sampled_from([YES, NO, MISSING])


def leaf_of(verdict: int) -> tuple[Condition, dict[str, Value]]:
    field = {YES: "caller", NO: "callee", MISSING: "dialedNumber"}[verdict]
    return having(field, "eq", "1"), {"caller": "1", "callee": "2"}


@pytest.mark.fault(18)
@given(st.lists(verdicts, max_size=4))
def test_all_any_and_not_follow_three_valued_logic(given_verdicts: list[int]) -> None:
    parts = tuple(leaf_of(verdict)[0] for verdict in given_verdicts)
    call = {"caller": "1", "callee": "2"}
    worst = NO if NO in given_verdicts else MISSING if MISSING in given_verdicts else YES
    best = YES if YES in given_verdicts else MISSING if MISSING in given_verdicts else NO
    assert judge(every(*parts), call) == worst
    assert judge(AnyOf(of=parts, path="any", place=HERE), call) == best
    negated = judge(Not(of=every(*parts), path="not", place=HERE), call)
    assert negated == (worst if worst == MISSING else YES if worst == NO else NO)


def test_what_failed_is_named_with_what_was_found() -> None:
    tree = every(
        having("caller", "eq", "1"),
        having("callee", "in", "2", "3"),
        Not(of=having("source", "eq", "x"), path="not", place=HERE),
    )
    failed = compile_failing(tree, Told())({"caller": "1", "callee": "9", "source": "x"}, 0.0, Told())
    assert [(leaf.path, leaf.wanted, leaf.actual) for leaf in failed] == [
        ("conditions.callee", "in [2, 3]", "9"),
        ("conditions.source", "not eq x", "x"),
    ]
    assert [wanted(leaf) for leaf in leaves(tree)] == ["eq 1", "in [2, 3]", "eq x"]


@pytest.mark.fault(72)
@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(.*a){12}b", "([a-z]+)*9", "(a*)*b", "(?:a?){30}a{30}b", "^(([a-z])+.)+[A-Z]([a-z])+$"],
)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    """Each of these takes longer than the age of the universe where an engine tries one way after the other."""
    condition = having("callerDisplayName", "regex", pattern)
    assert judge(condition, {"callerDisplayName": "a" * 100_000 + "!"}) == NO
