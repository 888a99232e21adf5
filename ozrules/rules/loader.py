"""Rule files to one RuleSet, or to everything that is wrong with them.

Two passes. The first reads what has names (defaults, lists, schedules, conditions) in all files; the second reads what
uses them. A file that is no YAML ends there, the others are still read; names that may stand in it are then not missed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ozrules.rules.diagnostics import Diagnostic, Findings, Related, Span
from ozrules.rules.document import MAX_ALL, ListNode, MapNode, Node, Source, TextNode, parse
from ozrules.rules.model import Guards, Place, RoutingTrigger, Rule, RuleSet
from ozrules.rules.number_checks import check_numbers
from ozrules.rules.numbers import NumberPlan
from ozrules.rules.questions import check_answers
from ozrules.rules.quoting import shown
from ozrules.rules.reading import rules as reading
from ozrules.rules.reading import shared
from ozrules.rules.reading.conditions import read_named
from ozrules.rules.reading.guards import guards
from ozrules.rules.reading.rules import RULE_NAME
from ozrules.rules.reading.scope import Defaults, Kind, NamedCondition, Scope
from ozrules.rules.scalars import Version
from ozrules.rules.sense import check_rule
from ozrules.rules.shape import INVALID, Schema, Shape, document_schema, unknown, wrong_type
from ozrules.rules.suggest import closest

MAX_RULES: Final = 20_000
KEYS: Final = ("ozrules", "defaults", "lists", "schedules", "conditions", "guards", "rules")


def load(sources: Iterable[Source], secrets: frozenset[str] | None = None) -> RuleSet:
    """The rule set of these files. ``secrets`` are the names that rules may use; None leaves that unchecked.

    Raises DocumentInvalid with every finding where one is an error.
    """
    findings = Findings()
    rules = _read(tuple(sources), secrets, findings)
    findings.raise_errors()
    assert rules is not None  # where nothing is wrong there is a rule set
    return rules


def check(
    sources: Iterable[Source], secrets: frozenset[str] | None = None
) -> tuple[RuleSet | None, tuple[Diagnostic, ...]]:
    """The rule set, or None where there are errors; and every finding, warnings too."""
    findings = Findings()
    rules = _read(tuple(sources), secrets, findings)
    return (None if findings.errors else rules), findings.all


def schema() -> Schema:
    """The JSON Schema of a rule file."""
    rule = {
        "id": "sales-no-answer",
        "description": "A sales call nobody answers in 20 s goes to the desk",
        "trigger": {"state": "Ringing", "for": "20s"},
        "conditions": {"direction": "inbound", "callee": {"in": "salesTeam"}},
        "actions": [{"forward": {"to": "2010"}}],
    }
    example = {"ozrules": 1, "lists": {"salesTeam": ["2001", "2002"]}, "rules": [rule]}
    return document_schema(reading.file(Scope(), Defaults()), "ozrules rules", example)


def revision_of(sources: Iterable[Source]) -> str:
    """One hash over the sorted names and bytes of the files."""
    digest = hashlib.sha256()
    for source in sorted(sources, key=lambda source: source.name):
        name = source.name.encode("utf-8", "surrogateescape")
        digest.update(len(name).to_bytes(8, "big") + name + len(source.data).to_bytes(8, "big") + source.data)
    return f"sha256:{digest.hexdigest()}"


@dataclass(frozen=True, slots=True)
class _File:
    root: MapNode
    defaults: Defaults


def _read(sources: tuple[Source, ...], secrets: frozenset[str] | None, findings: Findings) -> RuleSet | None:
    sources = tuple(sorted(sources, key=lambda source: source.name))
    total = sum(len(source.data) for source in sources)
    if total > MAX_ALL:
        findings.error(
            "file-too-large",
            Span(Place(sources[0].name, 1, 1)),
            f"These files have {total:,} bytes together; at most {MAX_ALL:,} are read.",
        )
        return None
    scope = Scope(secrets=secrets)
    files = _first_pass(sources, scope, findings)
    rules = _second_pass(files, scope, findings)
    protected = _guards(files, scope, findings)
    if not findings.errors:
        check_numbers(rules, scope.numbers, findings)
    if not scope.partial:
        _unused(scope, _mentioned(files) if findings.errors else frozenset(), findings)
    if findings.errors:
        return None
    return RuleSet(
        rules=tuple(rules),
        schedules=scope.schedules,
        guards=protected,
        numbers=scope.numbers,
        secrets=frozenset(scope.used_secrets),
        revision=revision_of(sources),
    )


# --- what has names -------------------------------------------------------------------------------------------------


def _first_pass(sources: tuple[Source, ...], scope: Scope, findings: Findings) -> list[_File]:
    files: list[_File] = []
    country: Any = None
    extensions: Any = None
    outside_line: Any = None
    for source in sources:
        root = parse(source, findings)
        if isinstance(root, MapNode):
            defaults = _defaults(root, findings)
            shared.same_everywhere("country", country, defaults.country, findings)
            shared.same_everywhere("extensions", extensions, defaults.extensions, findings)
            shared.same_everywhere("outsideLine", outside_line, defaults.outside_line, findings)
            country, extensions = country or defaults.country, extensions or defaults.extensions
            outside_line = outside_line or defaults.outside_line
            files.append(_File(root, defaults.of_file))
        else:
            scope.partial = True
            if root is not None:
                wrong_type(root, "a rule file (it begins with ozrules: 1)", findings)
    scope.numbers = NumberPlan(
        country=country.value if country is not None else None,
        extensions=extensions.value if extensions is not None else (),
        outside_line=outside_line.value if outside_line is not None else (),
    )
    for file in files:
        _top(file.root, findings)
        for name, members in _named(file.root, "lists", "list", shared.Members(scope.numbers), scope, findings):
            scope.lists[name.text] = members
        schedule = shared.schedules(file.defaults).of
        for name, hours in _named(file.root, "schedules", "schedule", schedule, scope, findings):
            scope.schedules[name.text] = hours
        for name, node in _names(file.root, "conditions", "condition", scope, findings):
            scope.conditions[name.text] = NamedCondition(node, file.defaults)
    return files


def _defaults(root: MapNode, findings: Findings) -> shared.FileDefaults:
    node = root.get("defaults")
    found = shared.DEFAULTS.read(node, findings) if node is not None else INVALID
    return shared.FileDefaults(Defaults()) if found is INVALID else found


def _top(root: MapNode, findings: Findings) -> None:
    for entry in root.entries:
        if entry.key.text not in KEYS:
            free = tuple(key for key in KEYS if root.get(key) is None)
            unknown("unknown-key", entry.key, "key", free or KEYS, findings)
    version = root.get("ozrules")
    if version is None:
        findings.error(
            "missing-key",
            Span(root.place, 1),
            "The key ozrules is missing: the version of the rule language.",
            suggestion="Begin the file with ozrules: 1.",
        )
    else:
        Version().read(version, findings)


def _names(root: MapNode, key: str, kind: Kind, scope: Scope, findings: Findings) -> Iterator[tuple[TextNode, Node]]:
    """The entries under ``key``, each entered into the name space."""
    node = root.get(key)
    if node is None:
        return
    if not isinstance(node, MapNode):
        wrong_type(node, f"names with a {kind} each", findings)
        return
    for entry in node.entries:
        if shared.LISTS.name.fullmatch(entry.key.text) is None:
            findings.error(
                "bad-name", entry.key, f"{shown(entry.key.text)} cannot stand here: {shared.LISTS.name_rule}."
            )
        elif scope.define(kind, entry.key, findings):
            yield entry.key, entry.value


def _named(
    root: MapNode, key: str, kind: Kind, shape: Shape[Any], scope: Scope, findings: Findings
) -> Iterator[tuple[TextNode, Any]]:
    for name, node in _names(root, key, kind, scope, findings):
        value = shape.read(node, findings)
        if value is INVALID:
            scope.broken.add(name.text)
        else:
            yield name, value


# --- what uses names ------------------------------------------------------------------------------------------------


def _second_pass(files: list[_File], scope: Scope, findings: Findings) -> list[Rule]:
    for name, condition in scope.conditions.items():
        read_named(name, condition, scope, findings)
    rules: list[Rule] = []
    for file in files:
        node = file.root.get("rules")
        if node is None:
            continue
        if not isinstance(node, ListNode):
            wrong_type(node, "a list of rules (each begins with a -)", findings)
            continue
        shape = reading.rule(scope, file.defaults)
        for item in node.items:
            if len(rules) >= MAX_RULES:
                findings.error("too-many", item, f"There are more than {MAX_RULES:,} rules.")
                return rules
            _id_of(item, scope, findings)
            numbered = shape.read(item, findings)
            if numbered is not INVALID:
                rule = numbered.make(len(rules))
                check_rule(rule, findings)
                if all(isinstance(trigger, RoutingTrigger) for trigger in rule.triggers):
                    check_answers(rule.actions, findings)
                rules.append(rule)
    return rules


def _id_of(item: Node, scope: Scope, findings: Findings) -> None:
    name = item.get("id") if isinstance(item, MapNode) else None
    if isinstance(name, TextNode) and RULE_NAME.fullmatch(name.text):
        scope.define("rule", name, findings)


def _guards(files: list[_File], scope: Scope, findings: Findings) -> Guards:
    found: Guards | None = None
    first: Node | None = None
    for file in files:
        node = file.root.get("guards")
        if node is None:
            continue
        if first is not None:
            findings.error(
                "second-guards",
                node,
                f"Guards may stand once, and stand already in {first.place}.",
                suggestion="Put all of them in one place.",
                related=(Related(first.place, "first given here"),),
            )
            continue
        first = node
        value = guards(scope).read(node, findings)
        found = None if value is INVALID else value
    return found or Guards()


def _mentioned(files: list[_File]) -> frozenset[str]:
    """Every text in the rules and conditions: what stands there in a part that could not be read is not unused."""
    texts: set[str] = set()
    nodes: list[Node] = [node for file in files for key in ("conditions", "rules") if (node := file.root.get(key))]
    while nodes:
        match nodes.pop():
            case TextNode(text=text):
                texts.add(text)
            case ListNode(items=items):
                nodes += items
            case MapNode(entries=entries):
                nodes += (entry.value for entry in entries)
    return frozenset(texts)


def _unused(scope: Scope, mentioned: frozenset[str], findings: Findings) -> None:
    for name, (kind, span) in scope.places.items():
        if kind != "rule" and name not in scope.used and not any(closest(text, (name,)) for text in mentioned):
            findings.warning(
                f"unused-{kind}", span, f"No rule uses the {kind} {name}.", suggestion="Remove it, or use it."
            )
    for variable, span in scope.variables_read.items():
        if variable not in scope.variables_set and not findings.errors:
            name = variable.removeprefix("var.")
            findings.warning(
                "variable-never-set", span, f"No rule sets {variable}.", suggestion=f"Set it: set: {{{name}: …}}."
            )
