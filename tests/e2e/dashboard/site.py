"""A daemon with its dashboard, a phone system that a test can look into, and a real browser that looks at the page.

Whatever a page does besides what it should (an error, a dialog, a request to another host, a policy that stopped
something) fails the test that looked at it.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect

from ozrules.connectors.webclient.browser import find_browser
from tests.e2e.stage import Daemon, Phones, configure, daemon, phones

TOKEN: Final = "canary-web-token-4711"
REBOUND: Final = "rebound.example"
"""A name of the Internet that leads to this machine."""
ARTEFACTS: Final = Path(__file__).parents[3] / "artefacts" / "dashboard"
PATIENCE: Final = 30_000
SIZES: Final = {"wide": (1360, 900), "narrow": (420, 900)}
WATCH = """
  window.stopped = [];
  document.addEventListener("securitypolicyviolation", (event) => window.stopped.push(event.violatedDirective));
"""
T = TypeVar("T")
expect.set_options(timeout=PATIENCE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, which takes `REBOUND` for this machine."""
    playwright: Playwright
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(),
            args=["--no-sandbox", f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1", "--disable-dev-shm-usage"],
        )
        yield browser
        await browser.close()


class Site:
    """What a test holds. ``daemon`` may be another one after a restart."""

    def __init__(self, folder: Path, port: int, system: Phones, browser: Browser) -> None:
        self.folder = folder
        self.port = port
        self.phones = system
        self.browser = browser
        self.url = f"http://127.0.0.1:{port}"
        self.daemon: Daemon | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Daemon]:
        async with daemon(self.folder, WEB_TOKEN=TOKEN) as one:
            await one.ready()
            self.daemon = one
            yield one
            await one.stop()

    @contextlib.asynccontextmanager
    async def page(self, path: str = "", *, errors: bool = False) -> AsyncIterator[Page]:
        """A page that is logged in, at an address after the #. ``errors``: they are what the test is about."""
        width, height = SIZES["wide"]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="light", reduced_motion="reduce"
        )
        async with watched(context, self.url, errors=errors) as page:
            await page.goto(f"{self.url}/#token={TOKEN}")
            await page.wait_for_selector("[data-state=live]", timeout=PATIENCE)
            if path:
                await page.goto(f"{self.url}/#/{path}")
            yield page


@contextlib.asynccontextmanager
async def watched(context: BrowserContext, url: str, *, errors: bool = False) -> AsyncIterator[Page]:
    """A page of which every misbehaviour is noted."""
    wrong: list[str] = []
    await context.add_init_script(WATCH)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    page.on("console", lambda said: wrong.append(f"console: {said.text}") if said.type == "error" else None)
    page.on("request", lambda asked: None if _own(asked.url, url) else wrong.append(f"asked: {asked.url}"))
    try:
        yield page
        stopped: list[Any] = await page.evaluate("window.stopped ?? []")
        # the first question tells whether somebody is logged in, and a browser writes any 401 to its console
        found = [each for each in wrong if "401" not in each] + stopped
        assert errors or not found, found
    finally:
        await context.close()


def _own(asked: str, url: str) -> bool:
    return asked.startswith((f"{url}/", f"{url.replace('http', 'ws')}/", "data:", "about:"))


@contextlib.asynccontextmanager
async def site(folder: Path, rules: str, browser: Browser) -> AsyncIterator[Site]:
    """All of it but the daemon, configured and with its phone system."""
    port = free_port()
    async with phones() as system:
        web = {"listen": f"127.0.0.1:{port}", "token": {"env": "WEB_TOKEN"}}
        configure(folder, system.url, rules, web=web)
        yield Site(folder, port, system, browser)


class Running:
    """A site and the loop in which all of it lives."""

    def __init__(self, runner: asyncio.Runner, one: Site) -> None:
        self._runner = runner
        self.site = one

    def run(self, test: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(test)
