"""One Asterisk as a Connector: connects, logs in, lists, then tells what changes, and starts again after a loss.

The reading of `events` drives it; read it with ``contextlib.aclosing``, so that the connection is closed when the
reading stops. What the reducer knows outlives a connection: after a gap the list of channels says what is still true.
"""

import asyncio
import itertools
import random
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final, assert_never

from ozrules.connectors.asterisk.actions import Actions
from ozrules.connectors.asterisk.ami import Fields, Unreadable, Unsafe
from ozrules.connectors.asterisk.ari import Ari
from ozrules.connectors.asterisk.configuration import AsteriskAccess
from ozrules.connectors.asterisk.dialogue import Answer, News
from ozrules.connectors.asterisk.evidence import Evidence
from ozrules.connectors.asterisk.link import Closed, Link, NoAnswer, Overflowed
from ozrules.connectors.asterisk.parties import Outside
from ozrules.connectors.asterisk.permissions import forbidden_by, methods_of
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.connectors.retry import wait_after
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, ConnectionOpened, Gap, Refused, SessionSeen, SessionsListed, Unanswered
from ozrules.runtime.ports import Clock, ConnectionState, FromPhoneSystem, Malformed
from ozrules.session.methods import METHODS, is_method
from ozrules.session.session import Session

OPEN_WITHIN: Final = 10.0
ANSWER_WITHIN: Final = 5.0
LIST_WITHIN: Final = 30.0
HEARD_WITHIN: Final = 5.0

NOWHERE: Final = "None/ozrules"
"""No channel can be made of this."""


class Denied(Exception):
    """Asterisk does not let us in; the text says why."""


