"""Phone systems whose JavaScript API may be read in any way that the vendor's pages leave open.

`any_reading.js` shows what is told here in the form of one reading. Written from the pages, apart from `webphone`: what
both have in common is the vendor's names. Many systems are served at once, each under an address of this machine of
its own.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from ozrules.runtime.clock import SystemClock

SCRIPT: Final = Path(__file__).with_name("any_reading.js")


class System:
    """One phone system: its calls, who may come, and what it was told to do."""

    def __init__(self, name: str, reading: dict[str, Any], number: int) -> None:
        self.name = name
        self.reading = {"event": "onConnectionStateChanged", **reading}
        self.host = f"127.0.0.{number}"
        self.port = 0
        self.token = "token-0"
        self.ledger: list[tuple[str, str, tuple[str, ...]]] = []
        self.asked = 0
        self.shown: list[str] = []
        self._ids = itertools.count(1000 * number)
        self._calls: dict[str, dict[str, Any]] = {}
        self._since: dict[str, float] = {}
        self._links: set[web.WebSocketResponse] = set()
        self._news = asyncio.Condition()

    @property
    def script(self) -> str:
        return f"http://{self.host}:{self.port}/WebphoneAPI"

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Looks again at everything that comes."""
        try:
            async with asyncio.timeout(30), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"{self.name}: {what} never came; the ledger is {self.ledger}") from None

    def told(self, method: str, id: str) -> int:
        """How often it was told to do this."""
        return [(called, of) for called, of, _ in self.ledger].count((method, id))

    # --- its calls ----------------------------------------------------------------------------------------------------

    async def ring(self, callee: str, state: str = "Ringing", *, ago: float = 0.0, master: str = "") -> str:
        """A call comes up, or came ``ago`` seconds ago; its id."""
        id = str(next(self._ids))
        moment = datetime.fromtimestamp(SystemClock().now() - ago, UTC)
        start = {"local": f"{moment.astimezone():%Y-%m-%d %H:%M:%S}", "none": ""}.get(
            self.reading.get("starts", ""), moment.isoformat()
        )
        self._calls[id] = {
            "id": id,
            "masterSessionId": master or f"m{id}",
            "caller": "+36201234567",
            "callee": callee,
            "dialedNumber": callee,
            "startTime": start,
        }
        self._enter(id, state, ago)
        await self._say(created=self._data(id))
        return id

    async def change(self, id: str, state: str, **more: str) -> None:
        self._calls[id] |= more
        self._enter(id, state)
        await self._say(changed=self._data(id))

    async def end(self, id: str, state: str) -> None:
        await self._say(ended={"id": id, "state": state})
        del self._calls[id]

    def forget(self, id: str) -> None:
        """It ends, and nobody is told."""
        del self._calls[id]

    async def talk_nonsense(self) -> None:
        """A call is told of in a form that nobody has ever seen."""
        await self._say(nonsense=True)

    async def drop(self) -> None:
        """The web client loses its connection."""
        for link in list(self._links):
            await link.close()

    def _enter(self, id: str, state: str, ago: float = 0.0) -> None:
        self._calls[id] |= {"state": state, "key": state.upper()}
        self._since[id] = _now() - ago

    def _data(self, id: str) -> dict[str, Any]:
        return self._calls[id] | {"age": _now() - self._since[id]}

    async def _say(self, **message: Any) -> None:
        for link in list(self._links):
            with contextlib.suppress(ConnectionError):
                await link.send_str(_text(message))

    # --- its web client -----------------------------------------------------------------------------------------------

    async def serve_script(self, request: web.Request) -> web.Response:
        reading = {"second": f"http://{self.host}:{self.port}/second"} | self.reading
        head = f'var READING = {_text(reading)}, LINK = "ws://{self.host}:{self.port}/link";\n'
        text = (
            "globalThis.OzWebClient = anyReading();" if request.path == "/second" else head + SCRIPT.read_text("utf-8")
        )
        return web.Response(text=text, content_type="text/javascript", headers={"Cache-Control": "no-store"})

    async def serve_link(self, request: web.Request) -> web.WebSocketResponse:
        link = web.WebSocketResponse()
        await link.prepare(request)
        async for frame in link:
            said = msgspec.json.decode(frame.data)
            match said:
                case {"token": token}:
                    await self._greet(link, token)
                case {"asked": True}:
                    self.asked += 1
                case {"call": method, "id": id, "args": args}:
                    self.ledger.append((method, id, tuple(args)))
                    if id in self._calls:
                        await self._carry_out(method, id, args)
            await self._notify()
        self._links.discard(link)
        await self._notify()
        return link

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _greet(self, link: web.WebSocketResponse, token: str) -> None:
        self.shown.append(token)
        granted = token == self.token
        running = [self._data(id) for id in self._calls] if granted else []
        self.asked = 0
        await link.send_str(_text({"connection": "ACCESS_GRANTED" if granted else "ACCESS_DENIED", "running": running}))
        if granted:
            self._links.add(link)

    async def _carry_out(self, method: str, id: str, args: Sequence[str]) -> None:
        match method, self.reading.get("forwards"):
            case "forward", "same":
                await self.change(id, "Ringing", callee=args[0])
            case "forward", "redirected, and on":
                await self.change(id, "Redirected")
                await self.change(id, "Ringing", callee=args[0])
            case "forward", "renamed":
                new = f"9{id}"
                self._calls[new] = self._calls.pop(id) | {"id": new, "callee": args[0]}
                self._enter(new, "Ringing")
                await self._say(renamed={"id": id, "data": self._data(new)})
            case "forward", _:
                master = self._calls[id]["masterSessionId"]
                await self.end(id, "Redirected")
                await self.ring(args[0], master=master)
            case "hangup", _:
                await self.end(id, "CalleeHungUp")


@contextlib.asynccontextmanager
async def systems(readings: dict[str, dict[str, Any]]) -> AsyncIterator[list[System]]:
    """A phone system for each of these readings."""
    made = [System(name, reading, number) for number, (name, reading) in enumerate(readings.items(), start=11)]
    async with contextlib.AsyncExitStack() as stack:
        for system in made:
            app = web.Application()
            for path in ("/WebphoneAPI", "/second"):
                app.router.add_get(path, system.serve_script)
            app.router.add_get("/link", system.serve_link)
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            stack.push_async_callback(system.drop)
            await web.TCPSite(runner, system.host, 0).start()
            system.port = runner.addresses[0][1]
        yield made


def _now() -> float:
    return asyncio.get_running_loop().time()


def _text(message: object) -> str:
    return msgspec.json.encode(message).decode()
