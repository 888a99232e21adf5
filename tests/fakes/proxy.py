"""A network between two programs that can fail: cut, swallow everything, be slow, or hand over byte by byte."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Manner = Literal["whole", "bytewise"]


class Proxy:
    """Forwards TCP connections to a port of this host. ``connections`` counts all that came, ``delay`` is how many
    seconds every piece takes.
    """

    def __init__(self, target: int, manner: Manner) -> None:
        self.port = 0
        self.connections = 0
        self.delay = 0.0
        self._target = target
        self._manner = manner
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()

    def cut(self, *, reset: bool) -> None:
        """Ends every connection: with RST, or with FIN."""
        for writer in list(self._writers):
            if reset:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()

    def swallow(self, everything: bool) -> None:
        """Keep the connections, and let nothing through."""
        if everything:
            self._open.clear()
        else:
            self._open.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError):
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers |= {writer, onward_writer}
            try:
                await asyncio.gather(self._carry(reader, onward_writer), self._carry(onward_reader, writer))
            finally:
                self._writers -= {writer, onward_writer}
                onward_writer.close()
        writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                await asyncio.sleep(self.delay)
                if self._manner == "whole":
                    writer.write(data)
                else:
                    for place in range(len(data)):
                        writer.write(data[place : place + 1])
                        await asyncio.sleep(0)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy(target: int, manner: Manner = "whole") -> AsyncIterator[Proxy]:
    """A proxy as long as the block lasts."""
    between = Proxy(target, manner)
    server = await asyncio.start_server(between.accept, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        between.swallow(False)
        between.cut(reset=True)
        server.close()
        await server.wait_closed()
