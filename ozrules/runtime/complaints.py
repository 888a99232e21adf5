"""What asyncio has to complain of where no caller could be told, each kind said once.

An accept for which no file is left is tried again every second, for each port, and asyncio reports every try with a
traceback. An admin needs one line, and the next one when it happens again after a quiet while.
"""

import asyncio
import errno
import os
from typing import Final

from ozrules.runtime.ports import Log

SHORT: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
QUIET_FOR: Final = 60.0
"""Seconds without one after which the next is said again."""


class Complaints:
    """For `asyncio.loop.set_exception_handler`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._last = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if "socket" not in context or not isinstance(error, OSError) or error.errno not in SHORT:
            loop.default_exception_handler(context)
            return
        if loop.time() - self._last >= QUIET_FOR:
            self._log.error(
                "a connection cannot be accepted; it is tried again every second, and this is said once",
                why=os.strerror(error.errno),
            )
        self._last = loop.time()
