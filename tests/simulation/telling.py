"""How a phone system tells when things began and how long they last: the vendor says "a string", and no more.

What it really knows is a session with a start and durations that run. What it shows of them is one of these manners.
"""

import math
from collections.abc import Callable
from typing import Final, Literal, get_args

from msgspec.structs import replace

from ozrules.session.session import Session

Durations = Literal["run", "floor", "ceil", "milliseconds", "minutes", "moment", "first", "zero", "missing"]
"""run: to the millisecond · floor, ceil: whole seconds · milliseconds: their number · minutes: whole ones ·
moment: the time of day when the state began · first: what it was when it was first told in this stay · zero, missing"""

RUNNING: Final[frozenset[Durations]] = frozenset({"run", "floor", "ceil"})
"""The manners that say, to a second, how long something has lasted."""
STANDING: Final[tuple[Durations, ...]] = tuple(each for each in get_args(Durations) if each not in RUNNING)

Announces = Literal["not", "marked", "unmarked"]
"""Whether what lives is told at a connect as if it had just been created: with the mark of the protocol, or without."""


class Telling:
    """The durations of all sessions as they are shown, in one manner."""

    def __init__(self, durations: Durations) -> None:
        self._durations = durations
        self._first: dict[tuple[str, str, int], tuple[str | None, str | None]] = {}

    def shown(self, session: Session, now: float) -> Session:
        """A session as it is shown at ``now``, the phone system's time in seconds since 1970 UTC."""
        lasted, talked = _seconds(session.state_duration), _seconds(session.talk_duration)
        write = _WRITERS.get(self._durations)
        if write is not None:
            return replace(session, state_duration=write(lasted, now), talk_duration=write(talked, now))
        if self._durations == "first":
            stay = (session.session_id, session.start_time or "", round((now - lasted) * 100))
            for near in (stay, (*stay[:2], stay[2] - 1), (*stay[:2], stay[2] + 1)):
                if near in self._first:
                    stay = near
            state, talk = self._first.setdefault(stay, (session.state_duration, session.talk_duration))
            return replace(session, state_duration=state, talk_duration=talk)
        return session


def _seconds(text: str | None) -> float:
    hours, minutes, seconds = (text or "0:0:0").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _time_of_day(seconds: float, now: float) -> str:
    began = int(now - seconds) % 86_400
    return f"{began // 3600:02}:{began // 60 % 60:02}:{began % 60:02}"


_WRITERS: Final[dict[Durations, Callable[[float, float], str | None]]] = {
    "floor": lambda seconds, now: str(int(seconds)),
    "ceil": lambda seconds, now: str(math.ceil(seconds)),
    "milliseconds": lambda seconds, now: str(round(seconds * 1000)),
    "minutes": lambda seconds, now: f"00:{int(seconds // 60):02}:00",
    "moment": _time_of_day,
    "zero": lambda seconds, now: "00:00:00",
    "missing": lambda seconds, now: None,
}
