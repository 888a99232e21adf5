"""Phone systems and their neighbours for tests of the runtime: they do what they are told and keep a ledger."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from ozrules.engine.effects import Command, Post
from ozrules.engine.events import Accepted, Receipt, Refused, Unanswered
from ozrules.runtime.ports import FromPhoneSystem, Record
from ozrules.session.session import Session


class FakePhone:
    """`ozrules.runtime.ports.Connector`. ``ledger`` is every command received; ``answers`` says what to answer.

    While ``holding`` is set commands are received, and answered once it is cleared and `release` is called.
    """

    def __init__(self, name: str = "office") -> None:
        self.name = name
        self.ledger: list[Command] = []
        self.answer: Accepted | Refused | Unanswered | Exception = Accepted()
        self.lists_asked = 0
        self.said: asyncio.Queue[FromPhoneSystem] = asyncio.Queue()
        self._released = asyncio.Event()
        self._released.set()

    def hold(self) -> None:
        self._released.clear()

    def release(self) -> None:
        self._released.set()

    async def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        while True:
            yield await self.said.get()

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        self.ledger.append(command)
        await self._released.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def request_list(self) -> None:
        self.lists_asked += 1


class FakeHooks:
    """`ozrules.runtime.ports.WebhookQueue` that takes everything."""

    def __init__(self) -> None:
        self.posts: list[Post] = []

    def post(self, request: Post) -> Receipt:
        self.posts.append(request)
        return Accepted()

    def figures(self) -> dict[str, int]:
        return {"waiting": 0, "delivered": len(self.posts), "dead": 0, "refused": 0}


class Shelf:
    """`ozrules.runtime.ports.RecordSink` that keeps everything."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._written = asyncio.Event()

    def write(self, records: Sequence[Record]) -> None:
        self.records += records
        self._written.set()

    async def holds(self, count: int) -> None:
        """Returns when so many records have come."""
        while len(self.records) < count:
            self._written.clear()
            await self._written.wait()


class QuietLog:
    """`ozrules.runtime.ports.Log` that keeps what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, object]]] = []

    def debug(self, event: str, **fields: object) -> None:
        self.said.append(("debug", event, fields))

    def info(self, event: str, **fields: object) -> None:
        self.said.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.said.append(("warning", event, fields))

    def error(self, event: str, **fields: object) -> None:
        self.said.append(("error", event, fields))
