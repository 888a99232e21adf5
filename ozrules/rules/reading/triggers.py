"""``trigger``: what makes a rule look at a session."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

from ozrules.rules.calendar import CalendarInvalid, Cron, minute_of_day, parse_cron, parse_weekdays
from ozrules.rules.diagnostics import Edit, Findings
from ozrules.rules.document import MapNode, Node, TextNode
from ozrules.rules.model import CalendarTrigger, Clock, Routing, RoutingTrigger, StateTrigger, Trigger
from ozrules.rules.reading.scope import Defaults
from ozrules.rules.reading.values import STATES
from ozrules.rules.scalars import Choice, Duration, Text
from ozrules.rules.shape import (
    INVALID,
    Converted,
    Invalid,
    Key,
    ListOf,
    Named,
    OneOrMany,
    Record,
    Schema,
    Values,
    unknown,
    upper,
    wrong_type,
)
from ozrules.rules.wordings import time_meant, weekdays_meant
from ozrules.session.state import ENDED

Make = Callable[[str], Trigger]
"""A trigger that lacks only the id it has where none is given: its index in the rule."""

_ID: Final = Key("id", Text("a name", most=64), help="A name that keeps waiting timers over a reload.")
_STATE: Final = Key("state", STATES, required=True, help="The states that the session enters.")
_FROM: Final = Key("from", STATES, help="The states that it comes from.")
_FOR: Final = Key("for", Duration(), help="How long it must stay before the rule acts.")
_CLOCK: Final[Key[Clock]] = Key(
    "clock", Choice[Clock]("clock", get_args(Clock)), help="What `for` counts: state, talk or session."
)
_ROUTING: Final[Key[Routing]] = Key(
    "routing",
    Choice[Routing]("routing event", get_args(Routing)),
    required=True,
    help="The phone system asks where the call goes next.",
)
_KINDS: Final = ("state", "routing", "at", "any")


def weekdays_of(text: str, node: Node, findings: Findings) -> frozenset[int] | Invalid:
    """``monday..friday`` as numbers."""
    try:
        return parse_weekdays(text)
    except CalendarInvalid as error:
        not_understood(error, node, weekdays_meant(text), findings)
        return INVALID


def not_understood(
    error: CalendarInvalid, node: Node, meant: str | None, findings: Findings, hint: str | None = None
) -> None:
    """Note what the calendar cannot read, with the right text where it is known, else with a hint."""
    edit = Edit(node.place, node.length, meant) if meant and node.length and not _quoted(node) else None
    findings.error(
        "bad-time", node, f"{upper(str(error))}.", suggestion=f"Write {meant}." if meant else hint, edit=edit
    )


def _quoted(node: Node) -> bool:
    return isinstance(node, TextNode) and node.quoted


WEEKDAYS: Final = OneOrMany(Converted(Text("a weekday such as monday, or monday..friday"), weekdays_of))


@dataclass(frozen=True)
class Triggers:
    """The triggers of one rule; ``any`` holds several."""

    defaults: Defaults
    what: str = "a trigger such as {state: Ringing, for: 20s}"

    def read(self, node: Node, findings: Findings) -> tuple[Trigger, ...] | Invalid:
        """All of them, each with its id."""
        made = self._make(node, findings)
        if made is INVALID:
            return INVALID
        triggers = tuple(make(str(index)) for index, make in enumerate(made))
        ids: dict[str, Trigger] = {}
        for trigger in triggers:
            if trigger.id in ids:
                findings.error("duplicate-name", node, f'The trigger id "{trigger.id}" is given twice in this rule.')
            ids[trigger.id] = trigger
        return triggers

    def _make(self, node: Node, findings: Findings) -> tuple[Make, ...] | Invalid:
        if not isinstance(node, MapNode):
            suggestion = None if isinstance(node, TextNode) else "Several triggers stand under any: [ … ]."
            return wrong_type(node, self.what, findings, suggestion)
        kinds = [entry.key for entry in node.entries if entry.key.text in _KINDS]
        if len(kinds) > 1:
            names = " and ".join(kind.text for kind in kinds)
            findings.error(
                "several-triggers",
                kinds[1],
                f"One trigger cannot have {names}.",
                suggestion="Write each as a trigger of its own under any: [ … ].",
            )
            return INVALID
        match kinds[0].text if kinds else "":
            case "any":
                every = Record("triggers", (self._any,), self._flat)
                return every.read(node, findings)
            case "at":
                return _single(self._calendar().read(node, findings))
            case "routing":
                return _single(_ROUTING_RECORD.read(node, findings))
            case "state":
                return _single(_STATE_RECORD.read(node, findings))
        for entry in node.entries:
            if entry.key.text not in ("from", "for", "clock", "id", "weekdays", "sessions"):
                unknown("unknown-key", entry.key, "key", (*_KINDS, "from", "for", "clock", "id"), findings)
                return INVALID
        findings.error("missing-key", node, f"A trigger needs one of {', '.join(_KINDS)}.")
        return INVALID

    @property
    def _any(self) -> Key[tuple[tuple[Make, ...], ...]]:
        return Key("any", ListOf(_Nested(self), least=1), required=True, help="Each of these triggers the rule.")

    def _flat(self, values: Values) -> tuple[Make, ...]:
        return tuple(make for group in values[self._any] for make in group)

    def _calendar(self) -> Record[Make]:
        zone = self.defaults.timezone or "UTC"
        at = Key("at", Text("a time such as 18:00, or five cron fields"), required=True, help="The moment.")
        weekdays = Key("weekdays", WEEKDAYS, help="The days on which a time of day counts.")
        sessions = Key("sessions", STATES, help="Once for each live session in these states.")

        def build(values: Values) -> Make | Invalid:
            text, days = values[at], values.get(weekdays)
            chosen = frozenset[int]().union(*days) if days is not None else None
            try:
                if len(text.split()) == 1:
                    cron = Cron.daily(minute_of_day(text), chosen, zone)
                elif days is None:
                    cron = parse_cron(text, zone)
                else:
                    values.findings.error(
                        "bad-time", values.at(weekdays), "Weekdays stand in the fifth field of a cron line."
                    )
                    return INVALID
            except CalendarInvalid as error:
                fields = text.split()
                hint = f"A line without seconds: {' '.join(fields[1:])}." if len(fields) == 6 else None
                not_understood(error, values.at(at), time_meant(text), values.findings, hint)
                return INVALID
            if self.defaults.timezone is None:
                warn_without_zone(values.at(at), values.findings)
            states, place, name = values.get(sessions), values.place, values.get(_ID)
            return lambda index: CalendarTrigger(id=name or index, cron=cron, sessions=states, place=place)

        return Record("a calendar trigger", (at, weekdays, sessions, _ID), build)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Any of the kinds."""
        several = Record[object]("triggers", (self._any,), lambda values: values)
        records = (_STATE_RECORD, _ROUTING_RECORD, self._calendar(), several)
        return {"anyOf": [record.schema(definitions) for record in records]}


