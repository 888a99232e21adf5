"""Who may come: the right token, from a known page or none, one at a time, and guessing is slow."""

import asyncio
import contextlib

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from ozrules.connectors.gateway.listener import DELAY, MAX_DELAYED, WRONG_TOKENS, GatewayListener, WrongTokens
from ozrules.runtime import doorway
from tests.fakes.clock import StandingClock

PAGE = "http://127.0.0.1:9000"


def listener(clock: StandingClock) -> GatewayListener:
    return GatewayListener("127.0.0.1", 0, token="right", origins=frozenset({PAGE}), clock=clock)


RIGHT = "right"


def come(port: int, token: str | None = RIGHT, origin: str | None = None) -> connect:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return connect(
        f"ws://127.0.0.1:{port}/", additional_headers=headers, origin=None if origin is None else Origin(origin)
    )


async def status(attempt: connect) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await attempt
    return caught.value.response.status_code


async def test_the_right_token_in_the_header_is_let_in() -> None:
    async with listener(StandingClock()) as door, come(door.port):
        assert not isinstance(await door.arrival(), str)


async def test_a_browser_presents_its_token_as_a_subprotocol() -> None:
    offered = [Subprotocol("ozrules.v1"), Subprotocol("bearer.right")]
    async with (
        listener(StandingClock()) as door,
        connect(f"ws://127.0.0.1:{door.port}/", subprotocols=offered, origin=Origin(PAGE)) as page,
    ):
        assert page.subprotocol == "ozrules.v1"
        assert not isinstance(await door.arrival(), str)


@pytest.mark.fault(101)
@pytest.mark.parametrize("token", [None, "", "wrong", "rightt", "righ", "\u00e9"])
async def test_a_wrong_token_is_refused_and_said_without_it(token: str | None) -> None:
    async with listener(StandingClock()) as door:
        assert await status(come(door.port, token)) == 401
        line = await door.arrival()
    assert line == "refused a gateway from 127.0.0.1: a wrong token, or none"


@pytest.mark.fault(95)
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", PAGE + "1", PAGE + ".evil.example", "https://127.0.0.1:9000"]
)
async def test_a_page_from_elsewhere_is_refused_even_with_the_token(origin: str) -> None:
    async with listener(StandingClock()) as door:
        assert await status(come(door.port, origin=origin)) == 403


async def test_one_gateway_at_a_time_and_the_next_when_it_has_gone() -> None:
    async with listener(StandingClock()) as door:
        async with come(door.port):
            await door.arrival()
            assert await status(come(door.port)) == 409
            assert isinstance(await door.arrival(), str)
        async with asyncio.timeout(10):
            while True:
                try:
                    second: ClientConnection = await come(door.port)
                except InvalidStatus:
                    continue  # the first is still going
                break
        assert not isinstance(await second_arrival(door), str)
        await second.close()


async def second_arrival(door: GatewayListener) -> object:
    while isinstance(arrival := await door.arrival(), str):
        pass
    return arrival


@pytest.mark.fault(101)
async def test_after_five_wrong_tokens_the_next_wrong_one_waits_and_the_right_one_does_not() -> None:
    clock = StandingClock()
    async with listener(clock) as door:
        for _ in range(WRONG_TOKENS):
            assert await status(come(door.port, "wrong")) == 401
        before = clock.now()
        assert await status(come(door.port, "wrong")) == 401
        assert clock.now() >= before + DELAY
        before = clock.now()
        async with come(door.port):
            assert clock.now() == before


@pytest.mark.fault(101)
async def test_only_so_many_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = StandingClock()
    async with listener(clock) as door:
        for _ in range(WRONG_TOKENS):
            await status(come(door.port, "wrong"))
            await door.arrival()
        gate = asyncio.Event()
        monkeypatch.setattr(clock, "sleep_until", lambda at: gate.wait())
        async with asyncio.TaskGroup() as tasks:
            tries = [tasks.create_task(status(come(door.port, "wrong"))) for _ in range(MAX_DELAYED + 3)]
            for _ in range(3):
                await door.arrival()  # those who may not even wait
            async with come(door.port):
                while isinstance(await door.arrival(), str):
                    pass  # however many wrong ones wait, the right one is let in
            gate.set()
    assert sorted(each.result() for each in tries) == [401] * MAX_DELAYED + [429] * 3


def test_wrong_tokens_are_counted_by_address_within_a_minute() -> None:
    wrong = WrongTokens()
    for second in range(WRONG_TOKENS):
        assert not wrong.too_many("10.0.0.1", float(second))
        wrong.note("10.0.0.1", float(second))
    assert wrong.too_many("10.0.0.1", 5.0)
    assert not wrong.too_many("10.0.0.2", 5.0)
    assert not wrong.too_many("10.0.0.1", 61.0)


@pytest.mark.fault(84)
def test_addresses_are_not_remembered_without_end() -> None:
    wrong = WrongTokens()
    for number in range(5000):
        wrong.note(f"peer{number}", 0.0)
    assert len(wrong._by_peer) == 1000


@pytest.mark.fault(103)
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_does_not_finish_a_handshake_is_cut_off(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 0.2)
    async with listener(StandingClock()) as door:
        assert await _left_alone_with(door.port, said) == b""


@pytest.mark.fault(103)
async def test_handshakes_are_bounded_in_number_and_a_gateway_that_is_in_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 3.0)
    async with listener(StandingClock()) as door, come(door.port) as gateway:
        assert not isinstance(await door.arrival(), str)
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(doorway.MOST - 1)]
        for _ in range(20):
            said = await asyncio.gather(*(_left_alone_with(door.port, b"") for _ in range(50)))
            assert all(each.startswith(b"HTTP/1.1 503 ") for each in said)
        assert await door.arrival() == "refused a gateway: too many connections at once"
        for reader, writer in held:
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
        assert await status(come(door.port, "wrong")) == 401, "there is room again"
        await (await gateway.ping())  # longer than a handshake may take, and still here


async def _left_alone_with(port: int, said: bytes) -> bytes:
    """What comes back where nothing more is said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
