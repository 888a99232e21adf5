"""A busy office in a process of its own: `ozrules simulate`, with its ledger of what it was asked to do."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.stage import PATIENCE, TOKEN, environment


class Simulator:
    """The process. ``url`` is where daemons dial; `stop` gives the ledger."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, ledger: Path) -> None:
        self.url = url
        self._process = process
        self._ledger = ledger

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    async def stop(self) -> list[dict[str, Any]]:
        """Ends it in good order: every command that it was ever given."""
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await self._process.wait() == 0
        return [json.loads(line) for line in self._ledger.read_text().splitlines()]


@asynccontextmanager
async def simulator(
    folder: Path, *, rate: float, seed: int = 1, speed: float = 1.0, habits: Sequence[str] = ()
) -> AsyncIterator[Simulator]:
    """Calls without end, ``rate`` a second."""
    ledger = folder / "ledger.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ozrules", "simulate", "--listen", "127.0.0.1:0", "--token", TOKEN, "--ledger", str(ledger)),
        *("--calls", "9999999", "--rate", str(rate * 60 / speed), "--speed", str(speed), "--seed", str(seed)),
        *(word for habit in habits for word in ("--habit", habit)),
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            said = (await process.stdout.readline()).decode()
        yield Simulator(process, said.split()[-1], ledger)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
