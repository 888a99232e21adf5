"""Opening hours held against each other, and against brute force."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.proofs.hours import never_together, only_within
from ozrules.rules.calendar import DateRange, Holidays, Schedule, TimeRange

WEEK = frozenset(range(5))
OFFICE = Schedule(weekdays=WEEK, times=(TimeRange(480, 1050),))
LUNCH = Schedule(weekdays=WEEK, times=(TimeRange(720, 780),))
NIGHT = Schedule(times=(TimeRange(1320, 360),))
WEEKEND = Schedule(weekdays=frozenset({5, 6}))


def dates(first: int, last: int, **more: object) -> Schedule:
    return Schedule(dates=(DateRange(date(2026, 12, first), date(2026, 12, last)),), **more)  # type: ignore[arg-type]


def test_never_together() -> None:
    assert never_together(OFFICE, NIGHT)
    assert never_together(OFFICE, WEEKEND)
    assert not never_together(OFFICE, LUNCH)
    assert not never_together(NIGHT, WEEKEND)
    assert never_together(dates(1, 5), dates(6, 9))
    assert not never_together(dates(1, 5), dates(5, 9))
    assert not never_together(dates(1, 5, times=(TimeRange(1320, 360),)), dates(6, 9))  # the night of the 5th
    assert not never_together(OFFICE, Schedule(times=(TimeRange(0, 60),), timezone="Asia/Tokyo"))


def test_only_within() -> None:
    assert only_within(LUNCH, OFFICE)
    assert not only_within(OFFICE, LUNCH)
    assert only_within(dates(1, 5, weekdays=WEEK, times=(TimeRange(500, 600),)), OFFICE)
    for closed in (Schedule(holidays=Holidays("HU")), dates(1, 5), Schedule(closed=dates(1, 5).dates)):
        assert not only_within(LUNCH, closed)


ranges = st.builds(TimeRange, st.integers(0, 1439), st.integers(0, 1440))
schedules = st.builds(
    Schedule,
    weekdays=st.frozensets(st.integers(0, 6)),
    times=st.lists(ranges, max_size=2).map(tuple),
    timezone=st.just("Europe/Budapest"),
)


@pytest.mark.parametrize("start", [datetime(2026, 10, 21), datetime(2026, 3, 26), datetime(2026, 6, 1)])  # noqa: DTZ001
@given(one=schedules, other=schedules)
def test_what_is_said_holds_for_a_week_of_minutes(start: datetime, one: Schedule, other: Schedule) -> None:
    """In the weeks in which the clock changes, and in an ordinary one."""
    apart, within = never_together(one, other), only_within(one, other)
    if not (apart or within):
        return
    begin = start.replace(tzinfo=ZoneInfo("Europe/Budapest")).timestamp()
    for minute in range(0, 7 * 1440, 7):
        at = begin + minute * 60
        assert not (apart and one.is_open(at) and other.is_open(at))
        assert not (within and one.is_open(at) and not other.is_open(at))
