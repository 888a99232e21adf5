"""Calendars: when a schedule is open, and when a calendar trigger comes due. Time comes in as data, always.

A wall clock is not a line: in autumn an hour comes twice, in spring one is missing. One law decides every case here. A
wall-clock time means **the first moment at which the clock shows that time or a later one**. So in the hour that comes
twice the first one counts, opening hours that lie in a missing hour do not exist that day, and opening hours across
either are one piece. A calendar trigger at a time that the clock leaves out comes right after it. Only a trigger of
every hour goes by the length of an hour instead: it comes in both hours that look alike (cron(8) of Debian).

The moments are worked out once for each stretch of time in which nothing opens or closes; inside it an answer costs two
comparisons. The texts of the rule language are read here too (`minute_of_day`, `parse_times`, `parse_dates`,
`parse_weekdays`, `parse_cron`); each says with CalendarInvalid what it did not understand.
"""

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import holidays
import msgspec
from holidays.registry import COUNTRIES

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EVERY_DAY: Final = frozenset(range(7))
MIDNIGHT: Final = 24 * 60

_DAY: Final = timedelta(days=1)
_WORKING_WEEK: Final = frozenset(range(5))
_WEEKEND: Final = frozenset({5, 6})
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
_YEARLY: Final = re.compile(r"\d{2}-\d{2}", re.ASCII)
_MONTH: Final = re.compile(r"\d{4}-\d{2}", re.ASCII)
_LEAP_YEAR: Final = 2024
_REGIONAL: Final = frozenset(
    "AD AR AU BA BO BQ BR BT CA CH CL CV DE ES FI FM FR GB GQ IN IT MY NI NZ PT SB SH ST SV TV US".split()  # noqa: SIM905
)
"""Countries with regions that have public holidays of their own, by the holidays package. To ask it loads the world."""
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AROUND_A_CHANGE: Final = 3 * 3600.0  # seconds: no clock is set back further
_YEARS_AHEAD: Final = 41  # a Monday that is a 29 February may be forty years away


class CalendarInvalid(ValueError):
    """A text that is no time, date, weekday or cron line. The message says what was expected."""


class TimeRange(msgspec.Struct, frozen=True):
    """From ``start`` until just before ``end``, in minutes of the day; 1440 is the midnight that ends it.

    An end that is not after the start lies on the next day; the range then belongs to the day it began on.
    """

    start: int
    end: int


