"""Files as rules and configurations are read from: what is no plain file, too large or open to others is refused.

A rule decides where calls go, so a file that anybody may write is refused like a key that anybody may read.
"""

import os
import stat
from pathlib import Path
from typing import Final

from ozrules.rules.diagnostics import Diagnostic
from ozrules.rules.document import MAX_FILE, Source
from ozrules.rules.model import Place

_KINDS: Final = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_source(path: Path, name: str | None = None) -> Source | Diagnostic:
    """The file at ``path``, called ``name`` in diagnostics; or why it is not read."""
    called = name if name is not None else str(path)
    if not _is_text(called):
        shown = called.encode("utf-8", "backslashreplace").decode()
        return _problem(shown, "unreadable-file", "The name of this file is not UTF-8 text. Rename it.", None)
    try:
        # not blocking: a pipe that nobody writes to must not stop us
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return _problem(called, "no-such-file", "There is no such file.", None)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _problem(called, "unreadable-file", f"This file cannot be read: {reason}.", None)
    try:
        problem = _unfit(called, path, os.fstat(descriptor))
        return problem if problem is not None else Source(called, _content(descriptor))
    except OSError as error:
        return _problem(called, "unreadable-file", f"This file cannot be read: {error.strerror}.", None)
    finally:
        os.close(descriptor)


def _is_text(name: str) -> bool:
    """Whether it can be written anywhere: what the file system says in other bytes cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _content(descriptor: int) -> bytes:
    """Up to one byte more than may be: the reader then says that it is too much."""
    parts: list[bytes] = []
    left = MAX_FILE + 1
    while left and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _unfit(called: str, path: Path, about: os.stat_result) -> Diagnostic | None:
    for is_kind, kind in _KINDS:
        if is_kind(about.st_mode):
            hint = f"Name the files in it: {called}/*.yaml." if kind == "a directory" else None
            return _problem(called, "not-a-file", f"This is {kind}, not a file.", hint)
    if about.st_size > MAX_FILE:
        message = f"This file has {about.st_size:,} bytes; at most {MAX_FILE:,} are read."
        return _problem(called, "file-too-large", message, "Split it: several files make one rule set.")
    if about.st_mode & stat.S_IWOTH:
        message = "Everybody on this machine may write this file, and with it decide where calls go."
        return _problem(called, "writable-by-others", message, f"Run: chmod o-w {called}")
    directory = path.resolve().parent
    try:
        mode = directory.stat().st_mode
    except OSError:
        return None
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        message = f"Everybody on this machine may put another file in this one's place, in {directory}."
        return _problem(called, "writable-by-others", message, f"Run: chmod o-w {directory}")
    return None


def _problem(called: str, code: str, message: str, suggestion: str | None) -> Diagnostic:
    return Diagnostic(code=code, severity="error", place=Place(called, 1, 1), message=message, suggestion=suggestion)
