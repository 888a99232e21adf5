"""One field of a condition against what it is compared with: a value, a list, or operators.

What may be written depends on what the field holds: numbers and texts are matched, durations and counts compared.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import re2

from ozrules.rules.calendar import zone_of
from ozrules.rules.condition import compile_regex
from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import ListNode, MapNode, Node, TextNode
from ozrules.rules.fields import DIRECTIONS, Kind
from ozrules.rules.model import Compare, Op
from ozrules.rules.numbers import PatternInvalid, compact, is_withheld, pattern_predicate
from ozrules.rules.quoting import shown
from ozrules.rules.reading.scope import Defaults, Scope
from ozrules.rules.reading.values import STATES, advise_quoting, check_beginning
from ozrules.rules.scalars import Duration, Text, Whole, YesNo
from ozrules.rules.shape import INVALID, Invalid, ListOf, Schema, unknown, upper, wrong_type
from ozrules.rules.suggest import closest
from ozrules.session.durations import moment_from

OPS: Final[tuple[Op, ...]] = get_args(Op)
MAX_REGEX: Final = 256

_MEASURES: Final = frozenset({"seconds", "count", "moment"})
_TEXT_OPS: Final[tuple[Op, ...]] = ("eq", "ne", "in", "notIn", "startsWith", "endsWith", "matches", "regex", "exists")
_NUMBER_OPS: Final[tuple[Op, ...]] = ("eq", "ne", "gt", "gte", "lt", "lte", "exists")
_HOLDS: Final[dict[Kind, str]] = {
    "number": "a phone number",
    "text": "a text",
    "state": "a state",
    "seconds": "a duration",
    "count": "a count",
    "moment": "a moment",
}
_MEANING: Final[dict[str, str]] = {
    "eq": "Equal to this.",
    "ne": "Not equal to this.",
    "in": "On this list, or one of these values; a * at the end stands for any end.",
    "notIn": "Not on this list, and none of these values.",
    "startsWith": "Begins so.",
    "endsWith": "Ends so.",
    "matches": "Matches this glob or, with a leading underscore, this phone pattern.",
    "regex": "Matches this regular expression (RE2), from beginning to end.",
    "gt": "More than this.",
    "gte": "This or more.",
    "lt": "Less than this.",
    "lte": "This or less.",
    "exists": "Whether there is a value at all.",
}
_SIGNS: Final = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "eq", "==": "eq", "!=": "ne"}
_SIGNED: Final = re.compile(r"\s*(>=|<=|==|!=|[><=])\s*(\S.*)")
_DIRECTION_WORDS: Final = {"incoming": "inbound", "in": "inbound", "outgoing": "outbound", "out": "outbound"}
_PATTERN: Final = re.compile(r"_[0-9XZN+*#.!\[\]-]*[XZN.!\]][0-9XZN+*#.!\[\]-]*|\+?[0-9]+X+", re.ASCII)
"""The phone world's own pattern, where no pattern is read."""

_Found: TypeAlias = tuple[Compare, ...] | Invalid
_VALUE: Final = Text("a value")


