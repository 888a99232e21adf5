"""A secret: a text that no log line, error message or record shows by mistake."""

import hmac


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


def _bytes(text: str) -> bytes:
    """Bytes that are no UTF-8 came out of a request as lone surrogates; they are compared too."""
    return text.encode("utf-8", "surrogatepass")
