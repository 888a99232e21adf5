"""What browsers are told as it happens, in what order, and what happens to those that do not keep up."""

import asyncio
from collections.abc import Mapping

import aiohttp
import pytest

from ozrules.runtime.ports import Record
from ozrules.web import live
from ozrules.web.live import MOST_CLIENTS, MOST_RECORDS, Hub
from ozrules.web.metrics import WebFigures
from tests.web.stage import served


def record(seq: int) -> Record:
    return Record(seq=seq, type="decision", time=1.0, body={"type": "decision", "seq": seq})


async def _until(link: aiohttp.ClientWebSocketResponse, kind: str) -> Mapping[str, object]:
    async with asyncio.timeout(20):
        while True:
            message: dict[str, object] = await link.receive_json()
            if message["type"] == kind:
                return message


async def test_all_sessions_come_first_and_then_what_changes() -> None:
    async with served() as (stage, client):
        for number in range(450):
            stage.source.call_of(f"s{number}")
        async with client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as link:
            assert (await link.receive_json())["type"] == "hello"
            seen = []
            while (message := await link.receive_json())["type"] == "sessions":
                seen += [session["sessionId"] for session in message["sessions"]]
            assert message["type"] == "all"
            assert sorted(seen) == sorted(f"s{number}" for number in range(450))
            key = stage.source.call_of("s1", state="InCall")
            changed = await _until(link, "sessions")
            assert [session["state"] for session in changed["sessions"]] == ["InCall"]  # type: ignore[attr-defined]
            stage.source.end(key)
            gone = await _until(link, "sessions")
            assert gone["gone"] == ["office/s1@2026-11-23T10:00:00Z"]


async def test_records_come_to_all_who_watch_and_are_not_kept_for_nobody() -> None:
    async with served() as (stage, client):
        stage.hub.write([record(1)])
        async with (
            client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as one,
            client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as other,
        ):
            await _until(one, "all")
            await _until(other, "all")
            stage.hub.write([record(2), record(3)])
            for link in (one, other):
                message = await _until(link, "records")
                assert [body["seq"] for body in message["records"]] == [2, 3]  # type: ignore[attr-defined]


async def test_a_storm_is_counted_where_it_is_too_much_to_show() -> None:
    async with served() as (stage, client), client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as link:
        await _until(link, "all")
        stage.hub.write([record(number) for number in range(MOST_RECORDS + 50)])
        message = await _until(link, "records")
        assert len(message["records"]) == MOST_RECORDS  # type: ignore[arg-type]
        assert message["skipped"] == 50


async def test_nobody_watches_for_nobody() -> None:
    async with served() as (stage, client):
        async with client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as link:
            await _until(link, "all")
            assert stage.source.watched
            assert stage.figures.clients == 1
        async with asyncio.timeout(10):
            await stage.source.unwatched.wait()
        assert stage.figures.clients == 0


@pytest.mark.fault(103)
async def test_so_many_browsers_and_no_more() -> None:
    async with served() as (stage, client):
        links = [await client.ws_connect(f"{stage.url}/live", headers=stage.bearer) for _ in range(MOST_CLIENTS)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"{stage.url}/live", headers=stage.bearer)
        assert refused.value.status == 503
        for link in links:
            await link.close()


@pytest.mark.fault(104)
async def test_who_does_not_read_is_dropped_and_nobody_waits_for_him(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 0.0)
    async with served() as (stage, client):
        slow_reader, slow_writer = await asyncio.open_connection("127.0.0.1", stage.port, limit=1)
        slow_reader._transport.pause_reading()  # type: ignore[attr-defined]  # a client that reads nothing at all
        head = f"GET /live HTTP/1.1\r\nHost: {stage.host}\r\nAuthorization: {stage.bearer['Authorization']}\r\n"
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        slow_writer.write(f"{head}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        async with client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as quick:
            await _until(quick, "all")
            large = Record(seq=1, type="log", time=1.0, body={"type": "log", "text": "x" * 200_000})
            async with asyncio.timeout(30):
                while not stage.figures.dropped:
                    stage.hub.write([large])  # what the reactor calls: it returns at once
                    await _until(quick, "records")
            assert stage.figures.dropped == 1
            stage.hub.write([record(7)])
            async with asyncio.timeout(20):
                while (await _until(quick, "records"))["records"] != [{"type": "decision", "seq": 7}]:
                    pass
        slow_writer.close()


@pytest.mark.fault(104)
async def test_one_who_came_back_hears_everything_anew() -> None:
    async with served() as (stage, client):
        stage.source.call_of("s1")
        for _ in range(2):
            async with client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as link:
                message = await _until(link, "sessions")
                assert [session["sessionId"] for session in message["sessions"]] == ["s1"]  # type: ignore[attr-defined]


def test_without_clients_a_record_costs_nothing() -> None:
    hub = Hub(WebFigures())
    hub.write([record(1)])
    assert hub._records == []
