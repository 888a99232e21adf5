"""The program's entrance: finds the command that is meant, and only then loads what it needs.

Most commands are asked for often and must answer at once; so a command's module is imported when its name stands on
the command line. Of the others one line is known, which is all that help on all of them says.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import ozrules
from ozrules.cli.commands import ABOUT, module_of

EXAMPLE: Final = """examples:
  ozrules demo                      calls, rules and decisions on a simulated phone system
  ozrules check rules.yaml          what is wrong with a rule file
  ozrules run --config ozrules.yaml the daemon
  ozrules COMMAND --help            all about a command"""


def parser(*commands: str) -> argparse.ArgumentParser:
    """What reads the command line of these commands. Of all others it knows that there are such."""
    whole = argparse.ArgumentParser(
        prog="ozrules",
        description=ozrules.__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"ozrules {ozrules.__version__}")
    subparsers = whole.add_subparsers(metavar="COMMAND", required=True)
    modules = {module_of(command) for command in commands}
    for command, about in ABOUT.items():
        if command in subparsers.choices:
            continue
        if module_of(command) in modules:
            import_module(f"ozrules.cli.{module_of(command)}").register(subparsers)
        else:
            subparsers.add_parser(command, help=about)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name; its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    command = next((word for word in given if not word.startswith("-")), "")
    parsed = (parser(command) if command in ABOUT else parser()).parse_args(given)
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
