"""Which sessions have changed since somebody last looked. Kept only while somebody looks."""

from collections.abc import Iterable

from ozrules.engine.effects import Effect, Forget, Observed, Remember, Wake
from ozrules.engine.identity import SessionKey


class Watch:
    """The reactor writes, the dashboard takes. A session stands in it once, however often it changes."""

    __slots__ = ("_changed", "watching")

    def __init__(self) -> None:
        self.watching = False
        self._changed: set[SessionKey] = set()

    def stepped(self, effects: Iterable[Effect]) -> None:
        """These effects followed from an event."""
        for effect in effects:
            match effect:
                case Observed(key=key):
                    self._changed.add(key)
                case Wake(session=key) | Remember(session=key) | Forget(session=key):
                    self._changed.add(key)
                case _:
                    pass

    def take(self) -> set[SessionKey]:
        """The sessions that have changed since the last `take`."""
        changed, self._changed = self._changed, set()
        return changed
