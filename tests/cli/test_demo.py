"""`ozrules demo`: a few calls, very fast, and an account that agrees with the phone system's ledger."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ozrules", "demo", *arguments], capture_output=True, text=True, timeout=100, check=False
    )


def test_calls_are_acted_on_and_every_command_arrived_once() -> None:
    done = demo("--calls", "12", "--speed", "60", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "12 calls" in done.stdout
    assert "fired" in done.stdout
    assert "every one arrived exactly once" in done.stdout


def test_wrong_rules_are_said_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("ozrules: 1\nrules: [{id: a}]\n")
    done = demo("--rules", str(tmp_path / "wrong.yaml"))
    assert done.returncode == 1
    assert "wrong.yaml:2:9" in done.stderr
    assert "Traceback" not in done.stderr


async def test_with_a_port_the_dashboard_is_there_while_it_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ozrules", "demo", "--port", str(port), "--calls", "500", "--speed", "10"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while not (found := re.search(rb"http://127.0.0.1:\d+/#token=(\S+)", await process.stdout.readline())):
                pass
            await process.stdout.readline()  # the rules are in force, so it answers
        headers = {"Authorization": f"Bearer {found[1].decode()}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:
            async with client.get("/api/status") as answer:
                status = await answer.json()
            async with client.get("/") as answer:
                assert "ozrules" in await answer.text()
        assert (status["pace"], status["rules"]) == (10.0, 12)
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 0


def test_a_port_that_is_taken_is_said_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = demo("--calls", "1", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert done.stderr.startswith("ozrules demo: web.listen 127.0.0.1:")
    assert "Traceback" not in done.stderr
