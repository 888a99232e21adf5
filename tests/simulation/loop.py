"""An event loop in virtual time: it never waits, and runs what is ready in an order of its seed's choice.

Where nothing is ready and no timer is set, everything waits for ever; that is an error of what is run on it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

RESOLUTION: Final = 1e-9


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set."""


class _Selector:
    """Stands where a selector of sockets would: there are none, so it only lets time pass."""

    def __init__(self, loop: "SimLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock("nothing is ready, and no timer is set")
        self._loop.pass_time(timeout)
        return []

    def get_map(self) -> Mapping[Any, Any]:
        return {}

    def close(self) -> None: ...


class _Task(asyncio.Task[Any]):
    """Hashes by when it was begun, so that a set of tasks is walked in the same order in every process."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, loop: "SimLoop") -> None:
        self._number = loop.next_task()
        super().__init__(coro, loop=loop)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimLoop(asyncio.BaseEventLoop):
    """``steps`` counts the rounds so far. `interrupt` runs something in the middle of a round to come."""

    _ready: deque[asyncio.Handle]

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.steps = 0
        self._chance = chance
        self._now = 0.0
        self._selector = _Selector(self)
        self._clock_resolution = RESOLUTION
        self._interrupts: list[tuple[int, Callable[[], None]]] = []
        self._tasks = 0
        self.set_task_factory(lambda loop, coro: _Task(coro, loop=self))

    def next_task(self) -> int:
        self._tasks += 1
        return self._tasks

    def time(self) -> float:
        return self._now

    def interrupt(self, after: int, callback: Callable[[], None]) -> None:
        """Calls ``callback`` between any two handles of the round after ``after`` further ones."""
        self._interrupts.append((self.steps + after, callback))

    def pass_time(self, seconds: float) -> None:
        """One round: time passes up to the next timer, then what is ready is shuffled."""
        self.steps += 1
        if seconds > 0:
            self._now += seconds
        ready = self._ready
        if len(ready) > 1:
            shuffled = list(ready)
            self._chance.shuffle(shuffled)
            ready.clear()
            ready.extend(shuffled)
        if self._interrupts and ready:
            for entry in [each for each in self._interrupts if each[0] <= self.steps]:
                self._interrupts.remove(entry)
                ready.insert(self._chance.randint(0, len(ready)), asyncio.Handle(entry[1], (), self, None))

    def _process_events(self, event_list: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...
