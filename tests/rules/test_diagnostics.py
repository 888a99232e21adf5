"""Findings are collected, ordered, and raised all at once."""

import pytest

from ozrules.rules.diagnostics import DocumentInvalid, Findings, Span
from ozrules.rules.model import Place


def at(line: int, file: str = "f.yaml") -> Span:
    return Span(Place(file, line, 1), 3)


def test_they_come_in_the_order_of_the_file() -> None:
    findings = Findings()
    findings.warning("b", at(2), "Two.")
    findings.error("a", at(1), "One.")
    findings.error("c", at(1, "e.yaml"), "Zero.")
    assert [each.message for each in findings.all] == ["Zero.", "One.", "Two."]


def test_the_same_is_said_once() -> None:
    findings = Findings()
    findings.error("a", at(1), "One.")
    findings.error("a", at(1), "One.")
    assert len(findings.all) == 1


def test_errors_are_raised_with_the_warnings() -> None:
    findings = Findings()
    findings.warning("b", at(2), "Two.")
    findings.raise_errors()
    findings.error("a", at(1), "One.")
    with pytest.raises(DocumentInvalid, match=r"f\.yaml:1:1: error\[a\]: One\.") as raised:
        findings.raise_errors()
    assert len(raised.value.diagnostics) == 2
