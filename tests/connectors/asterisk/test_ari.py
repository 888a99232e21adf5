"""Holding with music: only with the application connected, and never a guess about what was done."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from ozrules.connectors.asterisk.ari import Ari, AriFailed, HoldBroken
from ozrules.connectors.asterisk.configuration import AriAccess

LEGS = ("lab-1.1", "lab-1.2")


class Asterisk:
    """Its REST interface, as far as hold needs it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.music = 204
        self.arrivals: tuple[str, ...] = LEGS
        self._events: web.WebSocketResponse | None = None

    async def events(self, request: web.Request) -> web.WebSocketResponse:
        if request.headers.get("Authorization") != "Basic dTpw":
            raise web.HTTPUnauthorized
        self._events = web.WebSocketResponse()
        await self._events.prepare(request)
        self.log.append(f"connected {request.query['app']}")
        async for _ in self._events:
            pass
        return self._events

    async def app(self, request: web.Request) -> web.Response:
        return web.json_response({"name": request.match_info["app"]})

    async def moh(self, request: web.Request) -> web.Response:
        self.log.append(f"music {request.match_info['channel']}")
        return web.Response(status=self.music)

    async def redirect(self) -> bool:
        """What the manager does: the channels arrive."""
        assert self._events is not None
        self.log.append("redirected")
        await self._events.send_str("no json")
        for leg in self.arrivals:
            await self._events.send_str(json.dumps({"type": "StasisStart", "channel": {"id": leg}}))
        return True


def held(scene: Callable[[Asterisk, Ari], Awaitable[None]], word: str = "p") -> None:
    async def run() -> None:
        standin = Asterisk()
        application = web.Application()
        application.router.add_get("/ari/events", standin.events)
        application.router.add_get("/ari/applications/{app}", standin.app)
        application.router.add_post("/ari/channels/{channel}/moh", standin.moh)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        access = AriAccess(url=f"http://127.0.0.1:{port}/ari", app="ozrules", username="u", password=word)
        try:
            await scene(standin, Ari(access))
        finally:
            await runner.cleanup()

    asyncio.run(run())


def test_the_application_is_connected_before_anything_moves() -> None:
    async def scene(standin: Asterisk, ari: Ari) -> None:
        assert ari.context == "stasis-ozrules"
        assert await ari.hold(LEGS, standin.redirect)
        assert standin.log == ["connected ozrules", "redirected", "music lab-1.1", "music lab-1.2"]

    held(scene)


def test_where_ari_cannot_be_used_nothing_is_moved() -> None:
    async def scene(standin: Asterisk, ari: Ari) -> None:
        with pytest.raises(AriFailed, match="user name or password is wrong"):
            await ari.hold(LEGS, standin.redirect)
        assert "redirected" not in standin.log

    held(scene, word="wrong")


def test_where_nobody_listens_nothing_is_moved() -> None:
    async def run() -> None:
        moved: list[bool] = []

        async def redirect() -> bool:
            moved.append(True)
            return True

        access = AriAccess(url="http://127.0.0.1:1/ari", app="ozrules", username="u", password="secret-word")
        with pytest.raises(AriFailed) as failed:
            await Ari(access).hold(LEGS, redirect)
        assert "secret-word" not in str(failed.value)
        assert moved == []

    asyncio.run(run())


def test_a_redirect_that_was_refused_needs_no_music() -> None:
    async def scene(standin: Asterisk, ari: Ari) -> None:
        async def refused() -> bool:
            return False

        assert not await ari.hold(LEGS, refused)
        assert standin.log == ["connected ozrules"]

    held(scene)


def test_music_that_does_not_start_is_said_to_be_unknown() -> None:
    async def scene(standin: Asterisk, ari: Ari) -> None:
        standin.music = 404
        with pytest.raises(HoldBroken, match="404"):
            await ari.hold(LEGS, standin.redirect)

    held(scene)
