"""Where the phone system posts its notifications: HTTP/1.0 forms, from the addresses that are allowed.

Anybody on an allowed address can post anything, so nothing that comes here changes what is known of a call: it makes
the connector look. The reply is the one thing that goes back, and only a question about routing gets more than an
empty one.
"""

from collections.abc import Awaitable, Callable, Sequence
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

CLOSE_WITHIN: Final = 1.0

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
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "NotificationListener":
        app = web.Application(client_max_size=MAX_BYTES)
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=CLOSE_WITHIN)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self.port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None, "it was entered"
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        peer = request.remote or ""
        if not self._is_allowed(peer):
            self._complain("foreignNotification", peer)
            raise web.HTTPForbidden
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        body = await request.read()
        try:
            heard = decode(body)
        except NotANotification as error:
            self._complain("notANotification", str(error))
            raise web.HTTPBadRequest(text="This is no notification.\n") from None
        if isinstance(heard, RoutingQuestion):
            return _xml(await self._decide(heard))
        self._hear(heard)
        return _xml(DIAL_PLAN)

    def _is_allowed(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._allowed)


def _xml(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/xml", charset="utf-8")
