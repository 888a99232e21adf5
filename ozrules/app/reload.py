"""Reloading: the configuration and the rules read again, and put in force whole or not at all.

Three things ask for it: an admin over the control socket, SIGHUP, and rule files that have changed and settled (two
equal looks in a row, so that a file that is still being written is left alone). However many ask at once, one reload
runs and one waits. The polling of the files is the guarantee: it sees every way of saving that editors have.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from ozrules.app.parsing import Bad, Good, parse
from ozrules.app.rule_files import Fingerprint, Unreadable, fingerprint, read
from ozrules.rules.document import Source
from ozrules.runtime.inbox import Who
from ozrules.settings.model import Settings

LOOK_EVERY: Final = 0.5
FILES_CHANGED: Final = Who(by="changed files")


class Ready(msgspec.Struct, frozen=True):
    """Rules that can be put in force, and the files that they are from."""

    good: Good
    files: tuple[Source, ...]
    seen: Fingerprint


class Refusal(msgspec.Struct, frozen=True):
    """Why there are none: one line for each thing that is wrong."""

    problems: tuple[str, ...]
    seen: Fingerprint


async def prepare(settings: Settings) -> Ready | Refusal:
    """Reads the rules that the settings name, up to the point where they could be put in force."""
    try:
        files, seen = await asyncio.to_thread(read, settings.rules)
    except Unreadable as unreadable:
        return Refusal(unreadable.problems, fingerprint(settings.rules))
    try:
        parsed = await parse(files, frozenset(settings.secrets))
    except OSError as error:
        return Refusal((f"the rules cannot be parsed: {error.strerror}",), seen)
    match parsed:
        case Good() as good:
            return Ready(good, files, seen)
        case Bad() as bad:
            return Refusal(bad.problems(), seen)


class Reloader:
    """Collects wishes to reload, watches the files, and has one reload done at a time by ``apply``.

    ``apply`` says whether it was done, and in a sentence what came of it; ``look`` is how the files are now, ``seen``
    how they were when they were last read.
    """

    def __init__(
        self,
        apply: Callable[[Who], Awaitable[tuple[bool, str]]],
        look: Callable[[], Fingerprint],
        seen: Callable[[], Fingerprint],
    ) -> None:
        self._seen = seen
        self._apply = apply
        self._look = look
        self._wishes: list[tuple[Who, asyncio.Future[tuple[bool, str]]]] = []
        self._wished = asyncio.Event()

    def wish(self, who: Who) -> "asyncio.Future[tuple[bool, str]]":
        """Asks for a reload; the answer is that of the first one that begins from now on."""
        done = asyncio.get_running_loop().create_future()
        self._wishes.append((who, done))
        self._wished.set()
        return done

    async def run(self) -> None:
        """Reloads when it is wished, for ever."""
        while True:
            await self._wished.wait()
            self._wished.clear()
            wishes, self._wishes = self._wishes, []
            if wishes:
                answer = await self._apply(wishes[0][0])
                for _, done in wishes:
                    if not done.done():
                        done.set_result(answer)

    async def watch(self) -> None:
        """Wishes for a reload whenever the files are not those last looked at, and have settled; for ever."""
        before = self._seen()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            now = await asyncio.to_thread(self._look)
            settled, before = now == before, now
            if settled and now != self._seen():
                await self.wish(FILES_CHANGED)
