"""The page's modules in a real browser: what they make of a form in which a script may speak."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from ozrules.connectors.webclient.browser import browser, find_browser
from ozrules.connectors.webclient.devtools import DevTools
from ozrules.connectors.webclient.page_server import HOST, ORIGIN, policy_for, served_page

Evaluate: TypeAlias = Callable[[str], Any]
NO_SCRIPT = "http://127.0.0.1:9/WebphoneAPI"

SESSION = """
class Session {
  constructor(values) { Object.assign(this, values); }
  onSessionStateChanged() {}
  hold() {}
}
const s = new Session({ sessionId: "s1", sessionState: "Ringing" });
const t = new Session({ Id: 7, State: "IN_CALL" });
"""


async def opened(stack: contextlib.AsyncExitStack) -> tuple[DevTools, str]:
    policy = policy_for(script=NO_SCRIPT, server="127.0.0.1", bridge="ws://127.0.0.1:9/")
    port = await stack.enter_async_context(served_page(policy, NO_SCRIPT))
    running = await stack.enter_async_context(browser(find_browser(), {HOST: f"127.0.0.1:{port}"}))
    devtools = running.devtools
    reading = asyncio.get_running_loop().create_task(_read(devtools))
    stack.callback(reading.cancel)
    target = (await devtools.call("Target.createTarget", url=f"{ORIGIN}/"))["targetId"]
    tab = str((await devtools.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"])
    while (await _value(devtools, tab, "typeof ozrules")) != "object":  # it is being loaded
        pass
    return devtools, tab


async def _read(devtools: DevTools) -> None:
    async for _ in devtools.events():
        pass


async def _value(devtools: DevTools, tab: str, expression: str) -> Any:
    asked: Awaitable[dict[str, Any]] = devtools.call(
        "Runtime.evaluate", tab, expression=expression, awaitPromise=True, returnByValue=True
    )
    answer = await asked
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


async def evaluated(devtools: DevTools, tab: str, body: str) -> Any:
    modules = ", ".join(
        f"...await import('/{name}.js')"
        for name in ("session", "states", "durations", "helper", "commands", "live", "phone", "settling")
    )
    return await _value(devtools, tab, f"(async () => {{ const m = {{ {modules} }}; {SESSION} {body} }})()")
