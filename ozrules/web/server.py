"""The web server: health and metrics for programs, the dashboard for admins. All of it only looks.

Every request is checked the same way, in this order: whom it is for (Host), how large its head is, which page sent it
(Origin, Sec-Fetch-Site), and whether it may look (token). The files of the page come from a fixed table and hold
nothing that is secret, so they are served to anybody; all that is about calls is behind the token. The policy lets the
page run and load its own files alone, and forbids the browser to make markup of any text.
"""

import asyncio
import os
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from ozrules.rules.characters import HIDDEN
from ozrules.runtime.clock import stopwatch
from ozrules.runtime.doorway import WAITING, WITHIN, Doorway, listen
from ozrules.runtime.secret import Secret
from ozrules.web.access import LASTS, Access
from ozrules.web.live import Client, Full, Hub
from ozrules.web.metrics import Exposition, WebFigures
from ozrules.web.names import Names
from ozrules.web.protocol import Protocol, harden
from ozrules.web.source import Busy, NotFound, Search, Source

_TYPES: Final = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
FILES: Final = (
    "index.html",
    "dashboard.css",
    "dashboard.js",
    "call.js",
    "decisions.js",
    "dom.js",
    "health.js",
    "icon.svg",
    "link.js",
    "live.js",
    "number.js",
    "rules.js",
    "words.js",
)
MOST_HEAD: Final = 8 * 1024
MOST_BODY: Final = 2 * 1024
ANSWER_WITHIN: Final = 60.0
"""Seconds for the dearest question, a call's why; reading a request's body has `doorway.WITHIN`."""
STOP_WITHIN: Final = 1.0
BEYOND: Final = 4
"""Connections that are heard while there is no room; only `_HEALTH` is answered to them."""
DELAY = 1.0
"""Seconds that a wrong token waits for its answer, after `ozrules.web.access.TRIES` others."""
MOST_DELAYED: Final = 8
"""Wrong tokens that wait at the same time; what comes beyond is answered at once, so that nobody fills the doorway."""
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_HIDDEN: Final = re.compile(HIDDEN.pattern + "|[\n\r]")

