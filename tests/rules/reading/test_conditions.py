"""Conditions to the model: what holds, and the way to each of them."""

import pytest

from ozrules.rules.model import Alive, All, AnyOf, Compare, DuringSchedule, History, Not
from tests.rules.reading.parts import errors, one


def condition(typed: str) -> All:
    return one(more=f"    conditions: {typed}\n").condition


def test_a_mapping_means_all_and_so_does_a_list() -> None:
    for typed in ("{callee: 2001, direction: inbound}", "[{callee: 2001}, {direction: inbound}]"):
        fields = [each.field for each in condition(typed).of if isinstance(each, Compare)]
        assert fields == ["callee", "direction"]


def test_each_knows_its_way() -> None:
    (first,) = condition("{callee: {in: [2001]}}").of
    assert isinstance(first, Compare)
    assert first.path == "conditions.callee.in"
    (second,) = condition("[{any: [{callee: 2001}, {not: {caller: {exists: true}}}]}]").of
    assert isinstance(second, AnyOf)
    left, right = second.of
    assert isinstance(left, Compare)
    assert isinstance(right, Not)
    assert isinstance(right.of, Compare)
    assert (left.path, right.of.path) == ("conditions[0].any[0].callee", "conditions[0].any[1].not.caller.exists")


def test_use_names_its_condition_and_keeps_the_name() -> None:
    (used,) = condition("{use: both}").of
    assert isinstance(used, All)
    assert used.name == "both"
    inner = used.of[0]
    assert isinstance(inner, All)
    assert inner.name == "vip"


def test_schedules_inside_and_outside() -> None:
    (during,) = condition("{schedule: {during: office}}").of
    (outside,) = condition("{schedule: {outside: office}}").of
    assert isinstance(during, DuringSchedule)
    assert isinstance(outside, DuringSchedule)
    assert (during.inside, outside.inside) == (True, False)


def test_counts() -> None:
    (history,) = condition("{history: {state: ended, within: 10m, groupBy: caller, gte: 3}}").of
    assert isinstance(history, History)
    assert (history.within, history.group_by, history.op, history.count) == (600.0, ("caller",), "gte", 3)
    (alive,) = condition("{active: {state: InCall, groupBy: [callee], lt: 2}}").of
    assert isinstance(alive, Alive)
    assert (alive.op, alive.count) == ("lt", 2)


def test_an_exception_is_named() -> None:
    (exception,) = one(more="    exceptions: [{name: new, conditions: {callee: {in: sales}}}]\n").exceptions
    assert exception.name == "new"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("{use: nobody}", "unknown-condition"),
        ("{schedule: {during: night}}", "unknown-schedule"),
        ("{schedule: {}}", "missing-key"),
        ("{all: []}", "empty-list"),
        ("{any: []}", "empty-list"),
        ("{not: {}}", "empty-condition"),
        ("[]", "empty-list"),
        ("{active: {state: InCall}}", "missing-key"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert errors(more=f"    conditions: {typed}\n") == [code]
