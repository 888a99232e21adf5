"""Sessions as the scenes say what is right: who, with whom, which way, and what became of it."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final, NamedTuple

from ozrules.engine.events import SessionSeen
from ozrules.session.session import Session

_BEGUN: Final = frozenset({"Setup", "TransferSetup"})


class Told(NamedTuple):
    """A session as the connector told it: its parties, and its states after Setup, each once in a row."""

    caller: str | None
    callee: str | None
    direction: str | None
    states: str

    def __str__(self) -> str:
        return "\t".join(str(value) for value in self)


def told_of(changes: Iterable[SessionSeen]) -> list[Told]:
    """The sessions that these changes tell of, in the order of their parties."""
    lives: dict[str, list[Session]] = {}
    for one in changes:
        lives.setdefault(one.session.session_id, []).append(one.session)
    return sorted(map(_told, lives.values()), key=str)


def _told(life: list[Session]) -> Told:
    states = [str(session.session_state) for session in life if session.session_state not in _BEGUN]
    last = life[-1]
    return Told(last.caller, last.callee, last.direction, " ".join(state for state, _ in groupby(states)))