@dataclass(frozen=True)
class _Nested:
    """A trigger under ``any``."""

    of: Triggers

    @property
    def what(self) -> str:
        return self.of.what

    def read(self, node: Node, findings: Findings) -> tuple[Make, ...] | Invalid:
        return self.of._make(node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return Named[object]("trigger", self.of.what, lambda: self.of).schema(definitions)


def warn_without_zone(node: Node, findings: Findings) -> None:
    """Times without a time zone are UTC, which no office means."""
    findings.warning(
        "no-timezone",
        node,
        "No time zone is given, so this time is UTC.",
        suggestion="Add timezone: Europe/Budapest, or another, under defaults.",
    )


def _single(made: Make | Invalid) -> tuple[Make, ...] | Invalid:
    return INVALID if made is INVALID else (made,)


def _state(values: Values) -> Make | Invalid:
    states, origins, hold = values[_STATE], values.get(_FROM), values.get(_FOR)
    clock: Clock = values.get(_CLOCK) or "state"
    place, name = values.place, values.get(_ID)
    if hold is None and _CLOCK in values:
        values.findings.error(
            "clock-without-for",
            values.at(_CLOCK),
            "clock says what `for` counts, and there is no `for`.",
            suggestion="Add for: DURATION, or remove clock.",
        )
        return INVALID
    if hold is not None and states <= ENDED:
        values.findings.error(
            "for-after-end",
            values.at(_FOR),
            "A session does not stay in a state that ends it, so this time never passes.",
            suggestion="Remove `for`, or use a state before the end.",
        )
    if origins is not None and origins <= ENDED:
        values.findings.error(
            "for-after-end",
            values.at(_FROM),
            "A session never leaves a state that ends it, so nothing comes from there.",
        )
    return lambda index: StateTrigger(
        id=name or index, states=states, origins=origins, hold=hold, clock=clock, place=place
    )


def _routing(values: Values) -> Make:
    kind, place, name = values[_ROUTING], values.place, values.get(_ID)
    return lambda index: RoutingTrigger(id=name or index, kind=kind, place=place)


_STATE_RECORD: Final = Record[Make](
    "a trigger", (_STATE, _FROM, _FOR, _CLOCK, _ID), _state, {"dependentRequired": {"clock": ["for"]}}
)
_ROUTING_RECORD: Final = Record[Make]("a routing trigger", (_ROUTING, _ID), _routing)
