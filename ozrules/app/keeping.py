"""Removes what is older than its time, every hour, unless the wall clock cannot be believed.

A clock that is months ahead (an empty battery, a wrong time server, a restored machine) makes the whole record look
old, and what was removed does not come back when the clock is set right. So where the clock is more than a week ahead
of the newest record at the start, or jumps so far while the daemon runs, nothing is removed until an admin says that it
is right. Doubt outlives restarts, because the records that are written meanwhile would hide it. It ends by itself when
the clock is set back.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from ozrules.runtime.ports import Clock, JournalFailed, Log
from ozrules.settings.model import Retention
from ozrules.store.journal import SqliteJournal
from ozrules.store.kept import NotKept, keep

EVERY: Final = 3600.0
"""Seconds between two looks for what is old."""
AHEAD: Final = 7 * 86_400.0


class Keeping:
    """What is kept, and for how long. `run` must run for anything to be removed."""

    def __init__(self, journal: SqliteJournal, state: Path, clock: Clock, log: Log) -> None:
        self._journal = journal
        self._path = state / "retention.json"
        self._clock = clock
        self._log = log
        self._offset = clock.wall_offset()
        self._trusted = asyncio.Event()
        self._believed: float | None = None
        """The last moment that was believed, wall clock, where the clock is in doubt."""
        try:
            self._believed = msgspec.json.decode(self._path.read_bytes(), type=float | None)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError):
            self._believed = 0.0  # nobody can say any more, so an admin must
        if self._believed is not None:
            self._warn()
        elif journal.newest is not None and self._is_ahead_of(journal.newest):
            self._doubt(journal.newest)

    @property
    def held(self) -> str | None:
        """Why nothing is removed, for an admin; None where all is well."""
        if self._believed is None:
            return None
        return (
            f"the clock says {_shown(self._wall())}, and what was recorded before ends at {_shown(self._believed)}; "
            "nothing old is removed until the clock is set, or `ozrules trust-clock` says that it is right"
        )

    def trust(self) -> None:
        """The clock is right, says an admin. Raises NotKept, and then nothing has changed."""
        self._settle(None)
        self._trusted.set()

    async def run(self, times: Callable[[], Retention]) -> None:
        """Removes what is old, for ever."""
        while True:
            self._trusted.clear()
            self._look_at_the_clock()
            if self._believed is None:
                await self._remove(times())
            again = self._clock.call_at(self._clock.now() + EVERY, self._trusted.set)
            await self._trusted.wait()
            again.cancel()

    async def _remove(self, times: Retention) -> None:
        wall = self._wall()
        try:
            await self._journal.retain(decisions=wall - times.decisions, sessions=wall - times.sessions)
        except JournalFailed as failed:
            if failed.lasting:
                raise
            self._log.warning("old records could not be removed; it is tried again", why=str(failed))

    def _look_at_the_clock(self) -> None:
        offset, before = self._clock.wall_offset(), self._offset
        self._offset = offset
        if self._believed is None:
            if offset - before > AHEAD:
                self._doubt(self._clock.now() + before)
        elif not self._is_ahead_of(self._believed):
            try:
                self._settle(None)
            except NotKept as failed:
                self._log.warning("that the clock is right again could not be kept", why=str(failed))

    def _doubt(self, believed: float) -> None:
        self._believed = believed
        self._warn()
        try:
            self._settle(believed)
        except NotKept as failed:
            self._log.warning("that the clock is in doubt could not be kept for the next start", why=str(failed))

    def _warn(self) -> None:
        self._log.warning("nothing old is removed", why=self.held)

    def _settle(self, believed: float | None) -> None:
        keep(self._path, msgspec.json.encode(believed))
        self._believed = believed

    def _is_ahead_of(self, moment: float) -> bool:
        return self._wall() - moment > AHEAD

    def _wall(self) -> float:
        return self._clock.now() + self._clock.wall_offset()


def _shown(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).astimezone().isoformat(timespec="seconds")