class DateRange(msgspec.Struct, frozen=True, tag=True):
    """From ``first`` to ``last``, both included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


class YearlyDates(msgspec.Struct, frozen=True, tag=True):
    """From ``first`` to ``last`` of every year, both included and each 100 times the month plus the day.

    A range whose last day comes before its first one runs over New Year.
    """

    first: int
    last: int

    def covers(self, day: date) -> bool:
        today = day.month * 100 + day.day
        if self.first <= self.last:
            return self.first <= today <= self.last
        return today >= self.first or today <= self.last


Dates: TypeAlias = DateRange | YearlyDates


class Weeks(msgspec.Struct, frozen=True):
    """Every ``every``-th week, from Monday to Sunday, counted from the week of ``start``."""

    every: int
    start: date

    def covers(self, day: date) -> bool:
        weeks = (_monday(day) - _monday(self.start)).days // 7
        return weeks % self.every == 0


class Holidays(msgspec.Struct, frozen=True):
    """The public holidays of a country (ISO 3166 code), or of one region of it, as the holidays package knows them.

    Where a country works on a Saturday for a bridge day off, as Hungary and China do, that day is a working day.
    Check with `holidays_known` before use.
    """

    country: str
    region: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Opening hours: the ``times`` of those days that every other part allows.

    ``weekdays`` counts from Monday = 0, and so do the ``ordinals``: (1, 5) is the first Saturday of a month, (-1, 4)
    its last Friday. ``weeks``, where given, are the only weeks, and ``dates`` the only days; ``closed`` (written
    ``except``) and public holidays are taken away. No ``times`` means the whole day. ``timezone`` is an IANA name.
    ``by_hand``, where given, is all there is to it: open or closed until an admin switches it.
    """

    weekdays: frozenset[int] = EVERY_DAY
    ordinals: frozenset[tuple[int, int]] = frozenset()
    weeks: Weeks | None = None
    times: tuple[TimeRange, ...] = (TimeRange(0, MIDNIGHT),)
    dates: tuple[Dates, ...] = ()
    closed: tuple[Dates, ...] = ()
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
        if not self.possible_weekdays or not self.times:
            return True
        ranges = [each for each in self.dates if isinstance(each, DateRange)]
        if len(ranges) < len(self.dates) or not self.dates:
            return False
        return not any(self._openings(day) for each in ranges for day in _days(each.first, each.last))

    @property
    def possible_weekdays(self) -> frozenset[int]:
        """The weekdays on which it may be open at all."""
        worked = _WEEKEND if self._takes_worked_saturdays else frozenset[int]()
        return self.weekdays | {weekday for _, weekday in self.ordinals} | worked

    @property
    def _takes_worked_saturdays(self) -> bool:
        return self.holidays is not None and self.weekdays >= _WORKING_WEEK

    def opens_on(self, day: date) -> bool:
        """Whether opening hours begin on that day."""
        known = None if self.holidays is None else _holidays(self.holidays.country, self.holidays.region)
        return (
            (
                day.weekday() in self.weekdays
                or bool(self.ordinals & _ordinals(day))
                or (known is not None and self._takes_worked_saturdays and _is_worked(day, known))
            )
            and (self.weeks is None or self.weeks.covers(day))
            and (not self.dates or any(each.covers(day) for each in self.dates))
            and not any(each.covers(day) for each in self.closed)
            and (known is None or day not in known)
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
        """The first such moment after ``at``, both in seconds since 1970 UTC; infinity where none is in sight."""
        zone = zone_of(self.timezone)
        found = self._first_after(at, zone)
        return self._in_an_hour_again(at, found, zone) if self._every_hour else found

    @property
    def _every_hour(self) -> bool:
        return len(self.hours) == 24

    def _in_an_hour_again(self, at: float, found: float, zone: ZoneInfo) -> float:
        """A moment before ``found`` in an hour that the clock shows for the second time, else ``found``."""
        end = min(found, at + _AROUND_A_CHANGE)
        if _offset(at - _AROUND_A_CHANGE, zone) > _offset(end, zone):
            for moment in range(math.floor(at / 60 + 1) * 60, math.ceil(end), 60):
                shown = _shown(moment, zone)
                if shown.minute in self.minutes and self._on(shown.date()):
                    return float(moment)
        return found

    def _first_after(self, at: float, zone: ZoneInfo) -> float:
        now = _shown(at, zone)
        for day in _days(now.date(), date(min(now.year + _YEARS_AHEAD, 9998), 12, 31)):
            if not self._on(day):
                continue
            for minute_of_day in self._minutes:
                wall = _wall(day, minute_of_day)
                if wall >= now:
                    moment = first_moment(wall, zone)
                    if moment > at and (not self._every_hour or _shown(moment, zone) == wall):
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


def _offset(moment: float, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(moment, zone).utcoffset() or timedelta(0)


def _wall(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 a wall-clock time


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += _DAY


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _ordinals(day: date) -> frozenset[tuple[int, int]]:
    """Which of its weekday in the month it is: (2, 5) the second Saturday, (-1, 5) too where it is the last one."""
    ordinal = (day.day - 1) // 7 + 1
    is_last = (day + 7 * _DAY).month != day.month
    return frozenset({(ordinal, day.weekday()), (-1, day.weekday())} if is_last else {(ordinal, day.weekday())})


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


def region_missing(of: Holidays) -> bool:
    """Whether some regions of the country have holidays of their own, and no region is named."""
    return of.region is None and any(
        of.country in names and not _REGIONAL.isdisjoint(names) for names in COUNTRIES.values()
    )


def _is_worked(day: date, known: holidays.HolidayBase) -> bool:
    """Whether this day of a weekend is worked, in exchange for a day off."""
    day in known  # noqa: B015 the package works out a year when it is first asked for a day of it
    return day in getattr(known, "weekend_workdays", ())


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


def parse_dates(text: str) -> Dates:
    """``2026-12-24``, ``2026-12-24..2026-12-26``, ``2026-01..2026-03`` in months; ``12-24..01-02`` in every year."""
    first, dots, last = (part.strip() for part in text.partition(".."))
    if not dots:
        last = first
    if _YEARLY.fullmatch(first) and _YEARLY.fullmatch(last):
        return YearlyDates(_yearly(first), _yearly(last))
    begin = _date(f"{first}-01") if _MONTH.fullmatch(first) else _date(first)
    end = _month_end(last) if _MONTH.fullmatch(last) else _date(last)
    if end < begin:
        raise CalendarInvalid(f"{text!r} ends before it begins")
    return DateRange(begin, end)


def _yearly(text: str) -> int:
    day = _date(f"{_LEAP_YEAR}-{text}")
    return day.month * 100 + day.day


def _month_end(text: str) -> date:
    begin = _date(f"{text}-01")
    return (begin + timedelta(days=31)).replace(day=1) - _DAY


def _date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as problem:
        raise CalendarInvalid(f"{text!r} is no date: {problem}") from None
    raise CalendarInvalid(f"{text!r} is no date; one is like 2026-12-24, or 12-24 for every year")


def parse_ordinal(text: str) -> tuple[int, int] | None:
    """``first saturday`` as (1, 5), ``last friday`` as (-1, 4); None where the text is no such thing."""
    ordinal, _, weekday = text.strip().lower().partition(" ")
    return (_ORDINALS[ordinal], _weekday(weekday.strip())) if ordinal in _ORDINALS and weekday.strip() else None


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
