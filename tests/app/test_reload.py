"""The reloader: however many ask, one reload runs and one waits."""

import asyncio

from ozrules.app.reload import Reloader
from ozrules.app.rule_files import Fingerprint
from ozrules.runtime.inbox import Who
from tests.fakes.clock import settle

BOB = Who(by="bob", uid=1000)


class Applying:
    def __init__(self) -> None:
        self.running = 0
        self.done = 0
        self.go = asyncio.Event()

    async def apply(self, who: Who) -> tuple[bool, str]:
        self.running += 1
        assert self.running == 1
        await self.go.wait()
        self.running -= 1
        self.done += 1
        return True, f"{self.done}"


async def test_a_storm_of_wishes_is_one_reload_and_one_more() -> None:
    applying = Applying()
    nothing: Fingerprint = ()
    reloader = Reloader(applying.apply, lambda: nothing, lambda: nothing)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(reloader.run())
        first = reloader.wish(BOB)
        await settle()
        others = [reloader.wish(BOB) for _ in range(1_000)]
        await settle()
        applying.go.set()
        assert await first == (True, "1")
        assert {await other for other in others} == {(True, "2")}
        running.cancel()
    assert applying.done == 2
