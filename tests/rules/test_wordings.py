"""What people write instead of times, dates, weekdays and zones."""

import pytest

from ozrules.rules.wordings import dates_meant, time_meant, times_meant, weekdays_meant, zone_meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("8am-5pm", "08:00-17:00"),
        ("08:00 – 17:30", "08:00-17:30"),
        ("08.00-17.30", "08:00-17:30"),
        ("8-17", "08:00-17:00"),
        ("12am-12pm", "00:00-12:00"),
        ("9 to 5", "09:00-05:00"),
        ("22:30", None),
        ("13pm-14pm", None),
        ("25-26", None),
        ("early-late", None),
    ],
)
def test_times(typed: str, meant: str | None) -> None:
    assert times_meant(typed) == meant


@pytest.mark.parametrize(("typed", "meant"), [("6pm", "18:00"), ("18.00", "18:00"), ("18", None), ("25:00", None)])
def test_a_time(typed: str, meant: str | None) -> None:
    assert time_meant(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("24.12.2026", "2026-12-24"),
        ("2026/12/24", "2026-12-24"),
        ("2026-12-24 - 2026-12-26", "2026-12-24..2026-12-26"),
        ("24.12.2026–26.12.2026", "2026-12-24..2026-12-26"),
        ("12/24/2026", None),
        ("30.02.2026", None),
        ("2026-12-24, 2026-12-26", None),
        ("christmas", None),
    ],
)
def test_dates(typed: str, meant: str | None) -> None:
    assert dates_meant(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mo-fr", "monday..friday"),
        ("Mon – Fri", "monday..friday"),
        ("monday-friday", "monday..friday"),
        ("fridy", "friday"),
        ("weekend", "saturday..sunday"),
        ("t", None),
        ("monday-friday-sunday", None),
        ("someday", None),
    ],
)
def test_weekdays(typed: str, meant: str | None) -> None:
    assert weekdays_meant(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Budapest", "Europe/Budapest"),
        ("europe/budapest", "Europe/Budapest"),
        ("Europe/Budapst", "Europe/Budapest"),
        ("new york", "America/New_York"),
        ("GMT+1", None),
        ("Atlantis", None),
    ],
)
def test_zones(typed: str, meant: str | None) -> None:
    assert zone_meant(typed) == meant
