"""The host that the daemon runs on, as far as its clocks go: they can be set, and the host can sleep.

It stands in the place of the module ``time`` in `ozrules.runtime.clock`, the one place that reads clocks, so that the
real clock runs here. The event loop's time stands still while the host sleeps, as a real one's does.
"""

import time
from typing import Final

from tests.simulation.loop import SimLoop

EPOCH: Final = 1_795_510_800.0
"""Monday, 23 November 2026, 09:00 UTC: when every simulation begins, by the phone system's clock."""


class Machine:
    """Takes the place of the module ``time``."""

    CLOCK_BOOTTIME: Final = time.CLOCK_BOOTTIME

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self._slept = 0.0
        self._set = 0.0

    def true(self) -> float:
        """Seconds since the simulation began, asleep or awake."""
        return self._loop.time() + self._slept

    def loop_time(self, true: float) -> float:
        """When ``true`` will be on the loop's own clock, unless the host sleeps again."""
        return true - self._slept

    def sleep(self, seconds: float) -> None:
        """The host was suspended, and wakes."""
        self._slept += seconds

    def set_clock(self, by: float) -> None:
        """Somebody sets the wall clock."""
        self._set += by

    # --- the module time --------------------------------------------------------------------------------------------

    def time(self) -> float:
        return EPOCH + self.true() + self._set

    def clock_gettime(self, clock: int) -> float:
        assert clock == self.CLOCK_BOOTTIME, "the daemon's clock is the one that goes on while the host sleeps"
        return self.true()

    def monotonic(self) -> float:
        return self._loop.time()

    def perf_counter(self) -> float:
        return self._loop.time()
