"""Serves the page to the browser beside it: its files on a loopback port, and nothing secret in them.

The vendor's script works only in a page that comes from a web server, and stands in it as a plain script element, as in
all examples: the page has its address. The port is made up at each start; the browser
is told to find it under the name of `ORIGIN`, so that the daemon knows, before any browser runs, which page may come to
its bridge. The policy lets the page run the phone system's scripts, and talk to the phone system and to the bridge; the
page tells when the policy stopped something.
"""

import contextlib
import html
import string
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

ORIGIN: Final = "http://webclient.localhost"
"""Where the page says it comes from. A browser trusts a name under localhost as it trusts this machine."""

HOST: Final = ORIGIN.removeprefix("http://")

FOLDER: Final = Path(__file__).parent
"""Where the files of the page lie."""
SCRIPTS: Final = (
    *("boot", "page", "bridge", "commands", "durations", "helper"),
    *("live", "phone", "script", "session", "settling", "states"),
)
"""What the page loads of ours, by name."""


def policy_for(*, script: str, server: str, bridge: str) -> str:
    """The page's Content-Security-Policy: the phone system on every port, the bridge, the page's own files.

    ``unsafe-eval`` is allowed because nobody outside the vendor knows what its script does; inline scripts are not,
    so that a caller's name which that script might put into the page as markup cannot run.
    """
    hosts = sorted({server, urlsplit(script).hostname or server})
    pages = " ".join(f"http://{host}:* https://{host}:*" for host in hosts)
    sockets = " ".join(f"ws://{host}:* wss://{host}:*" for host in hosts)
    to_bridge = "{0.scheme}://{0.netloc}".format(urlsplit(bridge))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'unsafe-eval' {pages}",
            f"connect-src {pages} {sockets} {to_bridge}",
            f"img-src data: {pages}",
            f"media-src blob: data: {pages}",
            "style-src 'unsafe-inline'",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


@contextlib.asynccontextmanager
async def served_page(policy: str, script: str) -> AsyncIterator[int]:
    """The loopback port on which the page is served, with the vendor's ``script`` in it, under ``policy``."""
    page = string.Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(script=html.escape(script))
    files = {"/": (page, "text/html")} | {
        f"/{name}.js": ((FOLDER / f"{name}.js").read_text(encoding="utf-8"), "text/javascript") for name in SCRIPTS
    }
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }

    async def serve(request: web.Request) -> web.Response:
        # a name that was made to point here (DNS rebinding) gets nothing
        if request.host != HOST:
            raise web.HTTPMisdirectedRequest
        text, content_type = files[request.path]
        return web.Response(text=text, content_type=content_type, charset="utf-8", headers=headers)

    app = web.Application()
    app.add_routes([web.get(path, serve) for path in files])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, port = runner.addresses[0]
        yield port
    finally:
        await runner.cleanup()
