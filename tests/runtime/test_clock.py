"""Clocks: steady, never early, scaled."""

import asyncio

import pytest

from ozrules.runtime.clock import ScaledClock, SystemClock


async def never_early(clock: SystemClock | ScaledClock, wait: float) -> None:
    due = clock.now() + wait
    await clock.sleep_until(due)
    assert clock.now() >= due


def test_the_system_clock_starts_at_the_wall_clock_and_never_goes_back() -> None:
    clock = SystemClock()
    assert abs(clock.wall_offset()) < 5
    moments = [clock.now() for _ in range(1000)]
    assert moments == sorted(moments)


def test_sleeping_is_never_too_short() -> None:
    asyncio.run(never_early(SystemClock(), 0.01))
    asyncio.run(never_early(ScaledClock(1000.0, 50), 1.0))


def test_a_scaled_clock_begins_where_it_is_told_to() -> None:
    clock = ScaledClock(1_000_000.0, 1000)
    assert clock.now() >= 1_000_000.0
    assert clock.wall_offset() == 0.0


@pytest.mark.parametrize("clock", [SystemClock(), ScaledClock(0.0, 100)])
def test_a_call_that_was_cancelled_does_not_come(clock: SystemClock | ScaledClock) -> None:
    async def scene() -> list[str]:
        called: list[str] = []
        at = clock.now() + 0.01
        clock.call_at(at, lambda: called.append("cancelled")).cancel()
        clock.call_at(at, lambda: called.append("kept"))
        await clock.sleep_until(at + 0.01)
        return called

    assert asyncio.run(scene()) == ["kept"]
