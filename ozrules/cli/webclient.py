"""`ozrules webclient`: the browser side of ``ozeki-webclient`` connections, where it is a process of its own.

`ozrules run` starts browsers itself for connections that say nothing else. This command is for those with
``browser: external``: a browser needs more of the system than the daemon should have.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
from collections.abc import Sequence
from typing import Final

from ozrules.app.connections import Unsupported, tokens_of
from ozrules.cli import configuration
from ozrules.cli.commands import ABOUT
from ozrules.cli.configuration import EX_CONFIG
from ozrules.connectors.webclient.browser import NoBrowser
from ozrules.connectors.webclient.webclient import WebClient, bridge_url
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.runtime.clock import SystemClock
from ozrules.settings.model import Settings, WebclientSettings

EXAMPLE: Final = """example:
  ozrules webclient --config /etc/ozrules/ozrules.yaml"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "webclient",
        help=ABOUT["webclient"],
        description="Keeps headless Chromium on the page that links the phone system's JavaScript API to the daemon, "
        "for every ozeki-webclient connection with browser: external.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_argument(parser)
    parser.add_argument("--browser", metavar="PATH", help="the browser to start; a Chromium found on PATH if left out")
    parser.set_defaults(run=webclient)


def webclient(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    path = configuration.path_of(arguments)
    try:
        settings = configuration.read(path, webclients_only=True)
        found = [each for each in settings.connections if isinstance(each, WebclientSettings)]
        wanted = [each for each in found if each.browser == "external"]
        clients = [_client(each, settings, arguments.browser) for each in wanted]
    except DocumentInvalid as invalid:
        configuration.show(invalid, path)
        return EX_CONFIG
    except Unsupported as unsupported:
        return _fail(str(unsupported))
    if not clients:
        return _fail(f"{path}: no ozeki-webclient connection says browser: external, so there is nothing to do")
    asyncio.run(_serve(clients))
    return 0


def _fail(text: str) -> int:
    print(f"ozrules webclient: {text}", file=sys.stderr)
    return EX_CONFIG


def _client(settings: WebclientSettings, whole: Settings, executable: str | None) -> tuple[WebClient, str]:
    """One connection's browser, and the bridge that it goes to."""
    assert settings.bridge is not None  # the configuration requires it of an external browser
    chance = random.Random()  # noqa: S311  # spreads retries
    # what goes wrong is in the log; readiness is the daemon's, which sees the connection fail
    tokens = tokens_of(settings, whole.connections, SystemClock(), chance, lambda trouble: None)
    try:
        client = WebClient(
            connection=settings.name,
            server=settings.server,
            script=settings.script,
            tokens=tokens,
            password=settings.password.reveal() if settings.password else None,
            bridge_token=settings.bridge.token.reveal(),
            chance=chance,
            executable=executable,
        )
    except (NoBrowser, ValueError) as error:
        raise Unsupported(f"connection {settings.name}: {error}") from error
    return client, bridge_url(settings.bridge.listen.host, settings.bridge.listen.port)


async def _serve(clients: Sequence[tuple[WebClient, str]]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(client.run(bridge)) for client, bridge in clients]
        await stopped.wait()
        for task in running:
            task.cancel()
