"""The calendar: schedules and calendar triggers. Minute by minute it is tested in tests/properties/test_calendar.py."""

import math
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import msgspec
import pytest
from holidays.registry import COUNTRIES
from hypothesis import assume, given
from hypothesis import strategies as st

from ozrules.rules.calendar import (
    EVERY_DAY,
    MIDNIGHT,
    CalendarInvalid,
    Cron,
    DateRange,
    Holidays,
    Schedule,
    TimeRange,
    first_moment,
    holidays_known,
    minute_of_day,
    parse_cron,
    parse_dates,
    parse_times,
    parse_weekdays,
    region_missing,
    zone_of,
)

ZONES = ("Europe/Budapest", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Kolkata")
"""The usual change at night; one at midnight forwards; one of half an hour; one at midnight; none at all."""
FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """The hours, in UTC, before which the offset of the zone changes."""
    info = ZoneInfo(zone)
    hours = [FIRST + timedelta(hours=number) for number in range((LAST - FIRST) // timedelta(hours=1))]
    offsets = [hour.astimezone(info).utcoffset() for hour in hours]
    return tuple(hour for hour, (before, after) in zip(hours[1:], pairwise(offsets), strict=True) if before != after)


ranges = st.builds(TimeRange, st.integers(0, MIDNIGHT - 1), st.integers(0, MIDNIGHT))
schedules = st.builds(
    Schedule,
    weekdays=st.frozensets(st.integers(0, 6)),
    times=st.lists(ranges, max_size=3).map(tuple),
    timezone=st.sampled_from(ZONES),
)


@pytest.mark.fault(24)
@given(schedules, st.data())
def test_asking_in_any_order_gives_the_same_answers(schedule: Schedule, data: st.DataObject) -> None:
    near = changes(schedule.timezone) or [FIRST]
    moments = data.draw(
        st.lists(
            st.builds(lambda change, offset: change.timestamp() + offset, st.sampled_from(near), st.floats(-2e5, 2e5)),
            min_size=1,
        )
    )
    for at in moments:
        fresh = msgspec.structs.replace(schedule)
        assert schedule.is_open(at) is fresh.is_open(at)


@given(schedules)
def test_never_open_means_never(schedule: Schedule) -> None:
    if schedule.never_open():
        start = FIRST.timestamp()
        assert not any(schedule.is_open(start + hour * 3600) for hour in range(24 * 8))


def test_never_open() -> None:
    assert Schedule(weekdays=frozenset()).never_open()
    christmas = DateRange(date(2026, 12, 24), date(2026, 12, 26))
    assert Schedule(dates=(christmas,), closed=(christmas,)).never_open()
    assert not Schedule(dates=(christmas,)).never_open()
    assert Schedule(dates=(christmas,), weekdays=frozenset({0})).never_open()
    missing = DateRange(date(2026, 3, 29), date(2026, 3, 29))
    assert Schedule(dates=(missing,), times=(TimeRange(135, 165),), timezone="Europe/Budapest").never_open()


def test_hours_over_midnight_belong_to_the_day_they_began_on() -> None:
    night = Schedule(weekdays=frozenset({4}), times=(parse_times("22:00-06:00"),), timezone="Europe/Budapest")
    assert night.is_open(moment("2026-11-27T22:00+01:00"))
    assert night.is_open(moment("2026-11-28T05:59+01:00"))
    assert not night.is_open(moment("2026-11-28T06:00+01:00"))
    assert not night.is_open(moment("2026-11-28T22:00+01:00"))


def test_public_holidays_count_as_closed() -> None:
    office = Schedule(holidays=Holidays("HU"), timezone="Europe/Budapest")
    assert not office.is_open(moment("2026-10-23T10:00+02:00"))
    assert office.is_open(moment("2026-10-22T10:00+02:00"))
    bavaria = Schedule(holidays=Holidays("DE", "BY"), timezone="Europe/Berlin")
    berlin = Schedule(holidays=Holidays("DE", "BE"), timezone="Europe/Berlin")
    epiphany = moment("2026-01-06T10:00+01:00")
    assert not bavaria.is_open(epiphany)
    assert berlin.is_open(epiphany)


def test_unknown_holidays_are_said_to_be_unknown() -> None:
    assert holidays_known(Holidays("HU")) is None
    assert "ZZ" in (holidays_known(Holidays("ZZ")) or "")
    assert "QQ" in (holidays_known(Holidays("DE", "QQ")) or "")


def test_countries_whose_regions_have_holidays_of_their_own_are_known() -> None:
    for names in COUNTRIES.values():
        everywhere = holidays.country_holidays(names[1], years=2026)
        own = (holidays.country_holidays(names[1], subdiv=each, years=2026) for each in everywhere.subdivisions)
        assert region_missing(Holidays(names[1])) is any(set(region) - set(everywhere) for region in own), names
        assert not region_missing(Holidays(names[1], "X"))


# --- cron -----------------------------------------------------------------------------------------------------------

CRONS = (
    Cron.daily(18 * 60, EVERY_DAY - {5, 6}),
    Cron.daily(2 * 60 + 30),
    Cron.daily(0),
    parse_cron("*/20 * * * *", "UTC"),
    parse_cron("15,45 0-3 * mar,apr,oct,nov *", "UTC"),
    parse_cron("0 1 1 * mon", "UTC"),
    parse_cron("59 23 28-31 * fri-mon", "UTC"),
)


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), st.integers(int(FIRST.timestamp()), int(LAST.timestamp())))
def test_the_next_moment_is_later_and_none_lies_between(cron: Cron, zone: str, at: int) -> None:
    cron = msgspec.structs.replace(cron, timezone=zone)
    due = cron.next_after(at)
    assume(due != math.inf)
    assert due > at
    assert cron.next_after((at + due) / 2) == due


def by_looking_at_every_minute(cron: Cron, zone: str, change: datetime) -> list[float]:
    """The moments within 6 h around a change of clocks, by going through every minute that really passes.

    A line of every hour comes at each minute that the clock shows. Any other comes once for each time of its day: when
    the clock first shows that time, or has jumped over it.
    """
    info = ZoneInfo(zone)
    start = int(change.timestamp()) - 3 * 3600
    shown = {
        at: datetime.fromtimestamp(at, info).replace(tzinfo=None) for at in range(start - 86400, start + 6 * 3600, 60)
    }
    due: list[float] = []
    latest: datetime | None = None
    for at, wall in shown.items():
        if len(cron.hours) == 24:
            passed = [wall]
        else:
            since = wall if latest is None else latest + timedelta(minutes=1)
            passed = [since + timedelta(minutes=number) for number in range((wall - since) // timedelta(minutes=1) + 1)]
            latest = max(latest or wall, wall)
        if any(
            each.hour in cron.hours
            and each.minute in cron.minutes
            and (cron.days is None or each.day in cron.days)
            and each.month in cron.months
            and (cron.weekdays is None or each.weekday() in cron.weekdays)
            for each in passed
        ):
            due.append(float(at))
    return [at for at in due if at >= start]


@pytest.mark.fault(24)
@pytest.mark.parametrize("zone", [*ZONES, "Africa/Cairo", "Atlantic/Azores"])
@pytest.mark.parametrize(
    "cron",
    [
        *CRONS,
        parse_cron("*/30 * * * *", "UTC"),
        parse_cron("30 * * * fri-sat", "UTC"),
        parse_cron("*/10 1-2 * * *", "UTC"),
    ],
)
def test_around_every_change_of_clocks_the_moments_are_those_that_really_pass(cron: Cron, zone: str) -> None:
    cron = msgspec.structs.replace(cron, timezone=zone)
    for change in changes(zone):
        expected = by_looking_at_every_minute(cron, zone, change)
        found: list[float] = []
        at = change.timestamp() - 3 * 3600 - 1
        while (at := cron.next_after(at)) < change.timestamp() + 3 * 3600:
            found.append(at)
        assert found == expected, change


def test_29_february_is_waited_for() -> None:
    leap = parse_cron("0 12 29 feb *", "UTC")
    assert leap.next_after(moment("2096-03-01T00:00+00:00")) == moment("2104-02-29T12:00+00:00")
    monday = parse_cron("0 12 29 feb mon", "UTC")
    assert monday.next_after(moment("2024-03-01T00:00+00:00")) == moment("2044-02-29T12:00+00:00")
    first_monday = parse_cron("0 12 1-7 * mon", "UTC")
    assert first_monday.next_after(moment("2026-11-23T00:00+00:00")) == moment("2026-12-07T12:00+00:00")
    never = Cron(minutes=frozenset({0}), hours=frozenset({0}), days=frozenset({30}), months=frozenset({2}))
    assert never.next_after(0.0) == math.inf


# --- texts ----------------------------------------------------------------------------------------------------------


def test_texts_are_read() -> None:
    assert minute_of_day("8:05") == 485
    assert parse_times("08:00-17:30") == TimeRange(480, 1050)
    assert parse_times("00:00-24:00") == TimeRange(0, 1440)
    assert parse_dates("2026-12-24") == DateRange(date(2026, 12, 24), date(2026, 12, 24))
    assert parse_dates("2026-12-24..2026-12-26").last == date(2026, 12, 26)
    assert parse_weekdays("Monday..fri") == frozenset(range(5))
    assert parse_weekdays("saturday..monday") == frozenset({5, 6, 0})
    assert parse_cron("0,30 8-17/3 1 jan MON,wed-thu", "UTC") == Cron(
        minutes=frozenset({0, 30}),
        hours=frozenset({8, 11, 14, 17}),
        days=frozenset({1}),
        months=frozenset({1}),
        weekdays=frozenset({0, 2, 3}),
    )
    assert parse_cron("0 8 * * *", "UTC").days is None


@pytest.mark.parametrize("text", ["8", "25:00", "24:01", "08:60", "18.00", "٠٨:٠٠", "", "8:5"])
def test_no_time(text: str) -> None:
    with pytest.raises(CalendarInvalid, match="time of day"):
        minute_of_day(text)


@pytest.mark.parametrize("text", ["2026-02-30", "24.12.2026", "2026-12-26..2026-12-24", "20261224", ""])
def test_no_date(text: str) -> None:
    with pytest.raises(CalendarInvalid):
        parse_dates(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0 8 * *", "4 fields"),
        ("60 8 * * *", "no minute"),
        ("0 8 * * 1-5", "by number"),
        ("0 8 * * mo", "no weekday"),
        ("0 8 30 2 *", "never comes"),
        ("0 8-5 * * *", "ends before"),
        ("*/0 * * * *", "step"),
        ("0 8 * smarch *", "no month"),
        ("a b c d e", "no minute"),
        ("0 8 , * *", "no day of month"),
    ],
)
def test_no_cron(text: str, why: str) -> None:
    with pytest.raises(CalendarInvalid, match=why):
        parse_cron(text, "UTC")


@pytest.mark.parametrize("text", ["08:00", "24:00-25:00", "24:00-08:00", "08:00-"])
def test_no_times(text: str) -> None:
    with pytest.raises(CalendarInvalid):
        parse_times(text)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (minute_of_day, parse_times, parse_dates, parse_weekdays, lambda text: parse_cron(text, "UTC")):
        try:
            read(text)
        except CalendarInvalid:
            continue


@pytest.mark.parametrize("name", ["Mars/Phobos", "", "../etc/passwd", "Europe", "\0"])
def test_no_zone(name: str) -> None:
    with pytest.raises(CalendarInvalid, match="time zone"):
        zone_of(name)


def test_a_day_that_an_island_left_out() -> None:
    assert first_moment(datetime(2011, 12, 30, 8), ZoneInfo("Pacific/Apia")) == moment("2011-12-31T00:00+14:00")  # noqa: DTZ001


def test_a_schedule_is_a_value() -> None:
    office = Schedule(holidays=Holidays("HU"), closed=(DateRange(date(2026, 12, 24), date(2026, 12, 27)),))
    office.is_open(0.0)
    assert msgspec.json.decode(msgspec.json.encode(office), type=Schedule) == office
    cron = CRONS[0]
    assert msgspec.json.decode(msgspec.json.encode(cron), type=Cron) == cron


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
