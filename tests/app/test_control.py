"""The control socket: whoever is let in gets one answer, whatever they send."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ozrules.app.control import AT_ONCE, MAX_LINE, WAITING, Answer, Asked, ControlUnusable, open_socket, serve
from ozrules.runtime.inbox import Who

ASKED: list[tuple[Asked, Who]] = []


async def answer(asked: Asked, who: Who) -> Answer:
    ASKED.append((asked, who))
    return Answer(True, "done", {"who": who.by})


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[None]:
    with open_socket(path) as listener:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve(listener, answer))
            yield
            serving.cancel()


async def send(path: Path, line: bytes) -> dict[str, object]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(line)
    writer.write_eof()
    said = json.loads(await reader.readline())
    writer.close()
    assert isinstance(said, dict)
    return said


async def test_the_kernel_names_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "control"
    async with listening(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        said = await send(path, b'{"command": "pause", "target": "r"}\n')
    assert said["ok"] is True
    asked, who = ASKED[-1]
    assert asked == Asked("pause", "r")
    assert who.uid == os.getuid()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{\n",
        b'{"command": "format"}\n',
        b'{"command": "status", "x": 1}\n',
        b"x" * (2 * MAX_LINE),
        b"\xff\xfe\n",
        b"[" * 1000,
        b'{"command": "override", "target": "s", "to": "open", "until": 1e300}\n',
    ],
)
async def test_what_is_no_command_is_answered_so(tmp_path: Path, line: bytes) -> None:
    async with listening(tmp_path / "control"):
        said = await send(tmp_path / "control", line)
        assert said["ok"] is False
        assert "not a command" in str(said["text"])
        assert (await send(tmp_path / "control", b'{"command": "status"}\n'))["ok"] is True


@pytest.mark.fault(82)
async def test_who_finds_too_many_there_is_turned_away_and_the_next_is_served(tmp_path: Path) -> None:
    path = tmp_path / "control"
    async with listening(path):
        idle = [await asyncio.open_unix_connection(str(path)) for _ in range(AT_ONCE + WAITING)]
        reader, writer = await asyncio.open_unix_connection(str(path))
        assert "too many commands" in (await reader.readline()).decode()
        assert await reader.read() == b""
        for _, each in [*idle, (reader, writer)]:
            each.close()
            await each.wait_closed()
        assert (await send(path, b'{"command": "status"}\n'))["ok"] is True


async def test_a_socket_in_use_is_not_taken_and_one_left_behind_is(tmp_path: Path) -> None:
    path = tmp_path / "control"
    async with listening(path):
        with pytest.raises(ControlUnusable, match="another ozrules listens"):
            open_socket(path)
    assert path.exists()
    open_socket(path).close()


def test_a_place_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlUnusable, match="name another place"):
        open_socket(tmp_path / "file" / "control")
    with pytest.raises(ControlUnusable, match="name another place"):
        open_socket(tmp_path / ("x" * 200))


async def test_half_a_character_in_a_command_is_mended(tmp_path: Path) -> None:
    async with listening(tmp_path / "control"):
        said = await send(tmp_path / "control", b'{"command": "pause", "target": "r\\ud83d"}\n')
    assert said["ok"] is True
    assert ASKED[-1][0] == Asked("pause", "r\ufffd")
