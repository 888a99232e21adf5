"""The token that a web client shows to its phone system: one that an admin gives, or one that is renewed by itself.

A renewed token is shown by loading the page anew; the daemon then merges the list of sessions, so no call is lost.
While none can be had the old one stays: a connection that stands may outlive it. A phone system that has forgotten its
tokens (it was started anew) refuses the one it gave; then the next is asked for at once.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn, Protocol

from ozrules.connectors.retry import wait_after
from ozrules.runtime.ports import Clock

DAY: Final = 86_400.0
"""The life of a token where the phone system says nothing else."""

RENEWED_AFTER: Final = 0.8
"""The part of a token's life after which the next is asked for: of a day, almost five hours are left for that."""

TOLD_AFTER: Final = 3
"""Tries in a row that fail before readiness says so: one alone may be a hiccup."""

log = logging.getLogger(__name__)


class NotGiven(Exception):
    """No token can be had now; the text says why. ``denied``: trying again soon could lock an account."""

    def __init__(self, why: str, *, denied: bool) -> None:
        super().__init__(why)
        self.denied = denied


class Tokens(Protocol):
    """Where a web client gets its token from."""

    async def current(self) -> str:
        """The token to show now; waits until there is one."""

    async def renewed(self) -> None:
        """Returns when there is a newer token than the one that `current` gave last."""

    def refused(self, token: str) -> None:
        """The phone system does not take this token."""

    async def run(self) -> NoReturn:
        """Keeps the token fresh, until cancelled."""


class FixedToken:
    """A token that an admin has given, or the id of a webphone extension.

    It is read anew each time that it is shown, by ``read``, which raises NotGiven: so a token that has run out is
    renewed where it is kept, and nothing has to be started again. While it cannot be read the last one is shown.
    """

    def __init__(self, connection: str, read: Callable[[], str]) -> None:
        self._connection = connection
        self._read = read
        self._last = read()

    async def current(self) -> str:
        try:
            self._last = self._read()
        except NotGiven as error:
            log.warning("%s: the token cannot be read again, and the last one is shown: %s", self._connection, error)
        return self._last

    async def renewed(self) -> None:
        await asyncio.Event().wait()

    def refused(self, token: str) -> None:
        """The next one is read at the next try."""

    async def run(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


class RenewedToken:
    """A token that is asked for by ``generate``, which raises NotGiven. ``life`` is in seconds.

    ``trouble`` is told what is wrong, and None when all is well again.
    """

    def __init__(
        self,
        connection: str,
        generate: Callable[[], Awaitable[str]],
        *,
        life: float,
        clock: Clock,
        chance: random.Random,
        trouble: Callable[[str | None], None],
    ) -> None:
        self._connection = connection
        self._generate = generate
        self._life = life
        self._clock = clock
        self._chance = chance
        self._trouble = trouble
        self._token: str | None = None
        self._shown: str | None = None
        self._expires = 0.0
        self._there = asyncio.Event()
        self._newer = asyncio.Event()
        self._due = asyncio.Event()

    async def current(self) -> str:
        await self._there.wait()
        assert self._token is not None, "it is there"
        self._shown = self._token
        self._newer.clear()
        return self._token

    async def renewed(self) -> None:
        await self._newer.wait()

    def refused(self, token: str) -> None:
        if token == self._token:
            log.warning("%s: the phone system refuses the token that it gave; asking for another", self._connection)
            self._token = None
            self._there.clear()
            self._due.set()

    async def run(self) -> NoReturn:
        failures = 0
        while True:
            try:
                token = await self._generate()
            except NotGiven as error:
                failures += 1
                wait = wait_after(failures, denied=error.denied, chance=self._chance)
                self._failed(str(error), failures)
            else:
                failures = 0
                wait = self._life * RENEWED_AFTER
                self._got(token)
            await self._until(self._clock.now() + wait)

    def _got(self, token: str) -> None:
        log.info("%s: a new token of the phone system, for %.0f s", self._connection, self._life)
        self._token = token
        self._expires = self._clock.now() + self._life
        self._there.set()
        if self._shown is not None and self._shown != token:
            self._newer.set()
        self._trouble(None)

    def _failed(self, why: str, failures: int) -> None:
        left = self._expires - self._clock.now()
        if self._token is None:
            state = "there is none yet"
        elif left > 0:
            state = f"the old one holds for {left:.0f} s more"
        else:
            state = "the old one has expired"
        text = f"no new token: {why}; {state}"
        if failures == 1 or failures % 20 == 0:
            log.warning("%s: %s", self._connection, text)
        if failures >= TOLD_AFTER or self._token is None:
            self._trouble(text)

    async def _until(self, moment: float) -> None:
        alarm = self._clock.call_at(moment, self._due.set)
        try:
            await self._due.wait()
        finally:
            alarm.cancel()
            self._due.clear()
