"""Numbers and names that do not show whose they are."""

import pytest

from ozrules.logs.pseudonyms import Pseudonyms

KEY = b"k" * 16


@pytest.mark.fault(108)
def test_the_same_number_has_the_same_pseudonym_and_another_key_another() -> None:
    one = Pseudonyms(KEY).of("caller", "+36201234567")
    assert one == Pseudonyms(KEY).of("callee", "+36 20 123 4567")
    assert one != Pseudonyms(b"other").of("caller", "+36201234567")
    assert "3620123456" not in one


@pytest.mark.fault(108)
@pytest.mark.parametrize(
    ("field", "text", "shown"),
    [
        ("callee", "2001", "2001"),
        ("rule", "call-36201234567", "call-36201234567"),
        ("sessionId", "36201234567", "36201234567"),
    ],
)
def test_extensions_and_other_fields_stay(field: str, text: str, shown: str) -> None:
    assert Pseudonyms(KEY).of(field, text) == shown


@pytest.mark.fault(108)
def test_numbers_inside_a_text_are_found() -> None:
    shown = Pseudonyms(KEY).of("text", "missed +36 20 123 4567 and 2001 at 10:05")
    assert "123 4567" not in shown
    assert shown.endswith("and 2001 at 10:05")


@pytest.mark.fault(108)
def test_a_name_is_gone() -> None:
    assert "Anna" not in Pseudonyms(KEY).of("callerDisplayName", "Anna Kovács")


@pytest.mark.fault(108)
@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("conditions.any[0].caller", "+36201234567"),
        ("use.vip.source", "+36201234567"),
        ("conditions.history.groupBy.caller", "+36201234567"),
        ("choose[1].if.callerDisplayName", "Anna 201234567"),
        ("conditions.var.customer", "+36201234567"),
    ],
)
def test_a_field_is_known_at_the_end_of_the_way_to_it(way: str, text: str) -> None:
    assert "2012345" not in Pseudonyms(KEY).of(way, text)
