"""An Ozeki Phone System over its documented HTTP API: no browser.

The reading of `events` drives it: it asks for the list of calls again and again, tells what has changed from one list
to the next, and after a loss tries again, later each time. A notification, or a command of ours, makes it look at
once. Read it with ``contextlib.aclosing``, so that everything is closed when the reading stops.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Final

import msgspec
from msgspec.structs import replace

from ozrules.connectors.gateway.requests import MovedParty
from ozrules.connectors.ozeki_http.answers import ACCESS, OK, NotAnAnswer, in_words, receipt, shown
from ozrules.connectors.ozeki_http.client import Access, Client, Unreachable
from ozrules.connectors.ozeki_http.listener import NotificationListener
from ozrules.connectors.ozeki_http.notifications import CallHint, OtherNews, RoutingQuestion
from ozrules.connectors.ozeki_http.ozml import DIAL_PLAN, reply
from ozrules.connectors.ozeki_http.pace import QUICKEST, interval_after
from ozrules.connectors.ozeki_http.requests import ABSENT, LIST, POSSIBLE, Unsendable, request_for
from ozrules.connectors.ozeki_http.routing import kind_of, session_of
from ozrules.connectors.ozeki_http.rows import Listed, listed
from ozrules.connectors.ozeki_http.watch import Watch
from ozrules.connectors.pulse import Pulse
from ozrules.connectors.retry import wait_after
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, ConnectionOpened, Gap, Refused, Unanswered
from ozrules.runtime.ports import Clock, ConnectionState, FromPhoneSystem, Malformed, RoutingDesk
from ozrules.session.session import Session

LIST_WITHIN: Final = 10.0
ANSWER_WITHIN: Final = 5.0
HINTED_AGAIN: Final = 0.1  # seconds between two looks, however many notifications come
ATTENTIVE: Final = 5.0  # seconds after a command in which its effect is looked for
LISTEN_AGAIN: Final = 30.0
MAX_COMPLAINTS: Final = 100


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where notifications are heard, from whom, and how many seconds a question about routing may wait."""

    host: str
    port: int
    allow: tuple[str, ...]
    deadline: float


class Down(Exception):
    """The phone system cannot be watched; the text says why. ``denied``: it does not want us."""

    def __init__(self, why: str, *, denied: bool = False) -> None:
        super().__init__(why)
        self.denied = denied


