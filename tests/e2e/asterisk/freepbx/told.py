"""Sessions as the scenes say what is right: who, with whom, which way, and what became of it."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final, NamedTuple

from ozrules.engine.events import SessionSeen
from ozrules.session.session import Session

_BEGUN: Final = frozenset({"Setup", "TransferSetup"})


class Told(NamedTuple):
    """A session as it was told, or as is right: its parties, and its states after Setup, each once in a row.

    Where something is right with or without a state, as the order of two events of one moment has it, the state stands
    in brackets.
    """

    caller: str | None
    callee: str | None
    direction: str | None
    states: str

    def __str__(self) -> str:
        return "\t".join(str(value) for value in self)


def read(line: str) -> Told:
    """A session that was written as text."""
    caller, callee, direction, states = (None if value == "None" else value for value in line.split("\t"))
    return Told(caller, callee, direction, states or "")


def faults(told: Iterable[Told], right: Iterable[Told]) -> list[str]:
    """What was told and is not right, and what is right and was not told. Nothing: all is as it should be."""
    left, missing = list(told), []
    for one in right:
        found = next((other for other in left if _is(other, one)), None)
        if found is None:
            missing.append(f"not told: {one}")
        else:
            left.remove(found)
    return [f"told: {one}" for one in left] + missing


def _is(told: Told, right: Told) -> bool:
    states = re.sub(r"\((\w+)\) ", r"(\1 )?", right.states)
    return told[:3] == right[:3] and re.fullmatch(states, told.states) is not None


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
