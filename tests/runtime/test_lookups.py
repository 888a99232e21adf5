"""Names that are never answered hold up nothing else."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from ozrules.runtime.lookups import Lookups, Loop

DEAD = ".dead.example"


class NameServer:
    """Stands in for the C library: names that end in `DEAD` wait until it ``answers``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = threading.Event()

    def look_up(self, host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        if host.endswith(DEAD):
            self.answers.wait()
        if host == "unknown.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", port))]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    one = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", one.look_up)
    yield one
    one.answers.set()


@pytest.mark.fault(21)
async def test_dead_names_are_bounded_and_one_that_was_given_up_still_counts(server: NameServer) -> None:
    names = Lookups(2)
    for host in ("one", "two"):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(names.find(host + DEAD, 80), 0.01)
    with pytest.raises(OSError, match="2 other names wait for an answer"):
        await names.find("three" + DEAD, 80)
    waiting = asyncio.ensure_future(names.find("one" + DEAD, 80))
    server.answers.set()
    assert (await waiting)[0][4] == ("192.0.2.7", 80)
    assert server.asked == ["one" + DEAD, "two" + DEAD], "who asks for the same name waits for the same answer"
    await names.find("two" + DEAD, 80)
    assert await names.find("three" + DEAD, 80), "there is room again"


@pytest.mark.fault(21)
async def test_who_asks_for_a_name_hears_what_is_wrong_with_it(server: NameServer) -> None:
    names = Lookups(1)
    with pytest.raises(socket.gaierror, match="not known"):
        await names.find("unknown.example", 80)


async def test_what_can_be_no_name_is_said() -> None:
    with pytest.raises(ValueError, match="label"):
        await Lookups(1).find("a" * 70 + ".example", 80)


@pytest.mark.fault(21, 78)
def test_a_loop_ends_while_names_are_looked_up_and_its_threads_stay_free(server: NameServer) -> None:
    async def scene() -> str:
        loop = asyncio.get_running_loop()
        for number in range(40):
            asking = asyncio.ensure_future(loop.getaddrinfo(f"{number}{DEAD}", 80))
            await asyncio.sleep(0)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await asking
        return await asyncio.to_thread(lambda: "read")

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(scene()) == "read"
    # so it has ended although nothing was answered
    assert not server.answers.is_set()
