"""Reaching a gateway and reaching it again: cuts, refusals, wrong addresses, slow networks; dialling and listening."""

import asyncio
import random

import pytest
from websockets.asyncio.client import connect

from ozrules.connectors.gateway import Dial, GatewayConnector, Listen
from ozrules.connectors.session_protocol import encode
from ozrules.engine.events import ConnectionOpened, Gap, SessionSeen, SessionsListed
from ozrules.runtime.ports import ConnectionState, FromPhoneSystem
from ozrules.session.state import IN_CALL, RINGING, State
from tests.fakes.clock import StandingClock
from tests.fakes.connectors import reading
from tests.fakes.gateway import HELLO, NO_SESSIONS, TOKEN, Speaker, changed, gateway, until
from tests.fakes.proxy import Manner, proxy


class RecordingClock(StandingClock):
    """Remembers how long each sleeper meant to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep_until(self, at: float) -> None:
        self.slept.append(at - self.now())
        await super().sleep_until(at)


def dialling(port: int, clock: StandingClock, token: str = TOKEN) -> GatewayConnector:
    way = Dial(f"ws://127.0.0.1:{port}/", token)
    return GatewayConnector("office", way, moved_party=None, clock=clock, chance=random.Random(1))


async def greet_and_stay(gateway: Speaker) -> None:
    await gateway.say(HELLO, NO_SESSIONS)
    await gateway.stay()


@pytest.mark.fault(1)
@pytest.mark.parametrize("end", ["FIN", "RST", "close 1000"])
async def test_after_each_cut_one_gap_a_wait_and_the_list_again(end: str) -> None:
    async def greet_and_go(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)

    clock = RecordingClock()
    script = greet_and_go if end == "close 1000" else greet_and_stay
    async with gateway(script) as port, proxy(port) as between, reading(dialling(between.port, clock)) as reader:
        for number in range(1, 31):
            await reader.count(SessionsListed, number)
            between.cut(reset=end == "RST")
            await reader.count(Gap, number)
        assert len(reader.of(Gap)) <= len(reader.of(ConnectionOpened))
        assert between.connections <= len(clock.slept) + 1
    assert min(clock.slept) >= 0.5


@pytest.mark.fault(1)
async def test_after_a_gap_nothing_is_told_before_a_list() -> None:
    async def say_much_and_go(gateway: Speaker) -> None:
        await gateway.say(HELLO, changed("s1"), NO_SESSIONS, changed("s1", IN_CALL))

    async with gateway(say_much_and_go) as port, reading(dialling(port, RecordingClock())) as reader:
        await reader.count(Gap, 3)
        order = [type(item) for item in reader.items]
    told: type[FromPhoneSystem] = Gap
    for kind in order:
        if kind is SessionSeen:
            assert told is SessionsListed
        elif kind in (Gap, ConnectionOpened, SessionsListed):
            told = kind


@pytest.mark.fault(20)
async def test_a_wrong_token_is_one_line_and_half_a_minute() -> None:
    clock = RecordingClock()
    here = Listen("127.0.0.1", 0, TOKEN)
    listening = GatewayConnector("there", here, moved_party=None, clock=StandingClock(), chance=random.Random(1))
    async with reading(listening):
        connector = dialling(await listening.listening_port(), clock, "wrong")
        async with reading(connector) as reader:
            (state,) = await reader.count(ConnectionState, 1)
            await until(lambda: len(clock.slept) >= 3)
            assert len(reader.items) == 1
    assert "ACCESS_DENIED" in state.detail
    assert "wrong" not in state.detail
    assert min(clock.slept) >= 30.0


@pytest.mark.fault(19)
async def test_a_server_that_is_no_gateway_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with reading(dialling(port, RecordingClock())) as reader:
            (state,) = await reader.count(ConnectionState, 1)
    assert f"127.0.0.1:{port} answers with HTTP status 200" in state.detail


@pytest.mark.fault(19)
async def test_a_server_that_speaks_something_else_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, reading(dialling(port, RecordingClock())) as reader:
        (state,) = await reader.count(ConnectionState, 1)
    assert "does not answer as a WebSocket server" in state.detail


async def test_nobody_there_is_said_once_and_tried_again_ever_more_slowly() -> None:
    async with proxy(1) as between:
        port = between.port
    clock = RecordingClock()
    async with reading(dialling(port, clock)) as reader:
        (state,) = await reader.count(ConnectionState, 1)
        await until(lambda: len(clock.slept) >= 12)
        assert len(reader.items) == 1
    assert f"cannot reach 127.0.0.1:{port}" in state.detail
    assert clock.slept[0] == 0.5
    assert max(clock.slept) <= 30.0
    assert clock.slept[10] > 10.0


async def test_an_address_that_is_none_is_said() -> None:
    connector = GatewayConnector(
        "office", Dial("http://x/", TOKEN), moved_party=None, clock=RecordingClock(), chance=random.Random(1)
    )
    async with reading(connector) as reader:
        (state,) = await reader.count(ConnectionState, 1)
    assert "ws://" in state.detail


async def test_a_redirect_is_not_followed() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, reading(dialling(port, RecordingClock())) as reader:
        (state,) = await reader.count(ConnectionState, 1)
    assert "302" in state.detail


@pytest.mark.fault(15)
@pytest.mark.parametrize("manner", ["whole", "bytewise"])
async def test_it_does_not_matter_how_the_network_cuts_the_stream(manner: Manner) -> None:
    states: list[State] = [RINGING, IN_CALL]

    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS, *(changed("s1", states[number % 2]) for number in range(20)))
        await gateway.stay()

    async with (
        gateway(script) as port,
        proxy(port, manner) as between,
        reading(dialling(between.port, StandingClock())) as reader,
    ):
        seen = await reader.count(SessionSeen, 20)
    assert [each.session.session_state for each in seen] == states * 10


@pytest.mark.fault(3)
async def test_a_slow_reader_loses_nothing() -> None:
    total = 3000

    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS, *(changed(f"s{number}") for number in range(total)))
        await gateway.stay()

    seen = 0
    async with gateway(script) as port:
        async for item in dialling(port, StandingClock()).events():
            seen += isinstance(item, SessionSeen)
            if seen % 500 == 1:
                await asyncio.sleep(0.05)  # the rules are slow
            assert not isinstance(item, Gap)
            if seen == total:
                break


async def test_a_gateway_comes_to_a_listener_goes_and_comes_again() -> None:
    here = Listen("127.0.0.1", 0, TOKEN)
    connector = GatewayConnector("office", here, moved_party=None, clock=StandingClock(), chance=random.Random(1))
    async with reading(connector) as reader:
        port = await connector.listening_port()
        for number in (1, 2, 3):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with connect(f"ws://127.0.0.1:{port}/", additional_headers=headers) as came:
                await came.send(encode(HELLO), text=True)
                await came.send(encode(NO_SESSIONS), text=True)
                await reader.count(SessionsListed, number)
            await reader.count(Gap, number)
            await reader.until(lambda reading: "the gateway closed" in reading.of(ConnectionState)[-1].detail)


async def test_a_port_that_is_taken_is_said() -> None:
    async with gateway(greet_and_stay) as port:
        here = Listen("127.0.0.1", port, TOKEN)
        connector = GatewayConnector("office", here, moved_party=None, clock=StandingClock(), chance=random.Random(1))
        async with reading(connector) as reader:
            (state,) = await reader.count(ConnectionState, 1)
    assert f"cannot listen on 127.0.0.1:{port}" in state.detail