class OzekiHttpConnector:
    """The Connector port for one phone system."""

    def __init__(
        self,
        name: str,
        access: Access,
        *,
        moved_party: MovedParty | None,
        ring_time: float | None,
        listening: Listening | None,
        outside_line: str | None,
        watches: bool = True,
        api_extension: str | None,
        routes: RoutingDesk,
        clock: Clock,
        chance: random.Random,
        timezone: str = "UTC",
    ) -> None:
        self._name = name
        self._access = access
        self._moved_party = moved_party
        self._listening = listening
        self._outside_line = outside_line
        self._watches = watches
        self._api_extension = api_extension
        self._routes = routes
        self._clock = clock
        self._chance = chance
        self._timezone = timezone
        self._pulse = Pulse(clock)
        self._watch = Watch(name, ring_time=ring_time)
        self._client: Client | None = None
        self._complaints: deque[Malformed] = deque(maxlen=MAX_COMPLAINTS)
        self._list_wanted = False
        self._attentive_until = 0.0
        self._told = ""
        self._heard: NotificationListener | None = None
        self._deaf = ""
        self._listen_at = 0.0
        self._listens = asyncio.Event()

    @property
    def name(self) -> str:
        return self._name

    async def notification_port(self) -> int:
        """The port on which notifications are heard, once it is open; made up where it is given as 0."""
        await self._listens.wait()
        assert self._heard is not None, "it was opened, and stays"
        return self._heard.port

    async def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        """Everything that is seen; see `ozrules.runtime.ports.Connector.events`."""
        failures = 0
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(Client(self._access))
            while True:
                denied = False
                try:
                    async with aclosing(self._follow(client, stack)) as items:
                        async for item in items:
                            if isinstance(item, ConnectionState) and item.ready:
                                failures = 0
                            yield item
                except Down as down:
                    denied = down.denied
                    for state in self._down(str(down)):
                        yield state
                wait = wait_after(failures, denied=denied, chance=self._chance)
                await self._clock.sleep_until(self._clock.now() + wait)
                failures += 1

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        """Ask for something on a call, once."""
        client = self._client
        if client is None:
            return Refused("unavailable", "not connected")
        request = request_for(
            command,
            session,
            other_is_held=command.other is not None and self._watch.is_held(command.other.session_id),
            generation=self._access.generation,
            moved_party=self._moved_party,
            api_extension=self._api_extension,
        )
        if isinstance(request, Refused):
            return request
        self._watch.sent(command, session.session_id, self._clock.now())
        try:
            return receipt(await client.ask(request, min(command.timeout, ANSWER_WITHIN)))
        except Unsendable as error:
            return Refused("invalid", f"nothing was sent: {error}")
        except Unreachable as error:
            return Unanswered(str(error)) if error.sent else Refused("unavailable", str(error))
        except NotAnAnswer as error:
            return Unanswered(f"{self._access.where} did not answer as the HTTP API: {error}")
        finally:
            self._attentive_until = self._clock.now() + ATTENTIVE
            self._pulse.poke()

    async def request_list(self) -> None:
        """Ask for the full list; it comes among the events."""
        self._list_wanted = True
        self._pulse.poke()

    # --- looking ----------------------------------------------------------------------------------------------------

    async def _follow(self, client: Client, stack: AsyncExitStack) -> AsyncGenerator[FromPhoneSystem, None]:
        """All that is seen until an answer fails. Raises Down."""
        await self._listen(stack)
        asked = self._clock.now()
        rows = await self._list(client)
        at = self._clock.now()
        privileges = frozenset(map(str, POSSIBLE))
        yield ConnectionOpened(at=at, connection=self._name, privileges=privileges, zone=self._timezone)
        yield replace(self._watch.begin(rows, at), late=at - asked)
        self._client = client
        try:
            yield self._ready(at)
            async with aclosing(self._look_again(client, stack)) as items:
                async for item in items:
                    yield item
        except Down as down:
            self._client, self._told = None, ""
            yield Gap(at=self._clock.now(), connection=self._name, why=str(down))
            raise
        finally:
            self._client = None

    async def _look_again(self, client: Client, stack: AsyncExitStack) -> AsyncGenerator[FromPhoneSystem, None]:
        interval, looked = QUICKEST, self._clock.now()
        while True:
            await self._pulse.wait(looked + interval)
            # however many notifications come
            await self._clock.sleep_until(looked + HINTED_AGAIN)
            heard = self._heard
            await self._listen(stack)
            if self._heard is not heard:
                yield self._ready(self._clock.now())
            wanted, self._list_wanted = self._list_wanted, False
            looked = self._clock.now()
            rows = await self._list(client)
            at = self._clock.now()
            seen = self._watch.look(rows, at)
            for item in seen:
                yield item
            if wanted:
                yield replace(self._watch.whole(rows, at), late=at - looked)
            if rows.unreadable:
                yield self._malformed("notASession", f"{rows.unreadable} calls of a list")
            while self._complaints:
                yield self._complaints.popleft()
            interval = interval_after(
                interval,
                changed=bool(seen),
                pressing=self._watch.pressing or at < self._attentive_until,
                alive=self._watch.alive,
                took=at - looked,
            )

    async def _list(self, client: Client) -> Listed:
        """The calls of this moment. Raises Down."""
        where = self._access.where
        try:
            answer = await client.ask(LIST, LIST_WITHIN)
        except Unreachable as error:
            raise Down(str(error)) from None
        except NotAnAnswer as error:
            raise Down(
                f"{where} answers, but not as the HTTP API ({error}); are server, port and generation right?"
            ) from None
        except Unsendable as error:
            raise Down(f"no password can be sent: {error}", denied=True) from None
        if answer.code in ACCESS:
            raise Down(f"ACCESS_DENIED: {in_words(answer)}", denied=True)
        if answer.code != OK:
            raise Down(f"{where} gives no list of calls: {in_words(answer)}")
        return listed(answer) if self._watches else Listed(())  # others see its calls

    # --- listening --------------------------------------------------------------------------------------------------

    async def _listen(self, stack: AsyncExitStack) -> None:
        """Begins to hear notifications, where that is wanted and not so yet. Without them the list is enough."""
        wanted = self._listening
        if wanted is None or self._heard is not None or self._clock.now() < self._listen_at:
            return
        listener = NotificationListener(
            wanted.host,
            wanted.port,
            allow=wanted.allow,
            hear=self._hear,
            decide=self._decide,
            complain=self._complain,
        )
        try:
            self._heard = await stack.enter_async_context(listener)
        except OSError as error:
            self._listen_at = self._clock.now() + LISTEN_AGAIN
            self._deaf = f"; no notifications: cannot listen on {wanted.host}:{wanted.port}: {error.strerror or error}"
        else:
            self._deaf = ""
            self._listens.set()

    def _hear(self, heard: CallHint | OtherNews) -> None:
        if isinstance(heard, CallHint):
            self._watch.hint(heard, self._clock.now())
        self._pulse.poke()

    def _complain(self, kind: str, sample: str) -> None:
        self._complaints.append(self._malformed(kind, sample))
        if kind == "notANotification":
            self._pulse.poke()  # it may have told of a call; a stranger's tells of none

    async def _decide(self, question: RoutingQuestion) -> bytes:
        kind = kind_of(question)
        if kind is None or self._listening is None:
            return DIAL_PLAN
        route = await self._routes.ask(self._name, kind, session_of(question), within=self._listening.deadline)
        return reply(route, outside_line=self._outside_line)

    # --- what an admin is told --------------------------------------------------------------------------------------

    def _ready(self, at: float) -> ConnectionState:
        self._told = ""
        detail = f"connected; not possible over HTTP: {', '.join(sorted(ABSENT))}{self._deaf}"
        return ConnectionState(at=at, connection=self._name, ready=True, detail=detail)

    def _down(self, detail: str) -> list[FromPhoneSystem]:
        """That the connection is down, said once for each reason."""
        if detail == self._told:
            return []
        self._told = detail
        return [ConnectionState(at=self._clock.now(), connection=self._name, ready=False, detail=detail)]

    def _malformed(self, kind: str, sample: str) -> Malformed:
        return Malformed(at=self._clock.now(), connection=self._name, kind=kind, sample=shown(sample))
