"""A rule set, compiled once: what it says, ready to be asked about any call. It knows no call, and never changes.

Whatever waits or runs holds the program that it began with (by its entry, by its run), so that a reload changes what
fires next and never what is under way: names that another set takes away or gives to something else are looked up
here, once, while the set is whole.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from ozrules.engine.consulted import Consult, of_condition
from ozrules.engine.guard import Guard
from ozrules.engine.index import EXPLAIN_ALL, Index
from ozrules.engine.live import LiveSession
from ozrules.engine.readings import Read, group_of, reader_of, text_of
from ozrules.rules.calendar import Schedule
from ozrules.rules.condition import Standing, Test, Window, compile_condition, leaves, standing_of, window_of
from ozrules.rules.model import (
    Alive,
    BlindTransfer,
    Forward,
    History,
    Hunt,
    Rule,
    RuleSet,
    SystemAction,
)
from ozrules.rules.nesting import Path, every_action, every_choice, every_condition, numbers_named

Text: TypeAlias = Callable[[LiveSession, float], str | None]


class Choice(NamedTuple):
    """The condition of a branch of a ``choose``, and what it reads."""

    test: Test[LiveSession]
    values: Consult


class Program:
    """What a rule set says. ``windows`` and ``standing`` are what has to be counted for its conditions, wherever these
    stand, each with the reader of its groups. Where more than ``explain`` rules answer to a state, those whose
    conditions do not hold are not explained one by one.
    """

    __slots__ = (
        "_choices",
        "_groups",
        "_schedules",
        "_texts",
        "guard",
        "index",
        "numbers",
        "revision",
        "rules",
        "standing",
        "windows",
    )

    def __init__(self, rules: RuleSet, explain: int = EXPLAIN_ALL) -> None:
        self.rules = rules
        self.revision = rules.revision
        self.numbers = rules.numbers
        self._schedules = rules.schedules
        self._texts: dict[str, Text] = {}
        self._groups: dict[tuple[str, ...], Text] = {}
        self.guard = Guard(rules.guards, rules.numbers, _destinations(rules))
        self.index = Index(rules.rules, self, explain)
        self._choices = {
            (rule.id, *path): Choice(compile_condition(condition, self), of_condition(condition, self))
            for rule in rules.rules
            for path, condition in every_choice(rule.actions)
        }
        asked = [leaf for rule in rules.rules for each in every_condition(rule) for leaf in leaves(each)]
        self.windows: dict[Window, Text] = {
            window_of(leaf, self.numbers): self.group(leaf.group_by) for leaf in asked if isinstance(leaf, History)
        }
        self.standing: dict[Standing, Text] = {
            standing_of(leaf, self.numbers): self.group(leaf.group_by) for leaf in asked if isinstance(leaf, Alive)
        }

    def choice(self, rule: str, path: Path) -> Choice | None:
        """The condition of a branch of a ``choose``, by the way to it; None for ``else``."""
        return self._choices.get((rule, *path))

    def rule(self, name: str) -> Rule | None:
        """A rule of it by its id."""
        return self.index.rules.get(name)

    # --- what its conditions, templates and groups read ---------------------------------------------------------------

    def schedule(self, name: str) -> Schedule | None:
        return self._schedules.get(name)

    def reader(self, field: str) -> Read:
        return reader_of(field, self.numbers)

    def text(self, field: str) -> Text:
        """Reads a field as text."""
        read = self._texts.get(field)
        if read is None:
            read = self._texts[field] = text_of(field, self.numbers)
        return read

    def group(self, fields: tuple[str, ...]) -> Text:
        """Reads the value of a ``groupBy``."""
        read = self._groups.get(fields)
        if read is None:
            read = self._groups[fields] = group_of(fields, self.numbers)
        return read


def _destinations(rules: RuleSet) -> Iterator[str]:
    """The numbers that rules name, whatever the call."""
    for rule in rules.rules:
        for action in every_action(rule.actions):
            match action:
                case Hunt(targets=targets):
                    yield from targets
                case Forward(to=to) | BlindTransfer(to=to) | SystemAction(to=to):
                    yield from numbers_named(to)
                case _:
                    pass
