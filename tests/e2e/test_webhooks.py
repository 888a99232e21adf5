"""A webhook's whole way: a rule, the journal, the queue, a server of another program; also over a kill and a reload."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from ozrules.connectors.simulator import SimulatorGateway
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.store.reading import Reader
from tests.e2e.stage import PATIENCE, configure, daemon, ozrules, phones

ABANDONED = CallPlan(caller="+36201234567", callee="2666", gives_up_after=0.1)


class Crm:
    """A program that wants to know of calls. ``status`` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.url = ""
        self.bodies: list[dict[str, object]] = []
        self.came = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.came.set()
        return web.Response(status=self.status)

    async def hears(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.came.wait()
        self.came.clear()


@asynccontextmanager
async def crm() -> AsyncIterator[Crm]:
    one = Crm()
    app = web.Application()
    app.router.add_post("/calls", one.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        one.url = f"http://127.0.0.1:{port}/"
        yield one
    finally:
        await runner.cleanup()


def rules(url: str) -> str:
    return f"""
ozrules: 1
rules:
  - id: abandoned
    trigger: {{state: Cancelled}}
    actions: [{{webhook: {{url: "{url}calls", body: {{who: "{{{{ caller }}}}"}}}}}}]
"""


@pytest.mark.fault(43)
async def test_a_webhook_that_failed_is_delivered_after_a_kill(tmp_path: Path) -> None:
    async with phones() as system, crm() as server:
        configure(tmp_path, system.url, rules(server.url), webhooks={"allow": [server.url]})
        server.status = 503
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(ABANDONED)
            await server.hears()
            await one.stop(signal.SIGKILL)
        assert one.of("outcome") == [], "taken over is not delivered"
        server.status = 200
        async with daemon(tmp_path) as two:
            await two.ready()
            await server.hears()
            [delivered] = await two.saw("outcome", action="webhook")
            assert await two.stop() == 0
    assert delivered["outcome"] == "confirmed"
    assert delivered["decision_id"] == one.of("decision", reason="fired")[0]["decision_id"]
    first, *again = server.bodies
    assert first["id"]
    assert "+36201234567" in str(first)
    assert {body["id"] for body in again} == {first["id"]}


@pytest.mark.fault(43)
async def test_a_webhook_that_nobody_takes_dies_on_the_record_and_in_the_figures(tmp_path: Path) -> None:
    async with phones() as system, crm() as server:
        configure(tmp_path, system.url, rules(server.url), webhooks={"allow": [server.url], "expire": "2s"})
        server.status = 503
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(ABANDONED)
            [outcome] = await one.saw("outcome", action="webhook")
            await one.error("a webhook is dead")
            assert await one.stop() == 0
        reader = Reader(tmp_path / "state")
        dead = reader.dead_posts()
        reader.close()
    [decision] = one.of("decision", reason="fired")
    assert (outcome["outcome"], outcome["error"]) == ("expired", "status 503")
    assert outcome["command_id"] == f"{decision['decision_id']}-0"
    assert [why for _, _, why in dead] == ["status 503"]


async def test_a_webhook_that_the_configuration_does_not_allow_is_rejected_until_it_does(tmp_path: Path) -> None:
    async with phones() as system, crm() as server:
        configure(tmp_path, system.url, rules(server.url))
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(ABANDONED)
            [refused] = await one.saw("outcome", action="webhook")
            assert refused["outcome"] == "rejected"
            configure(tmp_path, system.url, rules(server.url), webhooks={"allow": [server.url]})
            assert (await ozrules(tmp_path, "reload"))[0] == 0
            system.call(ABANDONED)
            await server.hears()
            assert await one.stop() == 0
    assert len(server.bodies) == 1


SILENT_NAME_SERVER = """
import socket, sys, threading
answered = socket.getaddrinfo
def look_up(host, *rest, **named):
    if str(host).endswith(".dead.example"):
        print("no answer for", host, file=sys.stderr, flush=True)
        threading.Event().wait()
    return answered(host, *rest, **named)
socket.getaddrinfo = look_up
"""


@pytest.mark.fault(21, 43, 78)
async def test_a_dead_name_server_for_webhooks_delays_no_phone_system_no_reload_and_no_end(tmp_path: Path) -> None:
    """The daemon's own resolver is silent about the webhooks' hosts, for ever; the phone system has a name too."""
    (tmp_path / "sitecustomize.py").write_text(SILENT_NAME_SERVER)
    hosts = [f"http://{number}.dead.example/" for number in range(30)]
    hooks = "".join(f'      - webhook: {{url: "{host}calls"}}\n' for host in hosts)
    text = f"ozrules: 1\nrules:\n  - id: abandoned\n    trigger: {{state: Cancelled}}\n    actions:\n{hooks}"
    async with phones() as system:
        assert isinstance(system.front, SimulatorGateway)
        configure(tmp_path, system.url.replace("127.0.0.1", "localhost"), text, webhooks={"allow": hosts})
        async with daemon(tmp_path, PYTHONPATH=str(tmp_path)) as one:
            await one.ready()
            system.call(ABANDONED)
            await one.until(lambda: sum("no answer for" in line for line in one.errors) >= 8, "the look-ups")
            code, said = await ozrules(tmp_path, "reload")
            assert code == 0, said
            await system.front.restart()
            await one.until(lambda: sum(line["ready"] for line in one.of("connection")) >= 2, "the new connection")
            assert await one.stop() == 0
