"""The control socket: what `ozrules reload`, `pause`, `resume`, `cancel`, `status` and `sessions` talk to.

A Unix socket that only the daemon's own user and root can open. One JSON object on a line in, one out, then the
socket closes. Whoever asks is named by the kernel (SO_PEERCRED), and what they asked for is on the record before they
are answered.
"""

import asyncio
import os
import pwd
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from ozrules.runtime.inbox import Who
from ozrules.session.unicode import read_json

MAX_LINE: Final = 64 * 1024
ASK_WITHIN: Final = 5.0
AT_ONCE: Final = 16
WAITING: Final = 8
"""Commands that wait for others; with more, whoever connects is turned away, for files that are open are few."""
FROM_KERNEL: Final = 8
"""Connections that asyncio takes at once: where it finds no file for one, it complains of each of them."""
LATEST: Final = 64_060_588_800
"""The first of January 4000: what lies far beyond cannot be shown as a date."""
_PEER: Final = struct.Struct("3i")

CommandName = Literal["reload", "pause", "resume", "cancel", "override", "forget", "trust-clock", "status", "sessions"]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came in on the socket. ``target`` is a rule, a timer, a schedule or a number; ``until`` is a moment of the
    wall clock, seconds since 1970 UTC.
    """

    command: CommandName
    target: str | None = None
    to: Literal["open", "closed", "off"] | None = None
    until: Annotated[float, msgspec.Meta(ge=0, le=LATEST)] | None = None


_ASKED: Final = msgspec.json.Decoder(Asked)


class Answer(msgspec.Struct, frozen=True):
    """What goes out: whether it was done, what to tell the admin, and the facts for a program."""

    ok: bool
    text: str
    data: object = None


class ControlUnusable(Exception):
    """The socket cannot be opened; the text says why and what to do."""


def open_socket(path: Path) -> socket.socket:
    """Listens at ``path``, in place of a socket that a daemon which is gone has left there. Raises ControlUnusable."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            if _answers(path):
                raise ControlUnusable(f"{path}: another ozrules listens here; give this one its own `control`")
            path.unlink()
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(AT_ONCE)
    except OSError as error:
        listener.close()
        raise ControlUnusable(f"{path}: {error.strerror or error}; name another place under `control`") from error
    except ControlUnusable:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


async def serve(listener: socket.socket, answer: Callable[[Asked, Who], Awaitable[Answer]]) -> None:
    """Answers whoever connects, for ever."""
    slots = asyncio.Semaphore(AT_ONCE)
    inside = 0

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal inside
        if inside >= AT_ONCE + WAITING:
            writer.write(msgspec.json.encode(Answer(False, "too many commands at once; try again")) + b"\n")
            writer.close()
            return
        inside += 1
        try:
            await serve_one(reader, writer)
        finally:
            inside -= 1

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with slots:
            try:
                said = await _one(reader, _who(writer), answer)
                writer.write(msgspec.json.encode(said) + b"\n")
                async with asyncio.timeout(ASK_WITHIN):
                    await writer.drain()
            except OSError:
                pass  # whoever asked has left
            finally:
                writer.close()

    server = await asyncio.start_unix_server(one, sock=listener, limit=MAX_LINE, backlog=FROM_KERNEL)
    listener.listen(AT_ONCE + WAITING)
    async with server:
        await server.serve_forever()


async def _one(reader: asyncio.StreamReader, who: Who, answer: Callable[[Asked, Who], Awaitable[Answer]]) -> Answer:
    try:
        async with asyncio.timeout(ASK_WITHIN):
            line = await reader.readline()
        asked = read_json(_ASKED, line)
    except (TimeoutError, ValueError) as error:  # also msgspec's errors and a line that is too long
        return Answer(False, f"this is not a command: {error}")
    return await answer(asked, who)


def _who(writer: asyncio.StreamWriter) -> Who:
    peer: socket.socket = writer.get_extra_info("socket")
    _, uid, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Who(by=name, uid=uid)
