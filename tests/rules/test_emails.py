"""Addresses: one plain one, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.rules.emails import covers, is_address, is_pattern


@pytest.mark.parametrize("text", ["desk@example.com", "a.b+c@mail.example.co.uk", "X_1%2@ex-ample.org"])
def test_plain_addresses(text: str) -> None:
    assert is_address(text)
    assert is_pattern(text)


@pytest.mark.fault(89)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "desk",
        "@example.com",
        "desk@localhost",
        "a@example.com,b@example.com",
        "a@example.com b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com\n",
        "<a@example.com>",
        '"a b"@example.com',
        "dësk@example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}",
    ],
)
def test_all_else_is_none(text: str) -> None:
    assert not is_address(text)


@given(st.emails() | st.text(max_size=40))
def test_an_address_has_one_at_and_no_room_for_more(text: str) -> None:
    if is_address(text):
        assert text.count("@") == 1
        assert text.isascii()
        assert not set(text) & set(" ,;<>\"'()\r\n\t\0")


def test_a_pattern_covers_its_domain_and_no_other() -> None:
    assert covers("*@example.com", "Desk@Example.com")
    assert covers("desk@example.com", "desk@EXAMPLE.com")
    assert not covers("*@example.com", "desk@bad-example.com")
    assert not covers("*@example.com", "desk@mail.example.com")
    assert not covers("desk@example.com", "adesk@example.com")
    assert not any(map(is_pattern, ("*", "*@", "*@com", "d*@example.com", "*.example.com")))
