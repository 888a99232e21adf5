"""Which of the changes that were told before a list the list shows already, and which of them follow it.

A gateway draws up a list at one moment and tells it later; what it tells meanwhile may be either. A change that the
list contains, taken for one after it, would begin a stay anew that has begun once. Numbers decide where both have one,
then the phone system's own time. Where there is neither, the list must show the state that the change led to.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from ozrules.connectors.session_messages import SessionNews
from ozrules.session.session import Session
from ozrules.session.state import ENDED

_place: Final = attrgetter("session_state", "start_time", "caller", "callee")


class Drawn(msgspec.Struct, frozen=True):
    """A whole list, and the moment of the phone system that it shows: after change ``seq``, at the time ``at``."""

    sessions: Mapping[str, Session]
    complete: bool
    seq: int | None
    at: float | None


def contained(held: Sequence[SessionNews], drawn: Drawn) -> list[bool]:
    """Of each of these changes, in the order in which they came: whether the list shows it, or one after it."""
    last: dict[str, int] = {}
    for place, news in enumerate(held):
        if _shows(drawn, news):
            last[news.session.session_id] = place
    return [place <= last.get(news.session.session_id, -1) for place, news in enumerate(held)]


def _shows(drawn: Drawn, news: SessionNews) -> bool:
    if news.announced:
        return True  # it is a part of a list itself, of a moment before this one
    if drawn.seq is not None and news.seq is not None:
        return news.seq <= drawn.seq
    if drawn.at is not None and news.at is not None and drawn.at != news.at:
        return news.at < drawn.at
    listed = drawn.sessions.get(news.session.session_id)
    if listed is None:
        return drawn.complete and (news.kind == "closed" or news.session.session_state in ENDED)
    return bool(_place(listed) == _place(news.session))
