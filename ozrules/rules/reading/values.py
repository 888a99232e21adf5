"""The values of rule files: states, fields, numbers, templates."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from ozrules.rules.diagnostics import Edit, Findings
from ozrules.rules.document import ListNode, Node, TextNode
from ozrules.rules.fields import FIELDS, VARIABLE, kind_of
from ozrules.rules.model import FieldRef, Fixed, Lookup, Target, Template, Templated
from ozrules.rules.numbers import NumberPlan, compact
from ozrules.rules.quoting import quoting_edit, shown
from ozrules.rules.reading.scope import Scope
from ozrules.rules.scalars import Text
from ozrules.rules.shape import INVALID, ByKind, Invalid, Key, OneOrMany, Record, Schema, Values, unknown, wrong_type
from ozrules.rules.suggest import misspelt_edit
from ozrules.session.state import GROUPS, KNOWN_STATES, OTHER, State, is_known, state_from

States: TypeAlias = frozenset[State]

_SPELLED: Final[dict[str, States]] = {str(state): frozenset({state}) for state in KNOWN_STATES} | GROUPS
_OPENING: Final = re.compile(r"\{\{")
_REFERENCE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True)
class StateNames:
    """One or more states or groups of them."""

    what: str = "a state such as Ringing, or a list of them"

    def read(self, node: Node, findings: Findings) -> States | Invalid:
        """All states that are named."""
        items = node.items if isinstance(node, ListNode) else (node,)
        if not items:
            findings.error("empty-list", node, "This list is empty; it needs a state.")
            return INVALID
        states: set[State] = set()
        sound = True
        for item in items:
            if not isinstance(item, TextNode) or item.empty:
                wrong_type(item, "a state such as Ringing", findings)
                sound = False
                continue
            meant = _SPELLED.get(item.text) or self._other(item, findings)
            sound = sound and meant is not None
            states |= meant or frozenset()
        return frozenset(states) if sound else INVALID

    def _other(self, node: TextNode, findings: Findings) -> States | None:
        """A state that nobody knows, under its own name; else the finding of what was probably meant."""
        text = node.text
        if text.startswith(OTHER) and len(text) > len(OTHER):
            known = state_from(text.removeprefix(OTHER))
            if not is_known(known):
                return frozenset({State(text)})
            findings.error(
                "unknown-state",
                node,
                f"{shown(text)} will never be seen: what is spelled so is the state {known}.",
                suggestion=f"Write {known}.",
            )
            return None
        known = state_from(text)
        if is_known(known) and text not in ("Calling", "calling"):
            findings.error(
                "unknown-state",
                node,
                f"There is no state {shown(text)}.",
                suggestion=f"Did you mean {known}?",
                edit=misspelt_edit(node.place, node.length, text, known) if not node.quoted else None,
            )
            return None
        hint = f"If the phone system really says so, write {OTHER}{text}." if text.isalpha() else None
        unknown("unknown-state", node, "state", tuple(_SPELLED), findings, hint)
        return None

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """The names, or other:TEXT."""
        definitions.setdefault(
            "state", {"anyOf": [{"enum": list(_SPELLED)}, {"type": "string", "pattern": f"^{OTHER}."}]}
        )
        one: Schema = {"$ref": "#/$defs/state"}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


STATES: Final = StateNames()


@dataclass(frozen=True)
class FieldName:
    """The name of a field, or of a variable."""

    scope: Scope
    what: str = "the name of a field such as caller"

    def read(self, node: Node, findings: Findings) -> str | Invalid:
        """The name as it stands."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        if kind_of(node.text) is None:
            return unknown("unknown-field", node, "field", tuple(FIELDS), findings)
        if node.text.startswith(VARIABLE):
            self.scope.reads(node.text, node.place, node.length)
        return node.text

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """The fields, or var.NAME."""
        definitions.setdefault(
            "field", {"anyOf": [{"enum": list(FIELDS)}, {"type": "string", "pattern": "^var\\.[A-Za-z]"}]}
        )
        return {"$ref": "#/$defs/field"}


def group_by(scope: Scope) -> OneOrMany[str]:
    """The fields whose values make a group."""
    return OneOrMany(FieldName(scope))


@dataclass(frozen=True)
class TemplateText:
    """A text into which fields may be inserted."""

    scope: Scope
    what: str = "a text, in which {{ FIELD }} stands for a field's value"

    def read(self, node: Node, findings: Findings) -> Template | Invalid:
        """The literal parts and the fields."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        text = node.text
        parts: list[str | FieldRef] = []
        sound, end = True, 0
        for found in _REFERENCE.finditer(text):
            if found.start() > end:
                parts.append(text[end : found.start()])
            end = found.end()
            name = found.group(1)
            inner = _inside(node, found.start(1), len(name))
            if self._is_field(inner, findings):
                parts.append(FieldRef(name))
            else:
                sound = False
        if end < len(text) or not text:
            parts.append(text[end:])
        if len(_OPENING.findall(text)) != len(_REFERENCE.findall(text)):
            findings.error("bad-template", node, "A {{ here is not closed by }}.", suggestion="Write {{ FIELD }}.")
            return INVALID
        return tuple(parts) if sound else INVALID

    def _is_field(self, name: TextNode, findings: Findings) -> bool:
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", name.text) is None:
            findings.error(
                "bad-template",
                name,
                f"{shown(name.text)} is no field: a template inserts a field and does nothing else.",
                suggestion="Write {{ FIELD }}, without filters or calculation.",
            )
            return False
        return FieldName(self.scope).read(name, findings) is not INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Any text."""
        return Text().schema(definitions)


