"""Repairs in the text."""

from ozrules.rules.diagnostics import Diagnostic, Edit
from ozrules.rules.model import Place
from ozrules.rules.repair import repaired


def edit(line: int, column: int, length: int, text: str) -> Diagnostic:
    place = Place("f", line, column)
    return Diagnostic(code="c", severity="error", place=place, message="m", edit=Edit(place, length, text))


def test_several_on_one_line() -> None:
    text, made = repaired("state: Rining, for: 20sec\r\n", [edit(1, 8, 6, "Ringing"), edit(1, 21, 5, "20s")])
    assert (text, made) == ("state: Ringing, for: 20s\r\n", 2)


def test_of_two_at_one_place_one_is_made() -> None:
    text, made = repaired("abc\n", [edit(1, 1, 3, "x"), edit(1, 2, 1, "y")])
    assert made == 1
    assert text in ("x\n", "ayc\n")


def test_what_is_not_there_is_not_repaired() -> None:
    assert repaired("abc\n", [edit(9, 1, 1, "x"), edit(1, 3, 5, "x")]) == ("abc\n", 0)
