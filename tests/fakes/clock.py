"""A clock that stands where it is put."""

from collections.abc import Callable

from ozrules.runtime.ports import Handle


class StandingClock:
    """`ozrules.runtime.ports.Clock` for what only asks for the time."""

    def __init__(self, now: float = 1_000_000.0, offset: float = 0.0) -> None:
        self.at = now
        self.offset = offset

    def now(self) -> float:
        return self.at

    def wall_offset(self) -> float:
        return self.offset

    async def sleep_until(self, at: float) -> None:
        self.at = max(self.at, at)

    def call_at(self, at: float, callback: Callable[[], None]) -> Handle:
        raise NotImplementedError("this clock calls nobody")
