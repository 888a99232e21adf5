"""``guards``: what no rule may do, whatever it says. They may stand once in all files."""

from dataclasses import dataclass
from typing import Final, Literal

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import Node
from ozrules.rules.emails import is_pattern
from ozrules.rules.model import EmailGuard, ExternalCap, Guards, NumberPattern
from ozrules.rules.numbers import NumberPlan, compact
from ozrules.rules.quoting import shown
from ozrules.rules.reading.scope import Scope
from ozrules.rules.reading.values import advise_quoting, check_beginning, group_by
from ozrules.rules.scalars import Choice, Text, Whole, YesNo
from ozrules.rules.shape import INVALID, Converted, Invalid, Key, OneOrMany, Record, Values
from ozrules.rules.suggest import closest

INTERNAL: Final = "internal"


@dataclass(frozen=True, slots=True)
class _Destinations:
    allow: tuple[NumberPattern, ...]
    deny: tuple[NumberPattern, ...]
    default: Literal["allow", "deny"]
    templated: bool


def _email(text: str, node: Node, findings: Findings) -> str | Invalid:
    if not is_pattern(text):
        findings.error(
            "bad-email", node, f"{shown(text)} is neither an e-mail address nor *@DOMAIN, for all of a domain."
        )
        return INVALID
    return text.lower()


_DEFAULT: Final[Key[Literal["allow", "deny"]]] = Key(
    "default", Choice[Literal["allow", "deny"]]("policy", ("allow", "deny")), help="For all else; deny unless given."
)
_TEMPLATED: Final = Key("templated", YesNo(), help="Whether a destination may come from a field.")
_EMAILS_ALLOW: Final = Key(
    "allow",
    OneOrMany(Converted(Text("an e-mail address, or *@DOMAIN", most=256), _email)),
    required=True,
    help="Where rules may send e-mail: addresses, or *@DOMAIN for all of a domain.",
)
_EMAILS_TEMPLATED: Final = Key("templated", YesNo(), help="Whether an address may come from a field.")
_EMAILS: Final = Key(
    "emails",
    Record(
        '{allow: ["*@example.com"]}',
        (_EMAILS_ALLOW, _EMAILS_TEMPLATED),
        lambda values: EmailGuard(allow=values[_EMAILS_ALLOW], templated=values.get(_EMAILS_TEMPLATED, False)),
    ),
    help="Where rules may send e-mail; nowhere unless given.",
)
_CONCURRENT: Final = Key("maxConcurrent", Whole(), help="External calls by rules at one time.")
_PER_HOUR: Final = Key("maxPerHour", Whole(), help="External calls by rules in one hour.")
_MAX_HOPS: Final = Key("maxHops", Whole(0, 100), help="Forwards and transfers of one call; 3 unless given.")
_MAX_ACTIONS: Final = Key("maxActionsPerSession", Whole(0, 10_000), help="Actions on one session; 10 unless given.")


def guards(scope: Scope) -> Record[Guards]:
    """``guards`` as one record."""
    protected = _protected(scope.numbers)
    destinations = _destinations(scope.numbers)
    groups = Key("groupBy", group_by(scope), help="The caps hold for each value of these fields.")
    external = Key(
        "external",
        Record(
            "{maxConcurrent: 4}",
            (_CONCURRENT, _PER_HOUR, groups),
            lambda values: ExternalCap(
                max_concurrent=values.get(_CONCURRENT),
                max_per_hour=values.get(_PER_HOUR),
                group_by=values.get(groups, ()),
            ),
        ),
        help="Caps on calls that rules send outside.",
    )

    def build(values: Values) -> Guards:
        plain = Guards()
        where = values.get(destinations) or _Destinations(plain.allow, plain.deny, plain.default, plain.templated)
        return Guards(
            protected=values.get(protected, ()),
            allow=where.allow,
            deny=where.deny,
            default=where.default,
            templated=where.templated,
            external=values.get(external, plain.external),
            emails=values.get(_EMAILS, plain.emails),
            max_hops=values.get(_MAX_HOPS, plain.max_hops),
            max_actions_per_session=values.get(_MAX_ACTIONS, plain.max_actions_per_session),
        )

    return Record("guards", (protected, destinations, external, _EMAILS, _MAX_HOPS, _MAX_ACTIONS), build)


def _protected(plan: NumberPlan) -> Key[tuple[str, ...]]:
    def number(text: str, node: Node, findings: Findings) -> str | Invalid:
        if text == "*" or compact(text.removesuffix("*")) is None:
            findings.error("bad-number", node, f"{shown(text)} is no number, with a * at its end or without.")
            return INVALID
        advise_quoting(node, findings)
        return text if check_beginning(text, node, plan, findings) else INVALID

    numbers = OneOrMany(Converted(Text('a number such as 2100, or a beginning such as "210*"', most=64), number))
    dialled = Key("dialedNumber", numbers, help="Calls to these numbers are never touched.")
    callee = Key("callee", numbers, help="Calls to these numbers are never touched.")
    return Key(
        "protected",
        Record(
            "{dialedNumber: [112, …]}",
            (dialled, callee),
            lambda values: tuple(dict.fromkeys((*values.get(dialled, ()), *values.get(callee, ())))),
        ),
        help="Besides the emergency numbers of all countries, which are always protected.",
    )


def _destinations(plan: NumberPlan) -> Key[_Destinations]:
    def pattern(text: str, node: Node, findings: Findings) -> NumberPattern | Invalid:
        if text != INTERNAL and (text == "*" or compact(text.removesuffix("*")) is None):
            meant = closest(text, (INTERNAL,))
            findings.error(
                "bad-number",
                node,
                f"{shown(text)} is neither internal nor a number, with a * at its end or without.",
                suggestion=f"Did you mean {meant}?" if meant else None,
            )
            return INVALID
        advise_quoting(node, findings)
        return NumberPattern(text, node.place) if check_beginning(text, node, plan, findings) else INVALID

    patterns = OneOrMany(Converted(Text('internal, a number, or a beginning such as "+36*"', most=64), pattern))
    allow = Key("allow", patterns, help="Where rules may send calls; internal unless given.")
    deny = Key("deny", patterns, help="Where rules may never send calls; beats allow.")

    def build(values: Values) -> _Destinations | Invalid:
        templated = values.get(_TEMPLATED, False)
        if templated and not plan.extensions:
            values.findings.error(
                "no-extensions",
                values.at(_TEMPLATED),
                "A destination may come from a field only where the office says which numbers are its own.",
                suggestion='Add defaults: {extensions: ["_2XXX"]}, with the pattern of your extensions.',
            )
            return INVALID
        return _Destinations(
            allow=values.get(allow, Guards().allow),
            deny=values.get(deny, ()),
            default=values.get(_DEFAULT) or "deny",
            templated=templated,
        )

    return Key(
        "destinations",
        Record("{allow: [internal, …]}", (allow, deny, _DEFAULT, _TEMPLATED), build),
        help="Where rules may send calls.",
    )
