"""The oracle's own connection to the manager of a running Asterisk: it keeps all that comes, and does nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.oracle.history import History
from tests.oracle.wire import events

WITHIN = 20.0


class Tap:
    """What has come so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._text = b""
        self._came = asyncio.Condition()
        self._asked = 0
        self._ended = False

    async def read(self) -> None:
        """Takes in what comes, until the connection ends."""
        while not self._ended:
            try:
                piece = await self._reader.read(65536)
            except ConnectionError:
                piece = b""
            async with self._came:
                self._text += piece
                self._ended = not piece
                self._came.notify_all()

    async def ask(self, action: str, **fields: str) -> None:
        """Sends an action and waits for its answer: all that Asterisk said before has come then, or all that it ever
        will where it has ended the connection."""
        self._asked += 1
        mark = f"ActionID: tap-{self._asked}"
        lines = [f"Action: {action}", mark, *(f"{key}: {value}" for key, value in fields.items())]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        async with self._came, asyncio.timeout(WITHIN):
            await self._came.wait_for(lambda: self._ended or mark.encode() in self._text)

    def history(self) -> History:
        """What Asterisk has done so far."""
        return History(events(self._text))


@asynccontextmanager
async def tap(port: int, user: str, secret: str) -> AsyncIterator[Tap]:
    """A tap that is logged in and listens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    one = Tap(reader, writer)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(one.read())
        try:
            await one.ask("Login", Username=user, Secret=secret, Events="on")
            yield one
        finally:
            reading.cancel()
            writer.close()
