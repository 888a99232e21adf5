"""Reading a connector as the reactor does, and waiting for what it says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from ozrules.engine.effects import Command
from ozrules.engine.events import SessionSeen, SessionsListed
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.rules.model import Routing, SecretRef
from ozrules.runtime.ports import ConnectionState, Connector, FromPhoneSystem, Route
from ozrules.session.methods import Operation
from ozrules.session.session import Session
from ozrules.session.state import State

Item = TypeVar("Item", bound=FromPhoneSystem)
PATIENCE = 20.0  # seconds after which a test gives up waiting


class Routes:
    """`ozrules.runtime.ports.RoutingDesk`: keeps what it is asked, and answers what it is told to."""

    def __init__(self, answer: Route | None = None) -> None:
        self.answer = answer
        self.asked: list[tuple[Routing, Session, float]] = []

    async def ask(self, connection: str, kind: Routing, session: Session, *, within: float) -> Route | None:
        self.asked.append((kind, session, within))
        return self.answer


NO_ROUTES = Routes()


class Reading:
    """What a connector has said so far."""

    def __init__(self) -> None:
        self.items: list[FromPhoneSystem] = []
        self._news = asyncio.Condition()

    async def read(self, connector: Connector) -> None:
        async with aclosing(connector.events()) as events:
            async for item in events:
                async with self._news:
                    self.items += [item, *item.follow] if isinstance(item, SessionsListed) else [item]
                    self._news.notify_all()

    def of(self, kind: type[Item]) -> list[Item]:
        return [item for item in self.items if isinstance(item, kind)]

    async def until(self, holds: Callable[["Reading"], bool]) -> None:
        """Returns once ``holds`` does."""
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: holds(self))
        except TimeoutError:
            raise AssertionError(f"in vain; it said {self.items[-5:]}") from None

    async def count(self, kind: type[Item], number: int) -> list[Item]:
        """Returns once there are ``number`` items of a kind."""
        await self.until(lambda reading: len(reading.of(kind)) >= number)
        return self.of(kind)

    async def ready(self) -> None:
        """Returns once the connection is ready, and nothing has been said since that it is not."""
        await self.until(lambda reading: bool(reading.of(ConnectionState)) and reading.of(ConnectionState)[-1].ready)

    async def state(self, state: State) -> Session:
        """The first session seen in ``state``."""
        await self.until(lambda reading: any(seen.session.session_state == state for seen in reading.of(SessionSeen)))
        return next(seen.session for seen in self.of(SessionSeen) if seen.session.session_state == state)

    def states(self, session_id: str) -> list[State]:
        """Every state in which a session was seen, in order, repetitions left out."""
        states: list[State] = []
        for seen in self.of(SessionSeen):
            if seen.session.session_id == session_id and seen.session.session_state not in states[-1:]:
                states.append(seen.session.session_state)
        return states


@asynccontextmanager
async def reading(connector: Connector) -> AsyncIterator[Reading]:
    """Reads a connector as long as the block lasts."""
    reader = Reading()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(reader.read(connector))
        try:
            yield reader
        finally:
            task.cancel()


def command_for(
    session: Session,
    action: Operation,
    *,
    to: str | None = None,
    party: str | None = None,
    key: str | SecretRef | None = None,
    other: Session | None = None,
    timeout: float = 5.0,
    **arguments: str,
) -> Command:
    """A command on a session, as the dispatcher hands it to a connector."""
    return Command(
        id=CommandId("1-0"),
        decision=1,
        step=0,
        rule="a-rule",
        session=_key(session),
        action=action,
        to=to,
        party="caller" if party == "caller" else "callee" if party == "callee" else "all" if party == "all" else None,
        key=key,
        other=None if other is None else _key(other),
        arguments=arguments,
        deadline=2_000_000_000.0,
        timeout=timeout,
    )


def _key(session: Session) -> SessionKey:
    return SessionKey("office", "e1", session.session_id, session.start_time or "")
