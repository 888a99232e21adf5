"""The daemon may open few files, and hundreds of clients want the dashboard: calls do not notice."""

import socket
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import configure, daemon, ozrules, phones

FILES = 64
CLIENTS = 500
TOKEN = "canary-web-token-4711"
RULES = """
ozrules: 1
defaults: {extensions: _2XXX}
rules:
  - {id: at-once, trigger: {state: Ringing}, conditions: {callee: 2666}, actions: [{forward: 2010}]}
"""
NOBODY = CallPlan(caller="+36201234567", callee="2666", gives_up_after=20.0)


def _connecting(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


def _open_files(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


@pytest.mark.fault(82, 103)
async def test_where_files_run_short_the_dashboard_is_refused_and_calls_reloads_and_commands_go_on(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {TOKEN}"}
    web = {"listen": f"127.0.0.1:{port}", "token": {"env": "WEB_TOKEN"}}
    async with phones() as system:
        configure(tmp_path, system.url, RULES, web=web)
        async with daemon(tmp_path, through=["prlimit", f"--nofile={FILES}"], WEB_TOKEN=TOKEN) as one:
            await one.ready()
            with ExitStack() as clients:
                most = 0
                for number in range(CLIENTS):
                    clients.enter_context(_connecting(port))
                    if number % 50 == 0:
                        system.call(NOBODY)
                        await one.saw("outcome", number // 50 + 1, outcome="confirmed")
                        most = max(most, _open_files(one.process.pid))
                assert most < FILES, "what the phone system and the journal need is left"
                (tmp_path / "rules.yaml").write_text(RULES.replace("2010", "2001"))
                code, said = await ozrules(tmp_path, "reload")
                assert code == 0, said
                assert (await ozrules(tmp_path, "status"))[0] == 0
            async with aiohttp.ClientSession(url, headers=headers) as client, client.get("/metrics") as answer:
                text = await answer.text()
            assert await one.stop() == 0
    refused = next(line for line in text.splitlines() if line.startswith("ozrules_web_connections_refused_total "))
    assert float(refused.split()[1]) > CLIENTS / 4, "those beyond its share are told so"
    assert one.errors == [], "and nothing else is said about them"
    assert {to for _, to in system.commands()} == {"2010"}
