"""Lines on their way out: a bounded buffer, and a thread that may wait for a slow reader in our place.

Whoever logs never waits and never fails. While the thread writes, the next lines gather and go out as one. Where the
reader has stopped, lines are dropped, counted, and the count is written as soon as there is room.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Final

MAX_BUFFERED: Final = 4 * 1024 * 1024  # bytes
_LAST_WORDS: Final = 1.0  # seconds for a slow reader when the daemon ends


class Output:
    """A file descriptor, or whatever ``send`` writes to, fed from one buffer. ``send`` gets whole lines."""

    def __init__(self, send: Callable[[list[bytes]], None], dropped_line: Callable[[int], bytes]) -> None:
        self._send = send
        self._dropped_line = dropped_line
        self._lines: list[bytes] = []
        self._size = 0
        self._unsaid = 0
        self._closing = False
        self._filled = threading.Condition()
        self.dropped = 0
        # a reader that never reads must not keep the process from ending
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, *lines: bytes) -> None:
        """Takes lines over, or drops them where too many wait."""
        with self._filled:
            for line in lines:
                if self._size + len(line) > MAX_BUFFERED:
                    self.dropped += 1
                    self._unsaid += 1
                else:
                    self._lines.append(line)
                    self._size += len(line)
            self._filled.notify()

    def close(self) -> None:
        """Writes what still waits, for a second at most."""
        with self._filled:
            self._closing = True
            self._filled.notify()
        self._thread.join(_LAST_WORDS)

    def _run(self) -> None:
        while True:
            with self._filled:
                while not self._lines and not self._closing:
                    self._filled.wait()
                lines, self._lines, self._size = self._lines, [], 0
                unsaid, self._unsaid = self._unsaid, 0
            if unsaid:
                lines.append(self._dropped_line(unsaid))
            if not lines:
                return
            with contextlib.suppress(OSError):  # nobody reads any more; there is nowhere to say it
                self._send(lines)


def to_descriptor(descriptor: int) -> Callable[[list[bytes]], None]:
    """Writes all lines in one go, however often the kernel takes only a part."""

    def send(lines: list[bytes]) -> None:
        rest = memoryview(b"".join(lines))
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    return send
