"""What is said about conjunctions holds for every call: checked against all calls of a small world."""

from collections.abc import Callable, Iterator
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from ozrules.proofs.possible import conjuncts, contradiction, essence, exact_values, implied
from ozrules.rules.calendar import Schedule
from ozrules.rules.condition import YES, Value, compile_condition
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import Compare, Condition
from ozrules.rules.numbers import NumberPlan

Call = dict[str, Value]
PLAN = NumberPlan(country="HU")


class World:
    """`Facts` about a call that is a dict of its fields."""

    numbers = PLAN

    def reader(self, field: str) -> Callable[[Call, float], Value]:
        return lambda call, at: call.get(field)

    wall_offset = 0.0

    def schedule(self, name: str) -> Schedule | None:
        return None

    def by_hand(self, schedule: str, at: float) -> bool | None:
        return at > 0

    def group(self, fields: tuple[str, ...]) -> Callable[[Call, float], str | None]:
        raise AssertionError

    def entered(self, window: str, group: str, at: float, within: float) -> int:
        raise AssertionError

    def alive(self, standing: str, group: str) -> int:
        raise AssertionError


def conditions(typed: str) -> list[Condition]:
    """Read with a rule of which nothing is claimed: the conditions stand in an exception."""
    text = (
        "ozrules: 1\ndefaults: {country: HU, timezone: UTC}\nschedules: {office: {}}\nrules:\n  - id: r\n"
        "    trigger: {state: Ringing}\n    actions: [hangup]\n"
        f"    exceptions: [{{name: x, conditions: {typed}}}]\n"
    )
    return conjuncts(load([Source("f", text.encode())]).rules[0].exceptions[0].condition)


def calls() -> Iterator[tuple[Call, float]]:
    numbers = [None, "2001", "2002", "+36201234567", "06201234567", "anonymous", "+441632960123", "00441632960123"]
    for caller, name, ring, open_now in product(numbers, [None, "Dr A", "B"], [None, 0.0, 5.0, 10.0], [0.0, 1.0]):
        yield {"caller": caller, "callerDisplayName": name, "ringDuration": ring}, open_now


VALUES = st.sampled_from(["2001", "2002", "'+36201234567'", "'06201234567'", "kovacs"])
LEAVES = st.one_of(
    VALUES.map(lambda value: f"caller: {value}"),
    st.lists(VALUES, min_size=1, max_size=3).map(lambda values: f"caller: [{', '.join(values)}]"),
    VALUES.map(lambda value: f"caller: {{ne: {value}}}"),
    st.lists(VALUES | st.just("'06*'"), min_size=1, max_size=2).map(lambda v: f"caller: {{notIn: [{', '.join(v)}]}}"),
    st.sampled_from(["'06'", "'+36'", "'+3620'", "'+44'", "'0044'", "20"]).map(
        lambda value: f"caller: {{startsWith: {value}}}"
    ),
    st.sampled_from(
        [
            "caller: {exists: true}",
            "caller: {exists: false}",
            "caller: ['06*']",
            "caller: ['+36*', '+44*']",
            "caller: {regex: '[0-9]+'}",
        ]
    ),
    st.sampled_from(
        [
            "callerDisplayName: Dr A",
            "callerDisplayName: {startsWith: Dr}",
            "callerDisplayName: {startsWith: D}",
            "callerDisplayName: {ne: B}",
        ]
    ),
    st.sampled_from(
        [f"ringDuration: {{{op}: {n}s}}" for op in ("gt", "gte", "lt", "lte", "eq", "ne") for n in (0, 10)]
    ),
    st.sampled_from(["schedule: {during: office}", "schedule: {outside: office}"]),
)
TREES = st.recursive(
    LEAVES.map(lambda leaf: f"{{{leaf}}}"),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"{{any: [{', '.join(parts)}]}}")
        | inner.map(lambda part: f"{{not: {part}}}")
    ),
    max_leaves=4,
)
CONDITIONS = st.lists(TREES, min_size=1, max_size=4).map(lambda parts: conditions(f"[{', '.join(parts)}]"))


def holds(condition: Condition, call: Call, at: float) -> bool:
    return compile_condition(condition, World())(call, at, World()) == YES


@settings(deadline=None, max_examples=300)
@given(CONDITIONS)
def test_a_contradiction_holds_for_no_call(given: list[Condition]) -> None:
    if contradiction(given, PLAN) is not None:
        for call, at in calls():
            assert not all(holds(each, call, at) for each in given)


@settings(deadline=None, max_examples=300)
@given(CONDITIONS, CONDITIONS)
def test_what_is_implied_holds_wherever_the_rest_does(given: list[Condition], others: list[Condition]) -> None:
    for wanted in others:
        if implied(wanted, given, PLAN):
            for call, at in calls():
                if all(holds(each, call, at) for each in given):
                    assert holds(wanted, call, at)


def test_the_plain_contradictions_are_found() -> None:
    for typed in (
        "[{caller: 2001}, {caller: 2002}]",
        "[{caller: '+36201234567'}, {caller: {ne: '06201234567'}}]",
        "[{caller: 2001}, {not: {caller: 2001}}]",
        "{caller: {exists: false, startsWith: 20}}",
        "{ringDuration: {gt: 10s, lt: 10s}}",
        "[{schedule: {during: office}}, {schedule: {outside: office}}]",
        "[{caller: 2001}, {any: [{caller: 2002}, {caller: {exists: false}}]}]",
    ):
        assert contradiction(conditions(typed), PLAN) is not None, typed


def test_what_may_hold_together_is_let_be() -> None:
    for typed in (
        "[{caller: [2001, 2002]}, {caller: {ne: 2001}}]",
        "[{caller: '+36201234567'}, {caller: {startsWith: '06'}}]",  # it may have been sent so
        "{ringDuration: {gte: 10s, lte: 10s}}",
        "[{caller: 2001}, {callee: 2002}]",
        "[{caller: 2001}, {any: [{caller: 2002}, {callee: 2001}]}]",
    ):
        assert contradiction(conditions(typed), PLAN) is None, typed


def test_exact_values_are_normal() -> None:
    (leaf,) = conditions("{caller: ['06201234567', 2001]}")
    assert exact_values(leaf, PLAN) == frozenset({"+36201234567", "2001"})
    (prefix,) = conditions("{caller: ['06*']}")
    assert exact_values(prefix, PLAN) is None


def test_an_essence_forgets_the_place() -> None:
    first, second = conditions("[{caller: 2001}, {caller: 2001}]")
    assert isinstance(first, Compare)
    assert first != second
    assert essence(first) == essence(second)
