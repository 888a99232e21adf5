"""Countable things: sessions that entered a state, sessions alive, firings, calls sent outside.

Each count lives in a bounded window of the engine's time, which the journal and a restart keep (`store.boot`): a wall
clock that is set gives nobody a new hour.
"""

from collections import OrderedDict
from typing import Final

from ozrules.engine.effects import Tally

MOST_GROUPS: Final = 50_000
MOST_MEMBERS: Final = 10_000


class Tallies:
    """Counts by name and group. ``name`` says what is counted, ``member`` which one: a member counts once a window."""

    def __init__(self) -> None:
        self._groups: OrderedDict[tuple[str, str], OrderedDict[str, float]] = OrderedDict()

    def add(self, tally: Tally) -> None:
        """Counts ``tally``; a member that is counted already moves to the new time."""
        members = self._groups.get((tally.name, tally.group))
        if members is None:
            members = self._groups[(tally.name, tally.group)] = OrderedDict()
            if len(self._groups) > MOST_GROUPS:
                self._groups.popitem(last=False)
        else:
            self._groups.move_to_end((tally.name, tally.group))
        members[tally.member] = tally.at
        members.move_to_end(tally.member)
        if len(members) > MOST_MEMBERS:
            members.popitem(last=False)

    def count(self, name: str, group: str, at: float, within: float) -> int:
        """How many members were counted in (at - within, wall]."""
        members = self._groups.get((name, group))
        if members is None:
            return 0
        while members:
            oldest = next(iter(members))
            if members[oldest] > at - within:
                break
            del members[oldest]
        if not members:
            del self._groups[(name, group)]
        return len(members)

    def latest(self, name: str, group: str) -> float | None:
        """When the group was last counted."""
        members = self._groups.get((name, group))
        return members[next(reversed(members))] if members else None

    def last(self, name: str, group: str) -> str | None:
        """Which member was counted last."""
        members = self._groups.get((name, group))
        return next(reversed(members)) if members else None


class AliveCounts:
    """How many sessions are alive in certain states, by group, kept up to date with every change."""

    def __init__(self) -> None:
        self._group: dict[int, str] = {}
        self._size: dict[str, int] = {}

    def put(self, member: int, group: str | None) -> None:
        """Says which group the member is in now; None for none."""
        before = self._group.get(member)
        if before == group:
            return
        if before is not None:
            self._size[before] -= 1
            if not self._size[before]:
                del self._size[before]
            del self._group[member]
        if group is not None:
            self._group[member] = group
            self._size[group] = self._size.get(group, 0) + 1

    def count(self, group: str) -> int:
        return self._size.get(group, 0)
