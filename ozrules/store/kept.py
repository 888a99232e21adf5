"""Small files of the state directory that are replaced whole: what outlives a restart and is no part of the journal."""

import contextlib
import os
from pathlib import Path


class NotKept(Exception):
    """It could not be written, and what was there has stayed; the text says where and why."""


def fresh_file(path: Path) -> int:
    """A descriptor of an empty file that only its owner may read or write. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def keep(path: Path, data: bytes) -> None:
    """Returns when ``data`` is on disk in the place of what was there. Raises NotKept."""
    fresh = path.with_suffix(".new")
    try:
        with os.fdopen(fresh_file(fresh), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        with contextlib.suppress(OSError):  # half of it would take room on a full disk
            fresh.unlink(missing_ok=True)
        raise NotKept(f"{path}: {error.strerror or error}") from error
