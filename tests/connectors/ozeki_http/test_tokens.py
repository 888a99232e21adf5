"""Security tokens over the HTTP API: asked for as the vendor's example does, and refused in words."""

import asyncio
from urllib.parse import parse_qs

import pytest

from ozrules.connectors.ozeki_http.client import Access
from ozrules.connectors.ozeki_http.tokens import NoToken, generate
from ozrules.connectors.simulator import OFFICE, Behaviour, HttpManners, PhoneSystem, SimulatorHttp, Switchboard
from tests.fakes.clock import StandingClock
from tests.fakes.http_server import canned, xml

TOKEN = "TOKEN-OF-22-CHARACTERS"


def access(port: int, **more: str) -> Access:
    return Access(host="127.0.0.1", port=port, generation="classic", **more)  # type: ignore[arg-type]  # texts


@pytest.mark.parametrize(("modify", "word"), [(True, "True"), (False, "False")])
async def test_the_request_is_the_vendors(modify: bool, word: str) -> None:
    reply = xml(f"<Response><Code>200</Code><SecurityToken>{TOKEN}</SecurityToken></Response>".encode())
    async with canned(lambda request: reply) as server:
        assert await generate(access(server.port), modify=modify) == TOKEN
    [command] = server.commands
    assert parse_qs(command.decode()) == {
        "command": ["GenerateSecurityToken"],
        "AuthXml": [
            '<?xml version="1.0"?><SecurityToken>'
            f"<AllowSessionModification>{word}</AllowSessionModification></SecurityToken>"
        ],
    }
    assert b"POST" in server.requests[0]  # no token and no password in an address


@pytest.mark.parametrize(
    ("body", "part", "denied"),
    [
        (b"<Response><Code>305</Code><Message>no</Message></Response>", "user name or password is wrong", True),
        (b"<Response><Code>307</Code></Response>", "this address may not use the API", True),
        (b"<Response><Code>301</Code></Response>", "it does not know this command", False),
        (b"<Response><Code>200</Code></Response>", "there is no token in its answer", False),
        (b"<Response><Code>200</Code><SecurityToken>a\nb</SecurityToken></Response>", "there is no token", False),
        (b"<html>hello</html>", "an HTML page", False),
    ],
)
async def test_what_is_no_token_is_said(body: bytes, part: str, denied: bool) -> None:
    async with canned(lambda request: xml(body)) as server:
        with pytest.raises(NoToken, match=part) as caught:
            await generate(access(server.port), modify=True)
    assert caught.value.denied == denied


async def test_where_nobody_answers_that_is_said() -> None:
    async with canned(lambda request: None) as server:
        with pytest.raises(NoToken, match="closed the connection without an answer"):
            await generate(access(server.port), modify=True)
    with pytest.raises(NoToken, match="cannot reach"):
        await generate(access(server.port), modify=True)


async def test_a_simulated_phone_system_gives_tokens_with_their_rights() -> None:
    clock = StandingClock()
    phones = PhoneSystem(OFFICE, Behaviour(), start=clock.now(), seed=1)
    manners = HttpManners(users={"api": "canary"})
    served = SimulatorHttp(Switchboard(phones, seed=1), manners, clock, host="127.0.0.1", port=0)
    serving = asyncio.get_running_loop().create_task(served.run())
    try:
        await served.until_listening()
        may = await generate(access(served.port, username="api", password="canary"), modify=True)
        watches = await generate(access(served.port, username="api", password="canary"), modify=False)
        assert served.api.tokens == {may: True, watches: False}
        assert len(may) == 22
        with pytest.raises(NoToken, match="set username and password"):
            await generate(access(served.port), modify=True)
    finally:
        serving.cancel()
        await asyncio.wait([serving])