def _inside(node: TextNode, start: int, length: int) -> TextNode:
    """A part of a scalar, where it can be found in the source, as a node of its own."""
    text = node.text[start : start + length]
    if node.length == len(node.text) + 2 * node.quoted:
        return TextNode(node.file, node.line, node.column + start + node.quoted, length, text, quoted=False)
    return TextNode(node.file, node.line, node.column, node.length, text, quoted=True)


# --- destinations ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Destination:
    """A number to which a call can be sent: digits, with a plus before them or not."""

    scope: Scope
    what: str = "a number such as 2010 or +36201234567"

    def read(self, node: Node, findings: Findings) -> str | Invalid:
        """The number as it was typed."""
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        return node.text if check_destination(node, node.text, self.scope, findings) else INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Digits, quoted or not."""
        return {"anyOf": [{"type": "string", "pattern": "^\\+?[0-9]+$"}, {"type": "integer", "minimum": 0}]}


def check_destination(node: Node, number: str, scope: Scope, findings: Findings) -> bool:
    """Whether a call can be sent to ``number``; else a finding at ``node`` says why not."""
    if scope.numbers.destination(number) is not None:
        advise_quoting(node, findings)
        return True
    plain = compact(number)
    if plain is not None and ("*" in plain or "#" in plain):
        findings.error(
            "feature-code",
            node,
            f"{shown(number)} is a code that sets features of the phone system, and never a destination.",
        )
    elif plain is not None and plain != number and scope.numbers.destination(plain) is not None:
        edit = Edit(node.place, node.length, f'"{plain}"') if isinstance(node, TextNode) and node.length else None
        findings.error(
            "bad-number",
            node,
            f"{shown(number)} holds signs that are not dialled.",
            suggestion=f"Write {plain}.",
            edit=edit,
        )
    else:
        findings.error("bad-number", node, f"{shown(number)} is no number that can be dialled.")
    return False


def advise_quoting(node: Node, findings: Findings) -> None:
    """Warn of an unquoted number that other readers of YAML, an editor's for one, take for octal."""
    if isinstance(node, TextNode) and not node.quoted and re.fullmatch(r"0[0-7]+", node.text) is not None:
        findings.warning(
            "unquoted-number",
            node,
            f"Other readers of YAML take {node.text} for an octal number; here it stays as typed.",
            suggestion=f'Quote this: "{node.text}".',
            edit=quoting_edit(node.place, node.text),
        )


def check_beginning(text: str, node: Node, numbers: NumberPlan, findings: Findings) -> bool:
    """Whether ``text``, where it is a beginning such as ``06 20*``, says which numbers it means; else a finding."""
    problem = numbers.beginning_problem(text[:-1]) if text.endswith("*") else None
    if problem is not None:
        findings.error("unclear-beginning", node, f"{shown(text)} does not say which numbers it means: {problem}.")
    return problem is None


def target(scope: Scope) -> ByKind[Target]:
    """Where a call goes: a number, a lookup in a map, or a field."""
    return ByKind("a number, {lookup: MAP, key: FIELD} or a template", text=_TargetText(scope), keys=_lookup(scope))


@dataclass(frozen=True)
class _TargetText:
    scope: Scope
    what: str = "a number such as 2010 or +36201234567"

    def read(self, node: Node, findings: Findings) -> Target | Invalid:
        if not isinstance(node, TextNode) or node.empty:
            return wrong_type(node, self.what, findings)
        if "{{" not in node.text:
            number = Destination(self.scope).read(node, findings)
            return INVALID if number is INVALID else Fixed(number, node.place)
        template = TemplateText(self.scope).read(node, findings)
        if template is INVALID:
            return INVALID
        only = template[0]
        if len(template) != 1 or not isinstance(only, FieldRef):
            findings.error(
                "bad-template",
                node,
                "A destination is one field as a whole, with nothing before or after it.",
                suggestion='Write "{{ FIELD }}", or a {lookup: MAP, key: FIELD}.',
            )
            return INVALID
        return Templated(only.field, node.place)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        number = Destination(self.scope).schema(definitions)
        return {"anyOf": [number, {"type": "string", "pattern": "^\\{\\{\\s*[A-Za-z.]+\\s*\\}\\}$"}]}


def _lookup(scope: Scope) -> Record[Target]:
    name = Key("lookup", Text("the name of a map under lists"), required=True, help="The map, under lists.")
    key = Key("key", FieldName(scope), required=True, help="The field whose value is looked up.")
    default = Key("default", Destination(scope), help="The number where the map has no such key.")

    def build(values: Values) -> Target | Invalid:
        node = values.at(name)
        assert isinstance(node, TextNode)
        if not scope.find("list", node, values.findings):
            return INVALID
        table = scope.lists[node.text].table
        if table is None:
            values.findings.error(
                "not-a-map",
                node,
                f"{node.text} is a list of values; a lookup needs a map.",
                suggestion=f"Write the list as {node.text}: {{KEY: NUMBER, …}}.",
            )
            return INVALID
        for typed, number in table.items():
            if scope.numbers.destination(number) is None:
                values.findings.error(
                    "bad-number",
                    node,
                    f"Under {shown(typed)}, the map {node.text} holds {shown(number)}, which is no destination.",
                )
                return INVALID
        return Lookup(node.text, table, values[key], values.get(default), values.place)

    return Record("a lookup", (name, key, default), build)
