"""Texts that callers choose, made safe to show: no line break, no terminal command, no turned writing direction."""

import re
from typing import Final

from ozrules.rules.characters import HIDDEN

MAX_SHOWN: Final = 256
MAX_DETAIL: Final = 4096
"""Characters of what a connection says of itself: which methods it lacks, and endpoints by the dozen."""
_UNSAFE: Final = re.compile(HIDDEN.pattern + "|[\n\r\ud800-\udfff]")


def escaped(text: str, most: int = MAX_SHOWN) -> str:
    """The text on one line, with what is invisible written out, and cut where it is too long."""
    shown = _UNSAFE.sub(_written_out, text[:most])
    return shown if len(text) <= most else f"{shown}…"


def json_safe(line: str) -> str:
    """A JSON text in which invisible characters are written as JSON escapes: it reads back the same."""
    return HIDDEN.sub(_written_out, line)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code > 0xFFFF:  # JSON writes these as two halves
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"
