"""Diagnostics as people and programs see them. The exact texts are in tests/rules_bad."""

import json

import pytest

from ozrules.rules.diagnostics import Diagnostic, Related
from ozrules.rules.model import Place
from ozrules.rules.rendering import MAX_WIDTH, as_sarif, as_text, summary, without_secrets


def finding(column: int, length: int, severity: str = "error") -> Diagnostic:
    return Diagnostic(
        code="unknown-state",
        severity="error" if severity == "error" else "warning",
        place=Place("f", 1, column),
        length=length,
        message="There is no such state.",
        suggestion="Did you mean Ringing?",
        related=tuple(Related(Place("f", line, 1), "seen here") for line in range(5)),
    )


def test_at_most_six_lines() -> None:
    assert len(as_text(finding(8, 6), {"f": ["state: Rining"]})) == 6


def test_carets_stand_under_the_text() -> None:
    lines = as_text(finding(8, 6), {"f": ["state: Rining, for: 20s"]})
    assert lines[1].index("Rining") == lines[2].index("^")
    assert lines[2].count("^") == 6


def test_wide_characters_take_two_columns() -> None:
    lines = as_text(finding(6, 2), {"f": ["営業: 受付"]})
    assert lines[2].endswith(" ^^^^") or lines[2].count("^") >= 2


@pytest.mark.parametrize("start", [1, 50, 500, 990])
def test_a_long_line_is_cut_around_the_place(start: int) -> None:
    lines = as_text(finding(start, 4), {"f": ["x" * 1000]})
    assert all(len(line) <= MAX_WIDTH + 10 for line in lines)
    assert "^^^^" in lines[2]


def test_a_file_that_could_not_be_read_shows_no_line() -> None:
    assert as_text(finding(8, 6), {})[1].endswith("help: Did you mean Ringing?")


def test_colours_only_when_asked() -> None:
    assert "\x1b" not in "".join(as_text(finding(1, 1), {}))
    assert "\x1b[1;31m" in "".join(as_text(finding(1, 1), {}, colour=True))


def test_nothing_obeys_a_name() -> None:
    hostile = Diagnostic(code="c", severity="error", place=Place("a\x1b[31m\nb", 1, 1), message="x\ry")
    assert "\x1b" not in as_text(hostile, {})[0]
    assert "\n" not in as_text(hostile, {})[0]


def test_counting() -> None:
    assert summary([finding(1, 1), finding(1, 1, "warning")]) == "1 error, 1 warning"
    assert summary([]) == "0 errors, 0 warnings"


def test_sarif_escapes_file_names() -> None:
    log = as_sarif([Diagnostic(code="c", severity="error", place=Place("a b#é.yaml", 1, 1), message="m")], "1", {})
    assert "a%20b%23%C3%A9.yaml" in json.dumps(log)


def test_sarif_names_whole_paths_as_such() -> None:
    log = as_sarif([Diagnostic(code="c", severity="error", place=Place("/etc/r.yaml", 1, 1), message="m")], "1", {})
    assert '"uri": "file:///etc/r.yaml"' in json.dumps(log)


@pytest.mark.fault(99)
def test_no_finding_shows_a_secret_that_stands_on_its_line() -> None:
    secret = Diagnostic(code="plain-secret", severity="warning", place=Place("f", 1, 9), length=6, message="A secret.")
    lines = without_secrets({"f": ["{token: hunter, mode: obey}"]}, [secret])
    assert lines == {"f": ["{token: ******, mode: obey}"]}
    assert "hunter" not in "".join(as_text(secret, lines) + as_text(finding(23, 4), lines))
