"""A program that writes a journal and says what is on disk, to be disturbed by strace at any of its system calls.

``python -m tests.torture.writer STATE COMMITS``: prints each number once its commit has returned; on a failure that
may pass it says ``again`` and tries again, on a lasting one it says ``lasting`` and ends with 3.
"""

import asyncio
import sys
from pathlib import Path

from ozrules.engine.effects import Effect, Remember, Send
from ozrules.runtime.ports import JournalFailed
from ozrules.store.journal import SqliteJournal
from ozrules.store.state_directory import StateUnusable
from tests.fakes.clock import StandingClock
from tests.fakes.effects import KEY, command, decision, record


async def write(journal: SqliteJournal, commits: int) -> int:
    number = journal.load().next_decision
    last = number + commits
    while number < last:
        effects: list[Effect] = [decision(number), Send(command(number)), Remember(KEY, b"%d" % number)]
        try:
            await journal.commit(effects, [record(number, number)])
        except JournalFailed as failed:
            print("lasting" if failed.lasting else "again", flush=True)  # noqa: T201
            if failed.lasting:
                return 3
            continue
        print(number, flush=True)  # noqa: T201
        number += 1
    return 0


def main(state: str, commits: str) -> int:
    try:
        journal = SqliteJournal(Path(state), StandingClock())
    except StateUnusable as unusable:
        print(f"unusable {unusable}", flush=True)  # noqa: T201
        return 2
    try:
        return asyncio.run(write(journal, int(commits)))
    finally:
        journal.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
