"""One connection between daemon and gateway, in memory: the WebSocket that `Link` talks over.

Frames arrive in order, late, or not at all: the connection can be cut, and it can be half open, in one direction or
in both, until the keepalive finds out. What was under way then is lost.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close
from websockets.protocol import State

from tests.simulation.machine import Machine

KEEPALIVE: Final = 40.0
"""Seconds in which a peer that has vanished is noticed: a ping every 20 s, and 20 s for its answer."""

Side = Literal["daemon", "gateway"]


class Wire:
    """``asked`` is called with each frame that reaches the gateway, ``lost`` once when the gateway sees the end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        machine: Machine,
        *,
        delay: Callable[[], float],
        asked: Callable[["Wire", bytes, object], None],
        lost: Callable[["Wire"], None],
        tag: Callable[[bytes], object],
    ) -> None:
        self.state = State.OPEN
        self.deaf: set[Side] = set()
        """Who hears nothing any more."""
        self.under_way = 0
        """Requests that have left and are not answered."""
        self._loop = loop
        self._machine = machine
        self._delay = delay
        self._asked = asked
        self._lost = lost
        self._tag = tag
        self._why: ConnectionClosedError | None = None
        self._arrived: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._last: dict[Side, float] = {"daemon": 0.0, "gateway": 0.0}
        self._gateway_open = True

    # --- the daemon's side: ozrules.connectors.gateway.link.Socket ----------------------------------------------------

    async def recv(self, decode: Literal[False]) -> bytes:
        while not self._arrived:
            if self._why is not None:
                raise self._why
            self._news.clear()
            await self._news.wait()
        return self._arrived.popleft()

    async def send(self, message: bytes, *, text: Literal[True]) -> None:
        if self._why is not None:
            raise self._why
        tag = self._tag(message)
        self._after("gateway", lambda: self._hear(message, tag))

    async def close(self) -> None:
        self.cut(1000)

    # --- the gateway's side -------------------------------------------------------------------------------------------

    def tell(self, frame: bytes) -> None:
        """The gateway sends a frame."""
        if self._gateway_open:
            self._after("daemon", lambda: self._arrive(frame))

    def cut(self, code: int | None = None) -> None:
        """The connection is over, and both sides see it."""
        self._end_daemon(code)
        self._end_gateway()

    def fall_silent(self, sides: frozenset[Side], after: float) -> None:
        """Half open: ``sides`` hear nothing any more, and the keepalive finds out ``after`` seconds."""
        self.deaf |= sides
        self._loop.call_later(after, self.cut, 1011)

    def abandon(self) -> None:
        """The daemon was killed: it does nothing any more; the gateway sees that as soon as the kernel tells it."""
        self._why = ConnectionClosedError(None, None)
        self.state = State.CLOSED
        self._after("gateway", self._end_gateway)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _after(self, side: Side, step: Callable[[], None]) -> None:
        due = self._last[side] = max(self._last[side] + 1e-6, self._loop.time() + self._delay())
        self._loop.call_at(due, step)

    def _arrive(self, frame: bytes) -> None:
        if self._why is None and "daemon" not in self.deaf:
            self._arrived.append(frame)
            self._news.set()

    def _hear(self, frame: bytes, tag: object) -> None:
        if self._gateway_open and "gateway" not in self.deaf:
            self._asked(self, frame, tag)

    def _end_daemon(self, code: int | None) -> None:
        if self._why is None:
            closed = None if code is None else Close(code, "")
            self._why = ConnectionClosedError(closed, closed, None if closed is None else True)
            self.state = State.CLOSED
            self._news.set()

    def _end_gateway(self) -> None:
        if self._gateway_open:
            self._gateway_open = False
            self._lost(self)


def some_delay(chance: random.Random, slow: bool) -> float:
    """Seconds that a frame takes: a millisecond mostly, now and then much longer where the network is ``slow``."""
    roll = chance.random()
    if slow and roll < 0.03:
        return chance.uniform(0.5, 3.0)
    return chance.uniform(0.02, 0.2) if roll < 0.1 else chance.uniform(0.0005, 0.005)
