"""`ozrules webclient`: the browser side of ``ozeki-webclient`` connections, where it is a process of its own.

`ozrules run` starts browsers itself for connections that say nothing else. This command is for those with
``browser: external``: a browser needs more of the system than the daemon should have.
"""

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
from pathlib import Path
from typing import Final

from ozrules.connectors.webclient.browser import NoBrowser
from ozrules.connectors.webclient.webclient import WebClient, bridge_url
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.settings.configuration import load
from ozrules.settings.model import Generate, WebclientSettings

EXAMPLE: Final = """example:
  ozrules webclient --config /etc/ozrules/ozrules.yaml"""

DEFAULT: Final = "/etc/ozrules/ozrules.yaml"
EX_CONFIG: Final = 78


class Unsuitable(Exception):
    """The configuration leaves nothing to do here, or asks for what cannot be; the text says what to change."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "webclient",
        help="the browser side of ozeki-webclient connections",
        description="Keeps headless Chromium on the page that links the phone system's JavaScript API to the daemon, "
        "for every ozeki-webclient connection with browser: external.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help=f"the configuration ({DEFAULT})")
    parser.add_argument("--browser", metavar="PATH", help="the browser to start; a Chromium found on PATH if left out")
    parser.set_defaults(run=webclient)


def webclient(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    path: Path = arguments.config or Path(os.environ.get("OZRULES_CONFIG") or DEFAULT)
    try:
        settings = load(path, path.read_bytes(), os.environ, webclients_only=True)
        found = [each for each in settings.connections if isinstance(each, WebclientSettings)]
        clients = [_client(each, arguments.browser) for each in found if each.browser == "external"]
        if not clients:
            raise Unsuitable(f"{path}: no ozeki-webclient connection says browser: external, so there is nothing to do")
        asyncio.run(_serve(clients))
    except OSError as error:
        return _fail(f"{error.filename or path}: {error.strerror or error}", EX_CONFIG)
    except (DocumentInvalid, Unsuitable, ValueError) as error:
        return _fail(str(error), EX_CONFIG)
    except NoBrowser as error:
        return _fail(str(error), 1)
    return 0


def _fail(text: str, code: int) -> int:
    print(f"ozrules webclient: {text}", file=sys.stderr)
    return code


def _client(settings: WebclientSettings, executable: str | None) -> WebClient:
    assert settings.bridge is not None  # the configuration requires it of an external browser
    if isinstance(settings.token, Generate):
        raise Unsuitable(
            f"connection {settings.name}: token: {{generate: …}} works with browser: managed only;"
            " give this one a token of its own"
        )
    token = settings.token.reveal()

    async def fixed() -> str:
        return token

    return WebClient(
        connection=settings.name,
        server=settings.server,
        script=settings.script,
        token=fixed,
        password=settings.password.reveal() if settings.password else None,
        bridge_url=bridge_url(settings.bridge.listen.host, settings.bridge.listen.port),
        bridge_token=settings.bridge.token.reveal(),
        chance=random.Random(),  # noqa: S311  # spreads retries
        executable=executable,
    )


async def _serve(clients: list[WebClient]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(client.run()) for client in clients]
            await stopped.wait()
            for task in running:
                task.cancel()
    except* NoBrowser as missing:
        raise missing.exceptions[0] from None
