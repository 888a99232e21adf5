"""`ozrules token`: asks a phone system for a web client's security token, and shows it.

The token is the one thing on stdout, so that it can go into a file; what an admin should know about it is on stderr.
"""

import argparse
import asyncio
import sys
from typing import Final

from ozrules.app.connections import access_of
from ozrules.cli import configuration
from ozrules.cli.commands import ABOUT
from ozrules.cli.configuration import EX_CONFIG
from ozrules.connectors.ozeki_http.tokens import NoToken, generate
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.settings.model import OzekiHttpSettings

EXAMPLE: Final = """examples:
  ozrules token branch --config /etc/ozrules/ozrules.yaml
  ozrules token branch --watch-only > /etc/ozrules/secrets/ozeki-token"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "token",
        help=ABOUT["token"],
        description="Asks a phone system over its HTTP API (GenerateSecurityToken) for the token that a web client's "
        "connection needs, and prints it. A connection that says token: {generate: CONNECTION} gets its own.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "connection", metavar="CONNECTION", nargs="?", help="an ozeki-http connection; the only one if left out"
    )
    parser.add_argument(
        "--watch-only",
        action="store_true",
        help="AllowSessionModification False: its holder sees calls and can change none",
    )
    configuration.add_argument(parser)
    parser.set_defaults(run=token)


def token(arguments: argparse.Namespace) -> int:
    """0 with the token on stdout, 1 where the phone system gives none, 78 where the configuration is wrong."""
    path = configuration.path_of(arguments)
    try:
        settings = configuration.read(path)
    except DocumentInvalid as invalid:
        configuration.show(invalid, path)
        return EX_CONFIG
    found = [each for each in settings.connections if isinstance(each, OzekiHttpSettings)]
    named = [each for each in found if arguments.connection in (None, each.name)]
    if len(named) != 1:
        known = ", ".join(each.name for each in found) or "none"
        wanted = "name one" if arguments.connection is None else f"there is no {arguments.connection!r}"
        return _fail(f"{wanted}: the ozeki-http connections in {path} are: {known}", EX_CONFIG)
    asked = named[0]
    if asked.generation != "classic":
        return _fail(
            f"{asked.name} is an Ozeki 10, which documents no way to generate a token; make one in its interface",
            EX_CONFIG,
        )
    try:
        made = asyncio.run(generate(access_of(asked), modify=not arguments.watch_only))
    except NoToken as error:
        return _fail(f"{asked.name}: {error}", 1)
    rights = "watch calls and change none" if arguments.watch_only else "watch calls and change them"
    print(f"Its holder can {rights}. It holds for one day, unless the phone system says otherwise.", file=sys.stderr)
    print(made)
    return 0


def _fail(text: str, code: int) -> int:
    print(f"ozrules token: {text}", file=sys.stderr)
    return code
