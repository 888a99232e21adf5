"""Shapes of single values."""

import pytest

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import MapNode, Source, parse
from ozrules.rules.scalars import Choice, Decimal, Duration, Text, Version, Whole, YesNo
from ozrules.rules.shape import INVALID, Shape


def read(shape: Shape[object], text: str) -> tuple[object, list[str]]:
    findings = Findings()
    root = parse(Source("f", f"key: {text}\n".encode()), findings)
    assert isinstance(root, MapNode)
    node = root.get("key")
    assert node is not None
    return shape.read(node, findings), [each.code for each in findings.all]


@pytest.mark.parametrize(
    ("shape", "text", "value"),
    [
        (Text(), "on", "on"),
        (Whole(), "0", 0),
        (Whole(-5, 5), '"-5"', -5),
        (Decimal(), "2.5", 2.5),
        (YesNo(), "true", True),
        (Choice("mode", ("a", "b")), "b", "b"),
        (Duration(), "1h30m", 5400.0),
        (Duration(days=True), "2d", 172800.0),
        (Version(), "1", 1),
    ],
)
def test_what_is_read(shape: Shape[object], text: str, value: object) -> None:
    assert read(shape, text) == (value, [])


@pytest.mark.parametrize(
    ("shape", "text", "code"),
    [
        (Text(), "", "missing-value"),
        (Text(), "[a]", "wrong-type"),
        (Text(most=3), "abcd", "bad-text"),
        (Whole(), "010", "bad-number"),
        (Whole(), "1.0", "bad-number"),
        (Whole(), "٣", "bad-number"),
        (Whole(1, 5), "6", "bad-number"),
        (Decimal(0, 100), "100.1", "bad-number"),
        (Decimal(), "nan", "bad-number"),
        (YesNo(), "True", "not-true-or-false"),
        (YesNo(), "no", "not-true-or-false"),
        (Choice("mode", ("one", "two")), "onne", "unknown-value"),
        (Duration(), "20", "bad-duration"),
        (Duration(least=1), "500ms", "bad-duration"),
        (Duration(), "9999999h", "bad-duration"),
        (Version(), "2", "unknown-version"),
    ],
)
def test_what_is_refused(shape: Shape[object], text: str, code: str) -> None:
    assert read(shape, text) == (INVALID, [code])
