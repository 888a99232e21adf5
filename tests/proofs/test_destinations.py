"""What the guards refuse, whatever the call."""

import pytest

from ozrules.proofs.destinations import refusals
from ozrules.rules.model import Guards, NumberPattern, Place
from ozrules.rules.numbers import NumberPlan

HERE = Place("f", 1, 1)
PLAN = NumberPlan(country="HU")


def patterns(*texts: str) -> tuple[NumberPattern, ...]:
    return tuple(NumberPattern(text, HERE) for text in texts)


@pytest.mark.parametrize(
    ("number", "refused"),
    [
        ("2010", False),
        ("+36201234567", False),
        ("06201234567", False),
        ("06901234567", True),
        ("+441632960000", True),
        ("112", True),
        ("2099", True),
        ("*72", True),
    ],
)
def test_lists_emergencies_and_codes(number: str, refused: bool) -> None:
    guards = Guards(allow=patterns("internal", "+36*"), deny=patterns("0690*"), protected=("2099",))
    assert (refusals(guards, PLAN)(number) is not None) is refused


def test_without_guards_only_internal_numbers() -> None:
    refusal = refusals(Guards(), PLAN)
    assert refusal("2010") is None
    assert refusal("+36201234567") is not None


def test_by_default_allowed() -> None:
    refusal = refusals(Guards(allow=(), default="allow", deny=patterns("+44*")), PLAN)
    assert refusal("+36201234567") is None
    assert refusal("+441632960000") == "guards.destinations.deny has +44*"
