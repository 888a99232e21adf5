"""Finding and reading the configuration, as every command that takes ``--config`` does."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from ozrules.rules import rendering
from ozrules.rules.diagnostics import Diagnostic, DocumentInvalid
from ozrules.settings import configuration
from ozrules.settings.model import Settings
from ozrules.settings.sources import read_source

DEFAULT: Final = Path("/etc/ozrules/ozrules.yaml")
EX_CONFIG: Final = 78


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help=f"the configuration ($OZRULES_CONFIG, else {DEFAULT})"
    )


def path_of(arguments: argparse.Namespace) -> Path:
    """The configuration that is meant."""
    given: Path | None = arguments.config
    return given or Path(os.environ.get("OZRULES_CONFIG") or DEFAULT)


def read(path: Path, *, with_secrets: bool = True, webclients_only: bool = False) -> Settings:
    """The settings in the file, with the secrets that are asked for. Raises DocumentInvalid."""
    source = read_source(path)
    if isinstance(source, Diagnostic):
        raise DocumentInvalid((source,))
    return configuration.load(path, source.data, os.environ, with_secrets=with_secrets, webclients_only=webclients_only)


def show(invalid: DocumentInvalid, path: Path) -> None:
    """Says on stderr what is wrong with the configuration."""
    try:
        lines = {str(path): path.read_text(encoding="utf-8", errors="replace").splitlines()}
    except OSError:
        lines = {}
    shown = rendering.without_secrets(lines, invalid.diagnostics)
    for diagnostic in invalid.diagnostics:
        print("\n".join(rendering.as_text(diagnostic, shown)), file=sys.stderr)
