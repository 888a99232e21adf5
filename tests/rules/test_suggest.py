"""Did you mean."""

import pytest

from ozrules.rules.model import Place
from ozrules.rules.suggest import closest, misspelt_edit, nearest

NAMES = ("Ringing", "InCall", "OnHold", "OnHoldInactive", "callee", "caller", "callerDisplayName")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Rining", "Ringing"),
        ("ringing", "Ringing"),
        ("in_call", "InCall"),
        ("on-hold", "OnHold"),
        ("calee", "callee"),
        ("claler", "caller"),
        ("callerDisplayname", "callerDisplayName"),
        ("calle", None),  # callee and caller are equally near
        ("customer", None),
        ("", None),
        ("x" * 100, None),
        ("caller_number", "caller"),
        ("callerName", "callerDisplayName"),
        ("from", "caller"),
        ("answered", None),
    ],
)
def test_the_nearest_name(typed: str, meant: str | None) -> None:
    assert closest(typed, NAMES) == meant


def test_all_that_are_equally_near_are_told() -> None:
    assert nearest("calle", NAMES) == ["callee", "caller"]
    assert nearest("fro", ("from", "for", "clock", "id")) == ["for", "from"]


def test_only_a_clear_slip_is_repaired() -> None:
    place = Place("f", 1, 1)
    assert misspelt_edit(place, 6, "Rining", "Ringing") is not None
    assert misspelt_edit(place, 7, "IN_CALL", "InCall") is not None
    assert misspelt_edit(place, 4, "hold", "OnHold") is None
    assert misspelt_edit(place, 2, "te", "to") is None
    assert misspelt_edit(place, 6, "Rining", None) is None


def test_the_states_of_other_systems() -> None:
    states = ("Ringing", "InCall", "NotAnswered", "TransferCompleted", "ended")
    typed = ("ring", "Alerting", "UP", "connected", "missed", "transfered", "hung_up")
    assert [closest(word, states) for word in typed] == [
        "Ringing",
        "Ringing",
        "InCall",
        "InCall",
        "NotAnswered",
        "TransferCompleted",
        "ended",
    ]
