"""Shapes of single values: text, whole numbers, yes or no, durations, one of a few words.

YAML's own types are not asked: a value is the text that was typed, so ``on`` stays text and ``010`` is never eight.
"""

import re
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ozrules.rules import spans
from ozrules.rules.diagnostics import Edit, Findings
from ozrules.rules.document import Node, TextNode
from ozrules.rules.quoting import shown
from ozrules.rules.shape import INVALID, Invalid, Schema, unknown, upper, wrong_type

C = TypeVar("C", bound=str)

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?")


@dataclass(frozen=True)
class Text:
    """Any text, one line or more. ``pattern`` must match all of it; ``what`` then says what it asks for."""

    what: str = "a text"
    pattern: re.Pattern[str] | None = None
    most: int = 4096
    code: str = "bad-text"

    def read(self, node: Node, findings: Findings) -> str | Invalid:
        """The text as typed."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        if len(node.text) > self.most:
            findings.error(
                self.code, node, f"This text has {len(node.text):,} characters; at most {self.most:,} may be."
            )
            return INVALID
        if self.pattern is not None and self.pattern.fullmatch(node.text) is None:
            findings.error(self.code, node, f"{shown(node.text)} is not {self.what}.")
            return INVALID
        return node.text

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A string, or what other YAML readers make of the same letters."""
        string: Schema = {"type": "string", "maxLength": self.most}
        if self.pattern is None:
            return {"anyOf": [string, {"type": ["number", "boolean"]}]}
        return {"anyOf": [string | {"pattern": f"^(?:{self.pattern.pattern})$"}, {"type": ["number", "boolean"]}]}


@dataclass(frozen=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int = 0
    most: int = 1_000_000

    @property
    def what(self) -> str:
        """The number with its limits."""
        return f"a whole number from {self.least:,} to {self.most:,}"

    def read(self, node: Node, findings: Findings) -> int | Invalid:
        """The number."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        if _WHOLE.fullmatch(node.text) is None or not self.least <= int(node.text) <= self.most:
            findings.error("bad-number", node, f"{upper(self.what)} belongs here, not {shown(node.text)}.")
            return INVALID
        return int(node.text)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An integer, quoted or not."""
        return {
            "anyOf": [
                {"type": "integer", "minimum": self.least, "maximum": self.most},
                {"type": "string", "pattern": f"^{_WHOLE.pattern}$"},
            ]
        }


@dataclass(frozen=True)
class Decimal:
    """A number with or without decimals, from ``least`` to ``most``."""

    least: float = 0
    most: float = 1e9

    @property
    def what(self) -> str:
        """The number with its limits."""
        return f"a number from {self.least:g} to {self.most:g}"

    def read(self, node: Node, findings: Findings) -> float | Invalid:
        """The number."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        if _DECIMAL.fullmatch(node.text) is None or not self.least <= float(node.text) <= self.most:
            findings.error("bad-number", node, f"{upper(self.what)} belongs here, not {shown(node.text)}.")
            return INVALID
        return float(node.text)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A number, quoted or not."""
        return {
            "anyOf": [
                {"type": "number", "minimum": self.least, "maximum": self.most},
                {"type": "string", "pattern": f"^{_DECIMAL.pattern}$"},
            ]
        }


@dataclass(frozen=True)
class YesNo:
    """true or false. ``on`` and ``no`` are words like any other and are refused with the right one."""

    what: str = "true or false"

    def read(self, node: Node, findings: Findings) -> bool | Invalid:
        """The value."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        match node.text:
            case "true":
                return True
            case "false":
                return False
        meant = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        lower = node.text.lower()
        right = lower if lower in ("true", "false") else meant.get(lower)
        findings.error(
            "not-true-or-false",
            node,
            f"true or false belongs here, not {shown(node.text)}.",
            suggestion=f"Write {right}." if right else None,
            edit=Edit(node.place, node.length, right) if right and node.length else None,
        )
        return INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A boolean, quoted or not."""
        return {"enum": [True, False, "true", "false"]}


@dataclass(frozen=True)
class Choice(Generic[C]):
    """One of a few words. ``kind`` names them in messages: ``mode``, ``order``."""

    kind: str
    words: tuple[C, ...]
    code: str = "unknown-value"

    @property
    def what(self) -> str:
        """The words."""
        if len(self.words) <= 8:
            return f"one of {', '.join(self.words)}" if len(self.words) > 1 else self.words[0]
        return f"the name of a {self.kind}"

    def read(self, node: Node, findings: Findings) -> C | Invalid:
        """The word, spelled as it is known."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        for word in self.words:
            if word == node.text:
                return word
        return unknown(self.code, node, self.kind, self.words, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """The words."""
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Duration:
    """A duration in Prometheus notation, in seconds. ``days`` allows the unit d too."""

    least: float = 0.0
    most: float = 366 * 86400.0
    days: bool = False
    what: str = "a duration such as 20s or 1h30m"

    def read(self, node: Node, findings: Findings) -> float | Invalid:
        """Seconds."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        seconds = spans.seconds_in(node.text, days=self.days)
        if seconds is None:
            meant = spans.meant_by(node.text, days=self.days)
            either = spans.either_of(node.text)
            hint = (
                f"Write {either[0]}, or {either[1]}." if either else "Write a number and a unit: 500ms, 20s, 5m, 1h30m."
            )
            findings.error(
                "bad-duration",
                node,
                f"{shown(node.text)} is no duration.",
                suggestion=f"Write {meant}." if meant else hint,
                edit=Edit(node.place, node.length, meant)
                if meant and node.length and not node.text.isdigit()
                else None,
            )
            return INVALID
        if not self.least <= seconds <= self.most:
            least, most = (spans.written(limit, days=self.days) for limit in (self.least, self.most))
            findings.error("bad-duration", node, f"This duration must be from {least} to {most}.")
            return INVALID
        return seconds

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A string in that notation."""
        return {"type": "string", "pattern": spans.pattern(days=self.days), "examples": ["20s", "1h30m"]}


@dataclass(frozen=True)
class Version:
    """The version of a file's language: 1."""

    what: str = "the version 1"

    def read(self, node: Node, findings: Findings) -> int | Invalid:
        """1."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        if node.text == "1":
            return 1
        findings.error("unknown-version", node, f"The version {shown(node.text)} is not known here; 1 is.")
        return INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """1, quoted or not."""
        return {"enum": [1, "1"]}
