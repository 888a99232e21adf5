"""Waiting until something is due, or until poked."""

import asyncio

from ozrules.connectors.pulse import Pulse
from tests.fakes.clock import StandingClock, settle


async def test_it_wakes_when_due_and_not_before() -> None:
    clock = StandingClock()
    pulse = Pulse(clock)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(pulse.wait(clock.now() + 10.0))
        await clock.advance(9.9)
        assert not waiting.done()
        await clock.advance(0.1)
        assert waiting.done()


async def test_a_poke_wakes_it_also_one_that_came_before() -> None:
    pulse = Pulse(StandingClock())
    pulse.poke()
    await pulse.wait(None)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(pulse.wait(None))
        await settle()
        assert not waiting.done()
        pulse.poke()
