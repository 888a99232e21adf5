"""Where the phone system posts its notifications: HTTP/1.0 forms, from the addresses that are allowed.

Anybody on an allowed address can post anything, so nothing that comes here changes what is known of a call: it makes
the connector look. The reply is the one thing that goes back, and only a question about routing gets more than an
empty one. Nor can anybody keep others from being heard: a foreign address is turned away before it has said anything,
and who is let in has to finish what it says (`ozrules.runtime.doorway`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from aiohttp import web

from ozrules.connectors.ozeki_http.notifications import (
    MAX_BYTES,
    CallHint,
    NotANotification,
    OtherNews,
    RoutingQuestion,
    decode,
)
from ozrules.connectors.ozeki_http.ozml import DIAL_PLAN
from ozrules.runtime.doorway import WITHIN, Doorway

CLOSE_WITHIN: Final = 1.0
FOREIGN: Final = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

Hear = Callable[[CallHint | OtherNews], None]
Decide = Callable[[RoutingQuestion], Awaitable[bytes]]
Complain = Callable[[str, str], None]
"""Told of what could not be used: its kind, and a sample of it or who sent it."""


class NotificationListener:
    """An async context manager: it listens as long as it is entered. Raises OSError where it cannot."""

    def __init__(
        self, host: str, port: int, *, allow: Sequence[str], hear: Hear, decide: Decide, complain: Complain
    ) -> None:
        self.port = port
        self._host = host
        self._allowed = tuple(ip_network(each) for each in allow)
        self._hear = hear
        self._decide = decide
        self._complain = complain
        self._doorway = Doorway(
            self._speak, refused=self._refused, full=lambda: complain("tooManyNotifications", "at once")
        )
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "NotificationListener":
        app = web.Application(client_max_size=MAX_BYTES)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=CLOSE_WITHIN)
        await self._runner.setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(self._doorway, self._host, self.port)
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None, "it was entered"
        assert self._runner is not None, "it was entered"
        self._server.close()
        await self._runner.cleanup()

    def _speak(self) -> asyncio.Protocol:
        assert self._runner is not None, "it listens"
        assert self._runner.server is not None, "it has been set up"
        return _Protocol(self._runner.server, self._complain, loop=asyncio.get_running_loop())

    def _refused(self, peer: str) -> bytes | None:
        if self._is_allowed(peer):
            return None
        self._complain("foreignNotification", peer)
        return FOREIGN

    async def _take(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        transport = request.transport
        try:
            heard = decode(await request.read())
        except (ConnectionError, web.RequestPayloadError):
            self._complain("notANotification", "it was cut off")
            raise web.HTTPBadRequest(text="This is half a notification.\n") from None
        except NotANotification as error:
            self._complain("notANotification", str(error))
            raise web.HTTPBadRequest(text="This is no notification.\n") from None
        if not isinstance(heard, RoutingQuestion):
            self._hear(heard)
            return _xml(DIAL_PLAN)
        self._doorway.begins(transport)
        try:
            return _xml(await self._decide(heard))
        finally:
            self._doorway.ends(transport)

    def _is_allowed(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._allowed)


class _Protocol(web.RequestHandler):
    """aiohttp's, but that it does not log what others get wrong as a fault of ours, nor repeats it to them."""

    __slots__ = ("_complain",)

    def __init__(self, server: web.Server, complain: Complain, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # as AppRunner itself passes it on
            keepalive_timeout=WITHIN,
            auto_decompress=False,
        )
        self._complain = complain

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what cannot be read, or to a fault of ours: that one is logged."""
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return super().handle_error(request, status, exc, message)
        self._complain("notANotification", "no HTTP")
        answer = web.Response(status=status, text="This is no notification.\n")
        answer.force_close()
        return answer


def _xml(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/xml", charset="utf-8")
