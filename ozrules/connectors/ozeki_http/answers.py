"""What the HTTP API answers, as data: ``<Response><Code>…</Code><Message>…</Message>…</Response>``. No I/O.

The HTTP status is 200 whatever happens; the outcome is the code. Sources: ozekiphone.com p_4149 (form of a response),
p_4235 (status codes).
"""

from typing import Final

import msgspec

from ozrules.connectors.ozeki_http.xml import Element, NotXml, parse
from ozrules.engine.events import Accepted, RefusalKind, Refused, Unanswered

OK: Final = 200
ACCESS: Final = frozenset({304, 305, 306, 307})
"""The codes that say: not this user, or not from here."""
SHOWN: Final = 200  # characters of the phone system's own words that are shown

_MEANINGS: Final[dict[int, tuple[RefusalKind, str]]] = {
    300: ("invalid", "it could not read the request"),
    301: ("denied", "it does not know this command"),
    302: ("invalid", "a parameter is missing or wrong"),
    303: ("wrongState", "the command cannot be used now"),
    304: ("denied", "it asks for a user name and a password: set username and password on this connection"),
    305: ("denied", "user name or password is wrong"),
    306: ("denied", "this user may not use the API: give it access in the phone system's HTTP API settings"),
    307: ("denied", "this address may not use the API: allow it in the phone system's HTTP API settings"),
    401: ("denied", "the API extension is not available: look at its configuration and its permissions"),
    402: ("invalid", "the call could not be connected"),
    501: ("invalid", "the recipient is not found: is there a modem or a mail server, and a dial plan for it?"),
    601: ("notFound", "the call has ended, or was never there"),
    701: ("invalid", "this configuration does not exist"),
    702: ("invalid", "this configuration is not valid"),
    703: ("invalid", "this configuration exists already"),
}
"""All status codes but 200, and what an admin should make of them."""


class NotAnAnswer(ValueError):
    """What came is no answer of the HTTP API; the text says what it is instead."""


class Answer(msgspec.Struct, frozen=True):
    """An answer of the HTTP API. ``message`` is the phone system's own text, which may hold what a caller chose."""

    code: int
    message: str
    root: Element


def read(body: bytes) -> Answer:
    """The answer in a body. Raises NotAnAnswer, and nothing else."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise NotAnAnswer("an HTML page, not the XML of the HTTP API")
    try:
        root = parse(body)
    except NotXml as error:
        raise NotAnAnswer(f"no XML that can be read: {error}") from None
    if root.name.lower() != "response":
        raise NotAnAnswer("XML, but not of the HTTP API: its root is not Response")
    code = root.child("Code")
    if code is None or not code.text.isascii() or not code.text.isdecimal() or len(code.text) > 6:
        raise NotAnAnswer("a Response without a Code")
    message = root.child("Message")
    return Answer(int(code.text), message.text if message is not None else "", root)


def receipt(answer: Answer) -> Accepted | Refused | Unanswered:
    """What became of a command that was answered so. A code that nobody documents proves nothing."""
    if answer.code == OK:
        return Accepted()
    words = in_words(answer)
    if answer.code not in _MEANINGS:
        return Unanswered(f"{words}; the code is not documented, so nobody knows whether it was done")
    return Refused(_MEANINGS[answer.code][0], words, handed_over=True)


def in_words(answer: Answer) -> str:
    """An answer in one line for an admin: what it means, and what the phone system says itself."""
    meaning = _MEANINGS.get(answer.code)
    own = shown(answer.message)
    said = f"the phone system answers {answer.code}{f' ({own})' if own else ''}"
    return said if meaning is None else f"{said}: {meaning[1]}"


def shown(text: str) -> str:
    """A text from outside, safe for logs and terminals: ASCII without control characters, and short."""
    return text[:SHOWN].encode("unicode_escape").decode("ascii")
