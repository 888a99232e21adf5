"""A stand-in for the phone system's ``/WebphoneAPI``: the documented JavaScript API, served to a real browser.

Tests drive the calls from Python (`create`, `change`, `close`); every call of a Session method that arrives stands in
`ledger`. What the vendor's documentation leaves open is an option, so that every reading of it can be tried.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from ozrules.runtime.clock import SystemClock
from ozrules.session.state import VENDOR_STATES

StateSpelling = Literal["value", "key", "old", "http"]

_OLD: Final = {
    "InCall": "IN_CALL",
    "CalleeOnHold": "HOLD",
    "CallerOnHold": "HOLD",
    "OnHold": "HOLD",
    "OnHoldInactive": "HOLD",
    "CallerHungUp": "COMPLETED",
    "CalleeHungUp": "COMPLETED",
    "NotFound": "NOT_FOUND",
}
_HTTP: Final = {
    "CalleeOnHold": "Hold",
    "CallerOnHold": "Hold",
    "OnHold": "Hold",
    "OnHoldInactive": "Hold",
    "TransferCompleted": "Transferred",
    "CallerHungUp": "Completed",
    "CalleeHungUp": "Completed",
    "NotAnswered": "Busy",
}


def spelled(state: str, spelling: StateSpelling) -> str:
    """The text that stands for ``state`` on one of the vendor's pages."""
    match spelling:
        case "value":
            return state
        case "key":
            return state.upper()
        case "old":
            return _OLD.get(state, state.upper())
        case "http":
            return _HTTP.get(state, state)


