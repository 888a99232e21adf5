"""Text that is no valid Unicode, made valid: each half of a surrogate pair becomes U+FFFD.

Who cuts a text by UTF-16 units (JavaScript, .NET) may leave half a pair at its end. JSON can carry it, as an escape
(RFC 8259, section 8.2) or as bytes; a strict decoder then refuses the whole message, and with it the change of a call.
"""

import re
from typing import Final, TypeVar

import msgspec

_T = TypeVar("_T")

_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape in JSON text; the group is set for half a pair. What stands behind a backslash is never its own escape."""


def whole(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mended(json: bytes) -> bytes:
    """JSON text with U+FFFD for each half of a pair, and for bytes that are no UTF-8."""
    try:
        text = json.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = json.decode("utf-8", "replace")
    return _ESCAPE.sub(_whole_escape, whole(text).encode())


def _whole_escape(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found.group(1) else found.group()


def read_json(decoder: "msgspec.json.Decoder[_T]", json: str | bytes) -> _T:
    """What the decoder makes of the text, mended where it must be. Raises msgspec.DecodeError, UnicodeError never."""
    data = json.encode("utf-8", "surrogatepass") if isinstance(json, str) else json
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        better = mended(data)
        if better == data:
            raise
        return decoder.decode(better)
