"""``conditions``: fields against values, and all, any, not, use, schedule, history and active.

A condition knows its way in the rule (``conditions.callee.in``), so that an explanation can name it.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import Entry, ListNode, MapNode, Node, TextNode
from ozrules.rules.fields import DESCRIPTIONS, FIELDS, VARIABLE, kind_of
from ozrules.rules.model import Alive, All, AnyOf, Condition, CountOp, DuringSchedule, History, Not
from ozrules.rules.reading.comparisons import Comparison
from ozrules.rules.reading.scope import Defaults, NamedCondition, Scope
from ozrules.rules.reading.values import STATES, group_by
from ozrules.rules.scalars import Duration, Text, Whole
from ozrules.rules.shape import (
    INVALID,
    Invalid,
    Key,
    Located,
    OneOrMany,
    Record,
    Schema,
    Values,
    unknown,
    wrong_type,
)

COUNT_OPS: Final[tuple[CountOp, ...]] = get_args(CountOp)
_WORDS: Final = ("use", "schedule", "history", "active", "all", "any", "not")
_Part: TypeAlias = tuple[Condition, ...] | Invalid
_NAMES: Final = OneOrMany(Located(Text("the name of a condition")))
_DURING: Final = Key("during", Located(Text("the name of a schedule")), help="While it is open.")
_OUTSIDE: Final = Key("outside", Located(Text("the name of a schedule")), help="While it is closed.")
_STATE: Final = Key("state", STATES, required=True, help="The states that are counted.")
_WITHIN: Final = Key("within", Duration(least=0.001), required=True, help="How far back is counted.")
_COMPARED: Final[dict[CountOp, str]] = {
    "gt": "More than this.",
    "gte": "This many or more.",
    "lt": "Fewer than this.",
    "lte": "This many or fewer.",
    "eq": "As many as this.",
}
_COUNTS: Final = tuple(Key(op, Whole(), help=_COMPARED[op]) for op in COUNT_OPS)
_COUNTED: Final[Schema] = {"anyOf": [{"required": [op]} for op in COUNT_OPS]}
"""A count is compared with something."""


@dataclass(frozen=True)
class Conditions:
    """What must hold: one mapping, or a list of mappings of which all must hold."""

    scope: Scope
    defaults: Defaults
    path: str = "conditions"
    what: str = "a condition such as {callee: 2001}"

    def read(self, node: Node, findings: Findings) -> All | Invalid:
        """All of them as one."""
        if isinstance(node, ListNode):
            if not node.items:
                findings.error("empty-list", node, "This list is empty; it needs a condition.")
                return INVALID
            parts = [self._at(f"[{index}]").mapping(item, findings) for index, item in enumerate(node.items)]
        else:
            parts = [self.mapping(node, findings)]
        return self._joined(parts, node)

    def mapping(self, node: Node, findings: Findings) -> _Part:
        """The conditions of one mapping, each key one."""
        if not isinstance(node, MapNode):
            return wrong_type(node, self.what, findings)
        if not node.entries:
            findings.error("empty-condition", node, "This condition is empty.", suggestion="Remove it, or fill it in.")
            return INVALID
        found: list[Condition] = []
        sound = True
        for entry in node.entries:
            part = self._entry(entry, findings)
            if part is INVALID:
                sound = False
            else:
                found += part
        return tuple(found) if sound else INVALID

    def _at(self, step: str) -> "Conditions":
        return Conditions(self.scope, self.defaults, self.path + step)

    def _joined(self, parts: list[_Part], node: Node) -> All | Invalid:
        conditions: list[Condition] = []
        for part in parts:
            if part is INVALID:
                return INVALID
            conditions += part
        return All(of=tuple(conditions), path=self.path, place=node.place)

    def _entry(self, entry: Entry, findings: Findings) -> _Part:
        word, value = entry.key.text, entry.value
        path = f"{self.path}.{word}"
        kind = kind_of(word)
        if kind is not None:
            if word.startswith(VARIABLE):
                self.scope.reads(word, entry.key.place, entry.key.length)
            return Comparison(self.scope, self.defaults, word, kind, path).read(value, findings)
        match word:
            case "use":
                return self._use(value, findings)
            case "schedule":
                return self._schedule(value, path, findings)
            case "history":
                return _one(self._history(path).read(value, findings))
            case "active":
                return _one(self._alive(path).read(value, findings))
            case "all":
                every = self._at(".all").read(value, findings)
                return INVALID if every is INVALID else every.of
            case "any":
                return self._any(value, path, findings)
            case "not":
                inner = self._at(".not").read(value, findings)
                return INVALID if inner is INVALID else (Not(of=_plain(inner), path=path, place=value.place),)
        return unknown("unknown-field", entry.key, "field", (*FIELDS, *_WORDS), findings)

    def _any(self, node: Node, path: str, findings: Findings) -> _Part:
        if not isinstance(node, ListNode):
            return wrong_type(node, "a list of conditions", findings, "Begin each condition with a - and a space.")
        if not node.items:
            findings.error("empty-list", node, "This list is empty; it needs a condition.")
            return INVALID
        ways = [
            self._at(f".any[{index}]")._joined([self._at(f".any[{index}]").mapping(item, findings)], item)
            for index, item in enumerate(node.items)
        ]
        sound = tuple(_plain(way) for way in ways if way is not INVALID)
        return (AnyOf(of=sound, path=path, place=node.place),) if len(sound) == len(ways) else INVALID

    def _use(self, node: Node, findings: Findings) -> _Part:
        names = _NAMES.read(node, findings)
        if names is INVALID:
            return INVALID
        used: list[Condition] = []
        for name in names:
            assert isinstance(name.node, TextNode)
            if not self.scope.find("condition", name.node, findings):
                continue
            named = self.scope.conditions[name.value]
            if named.state == "reading":
                findings.error("condition-cycle", name.node, f"The condition {name.value} uses itself.")
                continue
            value = read_named(name.value, named, self.scope, findings)
            if value is not INVALID:
                used.append(value)
        return tuple(used) if len(used) == len(names) else INVALID

    def _schedule(self, node: Node, path: str, findings: Findings) -> _Part:
        if isinstance(node, TextNode) and not node.empty:
            return wrong_type(
                node,
                "{during: NAME} or {outside: NAME}",
                findings,
                f"Write {{during: {node.text}}} or {{outside: {node.text}}}.",
            )
        return _during(self.scope, path).read(node, findings)

    def _history(self, path: str) -> Record[All]:
        groups = Key("groupBy", group_by(self.scope), help="Sessions with the same values are counted together.")

        def build(values: Values) -> All | Invalid:
            counts = tuple(
                History(
                    states=values[_STATE],
                    within=values[_WITHIN],
                    group_by=values.get(groups, ()),
                    op=op,
                    count=count,
                    path=path,
                    place=values.place,
                )
                for op, count in _counts(values)
            )
            return All(of=counts, path=path, place=values.place) if counts else INVALID

        return Record(
            "a count such as {state: NotAnswered, within: 10m, gte: 3}",
            (_STATE, _WITHIN, groups, *_COUNTS),
            build,
            _COUNTED,
        )

    def _alive(self, path: str) -> Record[All]:
        groups = Key("groupBy", group_by(self.scope), help="Sessions with the same values are counted together.")

        def build(values: Values) -> All | Invalid:
            counts = tuple(
                Alive(
                    states=values[_STATE],
                    group_by=values.get(groups, ()),
                    op=op,
                    count=count,
                    path=path,
                    place=values.place,
                )
                for op, count in _counts(values)
            )
            return All(of=counts, path=path, place=values.place) if counts else INVALID

        return Record("a count such as {state: InCall, gte: 3}", (_STATE, groups, *_COUNTS), build, _COUNTED)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """One mapping or a list of them."""
        if "condition" not in definitions:
            definitions["condition"] = {}
            definitions["condition"] = self._mapping_schema(definitions)
        one: Schema = {"$ref": "#/$defs/condition"}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}

    def _mapping_schema(self, definitions: dict[str, Schema]) -> Schema:
        fields = {
            name: {"description": DESCRIPTIONS[name]}
            | Comparison(self.scope, self.defaults, name, kind, "").schema(definitions)
            for name, kind in FIELDS.items()
        }
        several = self.schema(definitions)
        words: Schema = {
            "use": _described("A condition by its name under conditions, or several.", _NAMES.schema(definitions)),
            "schedule": _described(
                "Whether a schedule is open: {during: NAME} or {outside: NAME}.",
                _during(self.scope, "").schema(definitions),
            ),
            "history": _described(
                "How many sessions entered a state in the time before now.", self._history("").schema(definitions)
            ),
            "active": _described("How many sessions are in a state now.", self._alive("").schema(definitions)),
            "all": _described("All of these must hold.", several),
            "any": {
                "description": "At least one of these must hold.",
                "type": "array",
                "items": {"$ref": "#/$defs/condition"},
                "minItems": 1,
            },
            "not": _described("This must not hold; a missing value does not make it true.", several),
        }
        variable = Comparison(self.scope, self.defaults, "var.x", "text", "").schema(definitions)
        return {
            "type": "object",
            "properties": fields | words,
            "patternProperties": {"^var\\.[A-Za-z]": variable},
            "additionalProperties": False,
            "minProperties": 1,
        }


def _described(text: str, schema: Schema) -> Schema:
    return {"description": text} | schema


def read_named(name: str, named: NamedCondition, scope: Scope, findings: Findings) -> All | Invalid:
    """The condition under ``conditions`` with this name; it is read once, however often it is used."""
    if named.state == "unread":
        named.state = "reading"
        value = Conditions(scope, named.defaults, f"use.{name}").read(named.node, findings)
        if value is not INVALID:
            value = All(of=value.of, name=name, path=value.path, place=value.place)
        named.value, named.state = value, "read"
    return named.value


def _one(condition: All | Invalid) -> _Part:
    return INVALID if condition is INVALID else condition.of


def _plain(condition: All) -> Condition:
    return condition.of[0] if len(condition.of) == 1 else condition


def _counts(values: Values) -> list[tuple[CountOp, int]]:
    counts = [(op, values[key]) for op, key in zip(COUNT_OPS, _COUNTS, strict=True) if key in values]
    if not counts:
        values.findings.error(
            "missing-key", values.node, f"The number to compare with is missing: one of {', '.join(COUNT_OPS)}."
        )
    return counts


def _during(scope: Scope, path: str) -> Record[tuple[Condition, ...]]:
    def build(values: Values) -> _Part:
        found: list[Condition] = []
        for key in (_DURING, _OUTSIDE):
            name = values.get(key)
            if name is None:
                continue
            assert isinstance(name.node, TextNode)
            if not scope.find("schedule", name.node, values.findings):
                return INVALID
            inside = key is _DURING
            way = f"{path}.{key.name}"
            found.append(DuringSchedule(name=name.value, inside=inside, path=way, place=name.node.place))
        if not found:
            values.findings.error("missing-key", values.node, "A schedule needs during or outside here.")
            return INVALID
        return tuple(found)

    return Record("{during: NAME} or {outside: NAME}", (_DURING, _OUTSIDE), build)