_HEALTH: Final = ("/healthz", "/readyz")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where the page is served, for whom, and under which further names."""

    host: str
    port: int
    token: Secret
    hosts: tuple[str, ...] = ()


def open_listener(at: Listening) -> socket.socket:
    """Listens. Raises OSError with a text for the admin."""
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    try:
        return socket.create_server((at.host, at.port), family=family, backlog=WAITING)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"web.listen {at.host}:{at.port}: {why}; name another address") from error


async def serve(listener: socket.socket, at: Listening, source: Source, hub: Hub, figures: WebFigures) -> None:
    """Answers whoever asks, for ever."""
    port = listener.getsockname()[1]
    site = _Site(at, port, source, hub, figures)
    runner = web.AppRunner(site.app(), handle_signals=False, shutdown_timeout=STOP_WITHIN)
    await runner.setup()
    loop = asyncio.get_running_loop()

    def speak() -> Protocol:
        assert runner.server is not None  # it has been set up
        return Protocol(
            runner.server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # as AppRunner itself passes it on
            auto_decompress=False,
            keepalive_timeout=WITHIN,
            max_line_size=MOST_HEAD,
            max_field_size=MOST_HEAD,
        )

    def turned_away() -> None:
        figures.turned_away += 1

    try:
        site.doorway = Doorway(speak, full=turned_away, beyond=BEYOND)
        server = await listen(site.doorway, listener)
        async with server:
            await hub.run(source)
    finally:
        await runner.cleanup()


class _Site:
    """The routes and what stands before them."""

    doorway: Doorway

    def __init__(self, at: Listening, port: int, source: Source, hub: Hub, figures: WebFigures) -> None:
        self._names = Names(at.host, port, at.hosts)
        self._access = Access(at.token, source.now, stopwatch)
        self._cookie = f"ozrules_{port}"  # cookies know no ports: two daemons on one host must not meet
        self._source = source
        self._hub = hub
        self._figures = figures
        self._delayed = 0
        self._metrics = Exposition(source, figures)
        folder = resources.files("ozrules.web") / "pages"
        self._files = {name: (folder / name).read_bytes() for name in FILES}

    def app(self) -> web.Application:
        """All of it, as aiohttp wants it."""
        app = web.Application(middlewares=[self._guard], client_max_size=MOST_BODY)
        app.on_response_prepare.append(harden)
        routes: dict[str, Handler] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/metrics": self._for_admins(self._scrape),
            "/live": self._for_admins(self._live),
            "/api/status": self._for_admins(self._status),
            "/api/rules": self._for_admins(self._rules),
            "/api/rule": self._for_admins(self._rule),
            "/api/records": self._for_admins(self._records),
            "/api/call": self._for_admins(self._call),
            "/api/week": self._for_admins(self._week),
        }
        routes |= {"/" if name == "index.html" else f"/{name}": self._file for name in FILES}
        app.add_routes([web.get(path, handler, expect_handler=_expect) for path, handler in routes.items()])
        app.add_routes([web.post("/login", self._login, expect_handler=_expect)])
        app.add_routes([web.post("/logout", self._logout, expect_handler=_expect)])
        return app

    # --- before everything else -------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        transport = request.transport
        if not self.doorway.begins(transport):
            handler = self._without_room(handler)
        try:
            self._check(request)
            if request.path == "/live":
                return await handler(request)
            async with asyncio.timeout(ANSWER_WITHIN):
                return await handler(request)
        except TimeoutError:
            return _error(503, "that took too long")
        except NotFound as missing:
            return _error(404, str(missing))
        except Busy as busy:
            return _error(503, str(busy), {"Retry-After": "2"})
        finally:
            self.doorway.ends(transport)

    def _without_room(self, handler: Handler) -> Handler:
        async def briefly(request: web.Request) -> web.StreamResponse:
            if request.path in _HEALTH:
                answer = await handler(request)
            else:
                self._figures.turned_away += 1
                answer = _error(503, "too many connections", {"Retry-After": "10"})
            answer.force_close()
            return answer

        return briefly

    def _check(self, request: web.Request) -> None:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not self._names.known(hosts[0]):
            raise web.HTTPMisdirectedRequest(text="this is not served under that name\n")
        if sum(len(name) + len(value) + 4 for name, value in request.raw_headers) > MOST_HEAD:
            raise web.HTTPRequestHeaderFieldsTooLarge(text="the head of the request is too large\n")
        origin = request.headers.get("Origin")
        if origin is not None and not self._names.ours(origin, hosts[0]):
            raise web.HTTPForbidden(text="another page may not ask this\n")

    def _for_admins(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            # a cookie goes along with whatever a page of this host asks, so the browser must say that it is ours
            if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
                raise web.HTTPForbidden(text="another page may not ask this\n")
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() == "bearer":
                await self._match(request, token.strip())
            elif not self._access.knows(request.cookies.get(self._cookie, "")):
                return _error(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
            elif request.path == "/live" and "Origin" not in request.headers:
                raise web.HTTPForbidden(text="a page must say where it comes from\n")
            return await handler(request)

        return guarded

    async def _match(self, request: web.Request, token: str) -> None:
        if not self._access.matches(token):
            await self._wrong(request)
            raise web.HTTPUnauthorized(text="that is not the token\n", headers={"WWW-Authenticate": "Bearer"})

    async def _wrong(self, request: web.Request) -> None:
        """Counts a try that was wrong. Raises HTTPTooManyRequests, after a while, where there were many."""
        self._figures.refused += 1
        wait = self._access.wrong(request.remote or "")
        if not wait:
            return
        if self._delayed < MOST_DELAYED:
            self._delayed += 1
            try:
                await asyncio.sleep(DELAY)
            finally:
                self._delayed -= 1
        refusal = web.HTTPTooManyRequests(text="too many wrong tokens\n", headers={"Retry-After": str(int(wait) + 1)})
        refusal.force_close()
        raise refusal

    # --- for programs -----------------------------------------------------------------------------------------------

    async def _alive(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:
        problems = self._source.problems()
        # a phone system has a say in these, and they are shown in terminals
        text = "".join(f"{_HIDDEN.sub(REPLACEMENT, problem)}\n" for problem in problems) or "ready\n"
        return web.Response(text=text, status=503 if problems else 200)

    async def _scrape(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.write(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    # --- the page ---------------------------------------------------------------------------------------------------

    async def _file(self, request: web.Request) -> web.Response:
        name = request.path[1:] or "index.html"
        return web.Response(body=self._files[name], content_type=_TYPES[name.rpartition(".")[2]], charset="utf-8")

    async def _login(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="send JSON\n")
        try:
            async with asyncio.timeout(WITHIN):
                asked = msgspec.json.decode(await request.read(), type=dict[str, str])
        except (ValueError, ConnectionError, web.RequestPayloadError):  # msgspec's errors are of the first
            await self._wrong(request)
            raise web.HTTPBadRequest(text="this is not a login\n") from None
        await self._match(request, asked.get("token", ""))
        answer = web.Response(status=204)
        secure = request.headers.get("Origin", "").lower().startswith("https:")
        answer.set_cookie(
            self._cookie,
            self._access.cookie(),
            max_age=int(LASTS),
            httponly=True,
            samesite="Strict",
            secure=secure,
            path="/",
        )
        return answer

    async def _logout(self, request: web.Request) -> web.Response:
        answer = web.Response(status=204)
        answer.del_cookie(self._cookie, path="/")
        return answer

    # --- what it shows ----------------------------------------------------------------------------------------------

    async def _status(self, request: web.Request) -> web.Response:
        return _json({**self._source.clock(), **self._source.status()})

    async def _rules(self, request: web.Request) -> web.Response:
        return _json(self._source.rules())

    async def _rule(self, request: web.Request) -> web.Response:
        return _json(await self._source.rule(request.query.get("id", "")))

    async def _records(self, request: web.Request) -> web.Response:
        asked = request.query
        search = Search(
            text=asked.get("text", "")[:200],
            rule=asked.get("rule", ""),
            reason=asked.get("reason", ""),
            before=_number(asked, "before"),
            limit=min(_number(asked, "limit") or 100, 500),
        )
        lines = await self._source.records(search)
        return web.Response(text=f"[{','.join(lines)}]", content_type="application/json")

    async def _call(self, request: web.Request) -> web.Response:
        asked = request.query
        body = await self._source.call(asked.get("connection", ""), asked.get("session", ""), asked.get("start", ""))
        return web.Response(body=body, content_type="application/json")

    async def _week(self, request: web.Request) -> web.Response:
        body = await self._source.week(request.query.get("caller", "")[:64], request.query.get("callee", "")[:64])
        return web.Response(body=body, content_type="application/json")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None  # the request has just come over it
        try:
            with self._hub.client(transport.abort) as client:
                socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=1024, compress=False)
                try:
                    await socket.prepare(request)
                except ValueError:  # its key is no ASCII
                    raise web.HTTPBadRequest(text="this is no WebSocket\n") from None
                async with asyncio.TaskGroup() as tasks:
                    sending = tasks.create_task(_send(client, socket))
                    async for message in socket:
                        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                            await socket.close(code=1008, message=b"nothing can be told here")
                    sending.cancel()
                return socket
        except Full:
            return _error(503, "too many browsers watch already", {"Retry-After": "30"})


async def _expect(request: web.Request) -> None:
    """aiohttp's own repeats what it cannot meet, whatever the bytes."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="nothing but 100-continue can be expected\n")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _send(client: Client, socket: web.WebSocketResponse) -> None:
    try:
        while True:
            await socket.send_str(await client.next())
    except ConnectionError:
        return  # it has gone; whoever reads from it hears so too


def _json(data: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(data), content_type="application/json")


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode({"error": text}), content_type="application/json", headers=headers
    )


def _number(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise web.HTTPBadRequest(text=f"{name} is no number\n")
    return int(text)
