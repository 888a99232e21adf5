"""``defaults``, ``lists`` and ``schedules``: what a file says before its rules."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from ozrules.rules.calendar import (
    EVERY_DAY,
    MIDNIGHT,
    CalendarInvalid,
    DateRange,
    Dates,
    Holidays,
    Schedule,
    TimeRange,
    Weeks,
    holidays_known,
    parse_dates,
    parse_ordinal,
    parse_times,
    region_missing,
    zone_of,
)
from ozrules.rules.diagnostics import Findings, Span
from ozrules.rules.document import ListNode, MapNode, Node
from ozrules.rules.model import OnMissed
from ozrules.rules.numbers import NumberPlan, PatternInvalid, compact, is_country, phone_expression
from ozrules.rules.quoting import shown
from ozrules.rules.reading.scope import Defaults, NamedList
from ozrules.rules.reading.triggers import not_understood, warn_without_zone, weekdays_of
from ozrules.rules.reading.values import advise_quoting, check_beginning
from ozrules.rules.scalars import Choice, Duration, Text, Whole
from ozrules.rules.shape import (
    INVALID,
    At,
    ByKind,
    Converted,
    Invalid,
    Key,
    ListOf,
    Located,
    OneOrMany,
    Pairs,
    Record,
    Schema,
    Values,
    upper,
    wrong_type,
)
from ozrules.rules.wordings import dates_meant, time_meant, times_meant, zone_meant

MEMBER: Final = Text("a value", most=256)
ON_MISSED: Final[tuple[OnMissed, ...]] = get_args(OnMissed)


# --- defaults -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileDefaults:
    """``defaults`` of one file; what says how numbers are written holds for all files, so its places are kept."""

    of_file: Defaults
    country: At[str] | None = None
    extensions: At[tuple[str, ...]] | None = None
    outside_line: At[tuple[str, ...]] | None = None


def _country(text: str, node: Node, findings: Findings) -> str | Invalid:
    if is_country(text):
        return text
    suggestion = f"Did you mean {text.upper()}?" if is_country(text.upper()) else "Write two letters such as HU."
    findings.error("unknown-value", node, f"There is no country {shown(text)}.", suggestion=suggestion)
    return INVALID


def _pattern(text: str, node: Node, findings: Findings) -> str | Invalid:
    try:
        phone_expression(text)
    except PatternInvalid as error:
        findings.error("bad-pattern", node, f"{upper(str(error))}.")
        return INVALID
    return text


def _outside_line(text: str, node: Node, findings: Findings) -> str | Invalid:
    if text.isascii() and text.isdecimal():
        return text
    findings.error("bad-number", node, f"{shown(text)} are no digits that can be dialled.", suggestion="Write 0 or 9.")
    return INVALID


def _zone(text: str, node: Node, findings: Findings) -> str | Invalid:
    try:
        zone_of(text)
    except CalendarInvalid as error:
        not_understood(error, node, zone_meant(text), findings)
        return INVALID
    return text


ZONE: Final = Converted(Text("a time zone such as Europe/Budapest", most=64), _zone)
_COUNTRY: Final = Key(
    "country",
    Located(Converted(Text("a country such as HU", most=64), _country)),
    help="How national numbers become international ones.",
)
_EXTENSIONS: Final = Key(
    "extensions",
    Located(OneOrMany(Converted(Text('a pattern such as "_2XXX"', most=64), _pattern))),
    help="The office's own numbers; unless set, 2 to 6 digits that are no public short number.",
)
_OUTSIDE_LINE: Final = Key(
    "outsideLine",
    Located(OneOrMany(Converted(Text("digits such as 0 or 9", most=3), _outside_line))),
    help="What is dialled for an outside line; 0 and 9 for emergency calls, and nothing else, unless set.",
)
_TIMEZONE: Final = Key("timezone", ZONE, help="Of every time in this file.")
ON_MISSED_KEY: Final[Key[OnMissed]] = Key(
    "onMissed", Choice[OnMissed]("policy", ON_MISSED), help="What a timer does that passed while nobody was watching."
)
GRACE: Final = Key("missedGrace", Duration(), help="How late a timer may fire; 5s unless set.")


def _defaults(values: Values) -> FileDefaults:
    return FileDefaults(
        Defaults(
            timezone=values.get(_TIMEZONE),
            on_missed=values.get(ON_MISSED_KEY) or "fireIfStill",
            missed_grace=values.get(GRACE, 5.0),
        ),
        country=values.get(_COUNTRY),
        extensions=values.get(_EXTENSIONS),
        outside_line=values.get(_OUTSIDE_LINE),
    )


DEFAULTS: Final = Record("defaults", (_COUNTRY, _EXTENSIONS, _OUTSIDE_LINE, _TIMEZONE, ON_MISSED_KEY, GRACE), _defaults)


# --- lists ----------------------------------------------------------------------------------------------------------


_ANY_COUNTRY: Final = NumberPlan()


@dataclass(frozen=True)
class Members:
    """A list of values, or a map from values to values. ``numbers`` says which spellings are of one number."""

    numbers: NumberPlan = _ANY_COUNTRY
    what: str = "a list of values, or a map"

    def read(self, node: Node, findings: Findings) -> NamedList | Invalid:
        """Every value as typed."""
        match node:
            case ListNode():
                texts = ListOf(MEMBER).read(node, findings)
                if texts is INVALID:
                    return INVALID
                seen: dict[str, str] = {}
                for item, text in zip(node.items, texts, strict=True):
                    advise_quoting(item, findings)
                    check_beginning(text, item, self.numbers, findings)
                    self._once(text, item, seen, "list", findings)
                return NamedList(members=texts)
            case MapNode():
                pairs = Pairs("a map", MEMBER, re.compile(r"[^\n]{1,256}")).read(node, findings)
                if pairs is INVALID:
                    return INVALID
                keys: dict[str, str] = {}
                for entry in node.entries:
                    advise_quoting(entry.key, findings)
                    advise_quoting(entry.value, findings)
                    self._once(entry.key.text, entry.key, keys, "map", findings)
                    if entry.key.text.endswith("*") and compact(entry.key.text[:-1]) is not None:
                        findings.error(
                            "literal-star",
                            entry.key,
                            f"A key of a map is one whole value; the * in {shown(entry.key.text)} is not read as more.",
                            suggestion="Write one key for each number, or a rule with startsWith.",
                        )
                return NamedList(table={key.text: value for key, value in pairs})
            case _:
                return wrong_type(node, self.what, findings, f"Write [{node.text}]." if node.text else None)

    def _once(self, text: str, node: Node, seen: dict[str, str], kind: str, findings: Findings) -> None:
        """Say where a value stands twice, as it is or as another spelling of the same number."""
        first = seen.setdefault(self.numbers.normal(text), text)
        if first is text:
            return
        if first == text:
            findings.warning("duplicate-member", node, f"{shown(text)} stands in this {kind} already.")
        else:
            findings.error(
                "duplicate-number", node, f"{shown(text)} is the same number as {shown(first)} in this {kind}."
            )

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An array or an object of values."""
        value = MEMBER.schema(definitions)
        return {"anyOf": [{"type": "array", "items": value}, {"type": "object", "additionalProperties": value}]}


