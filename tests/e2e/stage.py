"""The whole program on a stage: `ozrules run` as a real process, and a phone system that the test can look into.

The daemon's lines are read as they come, so that a test waits for what it expects and never for a time.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from ozrules.connectors.simulator import (
    OFFICE,
    Behaviour,
    HttpManners,
    LedgerEntry,
    PhoneSystem,
    SimulatorGateway,
    SimulatorHttp,
    Switchboard,
)
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.runtime.clock import SystemClock
from tests.standin.played import PlayedWebphone

TOKEN = "lab-token-5f2c"
PIN = "pin-9d41-canary"
PATIENCE = 30.0
Line = dict[str, Any]

Way: TypeAlias = Literal["gateway", "ozeki-webclient", "ozeki-http-classic", "ozeki-http-ozeki10"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)
"""How a phone system can be reached: by connection type, and generation."""


class Phones:
    """A simulated phone system in this process, reached in one of the ways."""

    def __init__(self, behaviour: Behaviour, way: Way, *, port: int = 0, manners: HttpManners | None = None) -> None:
        self.clock = SystemClock()
        self.system = PhoneSystem(OFFICE, behaviour, start=self.clock.now(), seed=1)
        self.switchboard = Switchboard(self.system, seed=1)
        self.connection: dict[str, object] = {"name": "lab", "movedParty": behaviour.moved_party}
        self.front: SimulatorGateway | SimulatorHttp | PlayedWebphone
        match way:
            case "gateway":
                self.front = SimulatorGateway(self.switchboard, self.clock, host="127.0.0.1", port=port, token=TOKEN)
            case "ozeki-webclient":
                self.front = PlayedWebphone(self.switchboard, self.clock, token=TOKEN)
            case _:
                manners = manners or HttpManners(generation="classic" if way.endswith("classic") else "ozeki10")
                self.front = SimulatorHttp(self.switchboard, manners, self.clock, host="127.0.0.1", port=port)
        self._way = way

    @property
    def url(self) -> str:
        return self.front.url

    def settings(self, **more: object) -> dict[str, object]:
        """The connection to it, for a configuration."""
        token = {"token": {"env": "LAB_TOKEN"}}
        match self._way:
            case "gateway":
                return self.connection | {"type": "gateway", "url": self.url} | token
            case "ozeki-webclient":
                return self.connection | {"type": "ozeki-webclient", "server": "127.0.0.1", "script": self.url} | token
            case "ozeki-http-classic" | "ozeki-http-ozeki10":
                generation = self._way.removeprefix("ozeki-http-")
                http = {"type": "ozeki-http", "server": "127.0.0.1", "port": self.front.port, "generation": generation}
                login = {"username": "any", "password": {"env": "LAB_TOKEN"}} if generation == "ozeki10" else {}
                return self.connection | http | login | more

    @property
    def ledger(self) -> list[LedgerEntry]:
        return self.switchboard.ledger

    def call(self, plan: CallPlan) -> None:
        """A call begins now."""
        self.system.place(plan, self.clock.now())
        self.front.poke()

    def commands(self) -> list[tuple[str, str | None]]:
        return [(entry.method, entry.phone_number) for entry in self.ledger]


@asynccontextmanager
async def phones(
    behaviour: Behaviour | None = None,
    way: Way = "gateway",
    *,
    port: int = 0,
    manners: HttpManners | None = None,
) -> AsyncIterator[Phones]:
    """A phone system that runs."""
    system = Phones(behaviour or Behaviour(), way, port=port, manners=manners)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(system.front.run())
        await system.front.until_listening()
        try:
            yield system
        finally:
            serving.cancel()


class Daemon:
    """`ozrules run` in a process of its own, with all that it says."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self.process = process
        self.lines: list[Line] = []
        self.errors: list[str] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(self.process.stdout, lambda line: self.lines.append(json.loads(line))))
            tasks.create_task(self._read(self.process.stderr, lambda line: self.errors.append(line.decode().rstrip())))
        await self.process.wait()
        async with self._news:
            self._news.notify_all()

    async def _read(self, stream: asyncio.StreamReader | None, take: Callable[[bytes], None]) -> None:
        assert stream is not None
        async for line in stream:
            if not line.endswith(b"\n"):
                return  # a kill fell into the middle of it
            async with self._news:
                take(line)
                self._news.notify_all()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for something that its lines show."""
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: condition() or self.process.returncode is not None)
        except TimeoutError:
            pass
        last = "\n".join([json.dumps(line) for line in self.lines[-8:]] + self.errors[-8:])
        assert condition(), f"{what} never came; the last lines are:\n{last}"

    async def ready(self) -> None:
        await self.until(lambda: any(one["ready"] for one in self.of("connection")), "the connection")

    def of(self, kind: str, **wanted: object) -> list[Line]:
        """The lines of this type with these values."""
        return [
            line
            for line in self.lines
            if line["type"] == kind and all(line.get(name) == value for name, value in wanted.items())
        ]

    async def saw(self, kind: str, count: int = 1, **wanted: object) -> list[Line]:
        """These lines, once there are so many."""
        await self.until(lambda: len(self.of(kind, **wanted)) >= count, f"{count} x {kind} {wanted}")
        return self.of(kind, **wanted)

    async def error(self, text: str) -> None:
        await self.until(lambda: any(text in line for line in self.errors), f"on stderr: {text}")

    def command_line(self) -> bytes:
        """What `ps` shows of it."""
        return Path(f"/proc/{self.process.pid}/cmdline").read_bytes()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await self.exit()

    async def exit(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


def configure(folder: Path, to: str | dict[str, object], rules: str, **more: object) -> Path:
    """Writes a configuration and its rules; more keys of it as JSON, which is YAML too.

    ``to`` is a connection, or the address of a gateway.
    """
    (folder / "rules.yaml").write_text(rules)
    gateway = {"name": "lab", "type": "gateway", "token": {"env": "LAB_TOKEN"}, "movedParty": "argument"}
    connection = gateway | {"url": to} if isinstance(to, str) else to
    settings = {
        "ozrules": 1,
        "connections": [connection],
        "rules": ["rules.yaml"],
        "state": "state",
        "log": {"format": "json"},
    } | more
    path = folder / "ozrules.yaml"
    path.write_text(json.dumps(settings))
    return path


def environment(**more: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "LAB_TOKEN": TOKEN,
        "DOOR_PIN": PIN,
        "PYTHONWARNINGS": "error",
    } | more


@asynccontextmanager
async def daemon(
    folder: Path, *, arguments: Sequence[str] = (), through: Sequence[str] = (), **more: str
) -> AsyncIterator[Daemon]:
    """`ozrules run` on the configuration in ``folder``, ``through`` another program; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *through,
        sys.executable,
        *("-m", "ozrules", "run", "--config", str(folder / "ozrules.yaml"), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**more),
        limit=1 << 20,
    )
    one = Daemon(folder, process)
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(one.listen())
        try:
            yield one
        finally:
            if process.returncode is None:
                process.kill()
            await listening


async def ozrules(folder: Path, *arguments: str) -> tuple[int, str]:
    """Another command on the same configuration: its exit code, and all that it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ozrules", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(OZRULES_CONFIG=str(folder / "ozrules.yaml")),
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
