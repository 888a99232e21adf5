"""The rule files on disk, read as one snapshot.

A set that changes while it is read is read again, so that half of a change is never in force.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias

from ozrules.rules.diagnostics import Diagnostic
from ozrules.rules.document import MAX_ALL, Source
from ozrules.settings.rule_files import rule_files
from ozrules.settings.sources import read_source

Fingerprint: TypeAlias = tuple[tuple[str, int, int, int, int, int], ...]
"""What changes whenever a file does: of each its name, device, inode, size and times; of one that is missing, zeros."""

TRIES: Final = 5


class Unreadable(Exception):
    """The rule files cannot be used; ``problems`` are lines for an admin."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def fingerprint(patterns: Iterable[str]) -> Fingerprint:
    """How the files look now, links followed. A folder that cannot be listed has a look of its own."""
    try:
        return tuple(_look(path) for path in rule_files(patterns))
    except OSError as error:
        return ((str(error.filename), error.errno or 0, 0, 0, 0, 0),)


def read(patterns: tuple[str, ...]) -> tuple[tuple[Source, ...], Fingerprint]:
    """All files as they were at one moment, and how they looked then. Raises Unreadable."""
    for _ in range(TRIES):
        before = fingerprint(patterns)
        try:
            sources = _read_all(rule_files(patterns))
        except OSError as error:
            raise Unreadable((f"{error.filename}: {error.strerror}",)) from error
        if fingerprint(patterns) == before:
            return sources, before
    raise Unreadable(("the rule files change faster than they can be read",))


def _look(path: Path) -> tuple[str, int, int, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (str(path), 0, 0, 0, 0, 0)
    return (str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _read_all(paths: tuple[Path, ...]) -> tuple[Source, ...]:
    problems, sources, total = [], [], 0
    if not paths:
        problems.append("no rule file was found; name one under `rules` in the configuration")
    for path in paths:
        match read_source(path):
            case Source() as source:
                total += len(source.data)
                sources.append(source)
            case Diagnostic() as wrong:
                problems.append(str(wrong))
    if total > MAX_ALL:
        problems.append(f"the rule files are larger than {MAX_ALL // 2**20} MiB together")
    if problems:
        raise Unreadable(tuple(problems))
    return tuple(sources)
