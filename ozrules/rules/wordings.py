"""What people write instead of times, dates and weekdays, put into the words of the rule language.

Each function returns the right text, or None where nothing is surely meant. A date with slashes is left alone: half the
world reads it the other way round.
"""

import re
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from ozrules.rules.calendar import WEEKDAYS, CalendarInvalid, parse_dates, parse_times, parse_weekdays
from ozrules.rules.suggest import closest

_DASHES: Final = re.compile("\\s*[-\u2010-\u2015\u2212]+\\s*|\\s+to\\s+|\\s*\\.\\.\\s*")
_TIME: Final = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.|h|uhr)?", re.ASCII | re.IGNORECASE)
_DATE: Final = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})|(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", re.ASCII)
_RANGES: Final = {"weekdays": "monday..friday", "workdays": "monday..friday", "weekend": "saturday..sunday"}


def times_meant(text: str) -> str | None:
    """``8am-5pm``, ``08.00 – 17.30`` and ``8-17`` as ``08:00-17:00``."""
    parts = _DASHES.split(text.strip())
    if len(parts) != 2:
        return None
    start, end = map(_time, parts)
    return _readable(f"{start}-{end}", parse_times) if start and end else None


def time_meant(text: str) -> str | None:
    """``6pm`` and ``18.00`` as ``18:00``."""
    return _time(text.strip()) if ":" in text or "." in text or text.strip().lower().endswith("m") else None


def _time(text: str) -> str | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()[:1]
    if half in ("a", "p"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02}:{minute:02}" if minute < 60 and (hour < 24 or (hour, minute) == (24, 0)) else None


def dates_meant(text: str) -> str | None:
    """``24.12.2026`` and ``2026/12/24 - 2026/12/26`` as ``2026-12-24`` and ``2026-12-24..2026-12-26``."""
    found = list(_DATE.finditer(text))
    between = _DATE.sub("", text)
    if not 1 <= len(found) <= 2 or (between and (len(found) < 2 or _DASHES.fullmatch(between) is None)):
        return None
    days = [
        f"{each[1]}-{int(each[2]):02}-{int(each[3]):02}"
        if each[1]
        else f"{each[6]}-{int(each[5]):02}-{int(each[4]):02}"
        for each in found
    ]
    return _readable("..".join(days), parse_dates)


def weekdays_meant(text: str) -> str | None:
    """``mo-fr``, ``Mon – Fri`` and ``monday-friday`` as ``monday..friday``; a slip as the weekday it is of."""
    if text.lower() in _RANGES:
        return _RANGES[text.lower()]
    parts = [_weekday(part) for part in _DASHES.split(text.strip())]
    names = [part for part in parts if part is not None]
    return _readable("..".join(names), parse_weekdays) if 1 <= len(names) == len(parts) <= 2 else None


def _weekday(text: str) -> str | None:
    name = text.strip().lower().removesuffix("s")
    beginning = [day for day in WEEKDAYS if len(name) >= 2 and day.startswith(name)]
    return beginning[0] if len(beginning) == 1 else closest(name, WEEKDAYS)


def _readable(text: str, parse: object) -> str | None:
    assert callable(parse), "one of the calendar's own readers"
    try:
        parse(text)
    except CalendarInvalid:
        return None
    return text


@lru_cache(maxsize=64)
def zone_meant(text: str) -> str | None:
    """``Budapest`` and ``europe/budapest`` as ``Europe/Budapest``."""
    plain = text.strip().lower().replace(" ", "_")
    # not Etc/GMT+1, which is an hour behind Greenwich
    places = [name for name in sorted(available_timezones()) if "/" in name and not name.startswith("Etc/")]
    cities = {name.rpartition("/")[2].lower(): name for name in places}
    whole = {name.lower(): name for name in places}
    meant = whole.get(plain) or cities.get(plain)
    if meant is None and (near := closest(plain, tuple(whole))) is not None:
        meant = whole[near]
    return meant
