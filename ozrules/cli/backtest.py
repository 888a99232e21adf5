"""A large recording under two rule sets: each in a process of its own, so that both cores work, with a bar meanwhile.

The recording is read line by line, by each process anew: a month of calls never lies in memory. What comes back are
the decisions without the sessions. Rules whose conditions do not hold are not explained here: that costs more than all
the rest, and only what is done is compared.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ozrules.engine.effects import Decision
from ozrules.engine.index import EXPLAIN_ALL
from ozrules.replay.drive import drive
from ozrules.replay.recording import Entry, entries, events, read, survey
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet

LARGE: Final = 4 << 20
"""Bytes of a recording from which another process is worth its start."""
_OFTEN: Final = 0.1
"""Seconds between two looks at how far the processes are."""
_LINES: Final = 2048
"""Lines between two reports of how far a process is."""

Decided: TypeAlias = tuple[list[Decision], int]
"""The decisions, and how many calls there were."""
_Report: TypeAlias = Callable[[int], None]

_DECISIONS: Final = msgspec.msgpack.Decoder(list[Decision])


class Bar:
    """How far the reading is. Nothing is shown where nobody would see it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def reached(self, part: float) -> None:
        """``part`` of the whole, from 0 to 1, is done."""
        if self._task is None:
            self._task = self._progress.add_task("replaying", total=1.0)
        self._progress.update(self._task, completed=part)


@contextmanager
def progress_bar() -> Iterator[Bar]:
    """A bar on the terminal that errors go to, gone when the work is done."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress)


@contextmanager
def opened(path: Path) -> Iterator["Backtest"]:
    """The recording, surveyed. What cannot be read twice (a pipe) is copied first. Raises OSError."""
    if path.is_file() or path.is_dir():
        yield Backtest(path)
        return
    with tempfile.NamedTemporaryFile(prefix="ozrules-replay-") as copy, path.open("rb") as pipe:
        while part := pipe.read(1 << 20):
            copy.write(part)
        copy.flush()
        yield Backtest(Path(copy.name))


class Backtest:
    """A recording to be played under one rule set or under several."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as lines:
            self._survey = survey(lines)
        self._size = path.stat().st_size

    def decided(self, rules: RuleSet, bar: Bar, *, explain: int = EXPLAIN_ALL) -> Iterator[Decision]:
        """Every decision, as it comes."""
        told = events(
            self._entries(lambda read: bar.reached(read / max(1, self._size))), confirmed=self._survey.confirmed
        )
        return (each for each in drive(told, rules, explain=explain) if isinstance(each, Decision))

    def decided_by(self, sets: tuple[tuple[Source, ...], ...], bar: Bar) -> list[Decided]:
        """The decisions of each rule set, as far as rules acted or something but their conditions stopped them."""
        if self._size < LARGE:
            return [self._compact(sources, lambda read: None) for sources in sets]
        context = multiprocessing.get_context("spawn")
        reached = [context.Value("q", 0) for _ in sets]
        with ProcessPoolExecutor(len(sets), mp_context=context, initializer=_begin, initargs=(reached,)) as pool:
            running = [pool.submit(_work, self, sources, number) for number, sources in enumerate(sets)]
            left = set(running)
            while left:
                left = wait(left, timeout=_OFTEN).not_done
                bar.reached(sum(each.value for each in reached) / (len(sets) * self._size))
            return [(_DECISIONS.decode(decided), calls) for decided, calls in (each.result() for each in running)]

    def _compact(self, sources: tuple[Source, ...], report: _Report) -> Decided:
        calls: set[tuple[str, str, str | None]] = set()

        def counted() -> Iterator[Entry]:
            for entry in self._entries(report):
                for session in entry.sessions:
                    calls.add((entry.connection, session.session_id, session.start_time))
                yield entry

        told = events(counted(), confirmed=self._survey.confirmed)
        decided = [
            msgspec.structs.replace(each, session=None)
            for each in drive(told, load(sources), explain=0)
            if isinstance(each, Decision)
        ]
        return decided, len(calls)

    def work(self, sources: tuple[Source, ...], report: _Report) -> tuple[bytes, int]:
        """The same for another process to read."""
        decided, calls = self._compact(sources, report)
        return msgspec.msgpack.encode(decided), calls

    def _entries(self, report: _Report) -> Iterable[Entry]:
        if self._survey.ordered:
            return entries(self._lines(report))
        return read(self._lines(report))

    def _lines(self, report: _Report) -> Iterator[bytes]:
        done = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines):
                done += len(line)
                if number % _LINES == 0:
                    report(done)
                yield line
        report(done)


_reached: "list[Synchronized[int]]" = []


def _begin(reached: "list[Synchronized[int]]") -> None:
    _reached.extend(reached)


def _work(backtest: Backtest, sources: tuple[Source, ...], number: int) -> tuple[bytes, int]:
    def report(done: int) -> None:
        _reached[number].value = done

    return backtest.work(sources, report)
