"""Questions of phone systems that wait for an answer: where does this call go?

A connector asks here and waits; the question goes through the reactor like all that happens, is decided and written
down, and the answer comes back by the dispatcher, after the last look that every command gets. One that is late finds
nobody waiting. Nothing is asked for longer than the connector says: a phone system that waits holds up a caller.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Final

import msgspec

from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, RoutingAsked, Withheld
from ozrules.rules.model import Routing
from ozrules.runtime.ports import Clock, Route
from ozrules.runtime.ulid import ulid
from ozrules.session.session import Session

MOST_OPEN: Final = 1_000
"""Questions that wait at the same time; a further one is left to the dial plan at once."""


class Routes:
    """The desk of the daemon. It answers nothing before it is opened and after it is closed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._take: Callable[[RoutingAsked], None] | None = None
        self._open: dict[str, asyncio.Future[Route | None]] = {}

    def open(self, take: Callable[[RoutingAsked], None]) -> None:
        """From now on questions are passed to ``take``."""
        self._take = take

    def close(self) -> None:
        """Leaves all questions, open and to come, to the dial plan."""
        self._take = None
        for question in tuple(self._open):
            self.unrouted(question)

    async def ask(self, connection: str, kind: Routing, session: Session, *, within: float) -> Route | None:
        """See `ozrules.runtime.ports.RoutingDesk.ask`."""
        if self._take is None or len(self._open) >= MOST_OPEN:
            return None
        now = self._clock.now()
        question = ulid(now, os.urandom(10))
        if not session.session_id:
            session = msgspec.structs.replace(session, session_id=f"routing-{question}")
        answer: asyncio.Future[Route | None] = asyncio.get_running_loop().create_future()
        self._open[question] = answer
        deadline = self._clock.call_at(now + within, lambda: self.unrouted(question))
        try:
            self._take(RoutingAsked(at=now, connection=connection, question=question, kind=kind, session=session))
            return await answer
        finally:
            deadline.cancel()
            self._open.pop(question, None)

    def answer(self, command: Command) -> Accepted | Withheld:
        """Hands over the answer that ``command`` is, if anybody still waits for it."""
        waiting = self._open.get(command.question or "")
        if waiting is None or waiting.done():
            return Withheld("expired", "the phone system no longer waits for an answer")
        waiting.set_result(Route(command.to or "", command.ring))
        return Accepted()

    def unrouted(self, question: str) -> None:
        """No rule answers this question."""
        waiting = self._open.get(question)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
