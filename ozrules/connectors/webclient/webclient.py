"""Keeps a browser on the page: starts it, hands the settings to the page, listens, and starts it again when it fails.

The page has no settings of its own. Whenever it is loaded it says that it is ready, and gets them over the browser's
remote control (`devtools`): so the phone system's token is in no address, no file, no command line, and behind no port.
What the page sees of calls goes over the bridge, not through here.
"""

import asyncio
import contextlib
import logging
import random
import re
from typing import Final, Literal, NoReturn

import msgspec

import ozrules
from ozrules.connectors.retry import wait_after
from ozrules.connectors.webclient.browser import browser, find_browser
from ozrules.connectors.webclient.devtools import BrowserGone, CallFailed, DevTools
from ozrules.connectors.webclient.page_server import HOST, ORIGIN, policy_for, served_page
from ozrules.connectors.webclient.tokens import Tokens
from ozrules.session.unicode import read_json

HEARTBEAT: Final = 5.0
SILENCE: Final = 30.0  # a page that does not answer for so long is dead
STEADY: Final = 60.0  # a browser that lived so long was a good one

_EAR: Final = "ozrulesHost"
_SUBPROTOCOL_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

log = logging.getLogger(__name__)


def bridge_url(host: str, port: int) -> str:
    """Where a page on this machine finds a daemon that listens on ``host``."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # it is read here, not listened on
    return f"ws://[{reached}]:{port}/" if ":" in reached else f"ws://{reached}:{port}/"


class PageSaid(msgspec.Struct, frozen=True):
    """One message of the page: it has been loaded, its connection changed, or something is not as it should be."""

    kind: Literal["ready", "connection", "problem"]
    state: str = ""
    detail: str = ""
    text: str = ""


class WebClient:
    """The browser side of one ``ozeki-webclient`` connection.

    The page is given the token at each load, and loaded anew when there is a newer one. Raises NoBrowser, and
    ValueError for a bridge token that a browser cannot send.
    """

    def __init__(
        self,
        *,
        connection: str,
        server: str,
        tokens: Tokens,
        bridge_token: str,
        chance: random.Random,
        script: str | None = None,
        password: str | None = None,
        executable: str | None = None,
    ) -> None:
        if not _SUBPROTOCOL_TOKEN.fullmatch(bridge_token):
            raise ValueError(
                "a browser can send a bridge token only of letters, digits and !#$%&'*+.^_`|~- ;"
                " make another one, as with: openssl rand -hex 16"
            )
        self._connection = connection
        self._server = server
        self._tokens = tokens
        self._shown = ""
        self._bridge_token = bridge_token
        self._chance = chance
        self._script = script or f"http://{server}:7777/WebphoneAPI"
        self._password = password
        self._executable = find_browser(executable)

    async def run(self, bridge: str) -> NoReturn:
        """Until it is cancelled; then the browser is gone. ``bridge`` is where the daemon listens for the page."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tokens.run())
            await self._browse(bridge)

    async def _browse(self, bridge: str) -> NoReturn:
        policy = policy_for(script=self._script, server=self._server, bridge=bridge)
        clock = asyncio.get_running_loop().time
        failures = 0
        async with served_page(policy, self._script) as port:
            while True:
                started, chromium = clock(), None
                try:
                    async with browser(self._executable, {HOST: f"127.0.0.1:{port}"}) as chromium:
                        await self._watch(chromium.devtools, bridge)
                except* (BrowserGone, CallFailed, OSError) as problems:
                    failures = 0 if clock() - started > STEADY else failures + 1
                    wait = wait_after(failures, denied=False, chance=self._chance)
                    log.warning(
                        "%s: %s; starting the browser again in %.1f s; its last words were %r",
                        *(self._connection, _first(problems), wait, chromium.last_words if chromium else ""),
                    )
                await asyncio.sleep(wait)

    async def _watch(self, devtools: DevTools, bridge: str) -> NoReturn:
        said: asyncio.Queue[PageSaid] = asyncio.Queue(100)
        connection: PageSaid | None = None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(devtools, said))
            tab = await _open(devtools)
            tasks.create_task(_feel_the_pulse(devtools, tab))
            tasks.create_task(self._reload(devtools, tab))
            while True:
                message = await said.get()
                match message.kind:
                    case "ready":
                        await self._hand_over(devtools, tab, bridge)
                    case "connection" if message != connection:
                        connection = message
                        granted = message.state == "ACCESS_GRANTED"
                        log.log(
                            logging.INFO if granted else logging.WARNING,
                            "%s: the web client's connection to %s is %r %r",
                            *(self._connection, self._server, message.state, message.detail),
                        )
                        if message.state == "ACCESS_DENIED":
                            self._tokens.refused(self._shown)
                    case "connection":
                        pass  # tried again, and nothing is new
                    case "problem":
                        log.warning("%s: the web client reports %r", self._connection, message.text)
        raise AssertionError("a task group with an endless body ends by an exception")

    async def _reload(self, devtools: DevTools, tab: str) -> NoReturn:
        """Loads the page anew whenever there is a newer token than the one that it has."""
        while True:
            await self._tokens.renewed()
            with contextlib.suppress(CallFailed):  # it is being loaded already
                await devtools.call("Page.reload", tab)
            await asyncio.sleep(HEARTBEAT)  # in that time the page takes it

    async def _hand_over(self, devtools: DevTools, tab: str, bridge: str) -> None:
        self._shown = await self._tokens.current()
        settings = {
            "server": self._server,
            "script": self._script,
            "token": self._shown,
            "password": self._password,
            "bridge": {"url": bridge, "token": self._bridge_token},
            "version": ozrules.__version__,
        }
        text = msgspec.json.encode(settings).decode()
        # whatever else this tab may have been led to gets nothing
        expression = f'if (location.origin === "{ORIGIN}") ozrules.start({text})'
        with contextlib.suppress(CallFailed):  # the page is being loaded anew; it will say so
            await devtools.call("Runtime.evaluate", tab, expression=expression)


