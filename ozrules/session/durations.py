"""The forms in which phone systems write durations and moments, as seconds.

The vendor calls ``startTime``, ``talkDuration`` and ``stateDuration`` "a string" and leaves the form open, so all
that its pages and products show is read: .NET's ``[d.]hh:mm:ss[.fffffff]``, plain seconds with or without decimals,
ISO 8601, what .NET makes of a DateTime in JSON (``/Date(1795424400000)/``) and as text in its local forms
(``23.11.2026 10:00:00``, ``2026. 11. 23. 10:00:00``, ``11/23/2026 10:00:00 AM``), and what JavaScript and HTTP write.
What cannot be read is None, never a guess: ``03/04/2026`` is no date, for nobody can say which month it is in.
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
_NET_JSON: Final = re.compile(r"\\?/Date\((?P<ms>-?\d{1,15})(?:[+-]\d{4})?\)\\?/", re.ASCII)
"""Milliseconds since 1970 UTC; the offset is that of the sender's clock, and changes nothing."""
_TIME: Final = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_LOCAL: Final = tuple(
    re.compile(date + r",?\s+" + _TIME, re.ASCII)
    for date in (
        r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})\.?",
        r"(?P<year>\d{4})\.\s?(?P<month>\d{1,2})\.\s?(?P<day>\d{1,2})\.?",
        r"(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})",
        r"(?P<one>\d{1,2})[/-](?P<other>\d{1,2})[/-](?P<year>\d{4})",
    )
)
_NAMED: Final = re.compile(
    r"[A-Z][a-z]{2},? "
    r"(?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2})|(?P<day_first>\d{1,2}) (?P<month_next>[A-Z][a-z]{2}))"
    r" (?P<year>\d{4}) (?P<time>\d\d:\d\d:\d\d) (?:GMT|UTC)(?P<offset>[+-]\d{4})?(?: \(.{0,60}\))?",
    re.ASCII,
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
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
    or milliseconds, and the forms of .NET, JavaScript and HTTP. None where unreadable.
    """
    if not text:
        return None
    if text[4:5] == "-" and text[10:11] == "T":
        # the one form that nearly all phone systems write, read without further ado
        try:
            return _since_1970(datetime.fromisoformat(text), zone)
        except ValueError:
            pass
    moment = _read(text.strip(), zone)
    return None if moment is None else _since_1970(moment, zone)


def iso_from(text: str | None, zone: tzinfo = UTC) -> str | None:
    """A moment as ISO 8601 with its offset: the one that the text carries, else that of ``zone``."""
    moment = _read(text.strip(), zone) if text else None
    if moment is None:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def _read(text: str, zone: tzinfo) -> datetime | None:
    """The moment; without a zone where the text has none."""
    if _EPOCH.fullmatch(text):
        number = float(text)
        return _from_1970(number / 1000 if number >= 1e11 else number, zone)
    if found := _NET_JSON.fullmatch(text):
        return _from_1970(int(found["ms"]) / 1000, zone)
    # datetime takes three or six digits of a fraction; phone systems write one to seven
    plain = _FRACTION.sub(lambda found: "." + found.group(2)[:6].ljust(6, "0"), text, count=1)
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        pass
    try:
        for form in _LOCAL:
            if found := form.fullmatch(text):
                return _local(found)
        return _named(found) if (found := _NAMED.fullmatch(text)) else None
    except ValueError:  # the thirteenth month, or 25 o'clock
        return None


def _local(found: re.Match[str]) -> datetime | None:
    part = found.groupdict()
    day, month = part.get("day"), part.get("month")
    if day is None or month is None:
        one, other = int(part["one"]), int(part["other"])
        if one <= 12 and other <= 12 and one != other:
            return None  # nobody can say which of the two is the month
        day, month = (one, other) if one > 12 else (other, one)
    hour, half = int(part["hour"]), (part["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    time = f"{hour:02}:{part['minute']}:{part['second'] or '00'}.{(part['fraction'] or '0')[:6].ljust(6, '0')}"
    return datetime.fromisoformat(f"{part['year']}-{int(month):02}-{int(day):02}T{time}")


def _named(found: re.Match[str]) -> datetime:
    month = _MONTHS.index(found["month"] or found["month_next"]) + 1
    day = int(found["day"] or found["day_first"])
    offset = found["offset"] or "+0000"
    return datetime.fromisoformat(f"{found['year']}-{month:02}-{day:02}T{found['time']}{offset[:3]}:{offset[3:]}")


@lru_cache(maxsize=4096)
def is_moment(text: str) -> bool:
    """Whether a moment can be read."""
    return moment_from(text) is not None


def _from_1970(seconds: float, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, zone)
    except (OverflowError, OSError, ValueError):
        return None


_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _since_1970(moment: datetime, zone: tzinfo) -> float | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return (moment - _BEGINNING) / timedelta(seconds=1)
    except OverflowError:
        return None
