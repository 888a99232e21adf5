"""The web client before phone systems whose JavaScript API is read in each way that the vendor's pages leave open.

The real daemon, a real Chromium for each connection, many connections side by side. Each phone system tells the same
story: calls that run already when we connect, a call that is to be forwarded, one that is to hear a key once, one that
is held, one that is ended after eight seconds; a lost link in the middle of it, over which the token is renewed, and
while which a call ends unseen; the daemon, and every browser, started anew. What must have been done, and what must
not, is read off the phone system's own ledger. The record shows which calls were taken to have ended, and that the
eight seconds counted from where they began.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from ozrules.connectors.webclient.browser import NoBrowser, find_browser
from tests.e2e.stage import Daemon, Line, configure, daemon
from tests.standin.any_reading import System, systems

RULES: Final = """\
ozrules: 1
defaults: {extensions: ["_2XXX"]}
rules:
  - id: ring
    trigger: {state: Ringing}
    conditions: {callee: 2001}
    actions: [{forward: {to: 2010}}]
  - id: keys
    trigger: {state: InCall, for: 1s}
    conditions: {callee: 2002}
    actions: [{sendDtmf: {to: callee, keys: "1"}}]
  - id: limit
    trigger: {state: InCall, for: 8s}
    conditions: {callee: 2003}
    actions: [hangup]
"""

ONE: Final[dict[str, dict[str, Any]]] = {
    "as on most pages": {},
    "getters, state first, numbers of the constants": {
        "props": "getters", "args": "state, session", "states": "ordinal", "announces": "at connect", "byId": True,
        "begins": "on load", "list": "array", "durations": "seconds",
    },
    "frozen, the state alone, lower case": {
        "props": "frozen", "objects": "new", "args": "state", "states": "lower", "announces": "before it grants",
        "durations": "of the moment", "list": "Map", "begins": "on DOMContentLoaded", "subscribes": "before connect",
    },
    "capitals, an info object, enum objects": {
        "props": "capital", "objects": "new", "args": "info", "states": "enum", "durations": "constant",
        "list": "iterator", "begins": "writes a second script", "connection": "number", "ids": "number",
    },
    "stale objects, old names, by constant": {
        "objects": "stale", "states": "old", "listSpelling": "constant", "durations": "of the moment", "list": "next",
        "begins": "adds a second script", "subscribes": "when granted", "event": "onConStateChanged", "starts": "local",
    },
    "a helper that is filled late": {
        "listFrom": 9.0, "list": "promise", "durations": "clock", "forwards": "same",
        "begins": "after a while", "connection": "text",
    },
    "a helper that is filled by and by": {
        "listFrom": 2.5, "announces": "after a second", "listPart": 1, "listSpelling": "value", "list": "length",
        "durations": "none", "ends": "close before state", "starts": "none", "answers": "promise",
    },
    "no helper": {
        "list": "none", "announces": "at connect", "states": "key", "args": "session", "forwards": "redirected, and on",
        "ends": "close alone", "durations": "constant", "objects": "in place",
    },
}  # fmt: skip
OTHER: Final[dict[str, dict[str, Any]]] = {
    "bare numbers, that the helper explains": {
        "subscribing": "tells the present", "states": "bare ordinal", "list": "array",
        "objects": "in place", "answers": "true", "subscribes": "one",
    },
    "numbers as text, session and info": {
        "states": "ordinal as text", "args": "session, info", "objects": "new", "ids": "number", "byId": True,
    },
    "listeners of each object": {
        "subscribing": "tells the present", "listeners": "of the object", "objects": "new",
        "durations": "of the moment", "ends": "state alone",
    },
    "the id moves on in the object": {"forwards": "renamed", "props": "getters", "closes": "the id", "list": "null"},
    "a helper without holds": {"listLacks": ["OnHold"], "byId": True, "durations": "constant", "list": "Map"},
    "methods that throw after doing": {"answers": "throws after doing it", "objects": "new", "durations": "seconds"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _browser_is_there() -> None:
    try:
        find_browser()
    except NoBrowser as missing:
        pytest.skip(str(missing))


class Story:
    """One phone system in one daemon, and what is to be expected of it."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system = system
        self.name = f"s{system.host.rpartition('.')[2]}"
        self.file = folder / self.name
        self.wanted: Counter[tuple[str, str]] = Counter()
        self.renew("token-0")

    def renew(self, token: str) -> None:
        """The only token that holds from now on lies where the configuration has it read."""
        self.system.token = token
        self.file.write_text(token, encoding="utf-8")
        self.file.chmod(0o600)

    @property
    def settings(self) -> dict[str, object]:
        return {
            "name": self.name,
            "type": "ozeki-webclient",
            "server": self.system.host,
            "script": self.system.script,
            "token": {"file": str(self.file)},
        }

    async def ready(self, running: Daemon, after: int = 0) -> None:
        await running.until(
            lambda: any(
                line["type"] == "connection" and line["connection"] == self.name and line["ready"]
                for line in running.lines[after:]
            ),
            f"{self.system.name}: ready",
        )

    async def expect(self, method: str, id: str) -> None:
        self.wanted[method, id] += 1
        await self.system.until(lambda: self.system.told(method, id), f"{method} of {id}")

    async def before(self) -> None:
        """What goes on already when we connect: nobody saw it begin."""
        self.rang = await self.system.ring("2001", ago=15.0)
        self.gone = await self.system.ring("2004", "InCall", ago=600.0)

    async def first(self, running: Daemon) -> None:
        """Calls begin; in the middle of them the link is lost."""
        await self.ready(running)
        await self.expect("forward", await self.system.ring("2001"))
        talking = await self.system.ring("2002")
        await self.system.change(talking, "InCall")
        await self.expect("sendDtmf", talking)
        self.talking = talking
        self.held = await self.system.ring("2005")
        await self.system.change(self.held, "InCall")
        await self.system.change(self.held, "OnHold")
        await self.seen(running, self.held, "OnHold")
        self.limited = await self.system.ring("2003")
        await self.system.change(self.limited, "InCall")
        await self.seen(running, self.limited, "InCall")
        self.since = len(running.lines)
        self.renew("token-1")
        await self.system.drop()
        self.system.forget(self.gone)

    async def seen(self, running: Daemon, id: str, state: str) -> None:
        """The daemon knows that the call is in this state."""
        await running.until(lambda: bool(self._events(running, id, state)), f"{self.system.name}: {state} of {id}")

    async def second(self, running: Daemon) -> None:
        """The link is there again: the stay goes on as it was."""
        await self.ready(running, self.since)
        await self.expect("hangup", self.limited)
        began = self._events(running, self.limited, "InCall")[0]["since"]
        fired = await running.saw("decision", sessionId=self.limited, rule="limit", reason="fired")
        assert [line["event"]["since"] for line in fired] == [began], f"{self.system.name}: the stay began anew"
        if self._has_helper and running.of("event", sessionId=self.gone):  # a late helper may never have named it
            await running.until(lambda: bool(self.ended(running, self.gone)), f"{self.system.name}: the end of a call")
        for id in (self.rang, self.talking, self.held):
            assert not self.ended(running, id), f"{self.system.name}: {id} was taken to have ended"

    async def third(self, running: Daemon) -> None:
        """After the start of everything: nothing is done twice, and calls are seen again."""
        await self.ready(running)
        await self.expect("forward", await self.system.ring("2001"))
        if self._has_helper:
            await self.system.until(lambda: self.system.asked >= 4, "a settled list")
        for id in (self.rang, self.talking, self.held):
            # what a helper never names is gone for a browser that has never known it
            assert (id == self.held and self.system.reading.get("listLacks")) or not self.ended(running, id), (
                f"{self.system.name}: {id} was taken to have ended"
            )

    @property
    def _has_helper(self) -> bool:
        return self.system.reading.get("list") != "none"

    def _events(self, running: Daemon, id: str, state: str) -> list[Line]:
        """What the record says of a call's coming into a state."""
        return [line["event"] for line in running.of("event", sessionId=id) if line["event"]["state"] == state]

    def ended(self, running: Daemon, id: str) -> list[Line]:
        return self._events(running, id, "Aborted")

    def judge(self) -> None:
        done = Counter((method, id) for method, id, _ in self.system.ledger)
        assert done == self.wanted, f"{self.system.name}: {self.system.ledger}"
        assert self.system.shown[0] == "token-0"
        assert self.system.shown[-1] == "token-1"


