"""The forms in which phone systems write durations and moments, as seconds.

The vendor calls ``startTime``, ``talkDuration`` and ``stateDuration`` "a string" and leaves the form open, so all
that its pages and products show is read: .NET's ``[d.]hh:mm:ss[.fffffff]``, plain seconds with or without decimals,
ISO 8601. What cannot be read is None, never a guess.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

_TIME_SPAN: Final = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d{1,8})[.:](?=\d{1,2}:\d{1,2}:))?(?:(?P<hours>\d{1,6}):)?(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2}(?:[.,]\d{1,9})?)",
    re.ASCII,
)
_ISO_DURATION: Final = re.compile(
    r"P(?:(?P<days>\d{1,8})D)?(?:T(?:(?P<hours>\d{1,8})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,8}(?:[.,]\d{1,9})?)S)?)?",
    re.ASCII,
)
_PLAIN: Final = re.compile(r"\d{1,10}(?:[.,]\d{1,9})?", re.ASCII)
_FRACTION: Final = re.compile(r"([.,])(\d+)", re.ASCII)
_EPOCH: Final = re.compile(r"\d{9,11}(?:\.\d{1,9})?|\d{12,14}", re.ASCII)


LONGEST: Final = 366 * 86400.0
"""Seconds. No state of a call lasts longer: what says so is no duration, and its beginning might be no moment."""


@lru_cache(maxsize=4096)
def seconds_from(text: str | None) -> float | None:
    """A duration in seconds: ``00:01:30.5``, ``1.02:03:04``, ``90``, ``0.749``, ``PT1M30S``. None where unreadable, or
    above `LONGEST`.

    A negative duration (a clock that stepped back) counts as none at all: 0.
    """
    seconds = _seconds(text) if text else None
    return None if seconds is None or seconds > LONGEST else seconds


def _seconds(text: str) -> float | None:
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return float(text.replace(",", "."))
    found = _TIME_SPAN.fullmatch(text)
    if found is None and len(text) > 1:
        found = _ISO_DURATION.fullmatch(text.upper())
        if found is not None and not any(found.groups()):
            return None
    if found is None:
        return None
    if found.groupdict().get("sign"):
        return 0.0
    days, hours, minutes, seconds = (found.group(name) or "0" for name in ("days", "hours", "minutes", "seconds"))
    return int(days) * 86400.0 + int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds.replace(",", "."))


def moment_from(text: str | None, zone: tzinfo = UTC) -> float | None:
    """A moment as seconds since 1970-01-01 UTC: ISO 8601, ``YYYY-MM-DD HH:MM:SS`` (read in ``zone``), epoch seconds
    or milliseconds. None where unreadable.
    """
    if not text:
        return None
    if text[4:5] == "-" and text[10:11] == "T":
        # the one form that nearly all phone systems write, read without further ado
        try:
            return _since_1970(datetime.fromisoformat(text), zone)
        except ValueError:
            pass
    text = text.strip()
    if _EPOCH.fullmatch(text):
        number = float(text)
        return number / 1000 if number >= 1e11 else number
    # datetime takes three or six digits of a fraction; phone systems write one to seven
    text = _FRACTION.sub(lambda found: "." + found.group(2)[:6].ljust(6, "0"), text, count=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _since_1970(moment, zone)


_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _since_1970(moment: datetime, zone: tzinfo) -> float | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return (moment - _BEGINNING) / timedelta(seconds=1)
    except OverflowError:
        return None
