"""The Ozeki HTTP API in front of a simulated phone system, with its notifications.

Notifications are HTTP/1.0 form posts, each on a connection of its own, one after another; the OzML in a reply is
carried out in order. A call that the Call command placed is announced to its Url, which says what happens; where it
says nothing the call is ended (ozekiphone.com p_4571). A listener that does not answer is not waited for long, and
nothing is posted twice.
"""

import asyncio
from typing import Final

import aiohttp
import msgspec
from aiohttp import web

from ozrules.connectors.pulse import Pulse
from ozrules.connectors.simulator.behaviour import Question
from ozrules.connectors.simulator.http_api import HttpApi
from ozrules.connectors.simulator.http_calls import HttpCall
from ozrules.connectors.simulator.http_manners import HttpManners
from ozrules.connectors.simulator.ozml import commands, directive
from ozrules.connectors.simulator.switchboard import Silent, Switchboard
from ozrules.runtime.ports import Clock

SERVER: Final = "Microsoft-HTTPAPI/2.0"
HEARD_WITHIN: Final = 2.0
MAX_WAITING: Final = 10_000


class _Post(msgspec.Struct, frozen=True):
    """Of a call. ``hangs_up``: where the reply says nothing, the call is ended. ``file``: its recording."""

    url: str
    name: str
    call: HttpCall
    hangs_up: bool = False
    file: str | None = None


class SimulatorHttp:
    """Serves one switchboard to whoever asks, and posts what happens."""

    def __init__(self, switchboard: Switchboard, manners: HttpManners, clock: Clock, *, host: str, port: int) -> None:
        self.port = port
        self.api = HttpApi(switchboard, manners)
        self._switchboard = switchboard
        self._clock = clock
        self._host = host
        self._pulse = Pulse(clock)
        self._listening = asyncio.Event()
        self._posts: asyncio.Queue[_Post] = asyncio.Queue(MAX_WAITING)

    @property
    def path(self) -> str:
        """Where commands are taken."""
        return "/" if self.api.manners.generation == "classic" else "/api"

    @property
    def url(self) -> str:
        """Where commands are sent, once it listens."""
        return f"http://{self._host}:{self.port}{self.path}"

    async def run(self) -> None:
        """Serve until cancelled."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("GET", self.path, self._take)
        app.router.add_route("POST", self.path, self._take)
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=0.5
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self.port).start()
            self.port = runner.addresses[0][1]
            self._listening.set()
            async with (
                aiohttp.ClientSession(
                    version=aiohttp.HttpVersion10,
                    connector=aiohttp.TCPConnector(force_close=True),
                    cookie_jar=aiohttp.DummyCookieJar(),
                ) as http,
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(self._post_changes(http))
                while True:
                    self._tell_changes()
                    for question in self._switchboard.phones.questions(self._clock.now()):
                        tasks.create_task(self._ask(http, question))
                    await self._pulse.wait(self._switchboard.phones.next_due())
        finally:
            await runner.cleanup()

    async def until_listening(self) -> None:
        """Returns when requests may come; `port` is known then."""
        await self._listening.wait()

    def poke(self) -> None:
        """Something was done to the phone system from elsewhere."""
        self._pulse.poke()

    async def restart(self) -> None:
        """The phone system crashes and comes back: its calls are gone."""
        self._switchboard.phones.restart(self._clock.now())
        self.api.calls.forget()
        self._pulse.poke()

    async def _take(self, request: web.Request) -> web.Response:
        pairs = [*request.query.items()]
        if request.method == "POST":
            pairs += [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
        self._tell_changes()
        answer = self.api.answer(pairs, request.remote or "", self._clock.now())
        self._tell_changes()
        self._pulse.poke()
        if isinstance(answer, Silent):
            if answer.closes and request.transport is not None:
                request.transport.abort()
            await asyncio.Event().wait()  # until the other side goes
            raise AssertionError("this is cancelled, and never ends by itself")
        headers = {"Server": SERVER, "Content-Type": "application/xml"}
        return web.Response(body=answer, headers=headers)

    def _tell_changes(self) -> None:
        now = self._clock.now()
        for news in self._switchboard.changes(now):
            for call in self.api.calls.note(news, news.at or now):
                url = self.api.manners.hears_changes
                if url is not None:
                    self._will_post(_Post(url, "CallChanged", call))
                url = self.api.answered(call)
                if url is not None:
                    self._will_post(_Post(url, "CallConnected", call, hangs_up=True))
                finished = self.api.recorded(call)
                if finished is not None:
                    self._will_post(_Post(finished.url, "RecordCompleted", call, file=finished.file))

    def _will_post(self, post: "_Post") -> None:
        if not self._posts.full():
            self._posts.put_nowait(post)

    async def _post_changes(self, http: aiohttp.ClientSession) -> None:
        while True:
            post = await self._posts.get()
            session = post.call.session
            pairs = {
                "NotificationName": post.name,
                "CallId": session.session_id,
                "CallState": post.call.word,
                "Source": session.caller or "",
                "Destination": session.callee or "",
            }
            if post.file is not None:
                pairs["RecordURL"] = post.file
            wanted = commands(await _posted(http, post.url, pairs), session.session_id)
            if post.hangs_up and not wanted:
                wanted = [{"command": "Hangup", "callid": session.session_id}]
            for values in wanted:
                self.api.run(values, self._clock.now())
                self._pulse.poke()

    async def _ask(self, http: aiohttp.ClientSession, question: Question) -> None:
        session, url = question.session, self.api.manners.hears_routing
        pairs = {
            "NotificationName": "RoutingInterception",
            "CallerID": session.caller or "",
            "OriginalDialedNumber": session.dialed_number or "",
            "LastDialedNumber": session.callee or "",
            "LastCalledExtension": session.callee or "",
            "LastCallState": question.kind,
            "CallerExtension": session.source or "",
        }
        told = directive(await _posted(http, url, pairs)) if url is not None else None
        self._switchboard.phones.answer(
            question.number,
            told.to if told is not None else None,
            told.ring if told is not None else None,
            self._clock.now(),
        )
        self._pulse.poke()


async def _posted(http: aiohttp.ClientSession, url: str, pairs: dict[str, str]) -> bytes:
    """The body of the reply; empty where there is none."""
    headers = {"Cache-Control": "no-store,no-cache", "Pragma": "no-cache", "Connection": "close"}
    try:
        timeout = aiohttp.ClientTimeout(total=HEARD_WITHIN)
        async with http.post(url, data=pairs, headers=headers, timeout=timeout, allow_redirects=False) as response:
            return await response.read() if response.status == 200 else b""
    except (aiohttp.ClientError, TimeoutError, OSError):
        return b""
