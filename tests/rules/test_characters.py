"""Which characters are hidden."""

import pytest

from ozrules.rules.characters import HIDDEN, describe, is_bidirectional, visible


@pytest.mark.parametrize("character", "\x00\x07\x1b\x7f\x85\u00ad\u200b\u2028\u202e\u2066\ufeff\U000e0041\ufff9")
def test_what_is_not_seen_is_hidden(character: str) -> None:
    assert HIDDEN.search(f"a{character}b")


@pytest.mark.parametrize("text", ["a b", "Büro", "営業", "عمر", "🙂", "line\nline", "line\r\nline"])
def test_what_people_write_is_not(text: str) -> None:
    assert HIDDEN.search(text) is None


def test_a_return_alone_is_hidden() -> None:
    assert HIDDEN.search("a\rb")


def test_they_are_named() -> None:
    assert describe("\u202e") == "U+202E RIGHT-TO-LEFT OVERRIDE"
    assert describe("\x07") == "U+0007"
    assert is_bidirectional("\u202e")
    assert not is_bidirectional("\u200b")


def test_what_hides_is_spelled_out() -> None:
    assert visible("a\u202eb\nc\x1b[2J") == "a\\u202eb\\nc\\u001b[2J"
