"""What the service manager hears: read from a real notification socket."""

import asyncio
import socket
from pathlib import Path

import pytest

from ozrules.app.notify import ServiceManager, one_line, report
from ozrules.engine.engine import Engine
from ozrules.runtime.health import Health
from ozrules.runtime.ports import ConnectionState
from tests.engine.forge import rules
from tests.runtime.desk import desk


def hears(path: Path) -> socket.socket:
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind(str(path))
    ear.setblocking(False)
    return ear


def said(ear: socket.socket) -> list[str]:
    lines: list[str] = []
    while True:
        try:
            lines += ear.recv(4096).decode().split("\n")
        except BlockingIOError:
            return lines


async def until(ear: socket.socket, wanted: str) -> list[str]:
    heard: list[str] = []
    async with asyncio.timeout(10):
        while not any(line.startswith(wanted) for line in heard):
            heard += said(ear)
            await asyncio.sleep(0.01)
    return heard


async def test_ready_is_said_once_all_is_well_and_the_watchdog_is_fed_by_progress(tmp_path: Path) -> None:
    with hears(tmp_path / "notify") as ear:
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000"})
        async with desk(rules()) as one:
            state = ConnectionState(at=0.0, connection="office", ready=False, detail="not connected yet")
            one.health.connections["office"] = state
            async with asyncio.TaskGroup() as tasks:
                reporting = tasks.create_task(report(manager, one.health, one.reactor))
                heard = await until(ear, "STATUS=degraded")
                assert "READY=1" not in heard
                assert "EXTEND_TIMEOUT_USEC=10000000" in heard
                one.health.connections.clear()
                await until(ear, "READY=1")
                await until(ear, "WATCHDOG=1")
                reporting.cancel()


async def test_reloading_and_stopping_are_said(tmp_path: Path) -> None:
    with hears(tmp_path / "notify") as ear:
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        manager.reloading()
        manager.reloaded("refused:\x1b[31m rules.yaml:1")
        manager.stopping()
        heard = said(ear)
    assert heard[0] == "RELOADING=1"
    assert heard[1].startswith("MONOTONIC_USEC=")
    assert heard[2:4] == ["READY=1", "STATUS=refused: [31m rules.yaml:1"]
    assert heard[4] == "STOPPING=1"


def test_nobody_listening_is_no_error() -> None:
    ServiceManager({}).tell("READY=1")
    ServiceManager({"NOTIFY_SOCKET": "/nowhere/at/all"}).tell("READY=1")
    ServiceManager({"NOTIFY_SOCKET": "@ozrules-nobody"}).tell("READY=1")


@pytest.mark.parametrize(
    ("environment", "every"),
    [({}, None), ({"WATCHDOG_USEC": "30000000"}, 10.0), ({"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}, None)],
)
def test_the_watchdog_is_fed_three_times_as_often_as_needed(environment: dict[str, str], every: float | None) -> None:
    assert ServiceManager(environment).watchdog == every


def test_a_status_is_one_printable_line() -> None:
    assert one_line("a\nb\x07c") == "a b c"
    assert len(one_line("x" * 9_999)) == 500
    assert Health(connections={}).ready
    assert Engine(rules()).alive == 0
