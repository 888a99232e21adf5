"""What the commands that look into the state share: finding it, and saying in one line why it cannot be read."""

import argparse
import sys
from collections.abc import Callable

from ozrules.cli import configuration
from ozrules.cli.configuration import EX_CONFIG
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.settings.model import Settings
from ozrules.store.reading import Reader
from ozrules.store.state_directory import StateUnusable


def with_journal(arguments: argparse.Namespace, work: Callable[[Reader, Settings], int]) -> int:
    """Runs ``work`` on the journal of the configuration; its exit code, 1 where there is none to read."""
    path = configuration.path_of(arguments)
    try:
        settings = configuration.read(path, with_secrets=False)
    except DocumentInvalid as invalid:
        configuration.show(invalid, path)
        return EX_CONFIG
    try:
        reader = Reader(settings.state)
        try:
            return work(reader, settings)
        finally:
            reader.close()
    except StateUnusable as unusable:
        print(f"ozrules: {unusable}", file=sys.stderr)
        return 1
