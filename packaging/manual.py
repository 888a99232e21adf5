"""Writes the man page and the completions from the program's own help, so that they never say anything else.

    python packaging/manual.py MAN BASH ZSH

The man page shows the help of every command as it stands, set in troff (groff_man(7)).
"""

import argparse
import os
import sys
from pathlib import Path

import shtab

import ozrules
from ozrules.cli.commands import ABOUT
from ozrules.cli.main import parser


def manual() -> str:
    """The man page, ozrules(1)."""
    os.environ["COLUMNS"] = "80"  # what argparse wraps its help to
    whole = parser(*ABOUT)
    page = [
        f'.TH OZRULES 1 "" "ozrules {ozrules.__version__}" "User Commands"',
        ".SH NAME",
        f"ozrules \\- {_plain(ozrules.__doc__ or '')}",
        ".SH SYNOPSIS",
        "\\fBozrules\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]",
        ".SH DESCRIPTION",
        *_preformatted(whole.format_help()),
        ".SH COMMANDS",
    ]
    for name, command in _commands(whole).items():
        page += [f'.SS "ozrules {name}"', *_preformatted(command.format_help())]
    page += [".SH FILES", *_file("/etc/ozrules/ozrules.yaml", "the configuration")]
    page += _file("/usr/share/doc/ozrules/docs", "guides, the reference and what is promised")
    return "\n".join(page) + "\n"


def completion(shell: str) -> str:
    """What completes a command line in ``bash`` or ``zsh``."""
    return shtab.complete(parser(*ABOUT), shell=shell)


def _commands(whole: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (found,) = [each for each in whole._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(found.choices)


def _preformatted(text: str) -> list[str]:
    return [".nf", *(_plain(line) for line in text.rstrip().splitlines()), ".fi"]


def _file(path: str, what: str) -> list[str]:
    return [".TP", f"\\fI{path}\\fR", what]


def _plain(line: str) -> str:
    """A line as troff shows it letter for letter: neither escapes nor requests are seen in it."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped


if __name__ == "__main__":
    for where, text in zip(sys.argv[1:4], (manual(), completion("bash"), completion("zsh")), strict=True):
        path = Path(where)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
