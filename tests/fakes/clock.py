"""A clock that stands where it is put, and moves when a test says so."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush


class _Alarm:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class StandingClock:
    """`ozrules.runtime.ports.Clock`. A sleeper moves it on at once; who wants to be called waits for `advance`."""

    def __init__(self, now: float = 1_000_000.0, offset: float = 0.0) -> None:
        self.at = now
        self.offset = offset
        self._alarms: list[tuple[float, int, _Alarm]] = []
        self._count = 0

    def now(self) -> float:
        return self.at

    def wall_offset(self) -> float:
        return self.offset

    async def sleep_until(self, at: float) -> None:
        self.at = max(self.at, at)
        await asyncio.sleep(0)

    def call_at(self, at: float, callback: Callable[[], None]) -> _Alarm:
        alarm = _Alarm(callback)
        self._count += 1
        heappush(self._alarms, (at, self._count, alarm))
        return alarm

    async def advance(self, seconds: float) -> None:
        """Lets time pass, moment by moment, and everything that wants to happen in it happen."""
        await settle()
        end = self.at + seconds
        while self._alarms and self._alarms[0][0] <= end:
            at, _, alarm = heappop(self._alarms)
            self.at = max(self.at, at)
            if alarm.callback is not None:
                alarm.callback()
                await settle()
        self.at = end
        await settle()


class HastyClock(StandingClock):
    """Moves on to whatever moment is waited for, after a moment for the network."""

    def call_at(self, at: float, callback: Callable[[], None]) -> _Alarm:
        alarm = _Alarm(callback)
        asyncio.get_running_loop().call_later(0.002, self._ring, at, alarm)
        return alarm

    def _ring(self, at: float, alarm: _Alarm) -> None:
        if alarm.callback is not None:
            self.at = max(self.at, at)
            alarm.callback()


async def settle() -> None:
    """Lets every task run until it waits for something outside."""
    for _ in range(60):
        await asyncio.sleep(0)
