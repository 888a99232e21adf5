"""Defaults, lists and schedules to the model."""

from datetime import date

import pytest

from ozrules.rules.calendar import DateRange, Holidays, Schedule, TimeRange
from ozrules.rules.document import Source
from ozrules.rules.loader import check

HEAD = "ozrules: 1\ndefaults: {timezone: Europe/Budapest}\n"


def schedule(typed: str) -> Schedule:
    uses = "rules: [{id: r, trigger: {state: Ringing}, conditions: {schedule: {during: s}}, actions: [hangup]}]\n"
    rules, findings = check([Source("f", f"{HEAD}schedules: {{s: {typed}}}\n{uses}".encode())])
    assert rules is not None, findings
    return rules.schedules["s"]


def test_every_part() -> None:
    found = schedule(
        "{weekdays: [monday..wednesday, fri], times: [08:00-12:00, 13:00-17:30], holidays: HU, "
        "except: [2026-12-24..2026-12-26], dates: 2026-01-01..2026-12-31, timezone: Asia/Tokyo}"
    )
    assert found == Schedule(
        weekdays=frozenset({0, 1, 2, 4}),
        times=(TimeRange(480, 720), TimeRange(780, 1050)),
        holidays=Holidays("HU"),
        closed=(DateRange(date(2026, 12, 24), date(2026, 12, 26)),),
        dates=(DateRange(date(2026, 1, 1), date(2026, 12, 31)),),
        timezone="Asia/Tokyo",
    )


def test_what_is_not_said_is_all_day_every_day_in_the_files_zone() -> None:
    assert schedule("{}") == Schedule(timezone="Europe/Budapest")


@pytest.mark.parametrize("typed", ["DE-BY", "{country: DE, region: BY}"])
def test_holidays_of_a_region(typed: str) -> None:
    assert schedule(f"{{holidays: {typed}}}").holidays == Holidays("DE", "BY")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("defaults: {country: XX}", "unknown-value"),
        ("defaults: {extensions: _}", "bad-pattern"),
        ("defaults: {timezone: Nowhere}", "bad-time"),
        ("defaults: {onMissed: never}", "unknown-value"),
        ("lists: {a: b}", "wrong-type"),
        ("lists: {a: [[b]]}", "wrong-type"),
        ("lists: [a]", "wrong-type"),
        ("schedules: {s: {times: 8-17}}", "bad-time"),
        ("schedules: {s: {weekdays: someday}}", "bad-time"),
        ("schedules: {s: {except: 2026-13-01}}", "bad-time"),
        ("schedules: {s: {holidays: DE-XX}}", "unknown-value"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    found = check([Source("f", f"ozrules: 1\n{typed}\n".encode())])[1]
    assert [each.code for each in found if each.severity == "error"] == [code]
