"""One connection: it is emptied at once, notices silence, and never hangs a question."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ozrules.connectors.asterisk import link as link_module
from ozrules.connectors.asterisk.ami import Unsafe
from ozrules.connectors.asterisk.dialogue import News
from ozrules.connectors.asterisk.link import Closed, Link, NoAnswer, Overflowed
from ozrules.runtime.clock import SystemClock
from tests.connectors.asterisk.manager import Manager, block, manager


def linked(scene: Callable[[Manager, Link], Awaitable[None]]) -> None:
    async def run() -> None:
        async with manager() as standin:
            loop = asyncio.get_running_loop()
            _, link = await loop.create_connection(lambda: Link(SystemClock()), "127.0.0.1", standin.port)
            assert (await link.opened).startswith("Asterisk Call Manager")
            try:
                await scene(standin, link)
            finally:
                link.close("the test is over")
                await asyncio.sleep(0)

    asyncio.run(run())


def test_answers_find_their_questions_and_events_wait_in_order() -> None:
    async def scene(standin: Manager, link: Link) -> None:
        standin.raise_events([{"Event": "One"}, {"Event": "Two"}])
        answer = await link.ask("Ping", {}, 5.0)
        assert answer.succeeded
        assert [(await link.next())[1] for _ in "12"] == [News({"Event": "One"}), News({"Event": "Two"})]

    linked(scene)


@pytest.mark.fault(3)
def test_what_is_too_much_is_dropped_whole_and_said() -> None:
    async def scene(standin: Manager, link: Link) -> None:
        standin.write(block({"Event": "Newstate"}) * (link_module.MOST_WAITING + 1))
        await link.ask("Ping", {}, 20.0)
        _, first = await link.next()
        assert isinstance(first, Overflowed)

    linked(scene)


@pytest.mark.fault(2)
def test_silence_is_asked_and_then_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "PING_EVERY", 0.05)
    monkeypatch.setattr(link_module, "SILENT_FOR", 0.2)

    async def scene(standin: Manager, link: Link) -> None:
        standin.answers["Ping"] = None
        await standin.action("Ping")
        with pytest.raises(Closed, match="silent"):
            await link.next()
        assert not link.is_open

    linked(scene)


def test_an_answered_ping_keeps_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "PING_EVERY", 0.02)

    async def scene(standin: Manager, link: Link) -> None:
        await standin.action("Ping", count=3)
        assert link.is_open

    linked(scene)


def test_after_the_end_nothing_is_sent_and_nothing_waits() -> None:
    async def scene(standin: Manager, link: Link) -> None:
        standin.answers["Ping"] = None
        asked = asyncio.ensure_future(link.ask("Ping", {}, 20.0))
        await standin.action("Ping")
        standin.hang_up()
        with pytest.raises(NoAnswer):
            await asked
        with pytest.raises(Closed):
            await link.next()
        with pytest.raises(Closed):
            await link.ask("Ping", {}, 5.0)

    linked(scene)


@pytest.mark.fault(91)
def test_what_is_unsafe_is_never_written() -> None:
    async def scene(standin: Manager, link: Link) -> None:
        with pytest.raises(Unsafe):
            link.tell("Setvar", {"Value": "x\r\nAction: Command"})
        await link.ask("Ping", {}, 5.0)
        assert standin.sent("Setvar", "Command") == []

    linked(scene)


def test_an_answer_that_is_wanted_in_order_waits_for_what_came_before_it() -> None:
    async def scene(standin: Manager, link: Link) -> None:
        standin.meanwhile["Status"] = lambda: standin.raise_events([{"Event": "Newstate"}])
        asked = asyncio.ensure_future(link.ask("Status", {"Channel": "x"}, 5.0, in_order=True))
        await standin.action("Status")
        await link.ask("Ping", {}, 5.0)  # comes after it, and is answered at once
        assert not asked.done()
        _, event = await link.next()
        assert isinstance(event, News)
        with pytest.raises(TimeoutError):
            await link.next(0.05)
        assert (await asked).message == "No such channel"

    linked(scene)