LISTS: Final = Pairs("names with their lists", Members())


# --- schedules ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Days:
    weekdays: frozenset[int] = frozenset()
    ordinals: frozenset[tuple[int, int]] = frozenset()


def _date(text: str, node: Node, findings: Findings) -> date | Invalid:
    found = _dates(text, node, findings)
    if isinstance(found, DateRange) and found.first == found.last:
        return found.first
    if found is not INVALID:
        findings.error("bad-time", node, f"{shown(text)} is no single date.", suggestion="Write it like 2026-01-05.")
    return INVALID


def _times(text: str, node: Node, findings: Findings) -> TimeRange | Invalid:
    try:
        return parse_times(text)
    except CalendarInvalid as error:
        meant = times_meant(text)
        since = time_meant(text)
        hint = f"Write from when to when: {since}-24:00, say." if since and not meant else None
        not_understood(error, node, meant, findings, hint)
        return INVALID


def _days_of(text: str, node: Node, findings: Findings) -> _Days | Invalid:
    """``monday..friday``, or ``first saturday``."""
    try:
        ordinal = parse_ordinal(text)
    except CalendarInvalid as error:
        not_understood(error, node, None, findings)
        return INVALID
    if ordinal is not None:
        return _Days(ordinals=frozenset({ordinal}))
    weekdays = weekdays_of(text, node, findings)
    return INVALID if weekdays is INVALID else _Days(weekdays)


def _dates(text: str, node: Node, findings: Findings) -> Dates | Invalid:
    try:
        return parse_dates(text)
    except CalendarInvalid as error:
        not_understood(error, node, dates_meant(text), findings)
        return INVALID


def _holidays(found: tuple[str, str | None], node: Node, findings: Findings) -> Holidays | Invalid:
    holidays = Holidays(*found)
    problem = holidays_known(holidays)
    if problem is not None:
        findings.error("unknown-value", node, problem, suggestion="Write a country such as HU, or DE-BY with a region.")
        return INVALID
    if region_missing(holidays):
        findings.warning(
            "holidays-by-region",
            node,
            f"{holidays.country} has holidays that only some regions keep; without a region none of them counts.",
            suggestion="Name the region, as in {country: DE, region: BY}.",
        )
    return holidays


