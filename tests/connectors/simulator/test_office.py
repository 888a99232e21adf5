"""Who can be reached."""

import pytest

from ozrules.connectors.simulator import OFFICE


@pytest.mark.parametrize("number", ["+36201234567", "0036201234567", "06201234567"])
def test_outside_numbers_reach_somebody_outside(number: str) -> None:
    phone = OFFICE.find(number)
    assert phone is not None
    assert phone.outside


@pytest.mark.parametrize("number", ["", "2999", "+", "112", "abc", "+3620123456789012345", "2001\n"])
def test_other_numbers_reach_nobody(number: str) -> None:
    assert OFFICE.find(number) is None


def test_extensions_are_inside_and_keyed_by_their_number() -> None:
    assert all(OFFICE.find(number) == phone and not phone.outside for number, phone in OFFICE.extensions.items())
    assert all(number == phone.number for number, phone in OFFICE.extensions.items())
