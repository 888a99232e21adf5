"""Records every scene as test data: ``python -m tests.e2e.asterisk.freepbx.record sid tests/data/freepbx-22``.

One scene after the other, on the first floor: what the manager says, and beside it the sessions that are right. The
sessions told are not looked at: the tests do that.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.e2e.asterisk.freepbx.evening import ALL, play
from tests.e2e.asterisk.freepbx.laboratory import Laboratory
from tests.e2e.asterisk.tree import fetch


def record(suite: str, folder: Path, names: list[str]) -> None:
    """Plays and writes."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as run:
        lab = Laboratory(fetch(suite), Path(run))
        lab.start()
        try:
            played = asyncio.run(play(lab, names, at_once=False)).played
        finally:
            lab.stop()
    for name, one in played.items():
        if one.fault:
            raise SystemExit(f"{name} was not played to its end:\n{one.fault}")
        (folder / f"{name}.ami.txt").write_text("".join(map(_slim, one.texts)), newline="")
        right = "".join(f"{session}\n" for session in one.right)
        (folder / f"{name}.right.txt").write_text(right)


def _slim(text: str) -> str:
    """Without what is empty or the same in every event of every recording."""
    lines = text.split("\r\n")
    without = ("Privilege: ", "SystemName: ", "Language: ", "AccountCode: ", "DestLanguage: ", "DestAccountCode: ")
    return "\r\n".join(line for line in lines if not line.startswith(without))


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]), sys.argv[3:] or list(ALL))
