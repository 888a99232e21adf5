"""Writes the man page and the completions from the program's own help, so that they never say anything else.

python packaging/manual.py MAN BASH ZSH
"""

import sys
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

import ozrules
from ozrules.cli.main import parser


def manual() -> str:
    """The man page, ozrules(1), in troff."""
    page = Manpage(parser(), {"version": ozrules.__version__, "manual_title": "ozrules"})
    return str(page)


def completion(shell: str) -> str:
    """What completes a command line in ``bash`` or ``zsh``."""
    return shtab.complete(parser(), shell=shell)


if __name__ == "__main__":
    for where, text in zip(sys.argv[1:4], (manual(), completion("bash"), completion("zsh")), strict=True):
        path = Path(where)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
