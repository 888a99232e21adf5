"""The state directory: one daemon at a time in it, room kept for last words, damaged files set aside.

A lock file held with ``flock`` says whose it is; the kernel releases it when the process ends, however it ends. The
reserve is a file of a megabyte that is given back when the disk is full, so that what happened to commands in flight
can still be written down. The mark is a file of its own that says how many commits the journal had: a journal that was
emptied, removed, put back or cut off is whole in itself, and only something outside it can tell.
"""

import errno
import fcntl
import os
import re
import stat
from pathlib import Path
from typing import Final

from ozrules.store.kept import fresh_file
from ozrules.store.mounts import network_kind

JOURNAL: Final = "journal.db"
MOUNTS: Final = Path("/proc/self/mountinfo")
_MARK: Final = "-mark"
_DAMAGED: Final = "-damaged"
_OURS: Final = ("journal.*", "clock.*", "paused.*", "overrides.*", "retention.*", "reserve", "lock")
_SUFFIXES: Final = (_MARK, _DAMAGED, "", "-wal", "-shm")  # the mark first: alone it accuses a journal that is gone
_RESERVE_BYTES: Final = 1024 * 1024
_MARKED: Final = re.compile(r"(\d{20}) (\d{20})\n", re.ASCII)  # twice, so that half a line is none


class StateUnusable(Exception):
    """The daemon cannot start on this state; the text says why and what to do."""


def unwritable(path: Path, error: OSError) -> StateUnusable:
    """What to say where the state directory cannot be written."""
    return StateUnusable(
        f"{path}: cannot write here as user {os.geteuid()}: {os.strerror(error.errno or 0)}. "
        "Make the directory writable for this user, or name another under `state`."
    )


class StateDirectory:
    """The directory, locked for as long as this object is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / JOURNAL
        self.mark = Path(f"{self.journal}{_MARK}")
        self.damaged = Path(f"{self.journal}{_DAMAGED}")
        """Says what was found to be damaged while the daemon ran; there only where something was."""
        self._reserve = path / "reserve"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            kind = network_kind(path.stat().st_dev, MOUNTS.read_text(encoding="utf-8", errors="replace"))
            if kind is not None:
                raise StateUnusable(
                    f"{path}: this directory lies on another host ({kind}), where neither the journal nor the lock is "
                    "safe. Name one on a disk of this host under `state`."
                )
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            other = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            raise StateUnusable(
                f"{path}: another ozrules is running on this state"
                + (f" (process {other})" if other.isdigit() else "")
                + ". Two would act on the same calls: stop it, or give this one its own `state`."
            ) from error
        self._make_private()
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _make_private(self) -> None:
        """Files from a copy or an older version may be readable for others, and numbers of callers are in them."""
        for pattern in _OURS:
            for file in self.path.glob(pattern):
                found = file.lstat()
                if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
                    file.chmod(0o600)

    def set_aside(self, label: str) -> Path | None:
        """Renames the journal's files, so that a new one can begin; nothing is deleted. None where there is none."""
        if not self.journal.exists() and not self.mark.exists():
            return None
        number, aside = 0, self.journal
        while number == 0 or any(Path(f"{aside}{suffix}").exists() for suffix in _SUFFIXES):
            number += 1
            aside = self.path / f"journal.{label}.{number}.db"
        for suffix in _SUFFIXES:
            source = Path(f"{self.journal}{suffix}")
            if source.exists():
                source.rename(f"{aside}{suffix}")
        return aside

    def marked(self) -> int:
        """How many commits the journal had at least, as the mark says; 0 where there is none that can be read."""
        try:
            text = self.mark.read_text(encoding="ascii")
        except (OSError, ValueError):
            return 0
        found = _MARKED.fullmatch(text)
        return int(found[1]) if found is not None and found[1] == found[2] else 0

    def write_mark(self, commits: int) -> None:
        """Called when they are on the disk. It is not synced itself: after a power cut it says less, never too much."""
        file = os.open(self.mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, f"{commits:020} {commits:020}\n".encode(), 0)
        finally:
            os.close(file)

    def files(self) -> tuple[tuple[int, int], ...]:
        """Which files the journal and its write-ahead log are at this moment, by device and number; none where one of
        them is not there.
        """
        try:
            found = [Path(f"{self.journal}{suffix}").stat() for suffix in ("", "-wal")]
        except OSError:
            return ()
        return tuple((each.st_dev, each.st_ino) for each in found)

    def log_bytes(self) -> int:
        """Size of the journal's write-ahead log."""
        try:
            return Path(f"{self.journal}-wal").stat().st_size
        except OSError:
            return 0

    def keep_reserve(self) -> bool:
        """Takes the reserve's room on the disk; False where there is none."""
        try:
            with os.fdopen(fresh_file(self._reserve), "wb") as file:
                os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.free_reserve()
            return False
        return True

    def free_reserve(self) -> None:
        """Gives the reserve's room back."""
        self._reserve.unlink(missing_ok=True)

    def close(self) -> None:
        """Lets another daemon in."""
        os.close(self._lock)