@pytest.mark.fault(1, 5, 20)
@pytest.mark.parametrize("readings", [ONE, OTHER], ids=["one", "other"])
async def test_the_same_story_in_each_reading_of_the_pages(readings: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    async with systems(readings) as phones:
        stories = [Story(system, tmp_path) for system in phones]
        configure(
            tmp_path,
            "",
            RULES,
            connections=[each.settings for each in stories],
            log={"format": "json", "decisions": "all"},
        )
        for each in stories:
            await each.before()
        async with daemon(tmp_path) as running:
            await asyncio.gather(*(each.first(running) for each in stories))
            await asyncio.gather(*(each.second(running) for each in stories))
            assert await running.stop() == 0
        async with daemon(tmp_path) as again:
            await asyncio.gather(*(each.third(again) for each in stories))
            assert await again.stop() == 0
    for each in stories:
        each.judge()


CANNOT: Final[dict[str, tuple[str, str]]] = {
    "in a frame": ("has no OzWebClient", "wants a frame (http://127.0.0.11"),
    "in a plug-in": ("has no OzWebClient", "wants a plug-in (http://127.0.0.12"),
    "and fails": ("has no OzWebClient", "a script of the phone system failed"),
    "adds a second script": ("needs http://127.0.0.14", "needs http://127.0.0.14"),
}
"""How a script begins that cannot work; and what is said of it, in the connection's state and in the log."""


@pytest.mark.fault(19)
async def test_what_cannot_work_is_said_and_tried_again_what_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    """A fifth connection works beside them, and hears a call that nobody can read."""
    readings: dict[str, dict[str, Any]] = {begins: {"begins": begins} for begins in CANNOT}
    readings["adds a second script"]["second"] = "http://127.0.0.14:9/nobody"
    async with systems(readings | {"talks nonsense": {}}) as phones:
        stories = [Story(system, tmp_path) for system in phones]
        configure(tmp_path, "", RULES, connections=[each.settings for each in stories])
        works = stories.pop()
        async with daemon(tmp_path) as running:
            await works.ready(running)
            await works.system.talk_nonsense()
            await running.saw(
                "connection",
                connection=works.name,
                ready=False,
                detail="CONNECTION_CLOSED: onSessionCreated named no session",
            )
            await running.until(lambda: len(running.of("connection", connection=works.name, ready=True)) == 2, "a list")
            await works.expect("forward", await works.system.ring("2001"))
            for each in stories:
                state, log = CANNOT[each.system.name]
                await running.until(
                    lambda each=each, state=state: any(  # type: ignore[misc]  # bound now
                        f"CONNECTION_FAILED: {each.system.script} {state}" in line["detail"]
                        for line in running.of("connection", connection=each.name)
                    ),
                    f"{each.system.name}: {state}",
                )
                await running.error(log)
            mended = stories[-1].system
            mended.reading = {"event": "onConnectionStateChanged"}
            await mended.until(lambda: mended.shown, "another try")
            assert await running.stop() == 0
