"""The browser's remote control (the Chrome DevTools Protocol) over an inherited socket.

The socket is made before the browser starts and passed down, so there is no port that another program on this machine
could connect to, and what is said on it (the phone system's token among it) is on no command line, in no address and
in no file. When either side dies, the other sees the socket close.
Source: https://chromedevtools.github.io/devtools-protocol/ (``--remote-debugging-pipe``: JSON texts, a NUL after each).
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from ozrules.session.unicode import read_json

_LONGEST: Final = 4 * 1024 * 1024


class BrowserGone(Exception):
    """The browser has died, closed its remote control, or says what it must not say."""


class CallFailed(Exception):
    """The browser answers that it cannot do what was asked, as while a page is being loaded anew."""


class BrowserEvent(msgspec.Struct, frozen=True):
    """Something the browser reports by itself."""

    method: str
    params: dict[str, object] = {}


class _Message(msgspec.Struct):
    id: int | None = None
    method: str | None = None
    params: dict[str, object] = {}
    result: dict[str, object] | None = None
    error: dict[str, object] | None = None


_MESSAGE: Final = msgspec.json.Decoder(_Message)


class DevTools:
    """One browser's remote control. `events` must be read: it is what brings the answers of `call`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[dict[str, object]]] = {}

    @classmethod
    async def over(cls, connection: socket.socket) -> "DevTools":
        """The remote control on our end of the socket pair."""
        reader, writer = await asyncio.open_connection(sock=connection, limit=_LONGEST)
        return cls(reader, writer)

    async def call(self, method: str, target: str | None = None, **params: object) -> dict[str, object]:
        """Ask the browser, or the page ``target`` in it, and wait for the answer. Raises BrowserGone, CallFailed."""
        self._last_id += 1
        number = self._last_id
        request: dict[str, object] = {"id": number, "method": method, "params": params}
        if target is not None:
            request["sessionId"] = target
        answer: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(msgspec.json.encode(request) + b"\0")
            await self._writer.drain()
            return await answer
        except OSError as error:
            raise BrowserGone("the browser closed its remote control") from error
        finally:
            del self._waiting[number]

    async def events(self) -> AsyncIterator[BrowserEvent]:
        """What the browser reports, until it is gone: then BrowserGone, here and from every waiting `call`."""
        try:
            while True:
                text = (await self._reader.readuntil(b"\0"))[:-1]
                message = read_json(_MESSAGE, text)
                if message.method is not None:
                    yield BrowserEvent(message.method, message.params)
                elif message.id is not None and (answer := self._waiting.get(message.id)) and not answer.done():
                    if message.error is None:
                        answer.set_result(message.result or {})
                    else:
                        answer.set_exception(CallFailed(str(message.error.get("message"))))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, msgspec.DecodeError) as error:
            gone = BrowserGone("the browser closed its remote control")
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(gone)
            raise gone from error

    def close(self) -> None:
        """Let go of the browser; it ends itself when it notices."""
        self._writer.close()
