"""What the manager interface says, as text: a second listener beside the connector, which shares no code with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from tests.e2e.asterisk.lab import SECRET, Lab

Event: TypeAlias = dict[str, str]
WITHIN = 20.0


class Recorder:
    """All events so far, as they came."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.living: dict[str, Event] = {}
        self._came = asyncio.Condition()

    def mark(self) -> int:
        """How many events have come."""
        return len(self.texts)

    def since(self, mark: int) -> list[Event]:
        """The events after a mark."""
        return [fields(text) for text in self.texts[mark:]]

    async def until(self, mark: int, name: str, which: Callable[[Event], bool]) -> Event:
        """The first event of this name after the mark that is so, as soon as it has come."""

        def found() -> Event | None:
            return next((one for one in self.since(mark) if one.get("Event") == name and which(one)), None)

        async with asyncio.timeout(WITHIN), self._came:
            await self._came.wait_for(lambda: found() is not None)
        event = found()
        assert event is not None
        return event

    async def until_begun(self, mark: int, channels: str, count: int) -> None:
        """Waits until so many channels whose names begin so have begun after the mark."""

        def begun() -> int:
            return sum(one["Event"] == "Newchannel" and one["Channel"].startswith(channels) for one in self.since(mark))

        async with asyncio.timeout(WITHIN), self._came:
            await self._came.wait_for(lambda: begun() >= count)

    async def until_none(self, which: Callable[[Event], bool]) -> None:
        """Waits until no such channel lives."""
        async with asyncio.timeout(WITHIN), self._came:
            await self._came.wait_for(lambda: not any(which(one) for one in self.living.values()))

    async def read(self, reader: asyncio.StreamReader) -> None:
        while True:
            text = (await reader.readuntil(b"\r\n\r\n")).decode()
            if not text.startswith("Event: "):
                continue
            event = fields(text)
            async with self._came:
                self.texts.append(text)
                match event["Event"]:
                    case "Newchannel":
                        self.living[event["Uniqueid"]] = event
                    case "Hangup":
                        self.living.pop(event["Uniqueid"], None)
                self._came.notify_all()


def fields(text: str) -> Event:
    """One event's text as its fields."""
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


@asynccontextmanager
async def recording(lab: Lab) -> AsyncIterator[Recorder]:
    """Listens for as long as this lasts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.ami, limit=1 << 20)
    await reader.readline()
    writer.write(f"Action: Login\r\nUsername: ozrules\r\nSecret: {SECRET}\r\n\r\n".encode())
    assert b"Success" in await reader.readuntil(b"\r\n\r\n")
    one = Recorder()
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(one.read(reader))
        try:
            yield one
        finally:
            listening.cancel()
            writer.close()
