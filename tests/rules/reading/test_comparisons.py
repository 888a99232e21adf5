"""One field against its values."""

import pytest

from ozrules.rules.model import Compare
from tests.rules.reading.parts import errors, one


def compare(typed: str) -> list[Compare]:
    of = one(more=f"    conditions: {{{typed}}}\n").condition.of
    return [each for each in of if isinstance(each, Compare)]


@pytest.mark.parametrize(
    ("typed", "op", "texts"),
    [
        ("callee: 2001", "eq", ("2001",)),
        ("callee: 0036201234", "eq", ("0036201234",)),
        ("callee: [2001, '20*']", "in", ("2001", "20*")),
        ("callee: {in: sales}", "in", ("2001", "2002")),
        ("callee: {notIn: [2001]}", "notIn", ("2001",)),
        ("callee: {startsWith: '+36'}", "startsWith", ("+36",)),
        ("callee: {matches: _2XXX}", "matches", ("_2XXX",)),
        ("caller: {regex: '[0-9]+'}", "regex", ("[0-9]+",)),
        ("previousState: Ringing", "eq", ("Ringing",)),
        ("previousState: transferring", "in", ("TransferRequested", "TransferSetup", "Transferring")),
        ("previousState: {ne: held}", "notIn", ("CalleeOnHold", "CallerOnHold", "OnHold", "OnHoldInactive")),
        ("callerDisplayName: {endsWith: Ltd}", "endsWith", ("Ltd",)),
    ],
)
def test_texts(typed: str, op: str, texts: tuple[str, ...]) -> None:
    (found,) = compare(typed)
    assert (found.op, found.texts) == (op, texts)


@pytest.mark.parametrize(
    ("typed", "op", "number"),
    [
        ("ringDuration: {gte: 20s}", "gte", 20.0),
        ("talkDuration: 1m30s", "eq", 90.0),
        ("hops: {lt: 2}", "lt", 2.0),
        ("startTime: {gt: '2026-11-23T10:00:00+01:00'}", "gt", 1795424400.0),
        ("startTime: {gt: '2026-11-23T10:00:00'}", "gt", 1795424400.0),  # in the file's time zone
    ],
)
def test_measures(typed: str, op: str, number: float) -> None:
    (found,) = compare(typed)
    assert (found.op, found.number) == (op, number)


def test_several_operators_must_all_hold() -> None:
    assert [each.op for each in compare("ringDuration: {gte: 5s, lt: 20s}")] == ["gte", "lt"]


def test_presence() -> None:
    (found,) = compare("callerDisplayName: {exists: false}")
    assert (found.op, found.present) == ("exists", False)


def test_a_list_keeps_its_name() -> None:
    (found,) = compare("callee: {in: sales}")
    assert found.name == "sales"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("callee: {gt: 5}", "wrong-operator"),
        ("ringDuration: {in: [5s]}", "wrong-operator"),
        ("ringDuration: [5s, 6s]", "wrong-type"),
        ("ringDuration: 5", "bad-duration"),
        ("hops: two", "bad-number"),
        ("startTime: tomorrow", "bad-time"),
        ("callee: {like: 20}", "unknown-operator"),
        ("callee: {in: owners}", "not-a-list"),
        ("direction: outgoing", "unknown-value"),
        ("caller: {regex: '('}", "bad-regex"),
        ("caller: {matches: _}", "bad-pattern"),
        ("callee: {}", "empty-condition"),
        ("callee: {in: []}", "empty-list"),
        ("callee: [[2001]]", "wrong-type"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert errors(more=f"    conditions: {{{typed}}}\n") == [code]
