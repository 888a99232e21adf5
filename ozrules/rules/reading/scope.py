"""The names that rule files share, and which of them are used.

`lists`, `schedules`, `conditions` and rules' ids share one name space over all files, so all of them are entered before
the first rule is read.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ozrules.rules.calendar import Schedule
from ozrules.rules.diagnostics import Findings, Related, Span
from ozrules.rules.document import Node, TextNode
from ozrules.rules.model import All, OnMissed, Place
from ozrules.rules.numbers import NumberPlan
from ozrules.rules.quoting import shown
from ozrules.rules.shape import INVALID, Invalid
from ozrules.rules.suggest import closest, misspelt_edit

Kind: TypeAlias = Literal["list", "schedule", "condition", "rule", "secret"]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a file's ``defaults`` say for that file."""

    timezone: str | None = None
    on_missed: OnMissed = "fireIfStill"
    missed_grace: float = 5.0


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list of values, or a map from one value to another."""

    members: tuple[str, ...] = ()
    table: dict[str, str] | None = None


@dataclass(slots=True)
class NamedCondition:
    """A condition under ``conditions``; it is read when it is first used, or at the end."""

    node: Node
    defaults: Defaults
    state: Literal["unread", "reading", "read"] = "unread"
    value: All | Invalid = INVALID


@dataclass(slots=True)
class Scope:
    """What is named, and what is used, in one set of files.

    ``partial``: a file could not be read at all, so a name that nobody knows may well stand there.
    """

    numbers: NumberPlan = field(default_factory=NumberPlan)
    lists: dict[str, NamedList] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    conditions: dict[str, NamedCondition] = field(default_factory=dict)
    secrets: frozenset[str] | None = None
    partial: bool = False
    places: dict[str, tuple[Kind, Span]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    used_secrets: set[str] = field(default_factory=set)
    variables_set: set[str] = field(default_factory=set)
    variables_read: dict[str, Span] = field(default_factory=dict)

    def define(self, kind: Kind, name: TextNode, findings: Findings) -> bool:
        """Enter a name; False, with a finding that shows both places, where it is taken."""
        taken = self.places.get(name.text)
        if taken is None:
            self.places[name.text] = (kind, Span(name.place, name.length))
            return True
        what, span = taken
        findings.error(
            "duplicate-name",
            name,
            f"The name {shown(name.text)} is taken already, by a {what} in {span.place}.",
            suggestion="Lists, schedules, conditions and rules share one name space over all files: choose another.",
            related=(Related(span.place, "first used here"),),
        )
        return False

    def find(self, kind: Kind, name: TextNode, findings: Findings, hint: str | None = None) -> bool:
        """Whether there is such a list, schedule, condition or secret; where not, a finding says so."""
        if kind == "secret":
            self.used_secrets.add(name.text)
            known = name.text if self.secrets is None else self.secrets
            if name.text in known:
                return True
            names = sorted(self.secrets or ())
        else:
            self.used.add(name.text)
            here = self.places.get(name.text)
            if here is not None and here[0] == kind:
                return name.text not in self.broken
            names = [each for each, (of, _) in self.places.items() if of == kind]
            if here is not None:
                findings.error(f"unknown-{kind}", name, f"{shown(name.text)} is a {here[0]}, not a {kind}.")
                return False
        if self.partial:
            return False
        meant = closest(name.text, names)
        if meant is not None:
            self.used.add(meant)
            suggestion: str | None = f"Did you mean {meant}?"
        else:
            suggestion = hint or (f"Known here: {', '.join(names)}." if 0 < len(names) <= 16 else None)
        findings.error(
            f"unknown-{kind}",
            name,
            f"There is no {kind} named {shown(name.text)}.",
            suggestion=suggestion,
            edit=misspelt_edit(name.place, name.length, name.text, meant) if not name.quoted else None,
        )
        return False

    def reads(self, field_name: str, place: Place, length: int) -> None:
        """Note that a rule reads this variable."""
        self.variables_read.setdefault(field_name, Span(place, length))
