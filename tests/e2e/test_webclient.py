"""The whole way: a call rings in the phone system, a rule forwards it through a real browser, the record says why.

The daemon is `ozrules run` in a process of its own. The phone system is the stand-in for the vendor's script; what
counts is its ledger.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ozrules.connectors.simulator import OFFICE, Behaviour, HttpManners, PhoneSystem, SimulatorHttp, Switchboard
from ozrules.connectors.webclient.browser import NoBrowser, find_browser
from ozrules.runtime.clock import SystemClock
from tests.standin.webphone import Called, Webphone

RULES = """\
ozrules: 1
defaults: {extensions: ["_2XXX"]}
rules:
  - id: unanswered
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 2001}
    actions:
      - forward: {to: 2010}
"""
WAIT = 30.0

Line = dict[str, Any]


class Daemon:
    """`ozrules run` on the web client of ``phone``; what it writes on stdout, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.record: list[Line] = []
        self.log = b""

    async def until(self, matches: Callable[[Line], object]) -> Line:
        """The next line of the record that matches."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WAIT):
            while text := await self.process.stdout.readline():
                line: Line = msgspec.json.decode(text)
                self.record.append(line)
                if matches(line):
                    return line
        raise AssertionError(f"the daemon ended; it said: {self.log.decode()}")

    async def listen(self) -> None:
        assert self.process.stderr is not None
        while chunk := await self.process.stderr.read(4096):
            self.log += chunk


@contextlib.asynccontextmanager
async def running(
    folder: Path, phone: Webphone, token: str, *, source: str = "{file: token}", more: str = ""
) -> AsyncIterator[Daemon]:
    """The daemon, ended by SIGTERM at the end: with exit code 0. ``more``: a further connection."""
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "token").write_text(token, encoding="utf-8")
    (folder / "token").chmod(0o600)
    config = folder / "ozrules.yaml"
    config.write_text(
        f"""\
ozrules: 1
connections:
  - name: office
    type: ozeki-webclient
    server: 127.0.0.1
    script: {phone.script}
    token: {source}
{more}rules: rules.yaml
state: state
log: {{format: json}}
""",
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("ozrules"), "run", "--config", config),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    daemon = Daemon(process)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(daemon.listen())
        try:
            yield daemon
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            code = await process.wait()
    assert code == 0, daemon.log.decode()


@pytest.fixture(autouse=True)
def _browser_is_there() -> None:
    try:
        find_browser()
    except NoBrowser as missing:
        pytest.skip(str(missing))


def _is(kind: str, **wanted: object) -> Callable[[Line], bool]:
    return lambda line: line.get("type") == kind and all(line.get(name) == value for name, value in wanted.items())


def test_a_call_that_nobody_answers_is_forwarded_once_and_the_record_says_why(tmp_path: Path) -> None:
    phone = Webphone({"canary-4711": True})

    async def ring() -> tuple[Line, Line, Daemon]:
        async with phone.running(), running(tmp_path, phone, "canary-4711") as daemon:
            await daemon.until(_is("connection", ready=True))
            await phone.create(callee="2001")
            decision = await daemon.until(_is("decision", rule="unanswered"))
            outcome = await daemon.until(_is("outcome", decision_id=decision["decision_id"]))
            return decision, outcome, daemon

    decision, outcome, daemon = asyncio.run(ring())
    assert phone.ledger == [Called("forward", "s1", ("2010",))]
    assert decision["reason"] == "fired"
    assert decision["sessionId"] == "s1"
    assert decision["event"]["kind"] == "timer"
    assert decision["event"]["state"] == "Ringing"
    assert [(each["action"], each["args"]) for each in decision["actions"]] == [("forward", {"to": "2010"})]
    assert outcome["outcome"] == "confirmed"
    assert b"canary" not in daemon.log + msgspec.json.encode(daemon.record)


@pytest.mark.fault(27)
def test_without_the_privilege_the_action_is_rejected_once(tmp_path: Path) -> None:
    phone = Webphone({"canary-4711": False})

    async def ring() -> Line:
        async with phone.running(), running(tmp_path, phone, "canary-4711") as daemon:
            await daemon.until(_is("connection", ready=True))
            await phone.create(callee="2001")
            return await daemon.until(_is("outcome"))

    outcome = asyncio.run(ring())
    assert outcome["outcome"] == "rejected"
    assert "privilege" in outcome["error"]
    assert [(call.method, call.refused) for call in phone.ledger] == [("forward", "denied")]


async def test_a_generated_token_is_renewed_while_calls_are_watched(tmp_path: Path) -> None:
    clock = SystemClock()
    board = Switchboard(PhoneSystem(OFFICE, Behaviour(), start=clock.now(), seed=1), seed=1)
    served = SimulatorHttp(board, HttpManners(), clock, host="127.0.0.1", port=0)
    phone = Webphone(served.api.tokens)  # one phone system: what its HTTP API gives out, its web clients may show
    serving = asyncio.get_running_loop().create_task(served.run())
    try:
        await served.until_listening()
        branch = f"  - {{name: branch, type: ozeki-http, server: 127.0.0.1, port: {served.port}, watch: false}}\n"
        source = "{generate: branch, life: 4s}"
        async with phone.running(), running(tmp_path, phone, "", source=source, more=branch) as daemon:
            await daemon.until(_is("connection", connection="office", ready=True))
            for number in (1, 2):
                await phone.create(callee="2005")  # rings on while the token changes
                await daemon.until(_is("connection", connection="office", ready=False))
                await daemon.until(_is("connection", connection="office", ready=True))
                await phone.create(callee="2001")
                decision = await daemon.until(_is("decision", rule="unanswered", reason="fired"))
                await daemon.until(_is("outcome", decision_id=decision["decision_id"], outcome="confirmed"))
                assert len(phone.ledger) == number
    finally:
        serving.cancel()
        await asyncio.wait([serving])
    shown = [given.token for given in phone.connects]
    assert len(set(shown)) == len(shown) >= 3
    assert all(served.api.tokens.values())  # each may change sessions
    for token in shown:
        assert token.encode() not in daemon.log + msgspec.json.encode(daemon.record)
