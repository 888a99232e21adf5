"""Names are looked up in threads that nobody waits for.

The resolver of the C library blocks its thread for as long as a name server is silent, and nothing can interrupt it.
asyncio asks it in the executor that reads of files use too: a few dead names fill that executor, and the end of the
program waits for all its threads. So each look-up has a thread of its own here, which ends with the process. Their
number is bounded, and whoever asks for a name that is being looked up already waits for the same answer: a name that is
dead holds one thread, however often it is asked for.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Final, Literal, TypeAlias

Found: TypeAlias = list[
    tuple[Literal[socket.AddressFamily.AF_INET], socket.SocketKind, int, str, tuple[str, int]]
    | tuple[
        Literal[socket.AddressFamily.AF_INET6],
        socket.SocketKind,
        int,
        str,
        tuple[str, int, int, int] | tuple[int, bytes],
    ]
]
"""As asyncio's own types say it."""

MOST: Final = 32


class Lookups:
    """Looks up at most ``most`` names at the same time, for one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._going: dict[tuple[object, ...], asyncio.Future[Found | OSError | ValueError]] = {}

    async def find(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # as socket.getaddrinfo calls it
        proto: int = 0,
        flags: int = 0,
    ) -> Found:
        """As `socket.getaddrinfo`. Raises ValueError for what can be no name, OSError for all else, also where too many
        names wait for an answer already.
        """
        asked = (host, port, family, type, proto, flags)
        answer = self._going.get(asked)
        if answer is None:
            if len(self._going) >= self._most:
                raise socket.gaierror(
                    socket.EAI_AGAIN, f"{self._most} other names wait for an answer of the name server already"
                )
            answer = self._begin(asked)
        found = await asyncio.shield(answer)
        if isinstance(found, OSError | ValueError):
            raise found
        return found

    def _begin(self, asked: tuple[object, ...]) -> "asyncio.Future[Found | OSError | ValueError]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found | OSError | ValueError] = loop.create_future()

        def settle(found: Found | OSError | ValueError) -> None:
            del self._going[asked]
            if not answer.done():
                answer.set_result(found)

        def look() -> None:
            found = _look_up(asked)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, found)

        try:
            threading.Thread(target=look, name="look-up", daemon=True).start()
        except RuntimeError as error:  # the process may have no more threads
            raise OSError(str(error)) from error
        self._going[asked] = answer
        return answer


def _look_up(asked: tuple[object, ...]) -> Found | OSError | ValueError:
    try:
        return socket.getaddrinfo(*asked)  # type: ignore[arg-type]  # as it was asked
    except (OSError, ValueError) as error:  # the latter where it can be no name, such as a label that is too long
        return error


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose names are looked up so, for whatever opens a connection on it."""

    def __init__(self) -> None:
        super().__init__()
        self._lookups = Lookups(MOST)

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # as the class above calls it
        proto: int = 0,
        flags: int = 0,
    ) -> Found:
        """As `asyncio.loop.getaddrinfo`."""
        return await self._lookups.find(host, port, family=family, type=type, proto=proto, flags=flags)
