"""Whether a session that a list shows in the state we knew has left that state and come back meanwhile.

A list says how long a state has lasted, as of the moment it was drawn up. The later it comes, the younger the state
looks: a late list of the same stay looks like an early list of another one. So a stay is another one only where that is
sure however late the list is. Where it is not, the session keeps what has fired in its state, counts from the later
moment, and bears a `Doubt` until a list says more: nothing fires twice in one stay, and nothing too early.
"""

from typing import Final, Literal

import msgspec

from ozrules.engine.live import LiveSession

NEW_STAY: Final = 2.0
"""Seconds by which a listed state must be younger than the one we knew to be another stay in the same state."""


class Doubt(msgspec.Struct, frozen=True):
    """Perhaps this is another stay. ``since`` is when the one we knew of began, ``done`` what has fired in it.

    ``latest`` is when the other stay began at the latest, if there is one; None where that is not known.
    """

    since: float
    done: frozenset[tuple[str, str]]
    latest: float | None = None


def judged(live: LiveSession, earliest: float, latest: float) -> Literal["same", "another", "doubtful"]:
    """What a list makes of a session's stay, of which it says that it began between these moments."""
    known = live.entered if live.doubt is None else live.doubt.since
    if earliest > known + NEW_STAY:
        return "another"
    return "doubtful" if latest > known + NEW_STAY else "same"


def fired_in(live: LiveSession, earliest: float) -> frozenset[tuple[str, str]]:
    """What has fired in the stay that a list shows to be another than the one in doubt: since the doubt began."""
    if live.doubt is None:
        return frozenset()
    if live.doubt.latest is not None and earliest > live.doubt.latest + NEW_STAY:
        return frozenset()
    return frozenset(live.done or ()) - live.doubt.done
