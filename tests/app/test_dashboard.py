"""The dashboard on a whole daemon in its own process: what admins and Prometheus are told is what happened."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import Daemon, Phones, configure, daemon, ozrules, phones

TOKEN = "canary-web-token-4711"
RULES = """
ozrules: 1
lists:
  desk: [2010]
rules:
  - id: no-answer
    description: Goes to the desk
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 2666}
    actions:
      - webhook: {url: "https://crm.example/", headers: {X-Key: header-canary-77}}
      - forward: 2010
  # about the next one
  - id: held-long
    status: shadow
    priority: 500
    tags: [trial]
    trigger: {any: [{state: held, for: 1h}, {at: "0 10 * * mon"}]}
    actions: [hangup]
"""


class Watched:
    """The daemon, the phone system it looks at, and a client of its page."""

    def __init__(self, one: Daemon, system: Phones, client: aiohttp.ClientSession, folder: Path, port: int) -> None:
        self.daemon, self.phones, self.folder, self.port = one, system, folder, port
        self._client = client

    async def get(self, path: str) -> Any:
        async with self._client.get(path) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            return json.loads(text) if answer.content_type == "application/json" else text


@asynccontextmanager
async def watched(folder: Path, **more: object) -> AsyncIterator[Watched]:
    port = _free_port()
    async with phones() as system:
        web = {"listen": f"127.0.0.1:{port}", "token": {"env": "WEB_TOKEN"}}
        configure(folder, system.url, RULES, web=web, **more)
        async with daemon(folder, WEB_TOKEN=TOKEN) as one:
            await one.ready()
            url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {TOKEN}"}
            async with aiohttp.ClientSession(url, headers=headers) as client:
                yield Watched(one, system, client, folder, port)
                await one.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


async def test_what_is_shown_is_what_happened(tmp_path: Path) -> None:
    async with watched(tmp_path) as one:
        one.phones.call(CallPlan(caller="+36201234567", callee="2666"))
        await one.daemon.saw("outcome", action="forward")
        await one.daemon.saw("decision", rule="no-answer", reason="conditionFalse")  # where it went to, it rings too
        await _health(one)
        await _rules(one)
        await _record(one)
        await _metrics(one)


async def _health(one: Watched) -> None:
    assert await one.get("/readyz") == "ready\n"
    shown = await one.get("/api/status")
    code, said = await ozrules(one.folder, "status", "--format", "json")
    told = json.loads(said)
    assert code == 0
    for changing in ("uptime", "latency", "sessions", "timers", "queues"):
        shown.pop(changing), told.pop(changing)
    assert {name: shown[name] for name in told} == told
    assert shown["utcOffset"] % 900 == 0


async def test_status_in_words_says_the_same(tmp_path: Path) -> None:
    async with watched(tmp_path) as one:
        one.phones.call(CallPlan(caller="+36201234567", callee="2666"))
        await one.daemon.saw("outcome", action="forward")
        code, said = await ozrules(tmp_path, "status")
        assert code == 0
        for line in ("ready", "timers: ", "webhooks: ", "event to decision: half within ", "journal to disk: "):
            assert f"\n{line}" in f"\n{said}", line


@pytest.mark.fault(103)
async def test_calls_go_on_while_the_page_is_flooded(tmp_path: Path) -> None:
    """Hundreds of connections that say half a word each, for as long as a call takes to be forwarded."""
    async with watched(tmp_path) as one, contextlib.AsyncExitStack() as held:

        async def dawdle() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", one.port)
            held.callback(writer.close)
            writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")

        await asyncio.gather(*(dawdle() for _ in range(400)))
        one.phones.call(CallPlan(caller="+36201234567", callee="2666"))
        [outcome] = await one.daemon.saw("outcome", action="forward")
        assert outcome["outcome"] == "confirmed"
        code, _ = await ozrules(tmp_path, "status")  # by the other way in
        assert code == 0


async def _rules(one: Watched) -> None:
    first, second = await one.get("/api/rules")
    assert (first["id"], second["id"]) == ("held-long", "no-answer")  # by priority
    assert (first["status"], first["tags"], second["fired"]) == ("shadow", ["trial"], 1)
    assert [each["kind"] for each in first["triggers"]] == ["state", "calendar"]
    assert first["triggers"][0] == {"kind": "state", "states": ["held"], "from": None, "for": 3600.0}
    rule = await one.get("/api/rule?id=no-answer")
    assert {each["reason"]: each["count"] for each in rule["reasons"]} == {"fired": 1, "conditionFalse": 1}
    assert rule["lines"][0] == "  - id: no-answer"
    assert rule["lines"][-1] == "      - forward: 2010"
    assert rule["firstLine"] == 6
    assert "header-canary-77" not in json.dumps(rule)
    hits = {(hit["line"], hit["what"]): hit["count"] for hit in rule["hits"]}
    assert hits[8, "matched"] == 2
    assert hits[9, "stopped"] == 1
    assert hits[12, "acted"] == 1
    assert (await one.get("/api/rule?id=held-long"))["lines"][-1] == "    actions: [hangup]"


async def _record(one: Watched) -> None:
    [decision] = await one.get("/api/records?rule=no-answer&reason=fired")
    assert decision == one.daemon.of("decision", reason="fired")[0]
    call = await one.get(f"/api/call?connection=lab&session={decision['sessionId']}")
    assert [each["rule"] for each in call["why"] if each["reason"] == "fired"] == ["no-answer"]
    assert [state["state"] for state in call["legs"][0]["states"]][-2:] == ["Ringing", "Redirected"]
    assert len(call["legs"]) == 2  # where it went to
    week = await one.get("/api/week?callee=2666")
    assert [[act["rule"] for act in outcome] for outcome in week["outcomes"]] == [["no-answer"]]


async def _metrics(one: Watched) -> None:
    text = await one.get("/metrics")
    assert 'ozrules_decisions_total{reason="fired",rule="no-answer"} 1.0' in text
    assert 'ozrules_actions_total{action="forward",outcome="confirmed"} 1.0' in text
    assert "ozrules_journal_sync_seconds_count" in text
    assert re.search(r"^ozrules_journal_wal_bytes [1-9]", text, re.MULTILINE)
    assert 'ozrules_connection_ready{connection="lab"} 1.0' in text
    assert not re.search(r"[{,].*2666.*}", text)  # among the labels, that is
    assert "+36201234567" not in text


async def test_readiness_says_why_not(tmp_path: Path) -> None:
    async with watched(tmp_path) as one:
        (tmp_path / "rules.yaml").write_text("ozrules: 1\nrules: [{id: 7}]\n")
        code, _ = await ozrules(tmp_path, "reload")
        assert code == 1
        shown = await one.get("/api/status")
        assert not shown["ready"]
        assert not shown["reload"]["holds"]
        assert 'ozrules_reloads_total{result="refused"}' in await one.get("/metrics")
        assert "ozrules_ready 0.0" in await one.get("/metrics")
        with pytest.raises(AssertionError, match=r"rules: .*rules\.yaml:2:"):
            await one.get("/readyz")


@pytest.mark.fault(99)
async def test_the_token_is_in_nothing_that_the_daemon_says(tmp_path: Path) -> None:
    async with watched(tmp_path) as one:
        one.phones.call(CallPlan(caller="+36201234567", callee="2666"))
        await one.daemon.saw("outcome")
        said = [
            await one.get(path) for path in ("/", "/metrics", "/readyz", "/api/status", "/api/rules", "/api/records")
        ]
        assert TOKEN not in json.dumps(said)
        assert TOKEN.encode() not in one.daemon.command_line()
    assert TOKEN not in json.dumps([one.daemon.lines, one.daemon.errors])
    written = [file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert [data for data in written if TOKEN.encode() in data] == []


async def test_where_the_address_is_taken_it_says_so_and_ends(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server, phones() as system:
        port = server.sockets[0].getsockname()[1]
        web = {"listen": f"127.0.0.1:{port}", "token": {"env": "WEB_TOKEN"}}
        configure(tmp_path, system.url, RULES, web=web)
        async with daemon(tmp_path, WEB_TOKEN=TOKEN) as one:
            assert await one.exit() == 1
            assert [line for line in one.errors if "web.listen" in line] == [
                f"ozrules run: web.listen 127.0.0.1:{port}: Address already in use; name another address"
            ]
