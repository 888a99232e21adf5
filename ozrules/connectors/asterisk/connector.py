"""One Asterisk as a Connector: connects, logs in, lists, then tells what changes, and starts again after a loss.

The reading of `events` drives it; read it with ``contextlib.aclosing``, so that the connection is closed when the
reading stops. What the reducer knows outlives a connection: after a gap the list of channels says what is still true.

The file is long because connecting, listing, and asking for the list again after a loss turn on the same few facts.
"""

import asyncio
import itertools
import random
import re
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Final, assert_never

from ozrules.connectors.asterisk.actions import Actions
from ozrules.connectors.asterisk.ami import BANNER, Fields, Unreadable, Unsafe, lacks
from ozrules.connectors.asterisk.ari import Ari
from ozrules.connectors.asterisk.configuration import AsteriskAccess
from ozrules.connectors.asterisk.dialogue import Answer, News
from ozrules.connectors.asterisk.endpoints import Outside, is_endpoint
from ozrules.connectors.asterisk.evidence import Evidence
from ozrules.connectors.asterisk.last_look import gone
from ozrules.connectors.asterisk.link import Closed, Item, Link, NoAnswer, Overflowed
from ozrules.connectors.asterisk.permissions import forbidden_by, methods_of
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.connectors.retry import wait_after
from ozrules.engine.effects import Command
from ozrules.engine.events import ConnectionOpened, Gap, Receipt, Refused, SessionSeen, SessionsListed
from ozrules.runtime.ports import Clock, ConnectionState, FromPhoneSystem, Handle, Malformed
from ozrules.session.methods import METHODS, is_method
from ozrules.session.session import Session

OPEN_WITHIN: Final = 10.0
ANSWER_WITHIN: Final = 5.0
LIST_WITHIN: Final = 30.0
HEARD_WITHIN: Final = 5.0
LIST_EVERY: Final = 1.0
"""Seconds between two lists that are asked for because something was missed: a storm of losses asks for few."""
LATE: Final = 0.5
"""Seconds by which events may come later than the answers to actions, which overtake them."""
MOST_TOLD: Final = 20
"""Endpoints that nothing names and that a call shows are told to the admin up to this many."""

