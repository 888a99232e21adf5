"""`ozrules run`: the daemon, in the foreground."""

import argparse
import asyncio
import faulthandler
import os
import random
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from ozrules.app.connections import Shared, Unsupported, connect
from ozrules.app.control import ControlUnusable
from ozrules.app.daemon import Around, Daemon, Ended
from ozrules.app.in_force import RulesInvalid
from ozrules.app.notify import ServiceManager
from ozrules.app.webhooks import alerts, apply, webhook_queue
from ozrules.cli import configuration
from ozrules.cli.commands import ABOUT
from ozrules.cli.configuration import EX_CONFIG
from ozrules.cli.explaining import Explainer
from ozrules.logs.opening import Logs, open_logs
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.runtime.complaints import Complaints
from ozrules.runtime.lookups import Loop
from ozrules.runtime.ports import JournalFailed
from ozrules.runtime.routes import Routes
from ozrules.settings.model import LogSettings, Settings
from ozrules.store.boot import steady_clock
from ozrules.store.journal import SqliteJournal
from ozrules.store.state_directory import StateUnusable

EXAMPLE: Final = """example:
  ozrules run --config /etc/ozrules/ozrules.yaml

The record is written to stdout, the daemon's own log to stderr. SIGTERM ends it in good order, SIGHUP reloads."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "run",
        help=ABOUT["run"],
        description="Connects to the phone systems of the configuration, and acts on live calls by its rules.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_argument(parser)
    parser.add_argument(
        "--new-state", action="store_true", help="set a damaged state aside and begin anew; nothing is deleted"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 after SIGTERM, 1 on a fault, 78 where the configuration or the rules are wrong."""
    path = configuration.path_of(arguments)
    try:
        settings = configuration.read(path)
    except DocumentInvalid as invalid:
        configuration.show(invalid, path)
        return EX_CONFIG
    faulthandler.enable()
    logs = open_logs(
        settings.log.format,
        level=settings.log.level,
        pseudonyms=settings.log.pseudonyms,
        environment=os.environ,
    )
    try:
        for warning in settings.warnings:
            logs.log.warning("configuration", finding=str(warning))
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(_run(settings, path, logs, new_state=arguments.new_state))
    finally:
        logs.close()


async def _run(settings: Settings, path: Path, logs: Logs, *, new_state: bool) -> int:
    def relog(log: LogSettings) -> None:
        logs.apply(level=log.level, pseudonyms=log.pseudonyms)

    try:
        clock = steady_clock(settings.state)
    except StateUnusable as unusable:
        return _fail(str(unusable), 1)
    around = Around(
        clock=clock,
        log=logs.log,
        sinks=[logs.records],
        manager=ServiceManager(os.environ),
        reread=lambda: configuration.read(path),
        relog=relog,
        explains=Explainer(),
        alerts=alerts(settings, clock, logs.log),
    )
    try:
        chance = random.Random()  # noqa: S311  # spreads retries
        routes = Routes(clock)
        troubles: dict[str, str] = {}
        shared = Shared(clock=clock, chance=chance, routes=routes, troubles=troubles, connections=settings.connections)
        links = [connect(one, shared) for one in settings.connections]
        around.manager.tell("STATUS=checking the journal", "EXTEND_TIMEOUT_USEC=60000000")
        journal = SqliteJournal(settings.state, clock, new_state=new_state)
    except Unsupported as unsupported:
        return _fail(str(unsupported), EX_CONFIG)
    except StateUnusable as unusable:
        return _fail(str(unusable), 1)
    try:
        webhooks = webhook_queue(settings.webhooks, journal, clock, logs.log)
        around = msgspec.structs.replace(around, rehook=lambda wanted: apply(wanted, webhooks))
        daemon = Daemon(
            settings, around, journal=journal, links=links, routes=routes, webhooks=webhooks, troubles=troubles
        )
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(Complaints(logs.log))
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, daemon.stop)
        loop.add_signal_handler(signal.SIGHUP, daemon.reload)
        await daemon.run()
    except (RulesInvalid, ControlUnusable, OSError, BaseExceptionGroup) as fault:
        return _fault(fault, logs)
    finally:
        journal.close()
    return 0


def _fault(fault: BaseException, logs: Logs) -> int:
    """One clear line; the traceback where it is our own fault."""
    first = fault
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    match first:
        case RulesInvalid():
            return _fail(f"the rules are wrong, and no good ones are in the state:\n{first}", EX_CONFIG)
        case ControlUnusable():
            return _fail(str(first), 1)
        case TimeoutError():
            return _fail("it did not come to a stop in good order in time; the state on disk is whole", 1)
        case JournalFailed():
            return _fail(f"{first}; nothing more was sent", 1)
        case Ended() | OSError():
            return _fail(str(first), 1)
        case _:
            logs.log.error("a fault in ozrules", exc_info=first)
            return _fail(f"a fault in ozrules: {type(first).__name__}", 1)


def _fail(text: str, code: int) -> int:
    print(f"ozrules run: {text}", file=sys.stderr)
    return code
