"""Requests over a real socket: what leaves, and what every failure says, and whether the request had left."""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ozrules.connectors.ozeki_http.answers import NotAnAnswer
from ozrules.connectors.ozeki_http.client import Access, Client, Unreachable
from ozrules.connectors.ozeki_http.requests import LIST, Generation, Request
from ozrules.connectors.ozeki_http.xml import MAX_BYTES
from tests.connectors.asterisk.certificate import self_signed
from tests.connectors.ozeki_http.test_xml import ATTACKS
from tests.fakes.http_server import NO_CALLS, Answer, CannedServer, canned, form, xml


def access(port: int, generation: Generation = "classic") -> Access:
    return Access(host="127.0.0.1", port=port, generation=generation)


@asynccontextmanager
async def asking(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[CannedServer, Client]]:
    async with canned(answer, tls=tls) as server, Client(access(server.port)) as client:
        yield server, client


@pytest.mark.parametrize(("generation", "path"), [("classic", "/"), ("ozeki10", "/api")])
async def test_a_request_is_a_form_post_so_that_no_password_stands_in_an_address(
    generation: Generation, path: str
) -> None:
    async with canned(lambda _: xml(NO_CALLS)) as server:
        with_password = replace(access(server.port, generation), username="api", password="canary & co")
        async with Client(with_password) as client:
            assert (await client.ask(LIST, 5.0)).code == 200
    (request,) = server.requests
    head = request.partition(b"\r\n\r\n")[0].decode()
    assert head.startswith(f"POST {path} HTTP/1.1\r\n")
    assert "Content-Type: application/x-www-form-urlencoded" in head
    assert "canary" not in head
    assert form(request) == b"command=ListActiveCalls&Username=api&Password=canary+%26+co"


@pytest.mark.parametrize(("generation", "path"), [("classic", "/"), ("ozeki10", "/api")])
async def test_get_is_possible_where_it_is_wanted(generation: Generation, path: str) -> None:
    forward = Request("Forward", (("CallId", "a b"), ("Destination", "+36201234567")))
    async with canned(lambda _: xml(NO_CALLS)) as server:
        client = Client(replace(access(server.port, generation), way="get"))
        async with client:
            await client.ask(forward, 5.0)
    target = server.requests[0].split(b" ")[1].decode()
    assert target == f"{path}?command=Forward&CallId=a+b&Destination=%2B36201234567"


async def test_nothing_is_kept_between_requests_and_cookies_are_not_taken() -> None:
    async with asking(lambda _: xml(NO_CALLS, more="Set-Cookie: a=b\r\n")) as (server, client):
        await client.ask(LIST, 5.0)
        await client.ask(LIST, 5.0)
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (xml(b"<html><body>It works!</body></html>"), "HTTP status 200: an HTML page"),
        (xml(b"<html>", more="Server: nginx/1.2\r\n"), "from nginx/1.2: an HTML page"),
        (xml(b"Not found", status="404 Not Found"), "HTTP status 404: no XML"),
        (xml(b"", status="302 Found", more="Location: http://127.0.0.1:1/\r\n"), "HTTP status 302"),
        (xml(b"<rss/>"), "its root is not Response"),
        (xml(gzip.compress(NO_CALLS), more="Content-Encoding: gzip\r\n"), "no XML"),
        (xml(b"<r>" + b"a" * MAX_BYTES + b"</r>"), f"more than {MAX_BYTES} bytes"),
    ],
)
async def test_what_is_not_the_api_is_named(answer: bytes, why: str) -> None:
    async with asking(lambda _: answer) as (_, client):
        with pytest.raises(NotAnAnswer, match=why):
            await client.ask(LIST, 5.0)


@pytest.mark.fault(16)
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
async def test_an_attack_in_an_answer_is_no_answer(attack: bytes) -> None:
    async with asking(lambda _: xml(attack)) as (_, client):
        with pytest.raises(NotAnAnswer):
            await client.ask(LIST, 5.0)


