"""Alerts, against a real server on this host: what lasts is told once, what recovers is told, what is short is not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ozrules.actions.alerts import Alerts
from ozrules.actions.targets import Targets
from ozrules.runtime.health import Health
from ozrules.runtime.ports import ConnectionState
from ozrules.runtime.secret import Secret
from tests.fakes.clock import StandingClock
from tests.fakes.phone import QuietLog


class Pager:
    """Whoever is told. ``broken``: how many calls it will not take."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[str]]] = []
        self.signed: list[str | None] = []
        self.broken = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if self.broken:
            self.broken -= 1
            return web.Response(status=503)
        event = json.loads(await request.read())
        assert event["type"] == "ozrules.alert"
        self.told.append((event["data"]["state"], event["data"]["problems"]))
        self.signed.append(request.headers.get("webhook-signature"))
        return web.Response()


class SteppingClock(StandingClock):
    """Sleepers wait until the test lets a second pass."""

    def __init__(self) -> None:
        super().__init__()
        self._second = asyncio.Event()

    async def sleep_until(self, at: float) -> None:
        await self._second.wait()

    async def pass_(self, seconds: int) -> None:
        for _ in range(seconds):
            self.at += 1.0
            self._second.set()
            self._second = asyncio.Event()
            for _ in range(3):  # a request to this host takes some turns of the loop
                await asyncio.sleep(0.02)


@asynccontextmanager
async def watched(health: Health) -> AsyncIterator[tuple[Pager, SteppingClock]]:
    pager, clock = Pager(), SteppingClock()
    application = web.Application()
    application.router.add_post("/page", pager.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/page"
    alerts = Alerts(
        url, after=30.0, targets=Targets((url,), ()), secret=Secret("whsec_c2VjcmV0"), clock=clock, log=QuietLog()
    )
    watching = asyncio.ensure_future(alerts.run(health))
    try:
        yield pager, clock
    finally:
        watching.cancel()
        await runner.cleanup()


def state(*, ready: bool) -> ConnectionState:
    return ConnectionState(at=0.0, connection="office", ready=ready, detail="it does not answer")


async def test_what_lasts_is_told_once_and_its_end_too() -> None:
    health = Health(connections={"office": state(ready=False)})
    async with watched(health) as (pager, clock):
        await clock.pass_(29)
        assert pager.told == []
        await clock.pass_(10)
        assert pager.told == [("failing", ["connection office: it does not answer"])]
        health.journal = "no space left on device"
        await clock.pass_(35)
        assert [state for state, _ in pager.told] == ["failing", "failing"]
        assert "journal: no space left on device" in pager.told[-1][1]
        health.journal = None
        await clock.pass_(5)
        health.connections["office"] = state(ready=True)
        await clock.pass_(3)
        assert [state for state, _ in pager.told] == ["failing", "failing", "recovered"]
        assert all(signature is not None and signature.startswith("v1,") for signature in pager.signed)


async def test_what_is_short_is_not_told_and_a_deaf_pager_is_asked_again() -> None:
    health = Health(connections={"office": state(ready=False)})
    async with watched(health) as (pager, clock):
        await clock.pass_(20)
        health.connections["office"] = state(ready=True)
        await clock.pass_(40)
        assert pager.told == []
        pager.broken = 2
        health.connections["office"] = state(ready=False)
        await clock.pass_(45)
        assert [state for state, _ in pager.told] == ["failing"]
