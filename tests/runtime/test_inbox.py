"""The inbox: in order, in batches, bounded for the world outside."""

import asyncio

from ozrules.engine.events import Gap
from ozrules.runtime.inbox import BATCH, Inbox, Pulse
from tests.fakes.clock import settle


def gap(number: int) -> Gap:
    return Gap(at=float(number), connection="office", why="test")


async def test_everything_comes_out_in_order_and_in_batches() -> None:
    inbox = Inbox()
    for number in range(BATCH + 3):
        inbox.add(gap(number))
    first, second = await inbox.take(), await inbox.take()
    assert len(first) == BATCH
    assert first + second == [gap(number) for number in range(BATCH + 3)]


async def test_who_waits_for_nothing_can_be_woken() -> None:
    inbox = Inbox()
    async with asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(inbox.take())
        await settle()
        assert not taking.done()
        inbox.wake()
        assert await taking == []


async def test_outside_waits_while_it_is_full_and_the_program_itself_does_not() -> None:
    inbox = Inbox(limit=2)
    async with asyncio.TaskGroup() as tasks:
        inbox.add(gap(0))
        inbox.add(gap(1))
        putting = tasks.create_task(inbox.put(gap(3)))
        await settle()
        assert not putting.done()
        inbox.add(gap(2))
        assert len(await inbox.take()) == 3
        await putting
        assert await inbox.take() == [gap(3)]


async def test_asking_returns_when_it_is_answered() -> None:
    inbox = Inbox()
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(inbox.ask(Pulse))
        [item] = await inbox.take()
        assert isinstance(item, Pulse)
        assert not asking.done()
        item.done.set_result(None)
