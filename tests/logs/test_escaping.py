"""Hostile text cannot leave its line, command a terminal, or turn the direction of reading."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.logs.escaping import MAX_SHOWN, escaped, json_safe

_HIDDEN = {"Cc", "Zl", "Zp"}


@pytest.mark.fault(92)
@given(st.text(st.characters(), max_size=300))
def test_what_is_shown_is_one_line_of_visible_text(text: str) -> None:
    shown = escaped(text)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(character) in _HIDDEN for character in shown)
    shown.encode("utf-8")


@pytest.mark.fault(92)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna Kovács 😀", "Anna Kovács 😀"),
        ("a\r\nforged", "a\\u000d\\u000aforged"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("x" * 1_000_000, "x" * MAX_SHOWN + "…"),
    ],
)
def test_what_is_hidden_is_written_out(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(st.text(st.characters(codec="utf-8")))
def test_a_json_text_reads_back_the_same(text: str) -> None:
    line = json_safe(json.dumps(text, ensure_ascii=False))
    assert json.loads(line) == text
    assert len(line.splitlines()) == 1
