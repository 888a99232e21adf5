"""The moments at which sessions want to be looked at again: at most one for each session.

A heap with lazy deletion: setting, moving and cancelling only touch a dictionary and push; what lies in the heap and
is no longer true is thrown away when it comes up, or all at once when it is most of the heap. The serial number
settles ties, so that sessions are never compared.
"""

from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias

from ozrules.engine.identity import SessionKey

_Entry: TypeAlias = tuple[float, int, SessionKey]

FEW: Final = 1024


class Timers:
    """Who is to be woken when."""

    __slots__ = ("_due", "_heap", "_serial")

    def __init__(self) -> None:
        self._due: dict[SessionKey, _Entry] = {}
        self._heap: list[_Entry] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._due)

    def set(self, session: SessionKey, due: float | None) -> None:
        """Wakes this session at ``due`` instead of any moment set before; None: at no moment."""
        if due is None:
            self._due.pop(session, None)
            return
        self._serial += 1
        entry = self._due[session] = (due, self._serial, session)
        heappush(self._heap, entry)
        if len(self._heap) > FEW + 4 * len(self._due):
            self._heap = list(self._due.values())
            heapify(self._heap)

    def overdue(self, now: float) -> int:
        """How many sessions should have been woken before ``now``."""
        return sum(entry[0] < now for entry in self._due.values())

    def next(self) -> float | None:
        """The earliest moment set."""
        heap = self._heap
        while heap:
            entry = heap[0]
            if self._due.get(entry[2]) is entry:
                return entry[0]
            heappop(heap)
        return None

    def take(self, now: float) -> tuple[SessionKey, ...]:
        """The sessions whose moment is not after ``now``, earliest first. They are no longer set."""
        taken = []
        while (due := self.next()) is not None and due <= now:
            session = heappop(self._heap)[2]
            del self._due[session]
            taken.append(session)
        return tuple(taken)
