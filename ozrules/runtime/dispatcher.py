"""Carries commands to the phone systems: each at most once, those of one session in order, never without a last look.

A session's commands stand in a lane, and one task walks each lane that is not empty. Right before a command leaves,
the engine's gate is asked again: seconds may have passed in the lane. Whatever happens, each command is answered
exactly once. An exception out of a connector is the one kind that is caught here: then nobody knows whether the
command was done, and the answer says so.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, assert_never

import msgspec

from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, CommandAnswered, Receipt, Refused, Unanswered, Withheld
from ozrules.engine.identity import SessionKey
from ozrules.rules.model import SecretRef
from ozrules.runtime.measures import Measures
from ozrules.runtime.ports import Clock, Connector, Core, Log
from ozrules.runtime.routes import Routes

MOST_WAITING: Final = 1_000
AT_ONCE: Final = 32
"""Commands that one phone system is given at the same time."""
OBSERVING: Final = "mode is observe: nothing is sent"
GRACE: Final = 1.0
"""Real seconds on top of a command's timeout before a connector that has not come back is given up."""


class Dispatcher:
    """The lanes of all sessions. Its tasks live in the group that it is given."""

    def __init__(
        self,
        *,
        core: Core,
        connectors: Mapping[str, Connector],
        secret: Callable[[str], str | None],
        clock: Clock,
        routes: Routes,
        answer: Callable[[CommandAnswered], None],
        group: asyncio.TaskGroup,
        log: Log,
        observing: bool = False,
        measures: Measures | None = None,
    ) -> None:
        self.observing = observing
        self._core = core
        self._connectors = connectors
        self._secret = secret
        self._clock = clock
        self._routes = routes
        self._answer = answer
        self._group = group
        self._log = log
        self._lanes: dict[SessionKey, deque[Command]] = {}
        self._walking: set[asyncio.Task[None]] = set()
        self._listing: set[str] = set()
        self._measures = measures or Measures()
        self.waiting = 0
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._stopping = False

    def send(self, command: Command) -> None:
        """Takes a command over; its answer comes later."""
        if self._stopping:
            self._reply(command, Withheld("cancelled", "ozrules is stopping"))
        elif self.observing:
            self._reply(command, Withheld("cancelled", OBSERVING))
        elif self.waiting >= MOST_WAITING:
            self._reply(command, Withheld("throttled", f"{MOST_WAITING} commands are waiting already"))
        else:
            self.waiting += 1
            lane = self._lanes.get(command.session)
            if lane is not None:
                lane.append(command)
                return
            self._lanes[command.session] = deque((command,))
            task = self._group.create_task(self._walk(command.session))
            self._walking.add(task)
            task.add_done_callback(self._walking.discard)

    def unrouted(self, question: str) -> None:
        """Leaves a question of a phone system to its own dial plan."""
        self._routes.unrouted(question)

    def request_list(self, connection: str) -> None:
        """Asks a phone system for its full list, unless that is being asked already."""
        if connection in self._connectors and connection not in self._listing and not self._stopping:
            self._listing.add(connection)
            self._group.create_task(self._list(connection))

    async def drain(self, seconds: float) -> None:
        """Lets nothing more leave and waits for the answers to what has left; what stays open then is unknown."""
        self._stopping = True
        if self._walking:
            _, late = await asyncio.wait(self._walking, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    # --- lanes ------------------------------------------------------------------------------------------------------

    async def _walk(self, session: SessionKey) -> None:
        lane = self._lanes[session]
        try:
            while lane:
                command = lane[0]
                slots = self._slots.setdefault(command.connection, asyncio.Semaphore(AT_ONCE))
                try:
                    async with slots:
                        receipt = await self._deliver(command)
                except asyncio.CancelledError:
                    self._stopping = True
                    # between two keys some have been pressed; everything else here has not left
                    stopped = "ozrules is stopping"
                    receipt = Unanswered(stopped) if command.key is not None else Withheld("cancelled", stopped)
                lane.popleft()
                self.waiting -= 1
                self._reply(command, receipt)
        finally:
            del self._lanes[session]

    async def _deliver(self, command: Command) -> Receipt:
        connector = self._connectors.get(command.connection)
        if connector is None:
            return Withheld("rejected", f"there is no connection {command.connection!r}")
        keys = command.key
        if isinstance(keys, SecretRef):
            keys = self._secret(keys.name)
            if not keys:
                return Withheld("rejected", "the secret has no value")
        if keys is None:
            return await self._execute(connector, command)
        seen = True
        for place, key in enumerate(keys):
            if place:
                await self._clock.sleep_until(self._clock.now() + command.gap)
            receipt = await self._execute(connector, msgspec.structs.replace(command, key=key))
            if not isinstance(receipt, Accepted):
                return _part(receipt, place, len(keys)) if place else receipt
            seen = seen and receipt.evidence == "seen"
        return Accepted("seen" if seen else "none")

    async def _execute(self, connector: Connector, command: Command) -> Receipt:
        if self._stopping:
            return Withheld("cancelled", "ozrules is stopping")
        if self.observing:  # since it was taken over
            return Withheld("cancelled", OBSERVING)
        withheld = self._core.gate(command, self._clock.now())
        if withheld is not None:
            return withheld
        session = self._core.session(command.session)
        if session is None:
            return Withheld("targetGone", "the session has ended")
        if command.question is not None:
            return self._routes.answer(command)
        try:
            self._measures.leaves(command.id, self._clock.now())
            async with asyncio.timeout(command.timeout + GRACE):
                return await connector.execute(command, session)
        except asyncio.CancelledError:
            self._stopping = True
            return Unanswered("ozrules stopped before an answer came")
        except TimeoutError:
            return Unanswered(f"no answer within {command.timeout:g} s")
        except Exception as error:  # noqa: BLE001  # the one place: a fault in a connector is a failed action, not our end
            self._log.error("a connector failed while sending", connection=connector.name, exc_info=error)
            return Unanswered(f"{type(error).__name__} while sending")

    async def _list(self, connection: str) -> None:
        try:
            await self._connectors[connection].request_list()
        except OSError as error:
            self._log.warning("the list of sessions could not be asked for", connection=connection, error=str(error))
        finally:
            self._listing.discard(connection)

    def _reply(self, command: Command, receipt: Receipt) -> None:
        self._answer(CommandAnswered(at=self._clock.now(), command=command.id, receipt=receipt))


def _part(receipt: Refused | Unanswered | Withheld, done: int, wanted: int) -> Receipt:
    """A row of keys that broke off: some have been pressed, so it must not look as if it could be tried again."""
    said = f"{done} of {wanted} keys were sent, then: {receipt.message}"
    match receipt:
        case Refused(kind="unavailable") | Unanswered():
            return Unanswered(said)
        case Refused():
            return Refused(receipt.kind, said, receipt.handed_over)
        case Withheld():
            return Withheld(receipt.outcome, said)
        case _:
            assert_never(receipt)
