"""One open link: requests and their answers, lists that are overdue, peers that say nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ozrules.connectors.gateway import Dial, GatewayConnector, link
from ozrules.connectors.gateway import connector as dialling
from ozrules.connectors.session_messages import (
    MAX_FRAME,
    Call,
    ErrorResponse,
    FromDaemon,
    Hello,
    ListSessions,
    Response,
    SnapshotPart,
)
from ozrules.connectors.session_protocol import decode_request
from ozrules.engine.events import Accepted, Gap, Refused, SessionSeen, SessionsListed, Unanswered
from ozrules.runtime.clock import SystemClock
from ozrules.runtime.ports import ConnectionState, Malformed
from ozrules.session.state import IN_CALL
from tests.fakes.clock import StandingClock
from tests.fakes.connectors import Reading, command_for, reading
from tests.fakes.gateway import HELLO, NO_SESSIONS, TOKEN, Script, Speaker, changed, gateway, ringing
from tests.fakes.proxy import proxy


@asynccontextmanager
async def talking(script: Script) -> AsyncIterator[tuple[GatewayConnector, Reading]]:
    async with gateway(script) as port:
        connector = GatewayConnector(
            "office",
            Dial(f"ws://127.0.0.1:{port}/", TOKEN),
            moved_party="argument",
            clock=StandingClock(),
            chance=random.Random(1),
        )
        async with reading(connector) as reader:
            yield connector, reader


async def test_answers_find_their_requests_in_any_order() -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)
        first, second = await gateway.hear(), await gateway.hear()
        await gateway.say(ErrorResponse(second.id, "wrongState", "too late"), Response(first.id))
        await gateway.stay()

    session = ringing()
    async with talking(script) as (connector, reader):
        await reader.ready()
        async with asyncio.TaskGroup() as tasks:
            one = tasks.create_task(connector.execute(command_for(session, "hold"), session))
            await asyncio.sleep(0)
            two = tasks.create_task(connector.execute(command_for(session, "unhold"), session))
    assert (one.result(), two.result()) == (Accepted(), Refused("wrongState", "too late", handed_over=True))


async def test_an_error_that_nobody_knows_proves_nothing() -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)
        asked = await gateway.hear()
        await gateway.say(ErrorResponse(asked.id, None, "internal"))
        await gateway.stay()

    async with talking(script) as (connector, reader):
        await reader.ready()
        assert isinstance(await connector.execute(command_for(ringing(), "hold"), ringing()), Unanswered)


@pytest.mark.fault(28)
async def test_an_answer_that_comes_too_late_or_unasked_is_counted() -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)
        asked = await gateway.hear()
        await asyncio.sleep(0.1)
        await gateway.say(Response(asked.id), Response("never asked"), Response(99))
        await gateway.stay()

    async with talking(script) as (connector, reader):
        await reader.ready()
        command = command_for(ringing(), "hold", timeout=0.05)
        assert isinstance(await connector.execute(command, ringing()), Unanswered)
        bad = await reader.count(Malformed, 3)
    assert {item.kind for item in bad} == {"unexpectedAnswer"}


@pytest.mark.fault(28)
@pytest.mark.parametrize("id", ["1", '"1"'])
@pytest.mark.parametrize("result", ["null", "{}", "true", "[]"])
async def test_every_result_is_an_answer_null_too(id: str, result: str) -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)
        await gateway.hear()
        await gateway.say(f'{{"jsonrpc": "2.0", "id": {id}, "result": {result}}}')
        await gateway.stay()

    async with talking(script) as (connector, reader):
        await reader.ready()
        assert await connector.execute(command_for(ringing(), "hold"), ringing()) == Accepted()


async def test_a_list_that_is_answered_with_null_is_still_awaited_and_counted_as_nothing_odd() -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)
        asked = await gateway.hear()
        assert isinstance(asked, ListSessions)
        await gateway.say(f'{{"jsonrpc": "2.0", "id": {asked.id}, "result": null}}', NO_SESSIONS)
        await gateway.stay()

    async with talking(script) as (connector, reader):
        await reader.ready()
        await connector.request_list()
        await reader.count(SessionsListed, 2)
        assert reader.of(Malformed) == []
        assert len(reader.of(ConnectionState)) == 1


async def test_before_hello_and_while_the_phone_system_is_away_nothing_is_sent() -> None:
    said = asyncio.Event()

    async def script(gateway: Speaker) -> None:
        await said.wait()
        await gateway.say(HELLO, NO_SESSIONS)
        await gateway.say(
            '{"jsonrpc":"2.0","method":"gateway.connection","params":{"state":"ACCESS_DENIED","detail":"bad token"}}'
        )
        await gateway.stay()

    async with talking(script) as (connector, reader):
        before = await connector.execute(command_for(ringing(), "hold"), ringing())
        said.set()
        await reader.count(Gap, 1)
        away = await connector.execute(command_for(ringing(), "hold"), ringing())
    assert isinstance(before, Refused)
    assert isinstance(away, Refused)
    assert (before.kind, away.kind) == ("unavailable", "unavailable")
    assert "ACCESS_DENIED: bad token" in away.message


async def test_a_list_that_does_not_come_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "LIST_WITHIN", 0.05)

    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, SnapshotPart(sessions=(), part=1, last=False), changed())
        asked = await gateway.hear()
        assert isinstance(asked, ListSessions)
        await gateway.say(Response(asked.id, SnapshotPart(sessions=(ringing(),))))
        await gateway.stay()

    async with talking(script) as (_, reader):
        await reader.ready()
        await reader.count(SessionSeen, 1)


@pytest.mark.fault(6)
async def test_a_list_is_asked_for_however_much_else_is_said_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "LIST_WITHIN", 0.05)

    async def script(gateway: Speaker) -> None:
        async def answer() -> None:
            asked = await gateway.hear()
            assert isinstance(asked, ListSessions)
            await gateway.say(Response(asked.id, SnapshotPart(sessions=(ringing(),))))

        await gateway.say(HELLO)
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(answer())
            while not answering.done():
                await gateway.say(changed())
                await asyncio.sleep(0.01)
        await gateway.stay()

    async with talking(script) as (_, reader):
        await reader.ready()


async def test_a_gateway_that_cannot_list_is_not_asked_to() -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(Hello(protocol=1, snapshot=False))
        asked = await gateway.hear()
        assert isinstance(asked, Call)
        await gateway.say(Response(asked.id))
        await gateway.stay()

    async with talking(script) as (connector, reader):
        await reader.ready()
        await connector.request_list()
        assert await connector.execute(command_for(ringing(), "hold"), ringing()) == Accepted()


async def test_who_says_no_hello_is_left_with_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "HELLO_WITHIN", 0.05)
    async with talking(Speaker.stay) as (_, reader):
        (state,) = await reader.count(ConnectionState, 1)
        await reader.until(lambda reading: not reading.of(Gap))
    assert "no gateway.hello" in state.detail


@pytest.mark.fault(14)
async def test_malformed_messages_are_counted_and_the_next_is_read() -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS, "{", "[" * 200_000, '{"jsonrpc":"2.0","method":"x"}')
        await gateway.connection.send(b"\xff\xfe")
        await gateway.say(changed("s1", IN_CALL))
        await gateway.stay()

    async with talking(script) as (_, reader):
        await reader.state(IN_CALL)
        assert len(reader.of(Malformed)) == 4
        assert reader.of(Gap) == []


@pytest.mark.fault(15)
@pytest.mark.parametrize("way", ["whole", "fragments"])
async def test_an_oversize_message_ends_the_link_with_1009_and_the_list_comes_again(way: str) -> None:
    codes: list[int | None] = []

    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)
        if not codes:
            codes.append(None)
            big = "x" * (MAX_FRAME + 1)
            pieces = (big[place : place + 1000] for place in range(0, len(big), 1000))
            try:
                await gateway.connection.send(big if way == "whole" else pieces)
            finally:
                await gateway.connection.wait_closed()
                codes[0] = gateway.connection.close_code
        await gateway.stay()

    async with talking(script) as (_, reader):
        await reader.count(SessionsListed, 2)
        assert [item.kind for item in reader.of(Malformed)] == ["oversize"]
        assert len(reader.of(Gap)) == 1
    assert codes == [1009]


@pytest.mark.fault(2)
async def test_a_peer_that_vanished_is_noticed_and_what_was_asked_is_unanswered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialling, "PING_EVERY", 0.1)
    monkeypatch.setattr(dialling, "PONG_WITHIN", 0.2)
    monkeypatch.setattr(dialling, "CLOSE_WITHIN", 0.1)

    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS)
        await gateway.stay()

    async with gateway(script) as port, proxy(port) as between:
        connector = GatewayConnector(
            "office",
            Dial(f"ws://127.0.0.1:{between.port}/", TOKEN),
            moved_party=None,
            clock=SystemClock(),
            chance=random.Random(1),
        )
        async with reading(connector) as reader:
            await reader.ready()
            between.swallow(True)
            answer = await connector.execute(command_for(ringing(), "hangup"), ringing())
            assert isinstance(answer, Unanswered)
            await reader.count(Gap, 1)
            between.swallow(False)
            await reader.count(SessionsListed, 2)


HALF = '{"jsonrpc":"2.0","method":"session.stateChanged","params":{"session":{"sessionId":"s1","sessionState":"InCall",\
"callerDisplayName":"Anna \\ud83d"}}}'


async def test_half_a_character_costs_no_change_of_a_call() -> None:
    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS, HALF)
        await gateway.stay()

    async with talking(script) as (_, reader):
        [seen] = await reader.count(SessionSeen, 1)
    assert seen.session.caller_display_name == "Anna \ufffd"
    assert seen.session.session_state == IN_CALL


@pytest.mark.parametrize(
    "lost",
    [
        "{",
        "[]",
        '{"jsonrpc":"2.0","method":"session.exploded","params":{}}',
        '{"jsonrpc":"2.0","method":"session.stateChanged","params":{"session":{"sessionState":"InCall"}}}',
        '{"jsonrpc":"2.0","method":"sessions.snapshot","params":{"sessions":{}}}',
    ],
)
async def test_a_message_that_is_dropped_is_followed_by_asking_for_the_list(lost: str) -> None:
    asked: list[object] = []

    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS, lost)
        asked.append(await gateway.hear())
        await gateway.say(Response(asked[0].id, SnapshotPart(sessions=(ringing("s7"),))))  # type: ignore[attr-defined]
        await gateway.stay()

    async with talking(script) as (_, reader):
        listed = (await reader.count(SessionsListed, 2))[1]
    assert isinstance(asked[0], ListSessions)
    assert [each.session_id for each in listed.sessions or ()] == ["s7"]


async def test_however_many_messages_are_lost_the_list_is_asked_for_once_and_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "MENDED_WITHIN", 0.2)
    asked: list[FromDaemon] = []

    async def script(gateway: Speaker) -> None:
        await gateway.say(HELLO, NO_SESSIONS, *["{"] * 500)
        async for frame in gateway.connection:
            asked.append(decode_request(frame))
            await gateway.say(Response(asked[-1].id, SnapshotPart(sessions=())))

    async with talking(script) as (_, reader):
        await reader.count(Malformed, 500)
        await reader.count(SessionsListed, 3)
    assert len(asked) <= 3, "what is lost while a list is on its way is asked for after a pause, and all of it at once"


def test_the_pause_is_short() -> None:
    assert link.MENDED_WITHIN <= 2.0
