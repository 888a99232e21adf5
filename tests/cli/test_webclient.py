"""`ozrules webclient` as a process: it serves until it is told to stop, and says in a line what is wrong."""

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ozrules.connectors.gateway import GatewayConnector, Listen
from ozrules.connectors.simulator import OFFICE, Behaviour, HttpManners, PhoneSystem, SimulatorHttp, Switchboard
from ozrules.connectors.webclient.browser import NoBrowser, find_browser
from ozrules.connectors.webclient.page_server import ORIGIN
from ozrules.runtime.clock import SystemClock
from ozrules.runtime.ports import ConnectionState
from tests.standin.webphone import Webphone


def _command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("ozrules")), "webclient", *arguments]


def _config(folder: Path, connection: str) -> Path:
    file = folder / "ozrules.yaml"
    file.write_text(f"ozrules: 1\nconnections:\n  - {connection}\n", encoding="utf-8")
    return file


def _says(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(_command(*arguments), capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("token", ["T", "{generate: http}"])
def test_it_links_the_phone_system_to_the_daemon_until_it_is_told_to_stop(tmp_path: Path, token: str) -> None:
    try:
        find_browser()
    except NoBrowser as missing:
        pytest.skip(str(missing))
    clock = SystemClock()
    board = Switchboard(PhoneSystem(OFFICE, Behaviour(), start=clock.now(), seed=1), seed=1)
    served = SimulatorHttp(board, HttpManners(users={"api": "P"}), clock, host="127.0.0.1", port=0)
    phone = Webphone({"T": True} if token == "T" else served.api.tokens)
    connector = GatewayConnector(
        "office",
        Listen("127.0.0.1", 0, "B", frozenset({ORIGIN})),
        moved_party=None,
        clock=SystemClock(),
        chance=random.Random(1),
    )

    async def until_ready() -> None:
        async for item in connector.events():
            if isinstance(item, ConnectionState) and item.ready:
                return

    async def serve() -> tuple[int | None, bytes]:
        async with phone.running(), asyncio.TaskGroup() as tasks:
            ready = tasks.create_task(until_ready())
            serving = tasks.create_task(served.run())
            await served.until_listening()
            port = await connector.listening_port()
            config = _config(
                tmp_path,
                f"{{name: office, type: ozeki-webclient, server: 127.0.0.1, script: '{phone.script}', token: {token},"
                f" browser: external, bridge: {{listen: '127.0.0.1:{port}', token: B}}}}\n"
                f"  - {{name: http, type: ozeki-http, server: 127.0.0.1, port: {served.port}, watch: false,"
                " username: api, password: P}",
            )
            process = await asyncio.create_subprocess_exec(
                *_command("--config", str(config)), stderr=asyncio.subprocess.PIPE
            )
            await ready
            process.send_signal(signal.SIGTERM)
            _, stderr = await process.communicate()
            serving.cancel()
            return process.returncode, stderr

    code, stderr = asyncio.run(serve())
    assert code == 0
    assert b"ACCESS_GRANTED" in stderr
    assert b"Traceback" not in stderr


def test_without_an_external_browser_there_is_nothing_to_do(tmp_path: Path) -> None:
    config = _config(tmp_path, "{name: office, type: ozeki-webclient, server: pbx, token: T}")
    code, said = _says("--config", str(config))
    assert code == 78
    assert "browser: external" in said


def test_a_configuration_that_is_not_there_or_wrong_is_said_in_a_line(tmp_path: Path) -> None:
    code, said = _says("--config", str(tmp_path / "none.yaml"))
    assert code == 78
    assert f"{tmp_path}/none.yaml" in said
    code, said = _says("--config", str(_config(tmp_path, "{name: office, type: ozeki-webclient, server: pbx}")))
    assert code == 78
    assert "ozrules.yaml:3:5: error[missing-key]" in said


@pytest.mark.parametrize(
    ("token", "part"),
    [
        ("{generate: http}", "its token comes over the connection http, whose password cannot be had here"),
        ("T", "/nowhere/chromium"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(tmp_path: Path, token: str, part: str) -> None:
    config = _config(
        tmp_path,
        f"{{name: office, type: ozeki-webclient, server: pbx, token: {token}, browser: external,"
        " bridge: {listen: '127.0.0.1:8790', token: B}}\n"
        "  - {name: http, type: ozeki-http, server: other, username: api, password: {credential: elsewhere}}",
    )
    code, said = _says("--config", str(config), "--browser", "/nowhere/chromium")
    assert code == 78
    assert part in said
