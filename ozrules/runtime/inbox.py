"""The one way into the reactor: bounded for the world outside, open for what the reactor itself has asked for.

A connector that has more than the reactor can take waits in `put`, and so stops reading its socket. Answers to
commands and due timers come by `add`: there are never more of them than commands in flight and live sessions.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from ozrules.engine.events import Event, RulePaused, RulesReplaced, ScheduleSwitched, TimerCancelled
from ozrules.runtime.ports import ConnectionState, Malformed

LIMIT: Final = 10_000
BATCH: Final = 512
"""How many items one turn of the reactor takes at most: more would only make the first ones wait for the last."""


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked: a user of this host over the control socket, or what else made the daemon do it."""

    by: str
    uid: int | None = None


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """Rule files were read again. ``event`` is None where they were refused for ``errors``; then the old ones stay."""

    at: float
    who: Who
    event: RulesReplaced | None
    errors: tuple[str, ...] = ()
    done: "asyncio.Future[None] | None" = None


class Controlled(msgspec.Struct, frozen=True, kw_only=True):
    """An admin's command. ``event`` is None where it was refused, for the reason in ``refused``."""

    at: float
    who: Who
    command: str
    args: dict[str, str]
    event: RulePaused | ScheduleSwitched | TimerCancelled | None
    refused: str | None = None
    done: "asyncio.Future[None] | None" = None


class Pulse(msgspec.Struct, frozen=True):
    """Asks for a sign of life: ``done`` when all before it has been stepped through and is on disk."""

    done: "asyncio.Future[None]"


Item: TypeAlias = Event | ConnectionState | Malformed | Reloaded | Controlled | Pulse


class Inbox:
    """What the reactor has yet to look at, in the order in which it came."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: Item) -> None:
        """Adds what the world outside says; waits while the inbox is full."""
        while len(self._items) >= self._limit:
            self._room.clear()
            await self._room.wait()
        self.add(item)

    def add(self, item: Item) -> None:
        """Adds what the program itself says."""
        self._items.append(item)
        self._filled.set()

    async def ask(self, item: Callable[[asyncio.Future[None]], Reloaded | Controlled | Pulse]) -> None:
        """Adds what ``item`` makes of a future, and returns when it has been stepped through and is on disk."""
        done = asyncio.get_running_loop().create_future()
        self.add(item(done))
        await done

    def wake(self) -> None:
        """Ends a waiting `take`, with nothing where nothing has come."""
        self._filled.set()

    async def take(self) -> list[Item]:
        """Waits for something, or for `wake`; returns all that has come, up to a batch."""
        await self._filled.wait()
        items = self._items
        if len(items) <= BATCH:
            batch = list(items)
            items.clear()
            self._filled.clear()
        else:
            batch = [items.popleft() for _ in range(BATCH)]
        if len(items) < self._limit:
            self._room.set()
        return batch
