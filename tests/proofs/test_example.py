"""Calls on which conditions hold, judged by the conditions themselves."""

from itertools import islice

import pytest

from ozrules.proofs.example import Example, examples, moments
from ozrules.proofs.possible import OneValue
from ozrules.rules.condition import YES
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import Compare, DuringSchedule, RuleSet
from ozrules.scenario.meeting import Call, meet

HEAD = "ozrules: 1\ndefaults: {country: HU, timezone: Europe/Budapest}\n"


def rules(conditions: str, head: str = "") -> RuleSet:
    rule = f"rules:\n  - {{id: rule, trigger: {{state: Ringing}}, conditions: {conditions}, actions: [{{log: x}}]}}\n"
    return load([Source("f", (HEAD + head + rule).encode())])


def first(conditions: str, head: str = "") -> Example | None:
    found = rules(conditions, head)
    return next(examples(found.rules[0].condition, found), None)


@pytest.mark.parametrize(
    "match",
    [
        "2005",
        "[2005, 2006]",
        "{ne: 2001}",
        "{notIn: [2001, 2002, 101]}",
        "{in: ['+4420*']}",
        "{startsWith: '+36'}",
        "{startsWith: '0620'}",
        "{endsWith: 55}",
        "{matches: '*77*'}",
        "{matches: '_NXXXXXX'}",
        "{matches: '_36[237]0.'}",
        "{regex: '[+]36(20|30)[0-9]{7}'}",
        "{regex: '\\d{4}'}",
        "{startsWith: 20, ne: 2001, notIn: [201]}",
    ],
)
def test_a_number_that_the_condition_accepts(match: str) -> None:
    found = rules(f"{{callee: {match}}}")
    example = next(examples(found.rules[0].condition, found))
    for leaf in (each for each in found.rules[0].condition.of if isinstance(each, Compare)):
        assert OneValue(found.numbers).test(leaf)(example.values["callee"]) == YES
    assert [each.rule for each in meet(found, Call(0.0, "+36201234567", example.values["callee"])).met] == ["rule"]


@pytest.mark.parametrize(
    ("conditions", "values"),
    [
        ("{direction: internal}", {"direction": "internal", "caller": "2002", "callee": "2001"}),
        ("{caller: {exists: false}}", {"callee": "2001"}),
        ("{not: {caller: {exists: true}}}", {"callee": "2001"}),
        ("{not: {any: [{callee: 2001}, {caller: {startsWith: '+'}}]}}", {"callee": "2002", "caller": "2001"}),
        ("{any: [{all: [{callee: 1}, {callee: 2}]}, {callee: 31}]}", {"callee": "31", "caller": "+36201234567"}),
        ("{callerDisplayName: {regex: 'A.*Kft[.]?'}}", {"callerDisplayName": "AKft"}),
    ],
)
def test_the_whole_of_a_condition(conditions: str, values: dict[str, str]) -> None:
    example = first(conditions)
    assert example is not None
    assert values.items() <= example.values.items()
    assert ("caller" in example.values) is not ("exists" in conditions)


@pytest.mark.parametrize("conditions", ["[{callee: 2001}, {callee: 2002}]", "{caller: {startsWith: 1, endsWith: x}}"])
def test_nothing_is_made_up(conditions: str) -> None:
    assert first(conditions) is None


def test_how_long_it_rings() -> None:
    example = first("{ringDuration: {gt: 20s, lt: 25s}}")
    assert example is not None
    assert example.rings is not None
    assert 20 < example.rings < 25


@pytest.mark.parametrize(
    "schedules",
    [
        "{a: {weekdays: monday..friday, times: [08:00-17:30], holidays: HU}}",
        "{a: {dates: [2027-08-20], timezone: Asia/Tokyo}}",
        "{a: {times: ['23:55-00:05']}}",
    ],
)
@pytest.mark.parametrize("way", ["during", "outside"])
def test_moments_at_which_a_schedule_is_as_wished(schedules: str, way: str) -> None:
    found = rules(f"{{schedule: {{{way}: a}}}}", f"schedules: {schedules}\n")
    [leaf] = [each for each in found.rules[0].condition.of if isinstance(each, DuringSchedule)]
    some = list(islice(moments([leaf], found), 5))
    assert some
    assert all(found.schedules["a"].is_open(at) is (way == "during") for at in some)
