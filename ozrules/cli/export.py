"""`ozrules export`: recorded sessions as a recording for `ozrules replay`."""

import argparse
import sys
from typing import Final

from ozrules.cli import configuration, moments
from ozrules.cli.commands import ABOUT
from ozrules.cli.stored import with_journal
from ozrules.logs.escaping import json_safe
from ozrules.settings.model import Settings
from ozrules.store.reading import Reader

EXAMPLE: Final = """example:
  ozrules export --since 7d > recording.jsonl"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "export",
        help=ABOUT["export"],
        description="Prints what happened to sessions as JSON lines: a recording that `ozrules replay` reads.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_argument(parser)
    parser.add_argument("--since", metavar="T", type=moments.moment, required=True, help=moments.HELP)
    parser.set_defaults(run=export)


def export(arguments: argparse.Namespace) -> int:
    """0, 1 where there is nothing to read."""

    def work(reader: Reader, _: Settings) -> int:
        for line in reader.recording(since=arguments.since):
            if line.intact:
                print(json_safe(line.body))
            else:
                print(f"ozrules: line {line.number} is damaged and was left out", file=sys.stderr)
        return 0

    return with_journal(arguments, work)
