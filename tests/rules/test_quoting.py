"""What YAML bends, and how texts are shown."""

import pytest

from ozrules.rules.model import Place
from ozrules.rules.quoting import bent_token, dropped_code, quoting_edit, shown, token_at


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("  keys: #21#", (8, "#21#")),
        ("a: [2001, *100]", (10, "*100")),
        ("  - *21*0612", (4, "*21*0612")),
        ("a: @sales", (3, "@sales")),
        ('a: "*100" # note', None),
        ("a: 2001 # note", None),
        ("# 2001", None),
        ("a: 5*3", None),
    ],
)
def test_a_bent_value_is_found(line: str, found: tuple[int, str] | None) -> None:
    assert bent_token(line) == found


def test_a_code_that_became_a_comment() -> None:
    assert dropped_code("keys: #21#", 5) == (6, "#21#")
    assert dropped_code("keys: # 21", 5) is None
    assert dropped_code("keys: #twenty", 5) is None


def test_a_token_ends_where_yaml_ends_it() -> None:
    assert token_at("a: [*100, 3]", 4) == "*100"
    assert token_at("a: ", 3) == ""


def test_texts_are_shown_safely() -> None:
    assert shown("a\x1b[31mb\n\u202e") == '"a\\u001b[31mb\\n\\u202e"'
    assert len(shown("x" * 500)) == 62


def test_quotation_marks_are_added_where_that_is_enough() -> None:
    place = Place("f", 1, 1)
    edit = quoting_edit(place, "*100")
    assert edit is not None
    assert edit.text == '"*100"'
    assert quoting_edit(place, 'a"b') is None
