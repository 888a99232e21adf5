"""Shapes: what may stand at a place of a file, said once, for reading and for the JSON Schema alike.

A shape reads a node into a typed value, or notes every fault under it and returns INVALID. Shapes are plain values and
are put together like the file they describe. Those of this module are the collections; single values are in `scalars`.

The file is long because reading a collection and describing it as a schema must say the same, and so stand together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, overload

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import ListNode, MapNode, Node, TextNode
from ozrules.rules.model import Place
from ozrules.rules.quoting import shown
from ozrules.rules.suggest import closest, misspelt_edit, nearest

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema (2020-12), or a part of one."""


class Invalid(Enum):
    """What a shape returns where there is no value; why is among the findings."""

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
S = TypeVar("S")
D = TypeVar("D")

_BETWEEN: Final = re.compile(r"\s*[,;|/&]\s*|\s+(?:or|and)\s+")
"""What people write between several names where a list belongs."""

_GLUED: Final = re.compile("(\\w+)(?::|\uff1a|\ufe55|\u2236)\\s*\\S")
"""A key whose colon is not followed by a space that YAML knows, or is another script's colon."""


class Shape(Protocol[T_co]):
    """What may stand at one place. ``what`` names it with its article: ``a duration such as 20s``."""

    @property
    def what(self) -> str: ...
    def read(self, node: Node, findings: Findings) -> T_co | Invalid: ...
    def schema(self, definitions: dict[str, Schema]) -> Schema: ...


def wrong_type(node: Node, what: str, findings: Findings, suggestion: str | None = None) -> Invalid:
    """Note that something else belongs here than what stands here."""
    if isinstance(node, TextNode) and node.empty:
        findings.error("missing-value", node, f"A value is missing here: {what}.", suggestion=suggestion)
    else:
        found = {TextNode: "a single value", ListNode: "a list", MapNode: "a mapping (KEY: VALUE)"}[type(node)]
        findings.error("wrong-type", node, f"{upper(what)} belongs here, not {found}.", suggestion=suggestion)
    return INVALID


