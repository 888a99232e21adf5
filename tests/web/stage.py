"""The web server as it runs, on a port of its own, with a daemon that a test has made up; and clients for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from ozrules.runtime.secret import Secret
from ozrules.web.live import Hub
from ozrules.web.metrics import WebFigures
from ozrules.web.server import Listening, open_listener, serve
from tests.fakes.source import FakeSource

TOKEN = "canary-web-token-4711"


class Stage:
    """What a test holds."""

    def __init__(self, port: int, source: FakeSource) -> None:
        self.port = port
        self.source = source
        self.figures = WebFigures()
        self.hub = Hub(self.figures)
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self.bearer = {"Authorization": f"Bearer {TOKEN}"}

    async def raw(self, data: bytes, *, read: int = -1) -> bytes:
        """What is answered to these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            await writer.drain()
            return await reader.read(read)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def served(source: FakeSource | None = None) -> AsyncIterator[tuple[Stage, aiohttp.ClientSession]]:
    """The server, and a client that keeps no cookies unless a test says so."""
    at = Listening(host="127.0.0.1", port=0, token=Secret(TOKEN), hosts=("phones.example",))
    with open_listener(at) as listener:
        stage = Stage(listener.getsockname()[1], source or FakeSource())
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve(listener, at, stage.source, stage.hub, stage.figures))
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
                yield stage, client
            serving.cancel()
