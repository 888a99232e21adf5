"""Calendars: when a schedule is open, and when a calendar trigger comes due. Time comes in as data, always.

A wall clock is not a line: in autumn an hour comes twice, in spring one is missing. One law decides every case here. A
wall-clock time means **the first moment at which the clock shows that time or a later one**. So in the hour that comes
twice the first one counts, opening hours that lie in a missing hour do not exist that day, and opening hours across
either are one piece. A calendar trigger in the missing hour is skipped.

The moments are worked out once for each stretch of time in which nothing opens or closes; inside it an answer costs two
comparisons. The texts of the rule language are read here too (`minute_of_day`, `parse_times`, `parse_dates`,
`parse_weekdays`, `parse_cron`); each says with CalendarInvalid what it did not understand.
"""

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays
import msgspec
from holidays.registry import COUNTRIES

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EVERY_DAY: Final = frozenset(range(7))
MIDNIGHT: Final = 24 * 60

_DAY: Final = timedelta(days=1)
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEARS_AHEAD: Final = 41  # a Monday that is a 29 February may be forty years away


class CalendarInvalid(ValueError):
    """A text that is no time, date, weekday or cron line. The message says what was expected."""


class TimeRange(msgspec.Struct, frozen=True):
    """From ``start`` until just before ``end``, in minutes of the day; 1440 is the midnight that ends it.

    An end that is not after the start lies on the next day; the range then belongs to the day it began on.
    """

    start: int
    end: int


class DateRange(msgspec.Struct, frozen=True):
    """From ``first`` to ``last``, both included."""

    first: date
    last: date


