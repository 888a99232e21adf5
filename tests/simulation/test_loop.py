"""The loop in virtual time: it never waits, shuffles by its seed, and says where everything waits for ever."""

import asyncio
import random

import pytest

from tests.simulation.loop import Deadlock, SimLoop


async def _order(count: int) -> list[int]:
    ran: list[int] = []

    async def one(number: int) -> None:
        await asyncio.sleep(0)
        ran.append(number)

    await asyncio.gather(*(one(number) for number in range(count)))
    return ran


def _played(seed: int) -> list[int]:
    loop = SimLoop(random.Random(seed))
    try:
        return loop.run_until_complete(_order(20))
    finally:
        loop.close()


def test_what_is_ready_runs_in_an_order_of_the_seed_s_choice() -> None:
    assert _played(1) == _played(1)
    assert _played(1) != _played(2)
    assert sorted(_played(1)) == list(range(20))


def test_a_day_takes_no_time() -> None:
    loop = SimLoop(random.Random(1))
    loop.run_until_complete(asyncio.sleep(86_400))
    assert loop.time() == pytest.approx(86_400)
    loop.close()


def test_waiting_for_ever_is_an_error() -> None:
    loop = SimLoop(random.Random(1))
    waiting = loop.create_future()
    with pytest.raises(Deadlock):
        loop.run_until_complete(waiting)
    loop.close()


def test_an_interrupt_comes_in_the_middle_of_a_round() -> None:
    loop = SimLoop(random.Random(1))
    came: list[int] = []
    loop.interrupt(3, lambda: came.append(loop.steps))
    loop.run_until_complete(_order(3))
    loop.run_until_complete(asyncio.sleep(1))
    assert came
    assert came[0] >= 3
    loop.close()
