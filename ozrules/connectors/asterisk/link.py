"""One open connection to the manager.

It is an asyncio Protocol, so that the socket is emptied whenever the loop turns, however slowly its items are taken:
Asterisk cuts off a client that does not read for a tenth of a second. What is read waits in a bounded queue; when that
is full it is thrown away whole, and that this happened is the next item. Silence is met with a Ping, and ended when
even that stays unanswered.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, TypeAlias

import msgspec

from ozrules.connectors.asterisk.ami import Decoder, Unreadable
from ozrules.connectors.asterisk.dialogue import Answer, Dialogue, Greeting, News
from ozrules.runtime.ports import Clock

MOST_WAITING: Final = 20_000
MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes that may have come since all had been taken."""
PING_EVERY: Final = 10.0
SILENT_FOR: Final = 25.0
MOST_UNSENT: Final = 256 * 1024


class Overflowed(msgspec.Struct, frozen=True):
    """More came than was taken; what waited is lost."""


class Closed(Exception):
    """The connection has ended; the text says why."""


class NoAnswer(Exception):
    """An action was sent and nothing is known of it."""


Item: TypeAlias = tuple[float, Answer | News | Unreadable | Overflowed]


class Link(asyncio.Protocol):
    """A connection from its greeting to its end. `why` says why it ended."""

    def __init__(self, clock: Clock) -> None:
        self.why = ""
        self.opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._decoder = Decoder(greeted=True)
        self._dialogue = Dialogue()
        self._items: deque[Item] = deque()
        self._behind = 0
        self._came = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._in_order: set[str] = set()
        self._transport: asyncio.Transport | None = None
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SILENT_FOR * 1000))
        self._heard = asyncio.get_running_loop().time()
        self._timer = asyncio.get_running_loop().call_later(PING_EVERY, self._look)

    def data_received(self, data: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        at = self._clock.now()
        self._behind = self._behind + len(data) if self._items else len(data)
        for message in self._decoder.feed(data):
            match self._dialogue.hear(message):
                case None:
                    pass
                case Greeting(banner=banner):
                    if not self.opened.done():
                        self.opened.set_result(banner)
                case Answer() as answer if answer.action_id not in self._in_order:
                    if not self._give(answer):
                        self._put((at, answer))
                case item:
                    self._put((at, item))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.why:
            self.why = f"the connection broke: {exc}" if exc is not None else "the phone system closed the connection"
        if self._timer is not None:
            self._timer.cancel()
        self.opened.cancel()
        for waiting in self._waiting.values():
            waiting.cancel()
        self._came.set()

    # -- what the connector calls

    async def ask(self, action: str, fields: Mapping[str, str], within: float, *, in_order: bool = False) -> Answer:
        """Sends an action and waits for its response. Raises Closed where it was surely not sent, and NoAnswer.

        With ``in_order`` the response is given only when all that came before it has been taken by `next`.
        """
        action_id = self._send(action, fields)
        if in_order:
            self._in_order.add(action_id)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[action_id] = waiting
        try:
            async with asyncio.timeout(within):
                await asyncio.wait([waiting])
        except TimeoutError:
            raise NoAnswer(f"Asterisk did not answer within {within:g} s") from None
        finally:
            self._waiting.pop(action_id, None)
            self._in_order.discard(action_id)
            self._dialogue.give_up(action_id)
        if waiting.cancelled():
            raise NoAnswer(f"{self.why} before an answer came")
        return waiting.result()

    def tell(self, action: str, fields: Mapping[str, str]) -> str:
        """Sends an action whose answer comes among the items, in order with the events. Raises Closed."""
        return self._send(action, fields)

    async def next(self, within: float | None = None) -> Item:
        """The next thing that came. Raises Closed after the last one, TimeoutError where nothing comes in time."""
        async with asyncio.timeout(within):
            while True:
                while not self._items:
                    if self._transport is None or self.why:
                        raise Closed(self.why)
                    self._came.clear()
                    await self._came.wait()
                at, item = self._items.popleft()
                if not isinstance(item, Answer) or not self._give(item):
                    return at, item

    def close(self, why: str) -> None:
        """Ends the connection."""
        self.why = self.why or why
        if self._transport is not None:
            self._transport.abort()
        self._came.set()

    def _send(self, action: str, fields: Mapping[str, str]) -> str:
        if not self.is_open or self._transport is None:
            raise Closed(self.why or "not connected")
        if self._transport.get_write_buffer_size() > MOST_UNSENT:
            raise Closed("Asterisk does not take what is sent to it")
        action_id, data = self._dialogue.ask(action, fields)
        self._transport.write(data)
        return action_id

    def _give(self, answer: Answer) -> bool:
        """Gives the answer to whoever waits for it. False where nobody does."""
        waiting = self._waiting.pop(answer.action_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
        return waiting is not None

    def _put(self, item: Item) -> None:
        if len(self._items) >= MOST_WAITING or self._behind > MOST_BYTES:
            # lists must not be lost in part: the connector asks for a new one after this
            self._items.clear()
            self._behind = 0
            self._items.append((item[0], Overflowed()))
        self._items.append(item)
        self._came.set()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._heard
        if silent >= SILENT_FOR:
            self.close(f"Asterisk was silent for {SILENT_FOR:g} s, even when asked")
            return
        if silent >= PING_EVERY / 2 and self.is_open:
            with suppress(Closed):  # then the end of the connection is on its way
                self._dialogue.give_up(self._send("Ping", {}))
        self._timer = loop.call_later(PING_EVERY, self._look)
