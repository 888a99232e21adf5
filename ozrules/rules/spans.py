"""Spans of time as rules write them, in Prometheus notation: ``500ms``, ``20s``, ``1h30m``.

Units stand in descending order, each once, without leading zeros; ``d`` is known only where retention is spoken of.
What people write instead (``20sec``, ``1 min``) is recognised, so that the right writing can be suggested.
"""

import re
from functools import lru_cache
from typing import Final

_UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}  # milliseconds
_NUMBER: Final = "(?:0|[1-9][0-9]{0,8})"
_NOTATION: Final = re.compile(
    rf"(?:(?P<d>{_NUMBER})d)?(?:(?P<h>{_NUMBER})h)?(?:(?P<m>{_NUMBER})m)?(?:(?P<s>{_NUMBER})s)?(?:(?P<ms>{_NUMBER})ms)?"
)
_LOOSE: Final = re.compile(r"\s*(\d{1,9})\s*([A-Za-z]+)\.?\s*(?:and|,)?")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})", re.ASCII)
_ISO: Final = re.compile(r"PT(?=\d)(?:(\d{1,4})H)?(?:(\d{1,4})M)?(?:(\d{1,6})S)?", re.ASCII)
_MINUTES: Final = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_WORDS: Final = {
    "d": "days day",
    "h": "hours hour hrs hr std",
    "m": "minutes minute mins min",
    "s": "seconds second secs sec",
    "ms": "milliseconds millisecond millis msec msecs",
}
_UNIT_OF: Final = {word: unit for unit, words in _WORDS.items() for word in (unit, *words.split())}


@lru_cache(maxsize=1024)  # a set of rules writes the same few durations again and again
def seconds_in(text: str, *, days: bool = False) -> float | None:
    """The duration in seconds, or None where the text is no such notation."""
    found = _NOTATION.fullmatch(text) if text else None
    if found is None or (found["d"] is not None and not days):
        return None
    return sum(int(found[unit] or 0) * size for unit, size in _UNITS.items()) / 1000


def written(seconds: float, *, days: bool = False) -> str:
    """The duration in its shortest notation."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS.items():
        if unit == "d" and not days:
            continue
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def meant_by(text: str, *, days: bool = False) -> str | None:
    """The right notation of what was probably meant, or None."""
    clock = _CLOCK.fullmatch(text) or _ISO.fullmatch(text.upper())
    if clock is not None:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return written(hours * 3600 + minutes * 60 + seconds, days=days)
    if text.isascii() and text.isdigit() and len(text) < 7:
        return f"{int(text)}s"
    total, position = 0, 0
    while position < len(text):
        found = _LOOSE.match(text, position)
        unit = _UNIT_OF.get(found[2] if found[2] == "ms" else found[2].lower()) if found is not None else None
        if found is None or unit is None:
            return None
        total += int(found[1]) * _UNITS[unit]
        position = found.end()
    return written(total / 1000, days=days) if total else None


def either_of(text: str) -> tuple[str, str] | None:
    """``22:30`` as hours and minutes, and as minutes and seconds: nobody can say which is meant."""
    found = _MINUTES.fullmatch(text)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2])
    return written(first * 3600 + second * 60), written(first * 60 + second)


def pattern(*, days: bool = False) -> str:
    """The notation as a regular expression for JSON Schema."""
    units = [unit for unit in _UNITS if days or unit != "d"]
    return "^(?=.)" + "".join(f"(?:{_NUMBER}{unit})?" for unit in units) + "$"
