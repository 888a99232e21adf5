"""Who can be reached: the extensions of an office, and everybody outside."""

import re
from typing import Final

import msgspec

_OUTSIDE: Final = re.compile(r"(?:\+|00?)[1-9]\d{5,14}")


class Phone(msgspec.Struct, frozen=True):
    """Somebody who can be called. ``answers_after`` is how long it rings there, about; None: nobody answers."""

    number: str
    name: str
    answers_after: float | None
    outside: bool = False


class Office(msgspec.Struct, frozen=True):
    """The extensions, by number. Any number in outside form is somebody outside, who answers in a while."""

    extensions: dict[str, Phone]
    outside_line: str = "900"

    def find(self, number: str) -> Phone | None:
        """Who has this number; None where the phone system knows nobody."""
        extension = self.extensions.get(number)
        if extension is None and _OUTSIDE.fullmatch(number):
            return Phone(number, number, answers_after=7.0, outside=True)
        return extension


def _office(*phones: Phone) -> Office:
    return Office({phone.number: phone for phone in phones})


OFFICE: Final = _office(
    Phone("2000", "Reception", 4.0),
    Phone("2001", "Sales Anna", 6.0),
    Phone("2002", "Sales Bela", 8.0),
    Phone("2003", "Sales Cecil", 9.0),
    Phone("2004", "Support Dora", 5.0),
    Phone("2005", "Support Emil", 7.0),
    Phone("2006", "Accounts Flora", 12.0),
    Phone("2007", "Director", 15.0),
    Phone("2010", "Sales desk", 3.0),
    Phone("2050", "Door phone", 2.0),
    Phone("2090", "Night desk", 4.0),
    Phone("2099", "Supervisor", 3.0),
    Phone("2666", "Empty room", None),
)
"""The office of the demo."""
