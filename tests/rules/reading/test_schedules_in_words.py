"""Schedules as people say them: the first Saturday, every second week, Christmas of every year, whole months."""

from datetime import UTC, datetime

import pytest

from ozrules.rules.calendar import Schedule
from ozrules.rules.document import Source
from ozrules.rules.loader import check


def read(schedule: str) -> tuple[Schedule | None, list[str]]:
    text = f"ozrules: 1\ndefaults: {{timezone: UTC}}\nschedules: {{s: {schedule}}}\nrules:\n"
    text += "  - {id: a, trigger: {state: Ringing}, conditions: {schedule: {during: s}}, actions: [{log: x}]}\n"
    rules, found = check([Source("f", text.encode())])
    return (None if rules is None else rules.schedules["s"]), [each.code for each in found]


def open_on(schedule: str, *days: str) -> list[bool]:
    hours, codes = read(schedule)
    assert hours is not None, codes
    return [hours.is_open(datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=UTC).timestamp()) for day in days]


def test_ordinals_of_a_month() -> None:
    first_and_last = "{weekdays: [first saturday, last friday]}"
    assert open_on(first_and_last, "2026-12-05", "2026-12-12", "2026-12-25", "2026-12-18") == [True, False, True, False]


def test_every_second_week() -> None:
    weeks = "{weekdays: monday..friday, every: {weeks: 2, from: 2026-01-08}}"
    assert open_on(weeks, "2026-01-05", "2026-01-12", "2026-01-19", "2025-12-29", "2025-12-22") == [
        True, False, True, False, True,
    ]  # fmt: skip


def test_dates_of_every_year_and_months() -> None:
    assert open_on("{dates: 12-24..01-02}", "2026-12-24", "2027-01-02", "2027-01-03") == [True, True, False]
    assert open_on("{dates: 2026-01..2026-02}", "2026-01-01", "2026-02-28", "2026-03-01") == [True, True, False]
    assert open_on("{except: [02-29]}", "2028-02-29", "2028-02-28") == [False, True]


def test_a_saturday_that_is_worked_for_a_day_off() -> None:
    office = "{weekdays: monday..friday, times: [08:00-16:00], holidays: HU}"
    assert open_on(office, "2026-08-08", "2026-08-21", "2026-08-15") == [True, False, False]
    assert open_on("{weekdays: [monday], holidays: HU}", "2026-08-08") == [False]


@pytest.mark.parametrize(
    ("schedule", "code"),
    [
        ("{holidays: DE}", "holidays-by-region"),
        ("{dates: 13-01}", "bad-time"),
        ("{dates: 2026-03..2026-01}", "bad-time"),
        ("{weekdays: first}", "bad-time"),
        ("{weekdays: first caturday}", "bad-time"),
        ("{every: {weeks: 2, from: 12-24}}", "bad-time"),
        ("{every: {weeks: 0, from: 2026-01-05}}", "bad-number"),
    ],
)
def test_what_is_said(schedule: str, code: str) -> None:
    assert code in read(schedule)[1]
