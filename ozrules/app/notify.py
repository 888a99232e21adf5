"""What the service manager is told: ready, how it stands, and that it is alive.

``READY=1`` is said once everything is connected and merged, or, so that a phone system that is away does not make a
restart loop, after `PATIENCE` with a status that says what is missing. ``WATCHDOG=1`` is said only after the reactor
has turned and the journal has answered: a loop that spins without them is not alive.
"""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from typing import Final

from ozrules.runtime.health import Health
from ozrules.runtime.reactor import Reactor

PATIENCE: Final = 20.0
LOOK_EVERY: Final = 0.25


class ServiceManager:
    """systemd's notification socket, or nobody where there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._path = "\0" + path[1:] if path.startswith("@") else path
        micros = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.watchdog = int(micros) / 1e6 / 3 if micros.isdigit() and mine else None

    def tell(self, *lines: str) -> None:
        """Says it; a service manager that does not listen is no reason to stop."""
        if not self._path:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as said:
            try:
                said.connect(self._path)
                said.sendall("\n".join(lines).encode())
            except OSError:
                return

    def reloading(self) -> None:
        """Rules are being read; `reloaded` follows, however it ends."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def reloaded(self, outcome: str) -> None:
        self.tell("READY=1", f"STATUS={one_line(outcome)}")

    def stopping(self) -> None:
        self.tell("STOPPING=1", "STATUS=stopping: waiting for commands in flight")


def one_line(text: str) -> str:
    """Text for a status: printable, one line, not endless."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:500]


async def report(manager: ServiceManager, health: Health, reactor: Reactor) -> None:
    """Keeps the service manager told, for ever."""
    loop = asyncio.get_running_loop()
    began, told, ready, fed = loop.time(), "", False, loop.time()
    while True:
        problems = health.problems()
        if not ready:
            ready = not problems or loop.time() - began > PATIENCE
            manager.tell("READY=1" if ready else "EXTEND_TIMEOUT_USEC=10000000")
        status = "degraded: " + "; ".join(problems) if problems else reactor.summary()
        if status != told:
            manager.tell(f"STATUS={one_line(status)}")
            told = status
        if manager.watchdog is not None and loop.time() - fed >= manager.watchdog:
            fed = loop.time()
            if await _moves(reactor, manager.watchdog):
                manager.tell("WATCHDOG=1")
        await asyncio.sleep(LOOK_EVERY)


async def _moves(reactor: Reactor, within: float) -> bool:
    """Whether all that has come is stepped through and on disk in time, or the journal is being tried again."""
    tries = reactor.tries
    try:
        async with asyncio.timeout(within):
            await reactor.pulse()
    except TimeoutError:
        return reactor.tries > tries
    return True
