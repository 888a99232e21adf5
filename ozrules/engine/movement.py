"""Whether the durations that a phone system tells of its sessions move, and so whether they are believed.

``stateDuration`` and ``talkDuration`` are "a string" to the vendor. It may be the moment when the state began, what the
duration was at the first report, zero, or a time that runs. Only a list that shows a session in a stay that nothing has
interrupted since another list can tell: there a duration that runs has grown by the time between the two, and every
other has not. What was seen is a fact about the connection. It is kept over restarts; one duration that stands still
counts for more than all that moved.
"""

from typing import Final, Literal

import msgspec

Duration = Literal["stateDuration", "talkDuration"]

LOOK_AGAIN: Final = 3.0
"""Seconds after a list of unproven durations at which another is asked for."""
LEAST_APART: Final = 2.0
"""Seconds that must surely lie between two lists that prove anything: durations may be rounded to whole seconds."""
SURE: Final = 2.0
"""Seconds by which the time between two lists may be uncertain where it is to prove that a duration moves."""
ROUNDED: Final = 1.0
"""Seconds by which a difference of two durations may be off because each is rounded."""


class Reading(msgspec.Struct, frozen=True):
    """A duration as a list showed it that was drawn up in the ``late`` seconds before ``at``."""

    at: float
    late: float
    seconds: float


def too_near(before: Reading, now: Reading) -> bool:
    """Whether two readings that belong together are too near each other to prove anything."""
    return now.at - now.late - before.at < LEAST_APART and now.seconds >= before.seconds - ROUNDED


def moved(before: Reading, now: Reading) -> bool | None:
    """Whether a duration has run between two readings of one stay; None where they do not tell."""
    least, most = now.at - now.late - before.at, now.at - before.at + before.late
    if least < LEAST_APART:
        return None
    grown = now.seconds - before.seconds
    if grown < -ROUNDED:
        return None  # it began anew: not the same stay after all
    if grown < least - ROUNDED or grown > most + ROUNDED:
        return False
    return True if most - least <= SURE else None
