"""Every property of the vendor's Session is a field that rules may name."""

import pytest

from ozrules.rules.fields import FIELDS, kind_of
from ozrules.session.session import PROPERTIES


@pytest.mark.parametrize("name", PROPERTIES)
def test_all_17_properties_are_fields(name: str) -> None:
    assert kind_of(name) is not None


def test_variables_are_text_and_need_a_name() -> None:
    assert kind_of("var.kind") == "text"
    assert kind_of("var.") is None
    assert kind_of("calle") is None


def test_what_is_compared_as_a_number_is_no_name() -> None:
    assert {name for name, kind in FIELDS.items() if kind == "number"} == {
        "caller",
        "callee",
        "dialedNumber",
        "source",
        "destination",
        "transferor",
        "presentedNumber",
    }
