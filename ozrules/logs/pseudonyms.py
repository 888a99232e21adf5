"""Phone numbers and names that do not show whose they are, and still show which lines speak of the same one.

The key is made at each start and kept nowhere: there are too few phone numbers for a plain hash to hide any of them.
Numbers of up to four digits are extensions, and stay.
"""

import re
from hashlib import blake2b
from typing import Final

_NUMBERS: Final = frozenset({"caller", "callee", "dialedNumber", "source", "destination", "to", "transferor"})
_NAMES: Final = frozenset({"callerDisplayName", "calleeDisplayName"})
_TEXTS: Final = frozenset({"actual", "wanted", "text", "error", "detail", "by"})
_IN_TEXT: Final = re.compile(r"\+?\d(?:[ ./()-]{0,2}\d){4,}")


class Pseudonyms:
    """Replaces what stands under the names of fields that hold numbers or names; other fields are left as they are."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, field: str, text: str) -> str:
        """What to show under ``field`` in place of ``text``. A field may stand at the end of a way through a rule."""
        named, _, field = field.rpartition(".")
        if named.endswith("var"):
            field = "text"  # whatever a rule has put there
        if field in _NUMBERS:
            return self._number(text)
        if field in _NAMES:
            return f"name-{self._hash(text)}"
        if field in _TEXTS:
            return _IN_TEXT.sub(lambda found: self._number(found.group()), text)
        return text

    def _number(self, text: str) -> str:
        digits = "".join(character for character in text if character.isdigit())
        if len(digits) <= 4 and len(text) <= 6:
            return text
        return f"…{digits[-2:]}-{self._hash(digits or text)}"

    def _hash(self, text: str) -> str:
        return blake2b(text.encode("utf-8", "replace"), key=self._key, digest_size=4).hexdigest()
