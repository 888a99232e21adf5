"""The calendar against brute force, minute by minute, over two years in five zones.

Brute force knows one rule only: a time is what the clock shows, and it stands still while it shows an hour for the
second time. For each zone every minute of the two years is written down with what the clock shows; a schedule is then
asked at each of them, and a calendar trigger must come due at exactly those where the clock first shows its time or has
jumped over it. A trigger of every hour comes at each minute that the clock shows.
"""

from array import array
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ozrules.rules.calendar import (
    EVERY_DAY,
    MIDNIGHT,
    Cron,
    DateRange,
    Dates,
    Holidays,
    Schedule,
    TimeRange,
    Weeks,
    YearlyDates,
    parse_cron,
)

ZONES = ("Europe/Budapest", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Kolkata")
"""The usual change at night; one at midnight forwards; one of half an hour; one at midnight; none at all."""

FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
MINUTES = int((LAST - FIRST).total_seconds()) // 60
START = int(FIRST.timestamp())
EPOCH = date(2024, 12, 25)
"""A day before all that the clocks show; what they show is counted in minutes from its beginning."""
DAYS = (date(2027, 1, 5) - EPOCH).days
LONG = settings.get_current_profile_name() == "torture"


@cache
def shown(zone: str) -> "array[int]":
    """For every minute of the two years what the clock shows, standing still while it repeats itself."""
    info = ZoneInfo(zone)
    clock = array("l", bytes(8 * MINUTES))
    furthest = 0
    for minute in range(MINUTES):
        now = datetime.fromtimestamp(START + minute * 60, info)
        furthest = max(furthest, (now.toordinal() - EPOCH.toordinal()) * MIDNIGHT + now.hour * 60 + now.minute)
        clock[minute] = furthest
    return clock


def test_the_zones_are_as_different_as_said() -> None:
    """Hours that come twice, hours that are left out, half hours, midnights."""
    jumps = {zone: {b - a for a, b in zip(shown(zone), shown(zone)[1:], strict=False)} for zone in ZONES}
    assert jumps["Asia/Kolkata"] == {1}
    assert jumps["Australia/Lord_Howe"] == {0, 1, 31}
    assert all(jumps[zone] == {0, 1, 61} for zone in ZONES[:2])
    assert jumps["Asia/Beirut"] == {0, 1, 61}


# --- schedules ------------------------------------------------------------------------------------------------------


def opens(schedule: Schedule, day: date) -> bool:
    """Whether opening hours begin on that day, by the holidays package's own calendar."""
    weekday = day.weekday()
    same = [day.replace(day=number) for number in range(1, 32) if is_day(day, number)]
    same = [each for each in same if each.weekday() == weekday]
    counted = {same.index(day) + 1, same.index(day) - len(same)}
    chosen = weekday in schedule.weekdays or any((number, weekday) in schedule.ordinals for number in counted)
    if schedule.holidays is not None:
        known = holidays.country_holidays(schedule.holidays.country, schedule.holidays.region, years=day.year)
        if day in known:
            return False
        chosen = chosen or (set(range(5)) <= schedule.weekdays and weekday >= 5 and known.is_working_day(day))
    if schedule.weeks is not None:
        weeks = (first_of_week(day) - first_of_week(schedule.weeks.start)) / timedelta(days=7)
        chosen = chosen and weeks % schedule.weeks.every == 0
    return (
        chosen
        and (not schedule.dates or any(within(each, day) for each in schedule.dates))
        and not any(within(each, day) for each in schedule.closed)
    )


def is_day(month: date, number: int) -> bool:
    return number <= monthrange(month.year, month.month)[1]


def first_of_week(day: date) -> date:
    year, week, _ = day.isocalendar()
    return date.fromisocalendar(year, week, 1)


def within(dates: Dates, day: date) -> bool:
    """Also where a range of every year runs over New Year: by going through its days one by one."""
    if isinstance(dates, DateRange):
        return dates.first <= day <= dates.last
    each = date(2024, *divmod(dates.first, 100))  # a leap year
    while (each.month, each.day) != divmod(dates.last, 100):
        if (each.month, each.day) == (day.month, day.day):
            return True
        each += timedelta(days=1)
        each = each.replace(year=2024)
    return (each.month, each.day) == (day.month, day.day)


def by_the_clock(schedule: Schedule) -> bytearray:
    """For every minute that a clock may show whether it lies in opening hours."""
    table = bytearray((DAYS + 2) * MIDNIGHT)
    for number in range(DAYS):
        if opens(schedule, EPOCH + timedelta(days=number)):
            for each in schedule.times:
                end = each.end if each.end > each.start else each.end + MIDNIGHT
                table[number * MIDNIGHT + each.start : number * MIDNIGHT + end] = b"\x01" * (end - each.start)
    return table


def differs(schedule: Schedule) -> list[str]:
    """The minutes at which the schedule says other than the clock."""
    table = by_the_clock(schedule)
    expected = bytes(map(table.__getitem__, shown(schedule.timezone)))
    answered = bytes(map(schedule.is_open, range(START, START + MINUTES * 60, 60)))
    if answered == expected:
        return []
    wrong = [minute for minute in range(MINUTES) if answered[minute] != expected[minute]]
    return [datetime.fromtimestamp(START + 60 * minute, UTC).isoformat() for minute in wrong[:20]]


SCHEDULES = {
    "office hours, public holidays of a country": Schedule(
        weekdays=frozenset(range(5)), times=(TimeRange(480, 720), TimeRange(780, 1050)), holidays=Holidays("HU")
    ),
    "over midnight at the weekend, holidays of a region": Schedule(
        times=(TimeRange(22 * 60, 6 * 60),), weekdays=frozenset({4, 5, 6}), holidays=Holidays("DE", "BY")
    ),
    "pieces in and around the hours that are missing or come twice": Schedule(
        times=(TimeRange(75, 105), TimeRange(135, 165), TimeRange(0, 30), TimeRange(1410, 1440))
    ),
    "two ranges that meet, one a whole day but an hour": Schedule(
        times=(TimeRange(90, 150), TimeRange(150, 90)), weekdays=frozenset({5, 6})
    ),
    "dates only, and some taken away": Schedule(
        dates=(DateRange(date(2025, 10, 20), date(2025, 11, 9)), DateRange(date(2026, 3, 5), date(2026, 4, 9))),
        closed=(DateRange(date(2025, 10, 26), date(2025, 10, 26)),),
        times=(TimeRange(23 * 60, 3 * 60),),
    ),
    "always, but for holidays of a state and a week": Schedule(
        holidays=Holidays("US", "TX"), closed=(DateRange(date(2026, 12, 24), date(2026, 12, 31)),)
    ),
    "the first Saturday and the last Friday, every third week": Schedule(
        weekdays=frozenset({0}), ordinals=frozenset({(1, 5), (-1, 4)}), weeks=Weeks(3, date(2025, 1, 8))
    ),
    "every year over New Year, but not on two days": Schedule(
        dates=(YearlyDates(1220, 106), YearlyDates(229, 301)), closed=(YearlyDates(1224, 1225),)
    ),
}


@pytest.mark.fault(24)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_open_when_the_clock_says_so(zone: str, name: str) -> None:
    assert differs(msgspec.structs.replace(SCHEDULES[name], timezone=zone)) == []


days = st.dates(date(2025, 1, 1), date(2026, 12, 31))
date_ranges = st.builds(
    lambda first, length: DateRange(first, first + timedelta(days=length)), days, st.integers(0, 60)
)
yearly = st.builds(lambda *both: YearlyDates(*(day.month * 100 + day.day for day in both)), days, days)
schedules = st.builds(
    Schedule,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    times=st.lists(st.builds(TimeRange, st.integers(0, MIDNIGHT - 1), st.integers(0, MIDNIGHT)), max_size=3).map(tuple),
    dates=st.lists(date_ranges, max_size=2).map(tuple),
    closed=st.lists(st.one_of(date_ranges, yearly), max_size=2).map(tuple),
    ordinals=st.frozensets(st.tuples(st.sampled_from([1, 2, 3, 4, 5, -1]), st.integers(0, 6)), max_size=2),
    weeks=st.none() | st.builds(Weeks, st.integers(1, 5), days),
    holidays=st.sampled_from(
        (None, Holidays("HU"), Holidays("DE", "BY"), Holidays("GB", "SCT"), Holidays("AU", "TAS"))
    ),
    timezone=st.sampled_from(ZONES),
)


@pytest.mark.fault(24)
@settings(max_examples=200 if LONG else 8)
@given(schedules)
def test_so_is_any_schedule(schedule: Schedule) -> None:
    assert differs(schedule) == []


# --- calendar triggers ----------------------------------------------------------------------------------------------

CRONS = {
    "every working day": Cron.daily(18 * 60, EVERY_DAY - {5, 6}),
    "in the hour that is missing or comes twice": Cron.daily(2 * 60 + 30),
    "midnight": Cron.daily(0),
    "three times an hour by night": parse_cron("*/20 0-3 * * *", "UTC"),
    "the months in which clocks change": parse_cron("15,45 0-3 * mar,apr,oct,nov *", "UTC"),
    "a first of the month that is a Monday": parse_cron("0 1 1 * mon", "UTC"),
    "ends of months": parse_cron("59 23 28-31 * fri-mon", "UTC"),
    "every half hour": parse_cron("*/30 * * * *", "UTC"),
    "every hour at the weekend": parse_cron("10 * * * sat-sun", "UTC"),
}


def allows(cron: Cron, day: date) -> bool:
    return (
        day.month in cron.months
        and (cron.days is None or day.day in cron.days)
        and (cron.weekdays is None or day.weekday() in cron.weekdays)
    )


def really_shown(zone: str, minute: int) -> int:
    """What the clock shows at this minute of the two years, also where it shows an hour for the second time."""
    now = datetime.fromtimestamp(START + minute * 60, ZoneInfo(zone))
    return (now.toordinal() - EPOCH.toordinal()) * MIDNIGHT + now.hour * 60 + now.minute


@pytest.mark.fault(24)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", CRONS)
def test_a_calendar_trigger_comes_due_when_the_clock_shows_it_or_has_left_it_out(zone: str, name: str) -> None:
    cron = msgspec.structs.replace(CRONS[name], timezone=zone)
    times = [hour * 60 + minute for hour in cron.hours for minute in cron.minutes]
    table = bytearray((DAYS + 2) * MIDNIGHT)
    for number in range(DAYS):
        if allows(cron, EPOCH + timedelta(days=number)):
            for time in times:
                table[number * MIDNIGHT + time] = 1
    clock = shown(zone)
    if len(cron.hours) == 24:  # then it comes at every minute that the clock shows, and again where it shows it again
        expected = [START + 60 * minute for minute in range(1, MINUTES) if table[really_shown(zone, minute)]]
    else:
        expected = [
            START + 60 * minute
            for minute in range(1, MINUTES)
            if any(table[each] for each in range(clock[minute - 1] + 1, clock[minute] + 1))
        ]

    came, due = [], cron.next_after(START)
    while due < START + 60 * MINUTES:
        came.append(int(due))
        due = cron.next_after(due)

    assert came == expected
