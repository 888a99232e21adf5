"""The only place that reads clocks.

The engine's time must never go back or jump, or a ``for: 20s`` would fire early or never. So `SystemClock` reads the
wall clock once, and from there on adds what CLOCK_BOOTTIME has progressed, which goes on while the host sleeps. How
far the wall clock has been set away from that since is `wall_offset`; the reactor tells the engine. The next start on
the same boot goes on with the same ``shift`` (`ozrules.store.boot`), so that what waits is not moved either where the
clock was set before a restart.

`ScaledClock` is for the demo: one clock for daemon and phone system, some times as fast, from a moment of choice.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from ozrules.runtime.ports import Handle

LONGEST_SLEEP: Final = 5.0
"""The event loop's timers stand still while the host sleeps, so a long wait looks again this often."""


def stopwatch() -> float:
    """Seconds from an arbitrary zero, for measuring how long something took."""
    return time.perf_counter()


def computing() -> float:
    """Seconds that this thread has computed: what else the machine does is not in it."""
    return time.thread_time()


class _Call:
    """A call that is waited for: looks again until its moment has come."""

    __slots__ = ("_at", "_callback", "_handle", "_now", "_speed")

    def __init__(self, now: Callable[[], float], speed: float, at: float, callback: Callable[[], None]) -> None:
        self._now = now
        self._speed = speed
        self._at = at
        self._callback = callback
        self._handle = self._wait()

    def cancel(self) -> None:
        self._handle.cancel()

    def _wait(self) -> asyncio.TimerHandle:
        left = max(0.0, (self._at - self._now()) / self._speed)
        return asyncio.get_running_loop().call_later(min(left, LONGEST_SLEEP), self._look)

    def _look(self) -> None:
        if self._now() >= self._at:
            self._callback()
        else:
            self._handle = self._wait()


class SystemClock:
    """The host's clock, made steady. ``shift`` is what it shows beyond CLOCK_BOOTTIME: by itself, it starts at the
    wall clock.
    """

    def __init__(self, shift: float | None = None) -> None:
        self.shift = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) if shift is None else shift

    def now(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self.shift

    def wall_offset(self) -> float:
        return time.time() - self.now()

    async def sleep_until(self, at: float) -> None:
        await _sleep_until(self, at)

    def call_at(self, at: float, callback: Callable[[], None]) -> Handle:
        return _Call(self.now, 1.0, at, callback)


class ScaledClock:
    """A clock that starts at ``start`` (seconds since 1970 UTC) and runs ``speed`` times as fast as time."""

    def __init__(self, start: float, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._zero = time.monotonic()

    def now(self) -> float:
        return self._start + (time.monotonic() - self._zero) * self._speed

    def wall_offset(self) -> float:
        return 0.0

    async def sleep_until(self, at: float) -> None:
        await _sleep_until(self, at)

    def call_at(self, at: float, callback: Callable[[], None]) -> Handle:
        return _Call(self.now, self._speed, at, callback)


async def _sleep_until(clock: SystemClock | ScaledClock, at: float) -> None:
    reached = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not reached.done():
            reached.set_result(None)

    handle = clock.call_at(at, wake)
    try:
        await reached
    finally:
        handle.cancel()
