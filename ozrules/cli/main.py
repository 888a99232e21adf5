"""The program's entrance: finds the command that is meant, and only then loads what it needs.

Most commands are asked for often and must answer at once; so a command's module is imported when its name stands on
the command line, and all of them only where help on all of them is wanted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import ozrules
import ozrules.cli

_OWN: Final = (
    "run",
    "demo",
    "simulate",
    "webclient",
    "check",
    "test",
    "replay",
    "why",
    "decisions",
    "init",
    "token",
    "backup",
    "export",
    "schema",
)
_ASKING: Final = ("status", "sessions", "reload", "pause", "resume", "override", "cancel", "forget", "trust-clock")
_MODULES: Final = {module.name for module in iter_modules(ozrules.cli.__path__)}
COMMANDS: Final = {name: name for name in _OWN if name in _MODULES} | dict.fromkeys(_ASKING, "asking")
"""Every command, and the module of this folder that it lies in."""

EXAMPLE: Final = """examples:
  ozrules demo                      calls, rules and decisions on a simulated phone system
  ozrules check rules.yaml          what is wrong with a rule file
  ozrules run --config ozrules.yaml the daemon
  ozrules COMMAND --help            all about a command"""


def parser(named: str | None = None) -> argparse.ArgumentParser:
    """What reads the command line: for the command that is named, or for all of them."""
    whole = argparse.ArgumentParser(
        prog="ozrules",
        description=ozrules.__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"ozrules {ozrules.__version__}")
    subparsers = whole.add_subparsers(metavar="COMMAND", required=True)
    for module in [COMMANDS[named]] if named in COMMANDS else dict.fromkeys(COMMANDS.values()):
        import_module(f"ozrules.cli.{module}").register(subparsers)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name; its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parsed = parser(next((word for word in given if not word.startswith("-")), None)).parse_args(given)
    try:
        code: int = parsed.run(parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
