"""The page for authors of gateways is true: every message on it can be read, and its whole gateway works."""

import asyncio
import json
import os
import random
import re
import sys
from pathlib import Path

import pytest

from ozrules.connectors.gateway import GatewayConnector, Listen
from ozrules.connectors.session_protocol import decode, decode_request
from ozrules.engine.events import Accepted, Refused
from ozrules.session.methods import METHODS
from ozrules.session.state import REDIRECTED, RINGING
from tests.fakes.clock import StandingClock
from tests.fakes.connectors import command_for, reading

PAGE = (Path(__file__).parents[2] / "docs" / "session-protocol.md").read_text(encoding="utf-8")
MESSAGES = [line for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("line", MESSAGES)
def test_a_message_on_the_page_can_be_read(line: str) -> None:
    message = json.loads(line)
    if "id" in message and "method" in message:
        decode_request(line)
    else:
        decode(line)


def test_every_method_is_on_the_page() -> None:
    shown = {json.loads(line).get("method") for line in MESSAGES}
    assert shown >= {f"session.{method}" for method in METHODS}


async def test_the_whole_gateway_on_the_page_shows_a_call_and_forwards_it() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    way = Listen("127.0.0.1", 0, "lab")
    connector = GatewayConnector("lab", way, moved_party=None, clock=StandingClock(), chance=random.Random(1))
    async with reading(connector) as reader:
        daemon = f"ws://127.0.0.1:{await connector.listening_port()}/"
        gateway = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, env={**os.environ, "GATEWAY_TOKEN": "lab", "DAEMON": daemon}
        )
        try:
            session = await reader.state(RINGING)
            denied = await connector.execute(command_for(session, "hangup"), session)
            assert isinstance(denied, Refused)
            assert await connector.execute(command_for(session, "forward", to="2010"), session) == Accepted()
            await reader.state(REDIRECTED)
        finally:
            gateway.terminate()
            await gateway.wait()
