"""The wire of the Asterisk manager interface, sans I/O: bytes in, messages out, and actions as bytes.

A message is a block of ``Key: value`` lines ended by an empty line. Values may hold what a caller chose, so nothing
that is written can end its line or begin another, and nothing that is read can grow without bound. Of a key that comes
twice the first value counts: a later line cannot change what an earlier one said. What cannot be read, or not wholly,
is reported each time, because nobody knows what it would have said.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

MAX_ACTION: Final = 8 * 1024
MAX_BLOCK: Final = 1024 * 1024
"""Bytes of one message that are kept, and of one line of it."""
SAMPLE: Final = 120

BANNER: Final = "Asterisk Call Manager"

Fields: TypeAlias = dict[str, str]


class Unreadable(msgspec.Struct, frozen=True):
    """Something on the wire that is no message: what kind of fault, and a short piece of it (not escaped)."""

    kind: str
    sample: str


class Unsafe(ValueError):
    """A field that must not be sent: it could end its line, and so begin a field or an action of its own."""


def encode(fields: Mapping[str, str]) -> bytes:
    """An action as it goes on the wire. Raises Unsafe where a name or value cannot be one line."""
    lines: list[str] = []
    for name, value in fields.items():
        if not name or not name.isascii() or not all(letter.isalnum() or letter in "-_" for letter in name):
            raise Unsafe("a field name of an action is ASCII letters, digits, - and _")
        # everything that Python, a terminal or a log takes for the end of a line, and NUL, which ends text in C
        if any(ord(letter) < 32 or letter in "\x7f\x85\u2028\u2029" for letter in value):
            raise Unsafe(f"{name} holds a control character")
        lines.append(f"{name}: {value}")
    text = "\r\n".join(lines) + "\r\n\r\n"
    try:
        data = text.encode()
    except UnicodeEncodeError as fault:
        raise Unsafe("an action holds half a surrogate pair") from fault
    if len(data) > MAX_ACTION:
        raise Unsafe(f"an action is longer than {MAX_ACTION} bytes")
    return data


_NAMES: Final = ("Channel", "Uniqueid", "Linkedid")
_DIAL: Final = ("DestUniqueid", "DestChannel")
_BRIDGE: Final = ("Uniqueid", "Channel", "BridgeUniqueid")
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "Newchannel": _NAMES,
    "Newstate": _NAMES,
    "Hangup": ("Uniqueid", "Channel"),
    "DialBegin": _DIAL,
    "DialState": _DIAL,
    "DialEnd": (*_DIAL, "DialStatus"),
    "BridgeEnter": _BRIDGE,
    "BridgeLeave": _BRIDGE,
    "Hold": ("Uniqueid", "Channel"),
    "Unhold": ("Uniqueid", "Channel"),
    "CoreShowChannel": ("ActionID",),
    "CoreShowChannelsComplete": ("ActionID",),
}
"""The fields without which an event cannot be understood. Asterisk always sends them."""


def lacks(fields: Fields) -> str:
    """What an event lacks to be understood, as ``Hangup without Uniqueid``; empty where it lacks nothing.

    A field that is not text any more lacks too: it names no channel that anybody knows.
    """
    name = fields.get("Event", "")
    for needed in _NEEDED.get(name, ()):
        value = fields.get(needed, "")
        if not value or "\ufffd" in value:
            return f"{name} without {needed}"
    return ""


class Decoder:
    """Cuts the stream into blocks. Feed it what the socket gave, in pieces of any size.

    What is too long is skipped to the end of its block and reported once; what follows is read as usual. A line
    without ``:``, and a key that comes a second time with another value (two blocks whose empty line was lost), are
    reported, and the block keeps its other lines. The greeting comes as ``{"Banner": …}``: with ``greeted`` the first
    line is one whatever it says, else only Asterisk's.
    """

    def __init__(self, *, greeted: bool = False) -> None:
        self._line = bytearray()
        self._fields: Fields = {}
        self._size = 0
        self._skipping = False
        self._awaits_greeting = greeted
        self._begun = False

    def feed(self, data: bytes) -> list[Fields | Unreadable]:
        """All that is complete now, in order."""
        found: list[Fields | Unreadable] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end], found)
            self._end_line(found)
            start = end + 1
        self._take(data[start:], found)
        return found

    def _take(self, piece: bytes, found: list[Fields | Unreadable]) -> None:
        self._size += len(piece)
        if not self._skipping and self._size > MAX_BLOCK:
            sample = bytes(self._line[:SAMPLE] or piece[:SAMPLE])
            found.append(Unreadable("oversize", sample.decode("utf-8", "replace")))
            self._skipping = True
        if self._skipping:
            # only whether the line is empty matters now
            self._line[:] = self._line[:1] or piece.strip(b"\r")[:1]
        else:
            self._line += piece

    def _end_line(self, found: list[Fields | Unreadable]) -> None:
        line = self._line.decode("utf-8", "replace").rstrip("\r")
        self._line.clear()
        if not line:
            if self._fields and not self._skipping:
                found.append(self._fields)
            self._fields, self._size, self._skipping = {}, 0, False
        elif not self._skipping:
            self._take_line(line, found)

    def _take_line(self, line: str, found: list[Fields | Unreadable]) -> None:
        name, colon, value = line.partition(":")
        greeting = self._awaits_greeting or (not self._begun and line.startswith(BANNER))
        self._awaits_greeting, self._begun = False, True
        if greeting:
            found.append({"Banner": line[:SAMPLE]})
        elif not colon or not name.strip():
            found.append(Unreadable("noField", line[:SAMPLE]))
        else:
            name, value = name.strip(), value.removeprefix(" ")
            if self._fields.setdefault(name, value) != value and not name.endswith("Variable"):
                found.append(Unreadable("fieldTwice", line[:SAMPLE]))


def whole_number(fields: Fields, name: str) -> int:
    """A field as a whole number; 0 where it is none."""
    text = fields.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def timestamp(fields: Fields) -> float | None:
    """When Asterisk raised an event, by its own clock; None where it does not say."""
    text = fields.get("Timestamp", "")
    whole, _, part = text.partition(".")
    digits = whole + part
    return float(text) if whole and len(whole) < 12 and digits.isascii() and digits.isdigit() else None
