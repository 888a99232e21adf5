"""`ozrules simulate` as a process: it says where it is, serves calls, and gives its ledger when it is stopped."""

import asyncio
import json
import random
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ozrules.cli.main import main
from ozrules.connectors.gateway import Dial, GatewayConnector
from ozrules.connectors.ozeki_http import Access, OzekiHttpConnector
from ozrules.connectors.ozeki_http.requests import Generation
from ozrules.engine.events import Accepted, Refused
from ozrules.runtime.clock import SystemClock
from ozrules.session.state import REDIRECTED, RINGING
from tests.fakes.connectors import NO_ROUTES, command_for, reading
from tests.fakes.gateway import until
from tests.fakes.http_server import canned, xml


@asynccontextmanager
async def simulating(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ozrules", "simulate", "--listen", "127.0.0.1:0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            yield process, (await process.stdout.readline()).decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def url_in(line: str) -> str:
    found = re.search(r"ws://127\.0\.0\.1:\d+/", line)
    assert found, line
    return found[0]


async def test_a_call_rings_is_forwarded_and_stands_in_the_ledger(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    options = ("--token", "lab", "--calls", "3", "--rate", "600", "--habit", "letRing", "--allow", "forward")
    async with simulating(*options, "--ledger", str(ledger)) as (process, line):
        assert "lab" not in line
        connector = GatewayConnector(
            "lab", Dial(url_in(line), "lab"), moved_party=None, clock=SystemClock(), chance=random.Random(1)
        )
        async with reading(connector) as reader:
            session = await reader.state(RINGING)
            denied = await connector.execute(command_for(session, "hangup"), session)
            assert isinstance(denied, Refused)
            assert await connector.execute(command_for(session, "forward", to="2010"), session) == Accepted()
            await reader.state(REDIRECTED)
        process.terminate()
        assert await process.wait() == 0
    (entry,) = [json.loads(each) for each in ledger.read_text(encoding="utf-8").splitlines()]
    assert (entry["method"], entry["sessionId"], entry["phoneNumber"]) == ("forward", session.session_id, "2010")
    assert (entry["result"], entry["performed"]) == ("done", True)


async def test_a_token_that_is_made_up_is_shown_and_an_empty_ledger_is_empty() -> None:
    async with simulating("--calls", "0") as (process, line):
        assert re.search(r"with token \S{20,}", line)
        process.terminate()
        assert process.stdout is not None
        assert await process.stdout.read() == b""
        assert await process.wait() == 0


@pytest.mark.parametrize("generation", ["classic", "ozeki10"])
async def test_the_http_api_of_either_generation(generation: Generation, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    options = ("--api", "http", "--generation", generation, "--calls", "1", "--rate", "600", "--habit", "letRing")
    async with simulating(*options, "--user", "api:canary", "--ledger", str(ledger)) as (process, line):
        found = re.search(r"http://127\.0\.0\.1:(\d+)/(\S*)$", line)
        assert found, line
        assert found[2] == ("" if generation == "classic" else "api")
        assert "canary" not in line
        connector = OzekiHttpConnector(
            "lab",
            Access(host="127.0.0.1", port=int(found[1]), generation=generation, username="api", password="canary"),
            moved_party=None,
            ring_time=None,
            listening=None,
            outside_line=None,
            api_extension=None,
            routes=NO_ROUTES,
            clock=SystemClock(),
            chance=random.Random(1),
        )
        async with reading(connector) as reader:
            session = await reader.state(RINGING)
            assert await connector.execute(command_for(session, "forward", to="2010"), session) == Accepted()
            await reader.state(REDIRECTED)
        process.terminate()
        assert await process.wait() == 0
    (entry,) = [json.loads(each) for each in ledger.read_text(encoding="utf-8").splitlines()]
    assert (entry["method"], entry["phoneNumber"], entry["result"]) == ("forward", "2010", "done")


async def test_what_happens_is_posted_and_where_a_call_goes_is_asked() -> None:
    reply = xml(b'<Response><Route Destination="2004" RingTime="20"/></Response>')
    async with canned(lambda request: reply if b"RoutingInterception" in request else xml(b"")) as listener:
        url = f"http://127.0.0.1:{listener.port}"
        options = ("--api", "http", "--calls", "1", "--rate", "600", "--habit", "letRing")
        async with simulating(*options, "--routing", f"{url}/routing", "--call-changed", f"{url}/changes") as (
            process,
            _,
        ):
            await until(lambda: any(b"CallState=Ringing" in each for each in listener.requests))
            process.terminate()
            assert await process.wait() == 0
    assert [each.split(b" ")[1] for each in listener.requests[:2]] == [b"/routing", b"/changes"]
    assert b"Destination=2004" in listener.requests[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--api", "smoke"],
        ["--generation", "ozeki9"],
        ["--user", "api"],
        ["--refusal", "299"],
        ["--wrong-state", "306"],
        ["--routing", "ftp://a/"],
        ["--listen", "8791"],
        ["--listen", "127.0.0.1:99999"],
        ["--calls", "-1"],
        ["--rate", "0"],
        ["--rate", "nan"],
        ["--speed", "fast"],
        ["--habit", "sing"],
        ["--allow", "fly"],
    ],
)
def test_what_makes_no_sense_is_said_and_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["simulate", *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_an_address_that_cannot_be_had_is_said_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--listen", "192.0.2.1:1", "--calls", "0"]) == 1
    assert "cannot listen on 192.0.2.1:1" in capsys.readouterr().err
