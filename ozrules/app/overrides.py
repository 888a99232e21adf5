"""Which schedules an admin has switched by hand, until when, and who did it. It outlives a restart.

A switch that has run out is lifted by itself, which is an act of its own on the record: nobody should have to work out
afterwards from when on the hours counted again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from ozrules.runtime.inbox import Who
from ozrules.runtime.ports import Clock
from ozrules.store.kept import NotKept, keep

LOOK_AGAIN: Final = 30.0
"""Seconds: the wall clock may be set while a switch is waited for."""


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule that is open or closed by hand. ``at`` and ``until`` are on the wall clock; None: until switched."""

    open: bool
    until: float | None
    by: str
    at: float


class Overrides:
    """The switched schedules by name, in a small file of the state directory that is replaced whole."""

    def __init__(self, state: Path) -> None:
        self._path = state / "overrides.json"
        self._changed = asyncio.Event()
        try:
            self.switched = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Override])
        except (FileNotFoundError, msgspec.MsgspecError):
            self.switched = {}

    def put(self, schedule: str, override: Override | None) -> None:
        """Keeps it on disk; None: back to its hours. Raises NotKept, and then nothing has changed."""
        switched = {name: one for name, one in self.switched.items() if name != schedule}
        if override is not None:
            switched[schedule] = override
        keep(self._path, msgspec.json.encode(switched, order="deterministic"))
        self.switched = switched
        self._changed.set()

    async def run(self, clock: Clock, lift: Callable[[str, Who], Awaitable[object]]) -> None:
        """Has every switch lifted when its time is over, for ever. Where that cannot be kept it is tried again; its
        hours count from the end on all the same.
        """
        while True:
            self._changed.clear()
            now = clock.now() + clock.wall_offset()
            over = [name for name, one in self.switched.items() if one.until is not None and one.until <= now]
            try:
                for name in over:
                    await lift(name, Who(by="its time is over"))
            except NotKept:
                over = []
            if over:
                continue
            ends = [one.until for one in self.switched.values() if one.until is not None and one.until > now]
            look = clock.call_at(clock.now() + min([LOOK_AGAIN, *(end - now for end in ends)]), self._changed.set)
            await self._changed.wait()
            look.cancel()