def _split(text: str, node: Node, findings: Findings) -> tuple[str, str | None]:
    country, _, region = text.partition("-")
    return country, region or None


_HOLIDAY_COUNTRY: Final = Key("country", Text("a country such as DE", most=8), required=True)
_HOLIDAY_REGION: Final = Key("region", Text("a region such as BY", most=32))
_REGION: Final = Record[tuple[str, str | None]](
    "{country: DE, region: BY}",
    (_HOLIDAY_COUNTRY, _HOLIDAY_REGION),
    lambda values: (values[_HOLIDAY_COUNTRY], values.get(_HOLIDAY_REGION)),
)
_DATE_RANGES: Final[OneOrMany[Dates]] = OneOrMany(
    Converted(Text("a date such as 2026-12-24, 12-24 for every year, or 2026-12-24..2026-12-26"), _dates)
)
_WEEKDAYS: Final = Key(
    "weekdays",
    OneOrMany(Converted(Text("a weekday such as monday, monday..friday, or first saturday"), _days_of)),
    help="Every day unless given.",
)
_WEEK_COUNT: Final = Key("weeks", Whole(1, 52), required=True, help="2 for every second week.")
_WEEK_START: Final = Key(
    "from", Converted(Text("a date such as 2026-01-05"), _date), required=True, help="A day of the first such week."
)
_EVERY: Final = Key(
    "every",
    Record(
        "{weeks: 2, from: 2026-01-05}",
        (_WEEK_COUNT, _WEEK_START),
        lambda values: Weeks(values[_WEEK_COUNT], values[_WEEK_START]),
    ),
    help="Only in these weeks, from Monday to Sunday.",
)
_TIMES: Final = Key(
    "times",
    OneOrMany(Converted(Text("a range of times such as 08:00-17:30"), _times)),
    help="The whole day unless given; 22:00-06:00 ends on the next day.",
)
_HOLIDAYS: Final = Key(
    "holidays",
    Converted(ByKind("a country such as HU", text=Converted(Text(), _split), keys=_REGION), _holidays),
    help="Public holidays count as closed.",
)
_DATES: Final = Key("dates", _DATE_RANGES, help="The only dates on which it is open.")
_EXCEPT: Final = Key("except", _DATE_RANGES, help="Dates on which it is closed.")
_OWN_ZONE: Final = Key("timezone", ZONE, help="Instead of the file's.")
_MANUAL: Final[Key[Literal["open", "closed"]]] = Key(
    "manual",
    Choice[Literal["open", "closed"]]("position", ("open", "closed")),
    help="Only an admin switches it; so it stands until then.",
)


_HOURS: Final = (_WEEKDAYS, _EVERY, _TIMES, _HOLIDAYS, _DATES, _EXCEPT, _OWN_ZONE)


def _by_hand(values: Values) -> Schedule | Invalid:
    for key in _HOURS:
        if key in values:
            values.findings.error(
                "manual-schedule",
                values.at(key),
                f"A schedule that is switched by hand has no {key.name}.",
                suggestion=f"Remove {key.name}, or manual: any schedule can be switched by hand for a while.",
            )
            return INVALID
    return Schedule(by_hand=values[_MANUAL] == "open")


def schedules(defaults: Defaults) -> Pairs[Schedule]:
    """``schedules`` of a file with these defaults."""

    def build(values: Values) -> Schedule | Invalid:
        if _MANUAL in values:
            return _by_hand(values)
        zone = values.get(_OWN_ZONE) or defaults.timezone
        if zone is None:
            warn_without_zone(values.node, values.findings)
        days = values.get(_WEEKDAYS)
        schedule = Schedule(
            weekdays=EVERY_DAY if days is None else frozenset[int]().union(*(each.weekdays for each in days)),
            ordinals=frozenset[tuple[int, int]]().union(*(each.ordinals for each in days or ())),
            weeks=values.get(_EVERY),
            times=values.get(_TIMES, (TimeRange(0, MIDNIGHT),)),
            dates=values.get(_DATES, ()),
            closed=values.get(_EXCEPT, ()),
            holidays=values.get(_HOLIDAYS),
            timezone=zone or "UTC",
        )
        if schedule.never_open():
            values.findings.warning("never-open", values.node, "This schedule is never open.")
        return schedule

    keys = (*_HOURS, _MANUAL)
    return Pairs("names with their schedules", Record("a schedule such as {weekdays: monday..friday}", keys, build))


def same_everywhere(key: str, first: At[object] | None, other: At[object] | None, findings: Findings) -> None:
    """Note that two files give two values for what holds for all files."""
    if first is None or other is None or first.value == other.value:
        return
    findings.error(
        "conflicting-default",
        Span(other.node.place, other.node.length),
        f"{key} holds for all files, and another value is given in {first.node.place}.",
        suggestion="Give it in one file only.",
    )
