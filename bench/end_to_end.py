"""From the socket to the record: how many events a second, and how long after it was sent a change is on the record.

This process is the gateway: it serves the session protocol, sends the day of `workload`, and accepts every command.
The daemon is `ozrules run`, whole, in its own process, with its journal on disk; its record comes back as JSON lines
through a pipe. Throughput is taken as fast as the socket allows; latency at a steady rate, from just before an event
is handed to the socket until its line has been read.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve

from bench.workload import PlainEvent, day_events, day_rules, rule_files, wire

LAST = "bench-end"
END_RULE = f"""ozrules: 1
rules:
  - {{id: {LAST}, trigger: {{state: Created}}, conditions: {{sessionId: {LAST}}}, actions: [{{log: done}}]}}
"""
END = PlainEvent(0.0, True, None, 0.0, {"sessionId": LAST, "sessionState": "Created"})
GREETING = (
    {
        "method": "gateway.hello",
        "params": {"protocol": 1, "name": "bench", "version": "1", "epoch": "1", "snapshot": True},
    },
    {"method": "gateway.connection", "params": {"state": "ACCESS_GRANTED", "detail": ""}},
    {"method": "sessions.snapshot", "params": {"sessions": [], "complete": True}},
)


@dataclass(slots=True)
class Run:
    """What one run of the daemon showed."""

    events: int
    began: float = 0.0
    ended: float = 0.0
    sent: dict[tuple[str, str], float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.events / (self.ended - self.began)

    def delay(self, share: float) -> float:
        """The delay in microseconds that ``share`` of the events with a record stayed below."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e6 if ordered else float("nan")


class Gateway:
    """Greets, sends everything once at ``rate`` events a second (0: as fast as it goes), accepts every command."""

    def __init__(self, events: Sequence[PlainEvent], rate: float, run: Run) -> None:
        self._messages = [
            (event.properties["sessionId"], event.properties["sessionState"], wire(event)) for event in events
        ]
        self._rate = rate
        self._run = run

    async def serve(self, connection: ServerConnection) -> None:
        for message in GREETING:
            await connection.send(json.dumps({"jsonrpc": "2.0"} | message))
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(self._answer(connection))
            await self._send(connection)
            await answering

    async def _send(self, connection: ServerConnection) -> None:
        run = self._run
        run.began = time.perf_counter()
        for number, (session, state, message) in enumerate(self._messages):
            if self._rate:
                ahead = run.began + number / self._rate - time.perf_counter()
                if ahead > 0.0005:
                    await asyncio.sleep(ahead)
            run.sent[session, state] = time.perf_counter()
            await connection.send(message)
            if number % 64 == 0:
                await asyncio.sleep(0)

    async def _answer(self, connection: ServerConnection) -> None:
        async for frame in connection:
            request = json.loads(frame)
            if "id" in request:
                listed = {"sessions": [], "complete": False} if request["method"] == "sessions.list" else {}
                await connection.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": listed}))


async def daemon(rules: int, events: Sequence[PlainEvent], rate: float) -> Run:
    """One run: a fresh daemon with a fresh state."""
    run = Run(len(events) + 1)
    gateway = Gateway([*events, END], rate, run)
    with tempfile.TemporaryDirectory() as folder:
        async with serve(gateway.serve, "127.0.0.1", 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            config = _configure(Path(folder), rules, port)
            process = await asyncio.create_subprocess_exec(
                Path(sys.executable).parent / "ozrules",
                "run",
                "--config",
                config,
                stdout=asyncio.subprocess.PIPE,
                env=os.environ | {"GATEWAY_TOKEN": "bench", "XDG_RUNTIME_DIR": folder},
                limit=1 << 20,
            )
            try:
                async with asyncio.timeout(300):
                    assert process.stdout is not None
                    async for line in process.stdout:
                        if _is_last(run, line):
                            break
            finally:
                if process.returncode is None:
                    process.terminate()
                await process.communicate()
    if not run.ended:
        raise SystemExit("the daemon ended before its time")
    return run


def _is_last(run: Run, line: bytes) -> bool:
    now = time.perf_counter()
    record = json.loads(line) if line.startswith(b"{") else {}
    if record.get("type") != "decision":
        return False
    if record.get("rule") == LAST:
        run.ended = now
        return True
    if record["event"]["kind"] in ("created", "stateChanged"):
        sent = run.sent.pop((record["sessionId"], record["event"]["state"]), None)
        if sent is not None:
            run.delays.append(now - sent)
    return False


def _configure(folder: Path, rules: int, port: int) -> Path:
    (folder / "rules.d").mkdir()
    for source in rule_files(day_rules(rules)):
        (folder / "rules.d" / source.name).write_bytes(source.data)
    (folder / "rules.d" / "end.yaml").write_text(END_RULE, encoding="utf-8")
    config = folder / "ozrules.yaml"
    config.write_text(
        f"""ozrules: 1
connections:
  - {{name: bench, type: gateway, url: "ws://127.0.0.1:{port}/", token: {{env: GATEWAY_TOKEN}}}}
rules: [rules.d/*.yaml]
state: state
control: control
log: {{format: json, level: error, decisions: matched}}
""",
        encoding="utf-8",
    )
    return config


async def measure(rules: Sequence[int], count: int, rates: Sequence[float]) -> None:
    events = day_events(count)
    print(f"{count:,} events over a WebSocket, to the record of a daemon whose journal is on disk\n")
    print(f"{'rules':>7} {'events/s':>10}")
    for size in rules:
        run = await daemon(size, events, 0)
        print(f"{size:>7,} {run.rate:>10,.0f}", flush=True)
    print(f"\n{'rules':>7} {'at events/s':>12} {'p50 µs':>9} {'p99 µs':>9} {'records':>9}")
    for rate in rates:
        size = rules[-1]
        run = await daemon(size, events[: int(rate * 5)], rate)
        print(f"{size:>7,} {rate:>12,.0f} {run.delay(0.5):>9,.0f} {run.delay(0.99):>9,.0f} {len(run.delays):>9,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer events, one rate")
    if parser.parse_args().short:
        asyncio.run(measure((1_000,), 5_000, (1_000,)))
    else:
        asyncio.run(measure((10, 1_000), 50_000, (100, 1_000, 5_000)))


if __name__ == "__main__":
    main()
