"""A secret: a text that no log line, error message or record shows by mistake."""

import hmac
from collections.abc import Callable


class Secret:
    """Shows its text only to who asks for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the moment it is needed."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self._text), _bytes(other._text))

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type, ...]:
        raise TypeError("a secret is not written down")


class KeptElsewhere(Secret):
    """A secret that may be replaced where it is kept while we run: `reveal` reads it there, each time.

    ``where`` names that place, such as a path; two secrets of one place are one. ``read`` raises where there is none.
    """

    __slots__ = ("_read", "_where")

    def __init__(self, where: str, read: Callable[[], str]) -> None:
        super().__init__(read())
        self._where = where
        self._read = read

    def reveal(self) -> str:
        """The text as it stands there now."""
        return self._read()

    def __eq__(self, other: object) -> bool:
        return self._where == other._where if isinstance(other, KeptElsewhere) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self._where)


def _bytes(text: str) -> bytes:
    """Bytes that are no UTF-8 came out of a request as lone surrogates; they are compared too."""
    return text.encode("utf-8", "surrogatepass")