MANAGER: Final = 5038
ASKED_AT_ONCE: Final = 100
_ASKABLE: Final = re.compile(r"PJSIP/([A-Za-z0-9_.+@-]{1,80})")
OF_NOBODY: Final = 24
"""So many equal digits are a number that nobody has: E.164 ends at 15."""
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
        self._outside = Outside.of(access.trunks, access.phones, access.context)
        self._reducer = Reducer(name, self._outside)
        ari = Ari(access.ari) if access.ari is not None else None
        # ids of channels must not come back while an earlier run's channels may live
        ids = itertools.count(chance.randrange(1 << 40))
        self._actions = Actions(access, self._reducer, ari, ids, self._miss)
        self._evidence = Evidence(name, clock)
        self._link: Link | None = None
        self._privileges: frozenset[str] | None = None
        self._listing: str | None = None
        self._asked_at = 0.0
        self._again: Handle | None = None
        self._lost = False
        self._missed = True
        self._told = ""
        self._classed = ""
        self._unnamed: set[str] = set()
        self._has_every_number = False

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

    async def execute(self, command: Command, session: Session) -> Receipt:
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
        return await watching.weighed(await self._actions.execute(watching, command, session))

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
            if not link.opened.result().startswith(BANNER):
                raise Denied(self._greets_otherwise(link.opened.result()))
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
            raise Denied(self._not_answered(ended=not link.is_open)) from None
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
            self._actions.tells_status = "Status" in allowed.response
            await self._ask_for_endpoints(link, allowed.response)
            self._has_every_number = "Getvar" in allowed.response and await self._has_numbers_of_nobody(link)
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
            if self._again is not None:
                self._again.cancel()
                self._again = None
            self._lost = False
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
        came = await self._wait_for(link, listed)
        if came is None:
            return list(self._tidied(link, self._reducer.settle(self._clock.now())))
        at, item = came
        match item:
            case News(fields=fields):
                if fields.get("Event") == "FullyBooted" and self._listing is None:
                    self._begin_list(link)
                missing = lacks(fields)
                if missing:
                    return self._unusable(link, at, "missingField", missing, listed)
                shown = self._evidence.hear(fields, at)
                changes = self._reducer.hear(fields, at)
                return [*(self._tidied(link, changes) if listed else []), *shown]
            case Answer() if item.action_id == self._listing:
                return await self._take_list(link, item, at, listed)
            case Answer():  # of something that was only told
                if gone(item):
                    self._miss(lambda: True)
                return []
            case Unreadable(kind=kind, sample=sample):
                return self._unusable(link, at, kind, sample, listed)
            case Overflowed():
                self._listing = None  # its answer may be among what was thrown away
                return self._lose(link, at, "more events came than could be taken", listed)
            case _:
                assert_never(item)

    async def _take_list(self, link: Link, answer: Answer, at: float, listed: bool) -> list[FromPhoneSystem]:
        self._listing = None
        if not answer.succeeded:
            if not listed:
                raise NoAnswer(f"Asterisk gives no list of channels: {answer.message[:200]}")
            self._miss(lambda: True)
            return []
        if self._lost and self._again is None:
            self._lost = False
        self._reducer.listed(answer.items)
        if self._missed:
            await self._ask_who_holds(link)
            self._actions.found(link)
            self._missed = self._lost
        late, sessions = max(0.0, at - self._asked_at), self._reducer.sessions()
        return [SessionsListed(at=at, connection=self._name, sessions=sessions, late=late)]

    # -- what was missed

    def _unusable(self, link: Link, at: float, kind: str, sample: str, listed: bool) -> list[FromPhoneSystem]:
        """An event that cannot be used, or not wholly: nobody knows what it would have said.

        It may have been a part of the list that is on its way, so that one is not waited for.
        """
        self._listing = None
        shown = ascii(sample[:120])[1:-1]
        malformed = Malformed(at=at, connection=self._name, kind=kind, sample=shown)
        return [malformed, *self._lose(link, at, f"an event could not be used ({kind})", listed)]

    def _lose(self, link: Link, at: float, why: str, listed: bool) -> list[FromPhoneSystem]:
        """Something has been missed: the list is read anew. What is missed before that is no further gap."""
        told = self._lost or not listed
        self._lost = self._missed = True
        self._ask_list_soon(link)
        return [] if told else [Gap(at=at, connection=self._name, why=why)]

    def _miss(self, still: Callable[[], bool]) -> None:
        """Asterisk contradicts what events told. They are mostly late: only where it is ``still`` so the list is read.

        A list that overtook them would end the call without a word of who ended it.
        """
        link = self._link

        def look() -> None:
            if link is not None and link is self._link and still():
                self._missed = True
                self._ask_list_soon(link)

        self._clock.call_at(self._clock.now() + LATE, look)

    def _ask_list_soon(self, link: Link) -> None:
        """One list for all that is missed within `LIST_EVERY`; a list that is on its way may be too old already."""
        if self._again is not None:
            return
        now = self._clock.now()
        earliest = self._asked_at + LIST_EVERY
        if self._listing is None and now >= earliest:
            with suppress(Closed):  # the next connection begins with a list
                self._begin_list(link)
            return

        def ask() -> None:
            self._again = None
            if self._listing is not None and self._clock.now() < self._asked_at + LIST_WITHIN:
                self._again = self._clock.call_at(self._clock.now() + LIST_EVERY, ask)
                return
            with suppress(Closed):
                self._begin_list(link)

        self._again = self._clock.call_at(max(now, earliest), ask)

    def _tidied(self, link: Link, changes: list[SessionSeen]) -> list[FromPhoneSystem]:
        for change in changes:
            call = self._reducer.calls.known(change.session.session_id)
            if call is not None:
                self._actions.tidy(link, call)
        return [*changes, *self._unnamed_in(changes)]

    def _unnamed_in(self, changes: list[SessionSeen]) -> list[FromPhoneSystem]:
        """Who takes part in a call and is named nowhere is told once, a few of them."""
        told: list[FromPhoneSystem] = []
        for change in changes:
            endpoint = (change.session.extra or {}).get("trunk", "")
            if not endpoint or endpoint in self._unnamed or self._outside.is_named(endpoint):
                continue
            if len(self._unnamed) < MOST_TOLD:
                self._unnamed.add(endpoint)
                detail = f"connected; {self._outside.classed([endpoint])}"
                told.append(ConnectionState(at=change.at, connection=self._name, ready=True, detail=detail))
        return told

    async def _ask_for_endpoints(self, link: Link, may: Fields) -> None:
        """Learns which endpoints Asterisk has, and where the calls of each begin, as far as this user may ask."""
        self._classed = ""
        if "DeviceStateList" not in may or "Getvar" not in may:
            return
        listed = await link.ask("DeviceStateList", {}, LIST_WITHIN)
        devices = {item.get("Device", "") for item in listed.items}
        endpoints = sorted(device for device in devices if is_endpoint(device))
        names = [found[1] for endpoint in endpoints if (found := _ASKABLE.fullmatch(endpoint))]
        contexts: dict[str, str] = {}
        for start in range(0, len(names), ASKED_AT_ONCE):
            some = names[start : start + ASKED_AT_ONCE]
            variables = [f"PJSIP_ENDPOINT({name},context)" for name in some]
            asked = (link.ask("Getvar", {"Variable": variable}, ANSWER_WITHIN) for variable in variables)
            for name, answer in zip(some, await asyncio.gather(*asked), strict=True):
                if answer.succeeded and answer.response.get("Value"):
                    contexts[f"PJSIP/{name}"] = answer.response["Value"]
        self._outside.learn(contexts)
        self._classed = self._outside.classed(endpoints)
        self._unnamed |= set(endpoints)

    async def _has_numbers_of_nobody(self, link: Link) -> bool:
        """Whether the context has an extension for every number: then none can be told to be wrong before it is called.

        FreePBX's from-internal is such a one. A route to outside takes the numbers that begin as it says, not all.
        """
        for digit in "0123456789":
            exists = f"DIALPLAN_EXISTS({self._access.context},{digit * OF_NOBODY},1)"
            answer = await link.ask("Getvar", {"Variable": exists}, ANSWER_WITHIN)
            if not answer.succeeded or answer.response.get("Value") != "1":
                return False
        return True

    async def _ask_who_holds(self, link: Link) -> None:
        """No list tells it; the state of the device that hears the music does, where the user may ask for it."""
        for endpoint in sorted(self._reducer.talking()):
            answer = await link.ask("Getvar", {"Variable": f"DEVICE_STATE({endpoint})"}, ANSWER_WITHIN)
            if not answer.succeeded:
                return
            self._reducer.hear_device(endpoint, answer.response.get("Value", ""))

    async def _wait_for(self, link: Link, listed: bool) -> Item | None:
        """The next thing that comes; None where nothing does until a session is over by waiting alone."""
        due = self._reducer.due if listed else None
        if due is None:
            return await link.next(None if listed else LIST_WITHIN)
        for within in (max(0.0, due - self._clock.now()), 0.0):  # what came in the very moment of the end counts, too
            with suppress(TimeoutError):
                return await link.next(within)
        return None

    def _begin_list(self, link: Link) -> None:
        self._listing, self._asked_at = link.tell("CoreShowChannels", {}), self._clock.now()
        self._reducer.begin_list()

    # -- what an admin is told

    def _ready(self) -> ConnectionState:
        allowed = frozenset(METHODS) if self._privileges is None else self._privileges
        cannot = [f"{method} ({forbidden_by(method, self._access)})" for method in METHODS if method not in allowed]
        detail = "connected" + (f"; not possible here: {', '.join(cannot)}" if cannot else "; every method is possible")
        if self._has_every_number:
            detail += (
                f"; context {self._access.context} has an extension for every number, so a target that does not exist "
                "is not noticed, and a call sent there is lost: on FreePBX let context be from-internal-xfer"
            )
        if self._classed:
            detail += f"; {self._classed}"
        self._told = ""
        return ConnectionState(at=self._clock.now(), connection=self._name, ready=True, detail=detail)

    def _down(self, detail: str) -> list[FromPhoneSystem]:
        """That the connection is down, said once for each reason."""
        if detail == self._told:
            return []
        self._told = detail
        return [ConnectionState(at=self._clock.now(), connection=self._name, ready=False, detail=detail)]

    def _not_answered(self, *, ended: bool) -> str:
        access = self._access
        where = f"{access.host}:{access.port}"
        if ended:
            return (
                f"Asterisk at {where} closed the connection at the login of {access.username}, without an answer; "
                "see deny, permit and acl of that user in manager.conf, and authlimit there"
            )
        return (
            f"the login of {access.username} was not answered by {where} within {ANSWER_WITHIN:g} s; "
            "see whether that port is Asterisk's own or a proxy's, and whether Asterisk answers others: "
            "asterisk -rx 'manager show connected'"
        )

    def _greets_otherwise(self, greeting: str) -> str:
        shown = ascii(greeting[:60])[1:-1]
        return (
            f"what listens at {self._access.host}:{self._access.port} is no Asterisk manager: it greets with "
            f"{shown!r}; the port is the one under [general] in manager.conf, {MANAGER} where it says none"
        )

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