class AsteriskConnector:
    """The Connector port for one Asterisk."""

    def __init__(self, name: str, access: AsteriskAccess, *, clock: Clock, chance: random.Random) -> None:
        self._name = name
        self._access = access
        self._clock = clock
        self._chance = chance
        self._reducer = Reducer(name, Outside.of(access.trunks))
        ari = Ari(access.ari) if access.ari is not None else None
        # ids of channels must not come back while an earlier run's channels may live
        ids = itertools.count(chance.randrange(1 << 40))
        self._actions = Actions(access, self._reducer, ari, ids)
        self._evidence = Evidence(name, clock)
        self._link: Link | None = None
        self._privileges: frozenset[str] | None = None
        self._listing: str | None = None
        self._asked_at = 0.0
        self._lost = False
        self._missed = True
        self._told = ""

    @property
    def name(self) -> str:
        return self._name

    async def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        """Everything that is seen; see `ozrules.runtime.ports.Connector.events`."""
        failures = 0
        while True:
            denied = False
            try:
                link = await self._open()
                async with aclosing(self._talk(link)) as items:
                    async for item in items:
                        if isinstance(item, ConnectionState) and item.ready:
                            failures = 0
                        yield item
            except Denied as error:
                denied = True
                for item in self._down(str(error)):
                    yield item
            except (OSError, EOFError, Closed, NoAnswer) as error:
                for item in self._down(self._why_unreachable(error)):
                    yield item
            await self._clock.sleep_until(self._clock.now() + wait_after(failures, denied=denied, chance=self._chance))
            failures += 1

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        """Call a method of a session, once."""
        link = self._link
        if link is None or not link.is_open:
            return Refused("unavailable", "not connected")
        action = command.action
        if not is_method(action):
            return Refused("denied", f"{action} is not possible on this connection: Asterisk is asked for methods only")
        if self._privileges is not None and action not in self._privileges:
            why = forbidden_by(action, self._access)
            return Refused("denied", f"{action} is not possible on this connection: {why}")
        watching = self._evidence.watching(link, command)
        return await watching.weighed(await self._actions.execute(watching, command))

    async def request_list(self) -> None:
        """Ask for the full list; it comes among the events."""
        if self._link is not None and self._listing is None:
            with suppress(Closed):  # the next connection begins with a list
                self._begin_list(self._link)

    # -- a connection

    async def _open(self) -> Link:
        access = self._access
        async with asyncio.timeout(OPEN_WITHIN):
            loop = asyncio.get_running_loop()
            _, link = await loop.create_connection(
                lambda: Link(self._clock),
                access.host,
                access.port,
                ssl=access.tls,
                server_hostname=access.host if access.tls is not None else None,
            )
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                await asyncio.wait([link.opened])
            if link.opened.cancelled():
                raise EOFError("it is no manager interface, or permits no connection from here")
            await self._log_in(link)
        except BaseException:
            link.close("given up")
            raise
        return link

    async def _log_in(self, link: Link) -> None:
        fields = {"Username": self._access.username, "Secret": self._access.password, "Events": "on"}
        try:
            answer = await link.ask("Login", fields, ANSWER_WITHIN)
        except Unsafe as error:
            raise Denied(f"username or password cannot be sent: {error}") from None
        except NoAnswer:
            raise Denied(f"Asterisk ended the connection at the login of {self._access.username}") from None
        if not answer.succeeded:
            raise Denied(
                f"ACCESS_DENIED: Asterisk does not accept user {self._access.username} or the password, "
                f"or manager.conf does not permit this address: {answer.message[:200]}"
            )

    async def _talk(self, link: Link) -> AsyncGenerator[FromPhoneSystem, None]:
        """All that one open connection brings, and its end."""
        listed = False
        self._missed = True
        try:
            allowed = await link.ask("ListCommands", {}, ANSWER_WITHIN)
            self._privileges = methods_of(frozenset(allowed.response), self._access) if allowed.succeeded else None
            if "Originate" in allowed.response:
                await self._see_that_calls_are_heard(link)
            status = await link.ask("CoreStatus", {}, ANSWER_WITHIN)
            yield ConnectionOpened(
                at=self._clock.now(),
                connection=self._name,
                epoch=_epoch(status.response),
                privileges=self._privileges,
            )
            self._begin_list(link)
            while True:
                # nothing of this connection is told before its list
                for item in await self._next(link, listed):
                    yield item
                    if isinstance(item, SessionsListed) and not listed:
                        listed = True
                        self._link = link
                        yield self._ready()
        except Closed as error:
            link.why = link.why or str(error)
        except (NoAnswer, TimeoutError) as error:
            link.why = link.why or str(error)
        finally:
            self._link = None
            self._listing = None
            link.close("ozrules closed the connection")
        if listed:
            self._told = ""
            yield Gap(at=self._clock.now(), connection=self._name, why=link.why)
        for down in self._down(link.why):
            yield down

    async def _see_that_calls_are_heard(self, link: Link) -> None:
        """Raises Denied where no events of calls reach this user.

        Nothing tells what a user may read. So a call is ordered that cannot be made: that it failed is said to whoever
        hears of calls.
        """
        order = {"Channel": NOWHERE, "Application": "Hangup", "Async": "true"}
        if not (await link.ask("Originate", order, ANSWER_WITHIN)).succeeded:
            return
        try:
            async with asyncio.timeout(HEARD_WITHIN):
                heard: Fields = {}
                while (heard.get("Event"), heard.get("Channel")) != ("OriginateResponse", NOWHERE):
                    at, item = await link.next()
                    heard = item.fields if isinstance(item, News) else {}
                    self._reducer.hear(heard, at)
        except TimeoutError:
            user = self._access.username
            raise Denied(
                f"Asterisk tells user {user} nothing of calls: read = call,dtmf,system in manager.conf "
                "lets it, if no eventfilter there keeps them away"
            ) from None

    async def _next(self, link: Link, listed: bool) -> list[FromPhoneSystem]:
        """What the next item of the connection amounts to."""
        at, item = await link.next(None if listed else LIST_WITHIN)
        match item:
            case News(fields=fields):
                if fields.get("Event") == "FullyBooted" and self._listing is None:
                    self._begin_list(link)
                shown = self._evidence.hear(fields, at)
                changes = self._reducer.hear(fields, at)
                return [*(self._tidied(link, changes) if listed else []), *shown]
            case Answer() if item.action_id == self._listing:
                self._listing = None
                if item.succeeded:
                    self._reducer.listed(item.items)
                    if self._missed:
                        await self._ask_who_holds(link)
                        self._actions.found(link)
                        self._missed = False
                    late, sessions = max(0.0, at - self._asked_at), self._reducer.sessions()
                    if self._lost:
                        self._read_anew(link)  # an event was lost while this list was under way
                    return [SessionsListed(at=at, connection=self._name, sessions=sessions, late=late)]
                if not listed:
                    raise NoAnswer(f"Asterisk gives no list of channels: {item.message[:200]}")
                return []
            case Answer():
                return []  # of something that was only told
            case Unreadable(kind=kind, sample=sample):
                self._read_anew(link)  # it may have told of a call
                return [Malformed(at=at, connection=self._name, kind=kind, sample=ascii(sample[:120])[1:-1])]
            case Overflowed():
                self._missed = True
                self._begin_list(link)
                return [Gap(at=at, connection=self._name, why="more events came than could be taken")] if listed else []
            case _:
                assert_never(item)

    def _tidied(self, link: Link, changes: list[SessionSeen]) -> list[FromPhoneSystem]:
        for change in changes:
            call = self._reducer.calls.known(change.session.session_id)
            if call is not None:
                self._actions.tidy(link, call)
        return list(changes)

    async def _ask_who_holds(self, link: Link) -> None:
        """No list tells it; the state of the device that hears the music does, where the user may ask for it."""
        for endpoint in sorted(self._reducer.talking()):
            answer = await link.ask("Getvar", {"Variable": f"DEVICE_STATE({endpoint})"}, ANSWER_WITHIN)
            if not answer.succeeded:
                return
            self._reducer.hear_device(endpoint, answer.response.get("Value", ""))

    def _read_anew(self, link: Link) -> None:
        """An event was lost: the list says what is true. One list at a time, however many events are lost."""
        self._missed = True
        self._lost = self._listing is not None
        if not self._lost:
            with suppress(Closed):  # the next connection begins with a list
                self._begin_list(link)

    def _begin_list(self, link: Link) -> None:
        self._listing, self._asked_at = link.tell("CoreShowChannels", {}), self._clock.now()
        self._reducer.begin_list()

    # -- what an admin is told

    def _ready(self) -> ConnectionState:
        allowed = frozenset(METHODS) if self._privileges is None else self._privileges
        cannot = [f"{method} ({forbidden_by(method, self._access)})" for method in METHODS if method not in allowed]
        detail = "connected" + (f"; not possible here: {', '.join(cannot)}" if cannot else "; every method is possible")
        self._told = ""
        return ConnectionState(at=self._clock.now(), connection=self._name, ready=True, detail=detail)

    def _down(self, detail: str) -> list[FromPhoneSystem]:
        """That the connection is down, said once for each reason."""
        if detail == self._told:
            return []
        self._told = detail
        return [ConnectionState(at=self._clock.now(), connection=self._name, ready=False, detail=detail)]

    def _why_unreachable(self, error: Exception) -> str:
        where = f"{self._access.host}:{self._access.port}"
        match error:
            case ssl.SSLCertVerificationError():
                return f"the certificate of {where} is not trusted: {error.verify_message}"
            case ssl.SSLError():
                return f"no secure connection with {where}: {error.reason or error}; does it speak TLS on this port?"
            case TimeoutError():
                return f"{where} does not answer as an Asterisk manager within {OPEN_WITHIN:g} s; is it the right port?"
            case EOFError():
                return f"{where} closed the connection: {error}"
            case OSError():
                return f"cannot reach Asterisk's manager at {where}: {error.strerror or error}"
            case _:
                return f"{where}: {error}"


def _epoch(status: Fields) -> str:
    """When this Asterisk was started: after a restart no earlier call lives."""
    return f"{status.get('CoreStartupDate', '')} {status.get('CoreStartupTime', '')}".strip()
