"""A state on disk with two decisions in it, and the configuration that names it."""

import asyncio
from pathlib import Path

from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import decision, observed, record

HOSTILE = "\x1b[2J\u202eforged\r\n"


def configure(folder: Path) -> str:
    """The path of a configuration whose state lies in ``folder``."""
    path = folder / "ozrules.yaml"
    path.write_text("ozrules: 1\nstate: state\nconnections: [{name: office, type: simulator}]\n")
    return str(path)


def fill(folder: Path) -> SqliteJournal:
    """The journal of that configuration, open, with two decisions and a session; the clock stands in January 1970."""
    clock = StandingClock()
    journal = SqliteJournal(folder / "state", clock)
    records = [
        record(1, 1, time=clock.at, rule="sales-no-answer", reason="fired"),
        record(2, 2, time=clock.at + 60, rule="vip", reason="fired", session={"caller": HOSTILE}),
    ]
    asyncio.run(journal.commit([decision(1), decision(2), observed()], records))
    return journal
