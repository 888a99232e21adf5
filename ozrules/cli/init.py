"""`ozrules init`: from nothing to a daemon that watches the admin's own phone system, and sends nothing.

It asks on a terminal for what the command line does not say. What it writes is read by the daemon's own readers first,
so nothing is written that would not start. The secret goes into a file of its own that only its owner can read. Where
the configuration is that of the system service, the service is told of it by a drop-in, as systemd wants it.
"""

import argparse
import asyncio
import getpass
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final, get_args

from ozrules.app.trial import Found, attempt
from ozrules.cli import configuration
from ozrules.cli.commands import ABOUT
from ozrules.logs.escaping import escaped
from ozrules.rules import loader
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.rules.document import Source
from ozrules.runtime.clock import SystemClock
from ozrules.session.methods import METHODS
from ozrules.settings import configuration as reader
from ozrules.settings.first_files import (
    NEEDS,
    SECRETS,
    Kind,
    Wanted,
    configuration_text,
    drop_in_text,
    rules_text,
)
from ozrules.settings.model import Settings
from ozrules.settings.surroundings import Surroundings

EXAMPLE: Final = """example:
  ozrules init office --type asterisk --server 192.168.1.10 --username ozrules --secret /root/manager-password

What is not said is asked for on a terminal. --secret - reads the secret from stdin."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
DROP_INS: Final = Path("/etc/systemd/system")
RULES: Final = "rules.d/first.yaml"


class Unclear(Exception):
    """Something that must be known was not said; the text says what, and how to say it."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "init",
        help=ABOUT["init"],
        description="Writes a first configuration and rules for your phone system, tries to reach it, and says what "
        "the credentials may do. Nothing is sent: the mode is observe.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_argument(parser)
    parser.add_argument("name", metavar="NAME", nargs="?", default="office", help="the connection's name; office")
    parser.add_argument("--type", choices=KINDS, help="the kind of phone system")
    parser.add_argument("--server", metavar="HOST", help="its address; for a gateway its URL, ws://HOST:PORT/")
    parser.add_argument("--username", metavar="U", help="the user of the manager interface, or of the HTTP API")
    parser.add_argument("--secret", metavar="FILE", help="a file with the token or password; - for stdin")
    parser.add_argument("--country", metavar="CC", help="whose numbers are meant, such as HU; that of the time zone")
    parser.add_argument("--timezone", metavar="Z", help="an IANA name; that of this host")
    parser.add_argument("--desk", metavar="NUMBER", help="the extension that takes unanswered calls")
    parser.add_argument("--replace", action="store_true", help="replace what is there; it is kept as FILE.before")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 where the phone system was reached, 1 where not, or where nothing was written; 2 where it was not clear."""
    path = configuration.path_of(arguments)
    try:
        secret = _secret_given(arguments.secret)
        wanted = _wanted(arguments, path, secret is not None)
        if wanted.secret and secret is None:
            secret = getpass.getpass(f"{SECRETS[wanted.kind].capitalize()}: ")
    except (Unclear, OSError) as unclear:
        print(f"ozrules init: {unclear}", file=sys.stderr)
        return 2
    texts = {path: configuration_text(wanted), path.parent / RULES: rules_text(wanted)}
    hidden = _secrets(wanted, path, secret)
    taken = [str(each) for each in texts if each.exists()]
    if taken and not arguments.replace:
        print(f"ozrules init: {', '.join(taken)}: there already; --replace keeps it as FILE.before", file=sys.stderr)
        return 1
    try:
        _read_once(path, texts)
    except DocumentInvalid as invalid:
        for diagnostic in invalid.diagnostics:
            print(f"ozrules init: {diagnostic.message}", file=sys.stderr)
        return 2
    _write(texts, hidden)
    print("\n".join(f"wrote {each}" for each in [*texts, *hidden]))
    if wanted.as_service and DROP_INS.is_dir():
        _tell_the_service(wanted)
    credentials = {"CREDENTIALS_DIRECTORY": str(path.parent / "secrets")}
    settings = reader.load(path, texts[path].encode(), os.environ | credentials)
    return _try(settings, path)


def _try(settings: Settings, path: Path) -> int:
    (connection,) = settings.connections
    print(f"\nreaching {connection.name} …", flush=True)
    found = asyncio.run(attempt(connection, SystemClock()))
    print("\n".join(_said(found)))
    print(f"\nNext: look at {path.parent / RULES}, then start the daemon; `ozrules status` says how it stands.")
    return 0 if found.problem is None else 1


def _said(found: Found) -> list[str]:
    if found.problem is not None:
        return [f"not reached: {escaped(found.problem)}", "The files are there: mend this, and run `ozrules check`."]
    calls = "it gives no list of calls" if found.sessions is None else f"{found.sessions} calls just now"
    lines = [f"reached; {calls}"]
    if found.privileges is None:
        lines.append("It does not say what these credentials may do; a refused action is on the record as rejected.")
        return lines
    may = [method for method in METHODS if method in found.privileges]
    not_ = [method for method in METHODS if method not in found.privileges]
    lines.append(f"these credentials may: {', '.join(may) or 'nothing but watch'}")
    if not_:
        lines.append(f"they may not, or cannot as it is set up: {', '.join(not_)}")
    return lines


# --- what is wanted -------------------------------------------------------------------------------------------------


def _wanted(arguments: argparse.Namespace, path: Path, has_secret: bool) -> Wanted:
    named = arguments.type or _asked(f"Kind of phone system ({', '.join(KINDS)})", "--type", KINDS[0])
    kind = next((each for each in KINDS if each == named), None)
    if kind is None:
        raise Unclear(f"{named!r} is no kind of phone system; there are {', '.join(KINDS)}")
    needs = NEEDS[kind]
    server = arguments.server or (_asked("Its address", "--server") if "server" in needs else None)
    username = arguments.username or (_asked("User", "--username") if "username" in needs else None)
    if "secret" in needs and not has_secret and not sys.stdin.isatty():
        raise Unclear(f"say where {SECRETS[kind]} is: --secret FILE, or --secret - for stdin")
    around = Surroundings(path.absolute(), os.environ)
    timezone = arguments.timezone or around.zone
    country = arguments.country or country_of(timezone)
    return Wanted(
        name=arguments.name,
        kind=kind,
        server=server,
        username=username,
        secret=has_secret or "secret" in needs,
        as_service=around.of_the_system,
        country=country,
        timezone=timezone,
        desk=arguments.desk or _asked("Extension that takes unanswered calls", "--desk"),
    )


def _asked(what: str, option: str, usual: str | None = None) -> str:
    if not sys.stdin.isatty():
        raise Unclear(f"{option} is missing ({what})")
    answer = input(f"{what}{f' [{usual}]' if usual else ''}: ").strip() or usual
    if not answer:
        raise Unclear(f"{option} is missing ({what})")
    return answer


def _secret_given(where: str | None) -> str | None:
    if where is None:
        return None
    text = sys.stdin.read() if where == "-" else Path(where).read_text(encoding="utf-8")
    if not text.strip():
        raise Unclear("the secret is empty")
    return text.strip("\r\n")


def country_of(timezone: str) -> str | None:
    """The country that a time zone is in, by the table of the time zone database; None where it is in several."""
    table = files("tzdata.zoneinfo").joinpath("zone1970.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            countries, _, zone, *_ = line.split("\t")
            if zone == timezone:
                first, *others = countries.split(",")
                return None if others else first
    return None


# --- what is written ------------------------------------------------------------------------------------------------


def _secrets(wanted: Wanted, path: Path, secret: str | None) -> dict[Path, str]:
    folder = path.parent / "secrets"
    found = {} if secret is None else {folder / wanted.secret_name: secret}
    return found | ({folder / wanted.bridge_name: secrets.token_urlsafe(32)} if wanted.has_bridge else {})


def _read_once(path: Path, texts: Mapping[Path, str]) -> None:
    """Reads all of it as the daemon would. Raises DocumentInvalid."""
    rules = path.parent / RULES
    reader.load(path, texts[path].encode(), os.environ, with_secrets=False)
    loader.load([Source(str(rules), texts[rules].encode())])


def _write(texts: Mapping[Path, str], hidden: Mapping[Path, str]) -> None:
    for target, text in texts.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.replace(target.with_name(f"{target.name}.before"))
        target.write_text(text, encoding="utf-8")
    for target, text in hidden.items():
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


def _tell_the_service(wanted: Wanted) -> None:
    text = drop_in_text(wanted, _addresses(wanted.server))
    units = ("ozrules", "ozrules-webclient") if wanted.has_bridge else ("ozrules",)
    for unit in units:
        target = DROP_INS / f"{unit}.service.d" / f"{wanted.name}.conf"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(f"wrote {target}")
    print(f"then: systemctl daemon-reload && systemctl enable {' '.join(units)} && systemctl restart {' '.join(units)}")


def _addresses(server: str | None) -> tuple[str, ...]:
    if server is None:
        return ()
    host = server.partition("://")[2].partition("/")[0].rpartition(":")[0] or server
    try:
        return tuple(sorted({str(found[4][0]) for found in socket.getaddrinfo(host.strip("[]"), None)}))
    except OSError:
        return ()
