"""A rule, and a whole file."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ozrules.rules.document import TextNode
from ozrules.rules.model import All, Canary, Mode, Rule, RuleException, Throttle
from ozrules.rules.reading.actions import Actions
from ozrules.rules.reading.conditions import Conditions
from ozrules.rules.reading.guards import guards
from ozrules.rules.reading.scope import Defaults, Scope
from ozrules.rules.reading.shared import DEFAULTS, GRACE, LISTS, ON_MISSED_KEY, schedules
from ozrules.rules.reading.triggers import Triggers
from ozrules.rules.reading.values import group_by
from ozrules.rules.scalars import Choice, Decimal, Duration, Text, Version, Whole, YesNo
from ozrules.rules.shape import ByKind, Invalid, Key, ListOf, Located, OneOrMany, Pairs, Record, Values

Status = Literal["active", "shadow", "disabled"]

RULE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ID: Final = Key(
    "id",
    Located(Text("a name of letters, digits, dots, - and _", RULE_NAME, code="bad-name")),
    required=True,
    help="The rule's name, unlike any other.",
)
_DESCRIPTION: Final = Key("description", Text(), help="What the rule is for.")
_TAGS: Final = Key("tags", OneOrMany(Text(most=64)), help="Words to find the rule by.")
_PRIORITY: Final = Key("priority", Whole(-1_000_000, 1_000_000), help="Higher goes first; 100 unless given.")
_MODE: Final[Key[Mode]] = Key("mode", Choice[Mode]("mode", get_args(Mode)), help="single unless given.")
_MAX: Final = Key("max", Whole(1, 1000), help="How many may wait or run, for queued and parallel.")
_EXCLUSIVE: Final = Key("exclusive", YesNo(), help="false: controls a call beside other rules.")
_ON_RESYNC: Final = Key("onResync", YesNo(), help="true: also on a state that nobody saw begin.")
_PERCENT: Final = Key("percent", Decimal(0, 100), required=True, help="The share of groups for which the rule acts.")
_EXCEPTION_NAME: Final = Key("name", Text(most=128), required=True, help="What the record calls this exception.")
_ONCE: Final = Key("onceWithin", Duration(least=0.001), required=True, help="At most one firing in this time.")


@dataclass(frozen=True, slots=True)
class Numbered:
    """A rule whose place in the reading order is not known yet."""

    make: Callable[[int], Rule]
    id: TextNode


def rule(scope: Scope, defaults: Defaults) -> Record[Numbered]:
    """A rule of a file with these defaults."""
    groups = Key("groupBy", group_by(scope), help="Counted for each value of these fields.")
    triggers = Key("trigger", Triggers(defaults), required=True, help="What makes the rule look at a session.")
    conditions = Key("conditions", Conditions(scope, defaults), help="What must hold at that moment.")
    without = Key("conditions", Conditions(scope, defaults, "exceptions"), required=True)
    actions = Key("actions", Actions(scope, defaults), required=True, help="What is done then, in order.")
    exceptions = Key(
        "exceptions",
        ListOf(
            Record(
                "an exception {name: TEXT, conditions: …}",
                (_EXCEPTION_NAME, without),
                lambda values: RuleException(values[_EXCEPTION_NAME], values[without]),
            )
        ),
        help="Cases in which the rule does not act.",
    )
    throttle = Key(
        "throttle",
        Record(
            "{onceWithin: 10m}",
            (_ONCE, groups),
            lambda values: Throttle(values[_ONCE], values.get(groups, ())),
        ),
        help="Limits how often the rule acts.",
    )
    canary: Key[Canary] = Key(
        "canary",
        Record("{percent: 10}", (_PERCENT, groups), lambda values: Canary(values[_PERCENT], values.get(groups, ()))),
        required=True,
    )
    statuses: tuple[Status, ...] = get_args(Status)
    status: Key[Status | Canary] = Key(
        "status",
        ByKind[Status | Canary](
            "active, shadow, disabled or {canary: …}",
            text=Choice[Status]("status", statuses),
            keys=Record[Status | Canary]("{canary: {percent: 10}}", (canary,), lambda values: values[canary]),
        ),
        help="shadow: decides and records, does nothing.",
    )

    def build(values: Values) -> Numbered | Invalid:
        chosen, mode = values[triggers], values.get(_MODE) or "single"
        if _MAX in values and mode not in ("queued", "parallel"):
            values.findings.warning(
                "max-without-mode", values.at(_MAX), f"max is for the modes queued and parallel; this one is {mode}."
            )
        empty = All(of=(), path="conditions", place=values.place)
        name = values[_ID]
        assert isinstance(name.node, TextNode)

        def make(order: int) -> Rule:
            return Rule(
                id=name.value,
                description=values.get(_DESCRIPTION, ""),
                tags=values.get(_TAGS, ()),
                status=values.get(status) or "active",
                priority=values.get(_PRIORITY, 100),
                order=order,
                triggers=chosen,
                condition=values.get(conditions, empty),
                exceptions=values.get(exceptions, ()),
                actions=values[actions],
                mode=mode,
                max=values.get(_MAX, 10),
                throttle=values.get(throttle),
                on_missed=values.get(ON_MISSED_KEY) or defaults.on_missed,
                missed_grace=values.get(GRACE, defaults.missed_grace),
                exclusive=values.get(_EXCLUSIVE, True),
                on_resync=values.get(_ON_RESYNC, False),
                place=name.node.place,
            )

        return Numbered(make, name.node)

    keys = (
        _ID,
        _DESCRIPTION,
        _TAGS,
        status,
        _PRIORITY,
        triggers,
        conditions,
        exceptions,
        actions,
        _MODE,
        _MAX,
        throttle,
        ON_MISSED_KEY,
        GRACE,
        _EXCLUSIVE,
        _ON_RESYNC,
    )
    return Record("a rule {id: …, trigger: …, actions: …}", keys, build)


def file(scope: Scope, defaults: Defaults) -> Record[Values]:
    """A whole file; read part by part, because names come before what uses them."""
    keys = (
        Key("ozrules", Version(), required=True, help="The version of the rule language."),
        Key("defaults", DEFAULTS, help="What holds where a rule says nothing."),
        Key("lists", LISTS, help="Lists of values, and maps, by name."),
        Key("schedules", schedules(defaults), help="Opening hours by name."),
        Key("conditions", Pairs("names with their conditions", Conditions(scope, defaults)), help="For use."),
        Key("guards", guards(scope), help="What no rule may do; once in all files."),
        Key("rules", ListOf(rule(scope, defaults)), help="The rules, in order."),
    )
    return Record("a rule file", keys, lambda values: values)
