"""Characters that have no business in a rule file: they hide what a text says, or end it early.

Tabs count too: what they align in one editor they disarrange in the next, and YAML forbids them as indentation.
"""

import re
import unicodedata
from typing import Final

HIDDEN: Final = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\U000e0000-\U000e007f]|\r(?!\n)"
)
"""Control, bidirectional and invisible characters, and line breaks that only some programs see."""

ODD_INDENT: Final = re.compile("^[ ]*[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]", re.MULTILINE)
"""A space of another kind at the beginning of a line, where YAML counts plain ones."""

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def describe(character: str) -> str:
    """The character as a person can read it, such as ``U+202E RIGHT-TO-LEFT OVERRIDE``."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()


def is_bidirectional(character: str) -> bool:
    """Whether the character turns the direction of reading."""
    return character in _BIDI


def visible(text: str) -> str:
    """The text on one line, with every character that a reader could take for something else spelled out."""
    return HIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text.replace("\n", "\\n"))
