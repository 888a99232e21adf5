"""An HTTP server that says what a test tells it to say, byte for byte, and keeps what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

NO_CALLS = b"<Response><Code>200</Code><Message>Command successfully executed</Message><ActiveCalls/></Response>"


def xml(body: bytes, *, status: str = "200 OK", more: str = "") -> bytes:
    """A whole answer around a body."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


Answer = Callable[[bytes], bytes | Awaitable[bytes | None] | None]
"""What is answered to a whole request; None: nothing, and the connection is closed."""


class CannedServer:
    """What it was asked, oldest first; ``answer`` may be changed at any time."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.port = 0
        self.requests: list[bytes] = []
        self.serving: set[asyncio.Task[None]] = set()

    @property
    def commands(self) -> list[bytes]:
        """The bodies of what was asked, or the queries where there is no body."""
        return [each.rpartition(b"\r\n\r\n")[2] or each.split(b" ")[1].partition(b"?")[2] for each in self.requests]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self.serving.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            request = head + await reader.readexactly(length)
            self.requests.append(request)
            answer = self.answer(request)
            if isinstance(answer, Awaitable):
                answer = await answer
            if answer is not None:
                writer.write(answer)
                await writer.drain()


@asynccontextmanager
async def canned(answer: Answer, *, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[CannedServer]:
    """A server on loopback."""
    server = CannedServer(answer)
    listening = await asyncio.start_server(server.accept, "127.0.0.1", port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in server.serving:
            task.cancel()
        if server.serving:
            await asyncio.wait(server.serving)


def form(request: bytes) -> bytes:
    """The body of a form post."""
    return request.rpartition(b"\r\n\r\n")[2]
