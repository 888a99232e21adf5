"""Waiting for the next thing that the simulated phone system does, or for a command that changes what is next."""

import asyncio

from ozrules.runtime.ports import Clock


class Pulse:
    """One waiter; anybody may poke it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """What is due may have changed."""
        self._poked.set()

    async def wait(self, due: float | None) -> None:
        """Returns at ``due``, or as soon as it is poked."""
        alarm = None if due is None else self._clock.call_at(due, self._poked.set)
        try:
            await self._poked.wait()
        finally:
            self._poked.clear()
            if alarm is not None:
                alarm.cancel()