def upper(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def unknown(
    code: str,
    node: TextNode,
    kind: str,
    names: Mapping[str, object] | tuple[str, ...],
    findings: Findings,
    hint: str | None = None,
) -> Invalid:
    """Note a name that nobody knows, with the one that was probably meant, or all of them where they are few."""
    first, _, rest = node.text.partition(" ")
    several = [part for part in _BETWEEN.split(node.text) if part]
    glued = _GLUED.match(node.text)
    near = nearest(node.text, names) if not rest or first not in names else []
    meant = near[0] if len(near) == 1 else None
    suggestion: str | None
    if len(several) > 1 and all(part in names for part in several):
        meant, suggestion = None, f"Write a list: [{', '.join(several)}]."
    elif glued is not None and glued[1] in names:
        meant, suggestion = None, f"Write a colon and a space after it: {glued[1]}: …"
    elif rest and first in names:
        suggestion = f"A colon is missing: {first}: {rest} …"
    elif meant is not None:
        suggestion = f"Did you mean {meant}?"
    elif 2 <= len(near) <= 3:
        suggestion = f"Did you mean {' or '.join(near)}?"
    elif 0 < len(names) <= 20:
        suggestion = f"Known here: {', '.join(names)}."
    else:
        suggestion = hint
    findings.error(
        code,
        node,
        f"There is no {kind} {shown(node.text)}.",
        suggestion=suggestion,
        edit=misspelt_edit(node.place, node.length, node.text, meant) if not node.quoted else None,
    )
    return INVALID


# --- keys -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key(Generic[T_co]):
    """A key that a `Record` may have. ``help`` is for the schema and the reference."""

    name: str
    shape: Shape[T_co]
    required: bool = False
    help: str = ""


class Values:
    """What stood under the keys of one mapping, typed by the keys that fetch it."""

    __slots__ = ("_nodes", "_values", "findings", "node")

    def __init__(self, node: MapNode, findings: Findings) -> None:
        self.node = node
        self.findings = findings
        self._nodes: dict[str, Node] = {}
        self._values: dict[str, Any] = {}

    @property
    def place(self) -> Place:
        """Where the mapping begins."""
        return self.node.place

    def __contains__(self, key: Key[Any]) -> bool:
        return key.name in self._values

    def __getitem__(self, key: Key[T]) -> T:
        value: T = self._values[key.name]
        return value

    @overload
    def get(self, key: Key[T]) -> T | None: ...
    @overload
    def get(self, key: Key[T], default: D) -> T | D: ...
    def get(self, key: Key[Any], default: Any = None) -> Any:
        """The value under ``key``, or ``default`` where the file says nothing."""
        return self._values.get(key.name, default)

    def at(self, key: Key[Any]) -> Node:
        """The node of the value under ``key``, or the whole mapping where it is absent: the place to complain of."""
        return self._nodes.get(key.name, self.node)

    def take(self, name: str, node: Node, value: object) -> None:
        """Keep what was read; for `Record`."""
        self._nodes[name] = node
        self._values[name] = value


@dataclass(frozen=True)
class Record(Generic[T]):
    """A mapping with known keys. ``build`` makes the value of them; it may note faults and return INVALID."""

    what: str
    keys: tuple[Key[Any], ...]
    build: Callable[[Values], T | Invalid]
    more: Schema = field(default_factory=dict)
    by_name: dict[str, Key[Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})

    def read(self, node: Node, findings: Findings) -> T | Invalid:
        """Every key that is known; a fault under any of them makes the whole invalid, an unknown key does not."""
        if not isinstance(node, MapNode):
            return wrong_type(node, self.what, findings)
        values = Values(node, findings)
        sound = True
        seen: set[str] = set()
        meant: set[str | None] = set()  # a misspelt key is not missing too
        for entry in node.entries:
            key = self.by_name.get(entry.key.text)
            if key is None:
                free = self._free(node)
                unknown("unknown-key", entry.key, "key", free, findings)
                meant.add(closest(entry.key.text, free))
                continue
            seen.add(key.name)
            value = key.shape.read(entry.value, findings)
            if value is INVALID:
                sound = False
            else:
                values.take(key.name, entry.value, value)
        for key in self.keys:
            if key.required and key.name not in seen:
                if key.name not in meant:
                    findings.error("missing-key", node, f"The key {key.name} is missing here: {key.shape.what}.")
                sound = False
        return self.build(values) if sound else INVALID

    def _free(self, node: MapNode) -> tuple[str, ...]:
        return tuple(name for name in self.by_name if node.get(name) is None)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An object with these properties and no others."""
        return {
            "type": "object",
            "properties": {
                key.name: {"description": key.help or f"{upper(key.shape.what)}."} | key.shape.schema(definitions)
                for key in self.keys
            },
            "required": [key.name for key in self.keys if key.required],
            "additionalProperties": False,
        } | self.more


# --- collections ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListOf(Generic[T]):
    """A list of at least ``least`` and at most ``most`` values of one shape."""

    of: Shape[T]
    least: int = 0
    most: int = 100_000

    @property
    def what(self) -> str:
        """The list by its items."""
        return f"a list (of {self.of.what})"

    def read(self, node: Node, findings: Findings) -> tuple[T, ...] | Invalid:
        """All items, or INVALID where one is."""
        if not isinstance(node, ListNode):
            suggestion = None
            if isinstance(node, TextNode) and not node.empty and not node.quoted:
                suggestion = f"Write a list: [{node.text}]."
            elif isinstance(node, MapNode):
                suggestion = "Begin each item with a - and a space."
            return wrong_type(node, self.what, findings, suggestion)
        if len(node.items) < self.least:
            findings.error("empty-list", node, f"This list is empty; it needs {self.of.what}.")
            return INVALID
        if len(node.items) > self.most:
            findings.error("too-many", node, f"This list has {len(node.items):,} items; at most {self.most:,} may be.")
            return INVALID
        values: list[T] = []
        for item in node.items:
            value = self.of.read(item, findings)
            if value is not INVALID:
                values.append(value)
        return tuple(values) if len(values) == len(node.items) else INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An array."""
        schema: Schema = {"type": "array", "items": self.of.schema(definitions)}
        return schema | ({"minItems": self.least} if self.least else {})


@dataclass(frozen=True)
class OneOrMany(Generic[T]):
    """One value, or a list of at least one."""

    of: Shape[T]

    @property
    def what(self) -> str:
        """The value, or several."""
        return f"{self.of.what}, or a list of them"

    def read(self, node: Node, findings: Findings) -> tuple[T, ...] | Invalid:
        """The values, also where there is one."""
        if isinstance(node, ListNode):
            return ListOf(self.of, least=1).read(node, findings)
        value = self.of.read(node, findings)
        return INVALID if value is INVALID else (value,)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """The value or an array."""
        return {"anyOf": [self.of.schema(definitions), ListOf(self.of, least=1).schema(definitions)]}


@dataclass(frozen=True)
class Pairs(Generic[T]):
    """A mapping whose keys are names that the author chooses. The keys are kept as nodes, with their places."""

    what: str
    of: Shape[T]
    name: re.Pattern[str] = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
    name_rule: str = "a name begins with a letter and goes on with letters, digits, - and _"

    def read(self, node: Node, findings: Findings) -> tuple[tuple[TextNode, T], ...] | Invalid:
        """Every name with its value; INVALID where one of either is wrong."""
        if not isinstance(node, MapNode):
            return wrong_type(node, self.what, findings)
        pairs: list[tuple[TextNode, T]] = []
        for entry in node.entries:
            named = self.name.fullmatch(entry.key.text) is not None
            if not named:
                findings.error("bad-name", entry.key, f"{shown(entry.key.text)} cannot stand here: {self.name_rule}.")
            value = self.of.read(entry.value, findings)
            if named and value is not INVALID:
                pairs.append((entry.key, value))
        return tuple(pairs) if len(pairs) == len(node.entries) else INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An object with names of one pattern."""
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^(?:{self.name.pattern})$"},
            "additionalProperties": self.of.schema(definitions),
        }


@dataclass(frozen=True)
class ByKind(Generic[T]):
    """One of several shapes, told apart by what stands there: a single value, a list or a mapping."""

    what: str
    text: Shape[T] | None = None
    items: Shape[T] | None = None
    keys: Shape[T] | None = None
    hint: str | None = None

    def read(self, node: Node, findings: Findings) -> T | Invalid:
        """By the one of the shapes that is for this kind of node."""
        match node:
            case TextNode():
                shape = None if node.empty else self.text
            case ListNode():
                shape = self.items
            case MapNode():
                shape = self.keys
        return wrong_type(node, self.what, findings, self.hint) if shape is None else shape.read(node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Any of the shapes."""
        return {"anyOf": [shape.schema(definitions) for shape in (self.text, self.items, self.keys) if shape]}


@dataclass(frozen=True)
class Variants(Generic[T]):
    """Records that are told apart by the value of one key, which each of them has."""

    what: str
    tag: str
    kind: str
    records: Mapping[str, Record[T]]

    def read(self, node: Node, findings: Findings) -> T | Invalid:
        """By the record that the tag names."""
        if not isinstance(node, MapNode):
            return wrong_type(node, self.what, findings)
        tag = node.get(self.tag)
        if tag is None:
            findings.error(
                "missing-key", node, f"The key {self.tag} is missing here: one of {', '.join(self.records)}."
            )
            return INVALID
        if not isinstance(tag, TextNode):
            return wrong_type(tag, f"one of {', '.join(self.records)}", findings)
        record = self.records.get(tag.text)
        if record is None:
            return unknown("unknown-value", tag, self.kind, tuple(self.records), findings)
        return record.read(node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Exactly one of the records; each fixes the tag's value itself."""
        return {"oneOf": [record.schema(definitions) for record in self.records.values()]}


# --- around a shape -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class At(Generic[T_co]):
    """A value with the node it was read from."""

    value: T_co
    node: Node


@dataclass(frozen=True)
class Located(Generic[T]):
    """Keeps the node beside the value, for what can only be said later about this place."""

    of: Shape[T]

    @property
    def what(self) -> str:
        """The same."""
        return self.of.what

    def read(self, node: Node, findings: Findings) -> At[T] | Invalid:
        """The value and its node."""
        value = self.of.read(node, findings)
        return INVALID if value is INVALID else At(value, node)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """The same."""
        return self.of.schema(definitions)


@dataclass(frozen=True)
class Converted(Generic[S, T]):
    """A shape whose value is turned into another; ``convert`` may note faults and return INVALID."""

    of: Shape[S]
    convert: Callable[[S, Node, Findings], T | Invalid]
    named: str | None = None

    @property
    def what(self) -> str:
        """The inner shape's name unless another is given."""
        return self.named or self.of.what

    def read(self, node: Node, findings: Findings) -> T | Invalid:
        """The converted value."""
        value = self.of.read(node, findings)
        return INVALID if value is INVALID else self.convert(value, node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """The inner one's."""
        return self.of.schema(definitions)


@dataclass(frozen=True)
class Named(Generic[T]):
    """A shape with a name in the schema's ``$defs``: it may contain itself, and is described once."""

    name: str
    what: str
    make: Callable[[], Shape[T]]

    def read(self, node: Node, findings: Findings) -> T | Invalid:
        """As the shape itself does."""
        return self.make().read(node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A reference; the shape itself goes among the definitions."""
        if self.name not in definitions:
            definitions[self.name] = {}  # stops the descent into itself
            definitions[self.name] = self.make().schema(definitions)
        return {"$ref": f"#/$defs/{self.name}"}


def document_schema(shape: Shape[object], title: str, example: Schema) -> Schema:
    """The whole JSON Schema of a file of this shape, with an example of one."""
    definitions: dict[str, Schema] = {}
    body = shape.schema(definitions)
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": f"{upper(shape.what)}.",
        "examples": [example],
    }
    return head | body | ({"$defs": definitions} if definitions else {})
