"""`ozrules simulate`: the simulated phone system alone, as a gateway that a daemon dials."""

import argparse
import asyncio
import secrets
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from ozrules.connectors.simulator import (
    HABITS,
    OFFICE,
    Behaviour,
    PhoneSystem,
    SimulatorGateway,
    Switchboard,
    traffic,
)
from ozrules.runtime.clock import SystemClock
from ozrules.session.methods import METHODS

EXAMPLE: Final = """example:
  ozrules simulate --listen 127.0.0.1:8791 --token lab --calls 50 --rate 30

Then connect a daemon with `type: gateway`, `url: ws://127.0.0.1:8791/` and the same token."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "simulate",
        help="the simulated phone system alone, in its own process",
        description="Plays an office with its calls, and serves them over the session protocol until it is stopped.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=_address, default=("127.0.0.1", 8791), help="where daemons connect"
    )
    parser.add_argument("--token", metavar="T", help="what daemons must present; made up and shown when left out")
    parser.add_argument("--api", choices=["session"], default="session", help="what is spoken")
    parser.add_argument("--calls", metavar="N", type=_count, default=100, help="how many calls there are (100)")
    parser.add_argument("--rate", metavar="R", type=_positive, default=12.0, help="calls a minute, on average (12)")
    parser.add_argument("--seed", metavar="S", type=int, default=1, help="the same seed gives the same calls (1)")
    parser.add_argument("--speed", metavar="X", type=_positive, default=1.0, help="scales arrivals and talk only (1)")
    parser.add_argument(
        "--habit", metavar="H", action="append", choices=HABITS, help=f"only calls of this kind: {', '.join(HABITS)}"
    )
    parser.add_argument(
        "--allow", metavar="M", action="append", choices=METHODS, help="the only methods that daemons may call"
    )
    parser.add_argument("--ledger", metavar="FILE", type=Path, help="write every command received here, as JSON lines")
    parser.set_defaults(run=simulate)


def simulate(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; then give the ledger."""
    token = arguments.token or secrets.token_urlsafe(16)
    clock = SystemClock()
    privileges = frozenset(arguments.allow) if arguments.allow else None
    behaviour = Behaviour(speed=arguments.speed, privileges=privileges)
    phones = PhoneSystem(OFFICE, behaviour, start=clock.now(), seed=arguments.seed)
    phones.expect(
        traffic(
            arguments.calls,
            rate=arguments.rate / 60.0,
            start=clock.now(),
            seed=arguments.seed,
            speed=arguments.speed,
            habits=arguments.habit or HABITS,
        )
    )
    switchboard = Switchboard(phones, seed=arguments.seed)
    host, port = arguments.listen
    gateway = SimulatorGateway(switchboard, clock, host=host, port=port, token=token)
    try:
        asyncio.run(_serve(gateway, host, None if arguments.token else token))
    except OSError as error:
        print(f"ozrules simulate: cannot listen on {host}:{port}: {error.strerror or error}", file=sys.stderr)
        return 1
    lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in switchboard.ledger)
    try:
        if arguments.ledger is not None:
            arguments.ledger.write_bytes(lines)
        else:
            print(lines.decode(), end="")
    except OSError as error:
        print(f"ozrules simulate: cannot write the ledger: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(gateway: SimulatorGateway, host: str, made_up_token: str | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(gateway.run())
            listening = tasks.create_task(gateway.until_listening())
            await asyncio.wait([serving, listening], return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                shown = f" with token {made_up_token}" if made_up_token else ""
                print(f"simulated phone system at ws://{host}:{gateway.port}/{shown}", flush=True)
                await stopped.wait()
            serving.cancel()
            listening.cancel()
    except ExceptionGroup as failed:  # not except*: Python 3.11.2 puts what is raised there into a group again
        raise failed.exceptions[0] from None


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, as in 127.0.0.1:8791")
    return host.strip("[]"), int(port)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 7:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of calls, as in 100")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, as in 1.5")
    return number
