"""`ozrules backup`: a consistent copy of the state, also while the daemon runs."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from ozrules.cli import configuration
from ozrules.cli.commands import ABOUT
from ozrules.cli.stored import with_journal
from ozrules.settings.model import Settings
from ozrules.store.reading import Reader

EXAMPLE: Final = """example:
  ozrules backup /var/backups/ozrules-monday.db

To go back to it: stop the daemon, put the file in place of journal.db in the state directory, remove journal.db-wal and
journal.db-shm, start the daemon."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "backup",
        help=ABOUT["backup"],
        description="Writes a copy of the state to FILE. A plain copy of files in use would be none.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_argument(parser)
    parser.add_argument("file", metavar="FILE", type=Path, help="where to; it must not exist")
    parser.set_defaults(run=backup)


def backup(arguments: argparse.Namespace) -> int:
    """0, 1 where there is no state or the copy cannot be written."""
    target: Path = arguments.file

    def work(reader: Reader, _: Settings) -> int:
        try:
            # made first, so that nobody else can read what stands in it
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            print(f"ozrules backup: {target}: {os.strerror(error.errno or 0)}", file=sys.stderr)
            return 1
        reader.copy_to(target)
        return 0

    return with_journal(arguments, work)
