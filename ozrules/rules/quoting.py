"""Texts as people type them: which ones YAML would bend or drop unless they are quoted, and how to show them."""

import re
from typing import Final

from ozrules.rules.characters import HIDDEN
from ozrules.rules.diagnostics import Edit
from ozrules.rules.model import Place

MAX_SHOWN: Final = 60

_DROPPED: Final = re.compile(r"\s*(?P<code>#[0-9*#]+)(?=[\s,\]}]|$)")
_TYPOGRAPHIC: Final = re.compile(
    "[\u2018-\u201f\u00ab\u2039\u300c]([^\u2018-\u201f\u00ab\u00bb]*)[\u2018-\u201f\u00bb\u203a\u300d]"
)
_TOKEN: Final = re.compile(r"[^\s,\[\]{}]+")
_BENT: Final = re.compile(
    r"(?:^\s*(?:- +)*|[\[{,:]\s*|- +)(?P<token>[*@`%][0-9A-Za-z*#@`%.\-]+|(?<=[\[{,:\- ])#[0-9*#]+(?=[\s,\]}]|$))"
)


def shown(text: str) -> str:
    """The text in quotation marks for a message: one line, not too long, nothing hidden in it."""
    text = HIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text.replace("\n", "\\n"))
    if len(text) > MAX_SHOWN:
        text = text[: MAX_SHOWN - 1] + "…"
    return f'"{text}"'


def typographic(text: str) -> str | None:
    """What stands between a printer's quotation marks, where the whole text does."""
    found = _TYPOGRAPHIC.fullmatch(text)
    return found[1] if found is not None else None


def token_at(line: str, column: int) -> str:
    """The unquoted word of ``line`` that begins at ``column`` (from 0)."""
    found = _TOKEN.match(line, column)
    return found.group() if found is not None else ""


def bent_token(line: str) -> tuple[int, str] | None:
    """The first value of ``line`` that begins with a sign YAML keeps for itself, and its column (from 0).

    Only what looks like a dialled code or number counts: ``#21#``, ``*100``, ``*21*0612``.
    """
    found = _BENT.search(_without_quoted(line))
    return (found.start("token"), found.group("token")) if found is not None else None


def dropped_code(line: str, column: int) -> tuple[int, str] | None:
    """The dialled code that YAML took for a comment after ``column`` (from 0), and its column."""
    found = _DROPPED.match(line, column)
    return (found.start("code"), found.group("code")) if found is not None else None


def _without_quoted(line: str) -> str:
    """The line with the inside of its quoted texts blanked out, so that positions stay."""
    return re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'", lambda found: "x" * len(found.group()), line)


def quoting_edit(place: Place, typed: str) -> Edit | None:
    """Puts quotation marks around what was typed, where that is all that is needed."""
    if not typed or '"' in typed or "\\" in typed:
        return None
    return Edit(place, len(typed), f'"{typed}"')