class Holidays(msgspec.Struct, frozen=True):
    """The public holidays of a country (ISO 3166 code), or of one region of it, as the holidays package knows them.

    Check with `holidays_known` before use.
    """

    country: str
    region: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Opening hours: the ``times`` of those days that every other part allows.

    ``weekdays`` counts from Monday = 0. ``dates``, where given, are the only days; ``closed`` (written ``except``) and
    public holidays are taken away. No ``times`` means the whole day. ``timezone`` is an IANA name. ``by_hand``, where
    given, is all there is to it: open or closed until an admin switches it.
    """

    weekdays: frozenset[int] = EVERY_DAY
    times: tuple[TimeRange, ...] = (TimeRange(0, MIDNIGHT),)
    dates: tuple[DateRange, ...] = ()
    closed: tuple[DateRange, ...] = ()
    holidays: Holidays | None = None
    timezone: str = "UTC"
    by_hand: bool | None = None

    @cached_property
    def is_open(self) -> Callable[[float], bool]:
        """``is_open(at)``: whether this is open at that moment, in seconds since 1970 UTC."""
        since, until, answer = math.inf, -math.inf, False

        def is_open(at: float) -> bool:
            nonlocal since, until, answer
            if not since <= at < until:
                since, until, answer = self._stretch(at)
            return answer

        return is_open

    def never_open(self) -> bool:
        """Whether there is no moment at which this is open."""
        if self.by_hand is not None:
            return False
        if not self.dates:
            return not self.weekdays or not self.times
        return not any(self._openings(day) for each in self.dates for day in _days(each.first, each.last))

    def opens_on(self, day: date) -> bool:
        """Whether opening hours begin on that day."""
        return (
            day.weekday() in self.weekdays
            and (not self.dates or any(each.first <= day <= each.last for each in self.dates))
            and not any(each.first <= day <= each.last for each in self.closed)
            and (self.holidays is None or day not in _holidays(self.holidays.country, self.holidays.region))
        )

    def _openings(self, day: date) -> list[tuple[float, float]]:
        """The pieces of time, seconds since 1970 UTC, of the opening hours that begin on ``day``."""
        if not self.opens_on(day):
            return []
        zone = zone_of(self.timezone)
        pieces = []
        for each in self.times:
            start = first_moment(_wall(day, each.start), zone)
            end = first_moment(_wall(day if each.end > each.start else day + _DAY, each.end), zone)
            if start < end:
                pieces.append((start, end))
        return pieces

    def _stretch(self, at: float) -> tuple[float, float, bool]:
        """Since when, until when and what: a stretch of time around ``at`` in which the answer does not change."""
        if self.by_hand is not None:
            return -math.inf, math.inf, self.by_hand
        zone = zone_of(self.timezone)
        today = datetime.fromtimestamp(at, zone).date()
        # a clock that is set back at midnight shows yesterday's date once more, so look a day further each way
        pieces = [piece for day in _days(today - 2 * _DAY, today + 2 * _DAY) for piece in self._openings(day)]
        since = first_moment(_wall(today - _DAY, 0), zone)
        until = first_moment(_wall(today + 2 * _DAY, 0), zone)
        for piece in pieces:
            for edge in piece:
                if edge <= at:
                    since = max(since, edge)
                else:
                    until = min(until, edge)
        return since, until, any(start <= at < end for start, end in pieces)


class Cron(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Moments that come again: the minutes of local time that every field allows.

    Every field must allow it, also where both ``days`` and ``weekdays`` are given (crontab(5) takes either): so
    ``0 12 1-7 * mon`` is noon on the first Monday of a month. None is ``*``. ``weekdays`` counts from Monday = 0,
    ``timezone`` is an IANA name.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None = None
    months: frozenset[int] = frozenset(range(1, 13))
    weekdays: frozenset[int] | None = None
    timezone: str = "UTC"

    @classmethod
    def daily(cls, minute_of_day: int, weekdays: frozenset[int] | None = None, timezone: str = "UTC") -> "Cron":
        """``at: TIME`` with its ``weekdays``: once a day."""
        hour, minute = divmod(minute_of_day, 60)
        return cls(minutes=frozenset({minute}), hours=frozenset({hour}), weekdays=weekdays, timezone=timezone)

    def next_after(self, at: float) -> float:
        """The first such moment after ``at``, both in seconds since 1970 UTC; infinity where none is in sight.

        A minute that comes twice counts the first time; one that the clock leaves out is skipped.
        """
        zone = zone_of(self.timezone)
        now = _shown(at, zone)
        for day in _days(now.date(), date(min(now.year + _YEARS_AHEAD, 9998), 12, 31)):
            if not self._on(day):
                continue
            for minute_of_day in self._minutes:
                wall = _wall(day, minute_of_day)
                if wall >= now:
                    moment = first_moment(wall, zone)
                    if moment > at and _shown(moment, zone) == wall:
                        return moment
        return math.inf

    @cached_property
    def _minutes(self) -> tuple[int, ...]:
        return tuple(sorted(hour * 60 + minute for hour in self.hours for minute in self.minutes))

    def _on(self, day: date) -> bool:
        return (
            day.month in self.months
            and (self.days is None or day.day in self.days)
            and (self.weekdays is None or day.weekday() in self.weekdays)
        )


# --- wall clocks ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises CalendarInvalid where there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise CalendarInvalid(f"there is no time zone {name!r}; a name is like Europe/Budapest") from None


def first_moment(wall: datetime, zone: ZoneInfo) -> float:
    """The first moment, seconds since 1970 UTC, at which clocks in ``zone`` show ``wall`` or a later time."""
    moment = wall.replace(tzinfo=zone).timestamp()
    if _shown(moment, zone) == wall:
        return moment
    # the clock leaves this time out: it jumps between the two readings that Python offers (PEP 495)
    before, after = int(wall.replace(tzinfo=zone, fold=1).timestamp()), math.ceil(moment)
    while after - before > 1:
        middle = (before + after) // 2
        if _shown(middle, zone) < wall:
            before = middle
        else:
            after = middle
    return float(after)


def _shown(moment: float, zone: ZoneInfo) -> datetime:
    """What clocks show, without zone."""
    return datetime.fromtimestamp(moment, zone).replace(tzinfo=None, fold=0)


def _wall(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 a wall-clock time


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += _DAY


# --- public holidays ------------------------------------------------------------------------------------------------


def holidays_known(of: Holidays) -> str | None:
    """None where these public holidays are known, else a sentence that says why not."""
    if of.region is None and any(of.country in names for names in COUNTRIES.values()):
        return None  # without loading the holidays of the whole world
    try:
        _holidays(of.country, of.region)
    except NotImplementedError as problem:
        return f"{problem}."
    return None


@lru_cache(maxsize=64)
def _holidays(country: str, region: str | None) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=region)


# --- the texts of the rule language ---------------------------------------------------------------------------------


def minute_of_day(text: str) -> int:
    """``18:00`` as minutes of the day; ``24:00`` is the midnight that ends it."""
    found = _TIME.fullmatch(text)
    if found:
        hour, minute = int(found.group(1)), int(found.group(2))
        if minute < 60 and hour * 60 + minute <= MIDNIGHT:
            return hour * 60 + minute
    raise CalendarInvalid(f"{text!r} is no time of day; one is like 08:00 or 17:30")


def parse_times(text: str) -> TimeRange:
    """``08:00-17:30``; ``22:00-06:00`` ends on the next day."""
    start, dash, end = text.partition("-")
    if not dash:
        raise CalendarInvalid(f"{text!r} is no range of times; one is like 08:00-17:30")
    first, last = minute_of_day(start.strip()), minute_of_day(end.strip())
    if first == MIDNIGHT:
        raise CalendarInvalid(f"{text!r} begins at 24:00; the day begins at 00:00")
    return TimeRange(first, last)


def parse_dates(text: str) -> DateRange:
    """``2026-12-24`` or ``2026-12-24..2026-12-26``."""
    first, dots, last = text.partition("..")
    dates = DateRange(_date(first.strip()), _date(last.strip() if dots else first.strip()))
    if dates.last < dates.first:
        raise CalendarInvalid(f"{text!r} ends before it begins")
    return dates


def _date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as problem:
        raise CalendarInvalid(f"{text!r} is no date: {problem}") from None
    raise CalendarInvalid(f"{text!r} is no date; one is like 2026-12-24")


def parse_weekdays(text: str) -> frozenset[int]:
    """``monday`` or ``monday..friday``, as numbers from Monday = 0; a range may run over Sunday."""
    first, dots, last = text.partition("..")
    return _circle(_weekday(first.strip()), _weekday(last.strip() if dots else first.strip()))


def _weekday(text: str) -> int:
    name = text.lower()
    for number, weekday in enumerate(WEEKDAYS):
        if name in (weekday, weekday[:3]):
            return number
    raise CalendarInvalid(f"{text!r} is no weekday; weekdays are {', '.join(WEEKDAYS)}")


def _circle(first: int, last: int) -> frozenset[int]:
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def parse_cron(text: str, timezone: str) -> Cron:
    """Five fields: minute, hour, day of month, month, weekday (by name only: programs disagree about its numbers)."""
    fields = text.split()
    if len(fields) != 5:
        raise CalendarInvalid(f"{text!r} has {len(fields)} fields; five are needed: minute hour day month weekday")
    minute, hour, day, month, weekday = fields
    cron = Cron(
        minutes=_field(minute, "minute", 0, 59),
        hours=_field(hour, "hour", 0, 23),
        days=None if day == "*" else _field(day, "day of month", 1, 31),
        months=_field(month, "month", 1, 12, MONTHS),
        weekdays=None if weekday == "*" else _cron_weekdays(weekday),
        timezone=timezone,
    )
    if cron.next_after(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) == math.inf:
        raise CalendarInvalid(f"{text!r} never comes")
    return cron


def _field(text: str, what: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    allowed: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _number(first, what, low, high, names)
            end = _number(last, what, low, high, names) if dash else high if slash else begin
        if end < begin:
            raise CalendarInvalid(f"{part!r} ends before it begins, in the field {what}")
        every = _number(step, f"step of {what}", 1, high, ()) if slash else 1
        allowed.update(range(begin, end + 1, every))
    return frozenset(allowed)


def _number(text: str, what: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + low
    if text.isascii() and text.isdecimal() and len(text) <= 2 and low <= int(text) <= high:
        return int(text)
    raise CalendarInvalid(f"{text!r} is no {what}; it is {low} to {high}")


def _cron_weekdays(text: str) -> frozenset[int]:
    if any(character.isdecimal() for character in text):
        raise CalendarInvalid(f"{text!r} names weekdays by number, which programs read differently; write mon-fri")
    days: frozenset[int] = frozenset()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        days |= _circle(_weekday(first), _weekday(last if dash else first))
    return days
