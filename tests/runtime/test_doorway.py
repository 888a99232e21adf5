"""Too many connections, and those that dawdle: the page sheds them, and what it serves goes on."""

import asyncio

import pytest

from ozrules.runtime import doorway
from ozrules.runtime.doorway import MOST
from ozrules.web import server
from tests.web.stage import served


async def _closed(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(10):
            return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.fault(103)
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n", b"POST /login HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_does_not_finish_asking_is_cut_off(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 0.2)
    async with served() as (stage, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(said)
        assert await _closed(reader)
        writer.close()


@pytest.mark.fault(103)
async def test_a_byte_now_and_then_gains_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 0.3)
    async with served() as (stage, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)

        async def drip() -> None:
            writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as tasks:
            dripping = tasks.create_task(drip())
            assert await _closed(reader)
            writer.close()
            dripping.cancel()


@pytest.mark.fault(103)
async def test_a_thousand_connections_are_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond the most are told so at once; when the others have dawdled long enough the page answers again."""
    monkeypatch.setattr(doorway, "WITHIN", 3.0)
    monkeypatch.setattr(doorway, "BEYOND_WITHIN", 0.01)
    async with served() as (stage, client):
        held = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(MOST)]
        for _ in range(20):
            said = await asyncio.gather(*(stage.raw(b"") for _ in range(50)))
            assert all(each.startswith(b"HTTP/1.1 503 ") and b"Retry-After" in each for each in said)
        assert stage.figures.turned_away == 1000
        for reader, writer in held:
            assert await _closed(reader)
            writer.close()
        async with client.get(f"{stage.url}/healthz") as answer:
            assert answer.status == 200


async def test_who_is_being_answered_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 0.2)
    async with served() as (stage, client), client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as link:
        await link.receive_json()
        async with asyncio.timeout(20):
            while (await link.receive_json())["type"] != "standing":  # a second later
                pass
        assert not link.closed


@pytest.mark.fault(103)
async def test_health_is_answered_while_there_is_no_room_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 1000.0)
    monkeypatch.setattr(doorway, "BEYOND_WITHIN", 1000.0)
    async with served() as (stage, client):
        held = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(MOST + 200)]
        for _ in range(20):
            async with client.get(f"{stage.url}/healthz") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
                assert answer.headers["Connection"] == "close"
        async with client.get(f"{stage.url}/readyz") as answer:
            assert answer.status == 200
        async with client.get(f"{stage.url}/metrics", headers=stage.bearer) as answer:
            assert answer.status == 503
        for _, writer in held:
            writer.close()
    assert stage.figures.turned_away == (200 - server.BEYOND) + 1 + 1, "one of the last made room; metrics got none"