class Options(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the documentation leaves open, or says in two ways."""

    property_case: Literal["camel", "pascal"] = "camel"
    state_spelling: StateSpelling = "value"
    callback_order: Literal["sessionFirst", "stateFirst"] = "sessionFirst"
    connection_event: Literal["onConnectionStateChanged", "onConStateChanged"] = "onConnectionStateChanged"
    helper: bool = True
    delivers_running: bool = False
    refusal: Literal["exception", "event", "silence"] = "exception"
    refresh: Literal["inPlace", "newObject", "stale"] = "inPlace"
    forward: Literal["newSession", "sameSession"] = "newSession"
    final_state: bool = True


class Called(msgspec.Struct, frozen=True):
    """A Session method that was called: by whom does not matter, with what does."""

    method: str
    session_id: str
    args: tuple[str, ...]
    refused: Literal["denied", "invalid"] | None = None


class Connected(msgspec.Struct, frozen=True):
    """What a page gave to OzWebClient.connect."""

    server: str
    token: str
    properties: dict[str, str]


class _Said(msgspec.Struct, rename="camel"):
    connect: Connected | None = None
    method: str = ""
    session_id: str = ""
    args: tuple[str, ...] = ()
    refused: Literal["denied", "invalid"] | None = None


class Webphone:
    """One phone system. ``tokens`` says which tokens there are and whether each has AllowSessionModification."""

    def __init__(self, tokens: dict[str, bool]) -> None:
        self.tokens = tokens
        self.password: str | None = None
        self.options = Options()
        self.serves_script = True
        self.ledger: list[Called] = []
        self.connects: list[Connected] = []
        self.undocumented: list[str] = []
        self._sessions: dict[str, dict[str, str]] = {}
        self._links: set[web.WebSocketResponse] = set()
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()
        self._port = 0

    @property
    def script(self) -> str:
        return f"http://127.0.0.1:{self._port}/WebphoneAPI"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Webphone"]:
        app = web.Application()
        app.router.add_get("/WebphoneAPI", self._serve_script)
        app.router.add_get("/link", self._serve_link)
        app.router.add_get("/link/undocumented/{name}", self._note_undocumented)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            self._port = runner.addresses[0][1]
            yield self
        finally:
            await self.drop()
            await runner.cleanup()

    async def until(self, condition: Callable[["Webphone"], object]) -> None:
        """Returns when ``condition`` holds; looks again at everything that arrives."""
        async with self._changed:
            await self._changed.wait_for(lambda: condition(self))

    @property
    def links(self) -> int:
        """How many web clients are connected."""
        return len(self._links)

    # --- the calls ----------------------------------------------------------------------------------------------------

    async def create(self, state: str = "Ringing", **properties: str) -> str:
        """A call comes up; its session id."""
        number = next(self._numbers)
        session = {
            "masterSessionId": f"m{number}",
            "sessionId": f"s{number}",
            "sessionState": state,
            "startTime": datetime.fromtimestamp(SystemClock().now(), UTC).isoformat(timespec="milliseconds"),
            "talkDuration": "00:00:00",
            "stateDuration": "00:00:00",
            "caller": "+36201234567",
            "callee": "2001",
            "callerDisplayName": "A Customer",
            "calleeDisplayName": "Sales",
            "callerCallLegId": f"l{number}a",
            "calleeCallLegId": f"l{number}b",
            "source": "trunk",
            "sourceType": "OutsideLine",
            "destination": "2001",
            "destinationType": "Extension",
            "dialedNumber": "+3617654321",
        } | properties
        self._sessions[session["sessionId"]] = session
        await self._tell("created", session)
        return session["sessionId"]

    async def change(self, session_id: str, state: str, **properties: str) -> None:
        self._sessions[session_id] |= {"sessionState": state, **properties}
        await self._tell("changed", self._sessions[session_id])

    async def close(self, session_id: str, state: str | None = None) -> None:
        """The call ends: in the final ``state`` and then closed, or only closed, as the options say."""
        if state is not None and self.options.final_state:
            await self.change(session_id, state)
        await self._tell("closed", self._sessions.pop(session_id))

    def forget(self, session_id: str) -> None:
        """The call ends, and no web client is told."""
        del self._sessions[session_id]

    async def report_error(self, **error: str) -> None:
        """onErrorOccured with an object of these fields."""
        await self._send({"event": "error", "error": error})

    async def drop(self) -> None:
        """Every web client loses its connection."""
        for link in list(self._links):
            await link.close()

    # --- the pages ----------------------------------------------------------------------------------------------------

    async def _serve_script(self, request: web.Request) -> web.Response:
        if not self.serves_script:
            raise web.HTTPServiceUnavailable
        settings = {"link": f"ws://127.0.0.1:{self._port}/link", "options": self.options}
        text = (Path(__file__).parent / "webphone.js").read_text(encoding="utf-8")
        body = f"const STANDIN = {msgspec.json.encode(settings).decode()};\n{text}"
        return web.Response(text=body, content_type="text/javascript", headers={"Cache-Control": "no-store"})

    async def _note_undocumented(self, request: web.Request) -> web.Response:
        self.undocumented.append(request.match_info["name"])
        return web.Response()

    async def _serve_link(self, request: web.Request) -> web.WebSocketResponse:
        link = web.WebSocketResponse()
        await link.prepare(request)
        async for frame in link:
            said = msgspec.json.decode(frame.data, type=_Said)
            if said.connect is not None:
                await self._connect(link, said.connect)
            else:
                self.ledger.append(Called(said.method, said.session_id, said.args, said.refused))
                if said.refused is None:
                    await self._carry_out(said.method, said.session_id)
            await self._notify()
        self._links.discard(link)
        await self._notify()
        return link

    async def _connect(self, link: web.WebSocketResponse, given: Connected) -> None:
        self.connects.append(given)
        known = given.token in self.tokens and given.properties.get("Password") == self.password
        answer = {
            "event": "connection",
            "state": "ACCESS_GRANTED" if known else "ACCESS_DENIED",
            "mayModify": self.tokens.get(given.token, False),
            "running": [self._spelled(session) for session in self._sessions.values()] if known else [],
        }
        await link.send_str(_text(answer))
        if known:
            self._links.add(link)

    async def _carry_out(self, method: str, session_id: str) -> None:
        """The usual effect of a method; a test that wants another has the options and the calls."""
        session = self._sessions.get(session_id)
        if session is None:
            return
        match method:
            case "forward" if self.options.forward == "sameSession":
                await self.change(session_id, "Ringing", callee=self.ledger[-1].args[0])
            case "forward":
                target, master = self.ledger[-1].args[0], session["masterSessionId"]
                await self.close(session_id, "Redirected")
                await self.create(callee=target, masterSessionId=master)
            case "blindTransfer":
                await self.close(session_id, "TransferCompleted")
            case "hangup" | "close" | "closeWithHangup":
                await self.close(session_id, "CalleeHungUp")
            case "hold":
                await self.change(session_id, "OnHold")
            case "unhold":
                await self.change(session_id, "InCall")

    async def _tell(self, event: str, session: dict[str, str]) -> None:
        await self._send({"event": event, "session": self._spelled(session)})

    async def _send(self, message: dict[str, Any]) -> None:
        for link in list(self._links):
            with contextlib.suppress(ConnectionError):
                await link.send_str(_text(message))

    def _spelled(self, session: dict[str, str]) -> dict[str, str]:
        state = session["sessionState"]
        return session | {"sessionState": spelled(state, self.options.state_spelling), "key": state.upper()}

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message)  # which can carry half a character, as a browser can


ALL_STATES: Final = tuple(str(state) for state in VENDOR_STATES)