@dataclass(frozen=True)
class Comparison:
    """What stands under a field's name."""

    scope: Scope
    defaults: Defaults
    field: str
    kind: Kind
    path: str

    @property
    def what(self) -> str:
        """By what the field holds."""
        return f"{_HOLDS[self.kind]}, a list, or operators such as {{{'gte' if self._measured else 'in'}: …}}"

    @property
    def _measured(self) -> bool:
        return self.kind in _MEASURES

    def read(self, node: Node, findings: Findings) -> _Found:
        """The comparisons, of which all must hold."""
        match node:
            case TextNode():
                return self._operator("eq", node, findings, self.path)
            case ListNode():
                if self._measured:
                    return wrong_type(node, f"{_HOLDS[self.kind]} or operators such as {{gte: …}}", findings)
                return self._operator("in", node, findings, self.path)
            case MapNode():
                return self._operators(node, findings)

    def _operators(self, node: MapNode, findings: Findings) -> _Found:
        allowed = _NUMBER_OPS if self._measured else _TEXT_OPS
        found: list[Compare] = []
        sound = bool(node.entries)
        if not node.entries:
            findings.error("empty-condition", node, "This condition is empty.", suggestion="Write a value.")
        for entry in node.entries:
            word = entry.key.text
            op = next((op for op in OPS if op == word), None)
            if op is None:
                unknown("unknown-operator", entry.key, "operator", allowed, findings)
                sound = False
            elif op not in allowed:
                findings.error(
                    "wrong-operator",
                    entry.key,
                    f"{op} does not work here: {self.field} holds {_HOLDS[self.kind]}.",
                    suggestion=f"What works: {', '.join(allowed)}.",
                )
                sound = False
            else:
                part = self._operator(op, entry.value, findings, f"{self.path}.{op}")
                if part is INVALID:
                    sound = False
                else:
                    found += part
        return tuple(found) if sound else INVALID

    def _operator(self, op: Op, node: Node, findings: Findings, path: str) -> _Found:
        if op == "exists":
            present = YesNo().read(node, findings)
            return INVALID if present is INVALID else (self._compare(op, node, path, present=present),)
        if self._measured:
            if isinstance(node, TextNode) and (signed := _SIGNED.fullmatch(node.text)) is not None:
                findings.error(
                    "unknown-operator",
                    node,
                    f"A sign before a value is no operator: {shown(node.text)}.",
                    suggestion=f"Write {{{_SIGNS[signed[1]]}: {signed[2]}}}.",
                )
                return INVALID
            number = self._number(node, findings)
            if number is INVALID:
                return INVALID
            assert isinstance(node, TextNode)
            return (self._compare(op, node, path, texts=(node.text,), number=number),)
        if op in ("in", "notIn"):
            return self._membership(op, node, findings, path)
        if self.kind == "state" and op in ("eq", "ne"):
            return self._states("in" if op == "eq" else "notIn", node, findings, path)
        text = _VALUE.read(node, findings)
        if text is INVALID or not self._sensible(op, text, node, findings):
            return INVALID
        return (self._compare(op, node, path, texts=(text,)),)

    def _compare(
        self,
        op: Op,
        node: Node,
        path: str,
        *,
        texts: tuple[str, ...] = (),
        number: float | None = None,
        present: bool = True,
        name: str | None = None,
    ) -> Compare:
        return Compare(
            field=self.field,
            op=op,
            texts=texts,
            number=number,
            present=present,
            name=name,
            path=path,
            place=node.place,
        )

    def _states(self, op: Op, node: Node, findings: Findings, path: str) -> _Found:
        states = STATES.read(node, findings)
        if states is INVALID:
            return INVALID
        if len(states) == 1:
            op = "eq" if op == "in" else "ne"
        return (self._compare(op, node, path, texts=tuple(sorted(states))),)

    def _membership(self, op: Op, node: Node, findings: Findings, path: str) -> _Found:
        if isinstance(node, TextNode) and not node.empty:
            hint = f"A single value stands in brackets: [{node.text}]."
            if not node.text.isdecimal():
                hint = f"Add a list {node.text} under lists, or write [{node.text}] for this one value."
            if not self.scope.find("list", node, findings, hint):
                return INVALID
            named = self.scope.lists[node.text]
            if named.table is not None:
                findings.error("not-a-list", node, f"{node.text} is a map, for lookup; {op} needs a list of values.")
                return INVALID
            return (self._compare(op, node, path, texts=named.members, name=node.text),)
        if self.kind == "state":
            return self._states(op, node, findings, path)
        texts = ListOf(_VALUE, least=1).read(node, findings)
        if texts is INVALID:
            return INVALID
        assert isinstance(node, ListNode)
        sound = True
        for item, text in zip(node.items, texts, strict=True):
            sound = self._sensible(op, text, item, findings) and sound
        return (self._compare(op, node, path, texts=texts),) if sound else INVALID

    def _sensible(self, op: Op, text: str, node: Node, findings: Findings) -> bool:
        """Whether this value can be compared so; a finding where it cannot, or hardly does what was meant."""
        assert isinstance(node, TextNode)
        if self.field == "direction" and op in ("eq", "ne", "in", "notIn") and text not in DIRECTIONS:
            meant = _DIRECTION_WORDS.get(text.lower()) or closest(text, DIRECTIONS)
            findings.error(
                "unknown-value",
                node,
                f"There is no direction {shown(text)}.",
                suggestion=f"Did you mean {meant}?" if meant else f"Known here: {', '.join(DIRECTIONS)}.",
            )
            return False
        if self.kind == "number" and is_withheld(text):
            findings.error(
                "withheld-caller",
                node,
                f"A caller who shows no number has no value, so nothing equals {shown(text)}.",
                suggestion="Write {exists: false} for calls without a number.",
            )
            return False
        match op:
            case "matches":
                try:
                    pattern_predicate(text)
                except PatternInvalid as error:
                    findings.error("bad-pattern", node, f"{upper(str(error))}.")
                    return False
            case "regex":
                return _check_regex(text, node, findings)
            case "startsWith" if self.kind == "number":
                return check_beginning(f"{text}*", node, self.scope.numbers, findings)
            case "in" | "notIn" if self.kind == "number" and text.endswith("*"):
                return check_beginning(text, node, self.scope.numbers, findings)
            case "eq" | "ne" if self.kind == "number" and text.endswith("*") and compact(text) and len(text) > 2:
                if not text.startswith("*"):
                    findings.warning(
                        "literal-star",
                        node,
                        f"{op} compares with the number {shown(text)} itself, star and all.",
                        suggestion=f"For all numbers that begin so, write startsWith: {shown(text[:-1])}.",
                    )
            case "eq" | "ne" | "in" | "notIn" if self.kind == "number" and _PATTERN.fullmatch(text):
                findings.warning(
                    "literal-pattern",
                    node,
                    f"{op} compares with the text {shown(text)} itself, which no number is.",
                    suggestion=f'For all numbers of this form, write {{matches: "_{text.lstrip("_")}"}}.',
                )
            case "eq" | "ne" if not node.quoted and text in ("null", "~"):
                findings.warning(
                    "literal-pattern",
                    node,
                    f"{op} compares with the text {shown(text)} itself.",
                    suggestion=f"For a value that is missing, write {{exists: {'false' if op == 'eq' else 'true'}}}.",
                )
        if self.kind == "number":
            advise_quoting(node, findings)
        return True

    def _number(self, node: Node, findings: Findings) -> float | Invalid:
        if self.kind == "seconds":
            return Duration(most=1e8).read(node, findings)
        if self.kind == "count":
            return Whole().read(node, findings)
        text = Text("a date and time such as 2026-11-23T10:00:00").read(node, findings)
        if text is INVALID:
            return INVALID
        moment = moment_from(text, zone_of(self.defaults.timezone or "UTC"))
        if moment is None:
            findings.error(
                "bad-time", node, f"{shown(text)} is no date and time.", suggestion="Write 2026-11-23T10:00:00."
            )
            return INVALID
        return moment

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A value, a list, or operators."""
        value = self._value_schema(definitions)
        values: Schema = {"type": "array", "items": value, "minItems": 1}
        if self._measured:
            by_op: dict[str, Schema] = dict.fromkeys(_NUMBER_OPS, value)
        else:
            by_op = dict.fromkeys(_TEXT_OPS, value)
            plain = Text().schema(definitions)
            by_op |= dict.fromkeys(("startsWith", "endsWith", "matches", "regex"), plain)
            by_op |= {op: {"anyOf": [{"type": "string"}, values]} for op in ("in", "notIn")}
            if self.kind == "state":
                by_op |= {op: {"anyOf": [value, values]} for op in ("eq", "ne")}
        by_op["exists"] = YesNo().schema(definitions)
        by_op = {op: {"description": _MEANING[op]} | schema for op, schema in by_op.items()}
        ways: list[Schema] = [value] if self._measured else [value, values]
        return {
            "anyOf": [*ways, {"type": "object", "properties": by_op, "additionalProperties": False, "minProperties": 1}]
        }

    def _value_schema(self, definitions: dict[str, Schema]) -> Schema:
        match self.kind:
            case "seconds":
                return Duration().schema(definitions)
            case "count":
                return Whole().schema(definitions)
            case "state":
                STATES.schema(definitions)
                return {"$ref": "#/$defs/state"}
            case "number" | "text" | "moment":
                return {"enum": list(DIRECTIONS)} if self.field == "direction" else Text().schema(definitions)


def _check_regex(text: str, node: Node, findings: Findings) -> bool:
    if len(text) > MAX_REGEX:
        findings.error("bad-regex", node, f"This regex has {len(text)} characters; at most {MAX_REGEX} may be.")
        return False
    try:
        compile_regex(text)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        if isinstance(reason, bytes):
            reason = reason.decode("utf-8", "replace")
        lookaround = "(?=" in text or "(?!" in text or "(?<" in text
        findings.error(
            "bad-regex",
            node,
            f"RE2 refuses this regex: {reason}.",
            suggestion="RE2 has no look-around and no back references; not and several conditions replace them."
            if lookaround
            else None,
        )
        return False
    return True
