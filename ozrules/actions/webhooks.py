"""The queue of webhooks: taken over at once, delivered at least once, apart from calls.

The journal has a request before it comes here, and keeps it until its outcome is on the record, so what waits survives
a restart. Every try carries the same id. An answer of 2xx is delivery; 410 says that nobody wants it any more; anything
else is tried again, with growing pauses and not before the target's own ``Retry-After``, and for the last time when it
expires.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Final, Literal

from ozrules.actions.cloud_event import cloud_event, message_id
from ozrules.actions.delivery import Message, Try, deliver
from ozrules.actions.targets import Targets
from ozrules.engine.effects import Post
from ozrules.engine.events import Accepted, PostSettled, Receipt, Withheld
from ozrules.runtime.lookups import Lookups
from ozrules.runtime.ports import Clock, Log
from ozrules.runtime.secret import Secret

MOST_WAITING: Final = 1_000
AT_ONCE: Final = 8
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 3600.0


class Webhooks:
    """`ozrules.runtime.ports.WebhookQueue`. `run` must run for anything to be sent.

    ``pending`` are those that a stopped daemon left undelivered, with when they were taken over, wall clock.
    """

    def __init__(self, pending: Iterable[tuple[Post, float]], clock: Clock, log: Log, chance: random.Random) -> None:
        self._clock = clock
        self._log = log
        self._chance = chance
        self._targets = Targets((), ())
        self._secret: Secret | None = None
        self._expire = 0.0
        self._taken: asyncio.Queue[tuple[Post, float, float]] = asyncio.Queue()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._names = Lookups(AT_ONCE)
        self.waiting = 0
        self.delivered = 0
        self.dead = 0
        self.refused = 0
        for request, at in pending:
            self._take(request, at, at - clock.wall_offset())

    def apply(self, targets: Targets, secret: Secret | None, expire: float) -> None:
        """What holds from the next try on: whereto, signed with what, and how many seconds delivery is tried."""
        self._targets, self._secret, self._expire = targets, secret, expire

    def post(self, request: Post) -> Receipt:
        """Takes the request over, or says why not."""
        refusal = self._targets.refusal(request.url)
        if refusal is not None:
            self.refused += 1
            return Withheld("rejected", f"no webhook goes to this URL: {refusal}")
        if self.waiting >= MOST_WAITING:
            self.refused += 1
            return Withheld("throttled", f"{MOST_WAITING} webhooks are waiting already")
        self._take(request, self._wall(), self._clock.now())
        return Accepted()

    def figures(self) -> dict[str, int]:
        """How many wait, and what became of the others since the start."""
        return {"waiting": self.waiting, "delivered": self.delivered, "dead": self.dead, "refused": self.refused}

    async def run(self, settled: Callable[[PostSettled], None]) -> None:
        """Delivers, for ever, and says what became of each."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._deliver(*await self._taken.get(), settled))

    def _take(self, request: Post, at: float, since: float) -> None:
        self.waiting += 1
        self._taken.put_nowait((request, at, since))

    async def _deliver(self, request: Post, at: float, since: float, settled: Callable[[PostSettled], None]) -> None:
        """Taken over ``at`` by the wall clock, ``since`` by the daemon's, which nobody sets: that one says how long."""
        body = cloud_event(request, at)
        pause = FIRST_PAUSE
        state: Literal["confirmed", "expired", "rejected"]
        last = False
        while True:
            async with self._slots:
                tried = await self._try(request, body)
            if tried.verdict != "again":
                state = tried.verdict
                break
            left = since + self._expire - self._clock.now()
            if last or left <= 0:
                state = "expired"
                break
            # spread, so that many that failed together do not come back together
            wait = max(pause * self._chance.uniform(0.5, 1.0), min(tried.leave, LONGEST_PAUSE))
            last = wait >= left
            wait = min(wait, left)
            self._log.info("a webhook is tried again", rule=request.rule, url=request.url, why=tried.detail, after=wait)
            await self._clock.sleep_until(self._clock.now() + wait)
            pause = min(pause * 2, LONGEST_PAUSE)
        self.waiting -= 1
        error = None if state == "confirmed" else tried.detail
        after = max(0.0, self._clock.now() - since)
        settled(PostSettled(at=self._clock.now(), post=request, outcome=state, after=after, error=error))
        if state == "confirmed":
            self.delivered += 1
        else:
            self.dead += 1
            self._log.error(
                "a webhook is dead", rule=request.rule, url=request.url, why=tried.detail, id=message_id(request)
            )

    async def _try(self, request: Post, body: bytes) -> Try:
        message = Message(
            url=request.url,
            method=request.method,
            headers=request.headers,
            body=body,
            identity=message_id(request),
            at=int(self._wall()),
        )
        return await deliver(message, self._targets, self._secret, names=self._names, within=request.timeout)

    def _wall(self) -> float:
        return self._clock.now() + self._clock.wall_offset()