def _first(problems: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first; the rest of a group follows from it."""
    first = problems.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _listen(devtools: DevTools, said: "asyncio.Queue[PageSaid]") -> NoReturn:
    decoder = msgspec.json.Decoder(PageSaid)
    async for event in devtools.events():
        match event.method, event.params:
            case "Inspector.targetCrashed", _:
                raise BrowserGone("the page crashed")
            case "Runtime.bindingCalled", {"name": str(name), "payload": str(payload)} if name == _EAR:
                # the vendor's script lives in the same page and could say anything: what does not fit is left out
                with contextlib.suppress(msgspec.DecodeError, asyncio.QueueFull):
                    said.put_nowait(read_json(decoder, payload))
    raise AssertionError("the events of a browser end by an exception")


async def _open(devtools: DevTools) -> str:
    target = (await devtools.call("Target.createTarget", url="about:blank"))["targetId"]
    tab = str((await devtools.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"])
    await devtools.call("Inspector.enable", tab)
    await devtools.call("Runtime.enable", tab)
    await devtools.call("Runtime.addBinding", tab, name=_EAR)
    await devtools.call("Page.navigate", tab, url=f"{ORIGIN}/")
    return tab


async def _feel_the_pulse(devtools: DevTools, tab: str) -> NoReturn:
    """Returns never; raises BrowserGone when the page has not answered for a while."""
    clock = asyncio.get_running_loop().time
    answered = clock()
    while True:
        await asyncio.sleep(HEARTBEAT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SILENCE):
                if await _answers(devtools, tab):
                    answered = clock()
        if clock() - answered >= SILENCE:
            raise BrowserGone(f"the page has not answered for {SILENCE:.0f} s")


async def _answers(devtools: DevTools, tab: str) -> bool:
    try:
        answer = await devtools.call("Runtime.evaluate", tab, expression="typeof ozrules", returnByValue=True)
    except CallFailed:
        return False
    return answer.get("result") == {"type": "string", "value": "object"}