@pytest.mark.fault(19, 28)
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "closed the connection without an answer"),
        (b"SIP/2.0 400 Bad Request\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<Response>", "closed the connection"),
    ],
)
async def test_what_breaks_off_may_have_been_done(answer: bytes | None, why: str) -> None:
    async with asking(lambda _: answer) as (_, client):
        with pytest.raises(Unreachable, match=why) as caught:
            await client.ask(LIST, 5.0)
    assert caught.value.sent


@pytest.mark.fault(28)
async def test_silence_is_not_waited_for_long_and_it_may_have_been_done() -> None:
    async def silence(_: bytes) -> bytes | None:
        await asyncio.sleep(3600)
        return None

    async with asking(silence) as (server, client):
        with pytest.raises(Unreachable, match=r"does not answer within 0\.3 s") as caught:
            await client.ask(LIST, 0.3)
    assert caught.value.sent
    assert len(server.requests) == 1


@pytest.mark.fault(1)
async def test_where_nobody_listens_nothing_was_sent() -> None:
    async with canned(lambda _: None) as server:
        port = server.port
    async with Client(access(port)) as client:
        with pytest.raises(Unreachable, match=rf"cannot reach 127\.0\.0\.1:{port}") as caught:
            await client.ask(LIST, 5.0)
    assert not caught.value.sent


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.fault(21)
async def test_a_name_that_does_not_resolve_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with Client(replace(access(80), host="pbx.example")) as client:
        with pytest.raises(Unreachable, match=r"pbx\.example cannot be found") as caught:
            await client.ask(LIST, 5.0)
    assert not caught.value.sent


@pytest.mark.fault(21)
async def test_a_slow_name_server_stops_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        answered.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    try:
        async with Client(replace(access(80), host="pbx.example")) as client, asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(tick())
            with pytest.raises(Unreachable, match="cannot be connected to") as caught:
                await client.ask(LIST, 0.6)
            ticking.cancel()
    finally:
        answered.set()
    assert not caught.value.sent
    assert ticks > 0


@pytest.mark.fault(21)
async def test_a_phone_system_that_moved_is_found_at_its_new_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with canned(lambda _: xml(NO_CALLS)) as server:
        addresses = iter(["127.0.0.2", "127.0.0.1"])

        def moving(host: str, port: int, *_: Any, **__: Any) -> Any:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(addresses), port))]

        monkeypatch.setattr(socket, "getaddrinfo", moving)
        async with Client(replace(access(server.port), host="pbx.example")) as client:
            with pytest.raises(Unreachable):
                await client.ask(LIST, 5.0)
            assert (await client.ask(LIST, 5.0)).code == 200


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.mark.fault(19)
async def test_over_tls_only_who_is_trusted_gets_the_password(certificate: tuple[Path, Path]) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*certificate)
    async with canned(lambda _: xml(NO_CALLS), tls=serving) as server:
        trusting = replace(access(server.port), tls=ssl.create_default_context(cafile=str(certificate[0])))
        async with Client(trusting) as client:
            assert (await client.ask(LIST, 5.0)).code == 200
        async with Client(replace(trusting, tls=ssl.create_default_context())) as client:
            with pytest.raises(Unreachable, match=r"certificate of .* is not trusted") as caught:
                await client.ask(LIST, 5.0)
        assert not caught.value.sent
        assert len(server.requests) == 1


@pytest.mark.fault(19)
async def test_there_is_no_falling_back_to_plain_http() -> None:
    heard: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1 << 16))
        writer.write(xml(b"", status="400 Bad Request"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = Client(replace(access(port), tls=ssl.create_default_context()))
        async with client:
            with pytest.raises(Unreachable, match=r"no secure connection .* does it speak TLS on this port\?"):
                await client.ask(LIST, 5.0)
    assert len(heard) == 1
    assert b"command" not in heard[0]
