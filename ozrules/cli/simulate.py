"""`ozrules simulate`: the simulated phone system alone, as a gateway that a daemon dials, or with Ozeki's HTTP API."""

import argparse
import asyncio
import secrets
import signal
import sys
from pathlib import Path
from typing import Final, TypeAlias, get_args

import msgspec

from ozrules.cli.commands import ABOUT
from ozrules.connectors.simulator import (
    HABITS,
    OFFICE,
    Behaviour,
    HttpManners,
    PhoneSystem,
    SimulatorGateway,
    SimulatorHttp,
    Switchboard,
    traffic,
)
from ozrules.connectors.simulator.http_api import MESSAGES
from ozrules.connectors.simulator.http_manners import Generation, WrongState
from ozrules.runtime.clock import SystemClock
from ozrules.session.methods import METHODS

Front: TypeAlias = SimulatorGateway | SimulatorHttp
EXAMPLE: Final = """example:
  ozrules simulate --listen 127.0.0.1:8791 --token lab --calls 50 --rate 30

Then connect a daemon with `type: gateway`, `url: ws://127.0.0.1:8791/` and the same token.

  ozrules simulate --api http --listen 127.0.0.1:7780 --calls 50 --rate 30

Then connect a daemon with `type: ozeki-http` and `server: 127.0.0.1`."""

ASKS_FOR: Final = 2.0
"""Seconds for which a simulated phone system waits to be told where a call goes."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "simulate",
        help=ABOUT["simulate"],
        description="Plays an office with its calls, and serves them over the session protocol, or over Ozeki's HTTP "
        "API, until it is stopped.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=_address, default=("127.0.0.1", 8791), help="where daemons connect"
    )
    parser.add_argument(
        "--token", metavar="T", help="what daemons must present (session); made up and shown when left out"
    )
    parser.add_argument("--api", choices=["session", "http"], default="session", help="what is spoken (session)")
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
    parser.add_argument(
        "--transferor",
        choices=["leaves", "moves"],
        help="what the party does that a transfer names; the vendor's pages say both (session: moves, http: leaves)",
    )
    http = parser.add_argument_group("with --api http")
    http.add_argument("--generation", choices=get_args(Generation), default="classic", help="which API (classic)")
    http.add_argument(
        "--user", metavar="NAME:PASSWORD", action="append", type=_user, help="ask for a user name and a password"
    )
    http.add_argument("--barred", metavar="NAME", action="append", help="a user who may not use the API")
    http.add_argument(
        "--api-extension", metavar="N", action="append", help="an API extension that there is (whichever is named)"
    )
    http.add_argument(
        "--refusal", metavar="CODE", type=int, choices=list(MESSAGES), default=306, help="how a refusal shows (306)"
    )
    http.add_argument(
        "--wrong-state", metavar="CODE", type=int, choices=get_args(WrongState), default=303, help="303, 601 or 200"
    )
    http.add_argument("--lingers", metavar="S", type=_positive, default=2.0, help="seconds a call stays that has ended")
    http.add_argument("--call-changed", metavar="URL", type=_http_url, help="where CallChanged is posted")
    http.add_argument("--routing", metavar="URL", type=_http_url, help="where RoutingInterception is posted")
    parser.add_argument("--ledger", metavar="FILE", type=Path, help="write every command received here, as JSON lines")
    parser.set_defaults(run=simulate)


def simulate(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; then give the ledger."""
    clock = SystemClock()
    transferor = arguments.transferor or ("moves" if arguments.api == "session" else "leaves")
    behaviour = Behaviour(
        speed=arguments.speed,
        privileges=frozenset(arguments.allow) if arguments.allow else None,
        moved_party="other" if transferor == "leaves" else "argument",
        asks_routing=ASKS_FOR if arguments.routing is not None else None,
    )
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
    token = arguments.token or secrets.token_urlsafe(16)
    front: Front
    if arguments.api == "session":
        front = SimulatorGateway(switchboard, clock, host=host, port=port, token=token)
    else:
        front = SimulatorHttp(switchboard, _manners(arguments), clock, host=host, port=port)
    shown = f" with token {token}" if arguments.api == "session" and not arguments.token else ""
    try:
        asyncio.run(_serve(front, shown))
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


def _manners(arguments: argparse.Namespace) -> HttpManners:
    return HttpManners(
        generation=arguments.generation,
        users=dict(arguments.user or ()),
        barred=frozenset(arguments.barred or ()),
        api_extensions=frozenset(arguments.api_extension) if arguments.api_extension else None,
        refusal=arguments.refusal,
        wrong_state=arguments.wrong_state,
        lingers=arguments.lingers,
        hears_changes=arguments.call_changed,
        hears_routing=arguments.routing,
    )


async def _serve(front: Front, shown: str) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(front.run())
            listening = tasks.create_task(front.until_listening())
            await asyncio.wait([serving, listening], return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                print(f"simulated phone system at {front.url}{shown}", flush=True)
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


def _user(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not colon or not name or not password:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:PASSWORD, as in api:secret")
    return name, password


def _http_url(text: str) -> str:
    if not text.startswith("http://"):
        raise argparse.ArgumentTypeError(f"{text!r} is no address, as in http://127.0.0.1:8781/")
    return text


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
