"""The time that patterns take is bounded: by a stopwatch that a test turns, and by the real one where it is plain."""

from collections.abc import Callable

import pytest

from ozrules.proofs.checking import check
from ozrules.proofs.matching import MOST, names_for
from ozrules.rules.document import Source
from ozrules.runtime.clock import computing
from ozrules.session.session import MAX_TEXT
from tests.proofs.sets import rule

HEAD = "ozrules: 1\nrules:\n"


def turned(step: float) -> Callable[[], float]:
    """A stopwatch on which every match takes ``step`` seconds."""
    now = 0.0

    def read() -> float:
        nonlocal now
        now += step
        return now

    return read


def rules(condition: str, count: int) -> Source:
    """So many rules with that condition; ``@`` in it is the number of the rule."""
    does = "trigger: {{state: Ringing}}, conditions: {{{}}}, actions: [{{log: seen}}]"
    text = "".join(rule(f"r{number}", does.format(condition.replace("@", str(number)))) for number in range(count))
    return Source("f", (HEAD + text).encode())


def codes(source: Source, stopwatch: Callable[[], float]) -> list[str]:
    found, diagnostics = check([source], stopwatch=stopwatch)
    wrong = [each.code for each in diagnostics if each.severity == "error"]
    assert (found is None) == bool(wrong)
    return wrong


@pytest.mark.fault(72)
@pytest.mark.parametrize(
    ("condition", "most"),
    [
        ("callerDisplayName: {regex: 'a.*@'}", 20),
        ("callerDisplayName: {matches: 'a*@'}", 20),
        ("not: {any: [{callerDisplayName: {regex: 'a.*@'}}]}", 20),
        ("callee: {matches: '_2X@'}", 6),  # a number is tried in three forms
    ],
)
def test_the_sum_of_all_patterns_counts_wherever_they_stand(condition: str, most: int) -> None:
    assert MOST == 0.02
    step = turned(1 / 1024)  # a number that floats can add up
    assert codes(rules(condition, most), step) == []
    assert codes(rules(condition, most + 1), step) == ["slow-patterns"]


def test_a_pattern_that_comes_again_costs_once() -> None:
    assert codes(rules("callerDisplayName: {regex: 'a.*'}", 100), turned(0.001)) == []


def test_what_took_too_long_only_once_was_something_else() -> None:
    readings = iter([0.0, 1.0])
    assert codes(rules("callerDisplayName: {regex: 'a.*'}", 1), lambda: next(readings, 1.0)) == []


def test_the_dearest_pattern_is_named_with_its_place() -> None:
    source = rules("callerDisplayName: {regex: '((a{0,100}){0,10}){0,1}b|@'}", 40)
    _, found = check([source], stopwatch=computing)
    [slow] = [each for each in found if each.code == "slow-patterns"]
    assert source.data.decode().splitlines()[slow.place.line - 1][slow.place.column - 1 :].startswith("'((a{0,100})")


@pytest.mark.parametrize("condition", ["callerDisplayName: {regex: '.*Kft @'}", "caller: {matches: '_36@0.'}"])
def test_usual_patterns_are_far_from_it(condition: str) -> None:
    assert codes(rules(condition, 100), computing) == []


@pytest.mark.parametrize("pattern", ["(a|b)*c", "", ".*", "[^x]+", "_2XXX", "\N{SNOWMAN}*"])
def test_names_are_of_the_longest_kind_and_the_same_at_each_run(pattern: str) -> None:
    names = list(names_for(pattern))
    assert {len(name) for name in names} == {MAX_TEXT}
    assert names == list(names_for(pattern))
    assert len(names) <= 6
