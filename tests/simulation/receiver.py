"""Whoever receives the webhooks, and what must hold of each: told as delivered only where it was, never lost, and tried
for as long as was said.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from ozrules.actions.delivery import Try
from ozrules.engine.effects import Effect, Outcome, Post
from tests.simulation.life import EXPIRES

SYNCING: Final = 2.0
"""Seconds that a webhook may have waited for the disk before it was taken over."""


class Receiver:
    """``true`` says how many seconds have truly passed. ``works``: it takes all that comes."""

    def __init__(
        self, chance: random.Random, fail: Callable[[str], None], happened: Counter[str], *, true: Callable[[], float]
    ) -> None:
        self.works = False
        self._chance = chance
        self._fail = fail
        self._happened = happened
        self._true = true
        self._came: Counter[str] = Counter()
        self._took: set[str] = set()
        self._asked: dict[str, float] = {}
        self._clock_set = 0.0
        self._started = 0.0

    def receive(self, post: Post) -> Try:
        """A try arrives."""
        self._came[post.id] += 1
        if self._came[post.id] > 1:
            self._happened["a webhook came twice"] += 1
        if not self.works and self._chance.random() < 0.3:
            return Try("again", "no answer")
        self._took.add(post.id)
        return Try("confirmed", "status 200")

    def clock_set(self) -> None:
        """Somebody sets the wall clock, by which a start reckons how long ago a webhook was taken over."""
        self._clock_set = self._true()

    def started(self) -> None:
        """The daemon begins anew."""
        self._started = self._true()

    def synced(self, effects: Sequence[Effect]) -> None:
        """A batch is on disk."""
        now = self._true()
        for effect in effects:
            match effect:
                case Post():
                    self._asked[effect.id] = now
                case Outcome() if effect.command in self._asked:
                    self._settled(effect, now - self._asked[effect.command])
                case _:
                    pass

    def _settled(self, outcome: Outcome, after: float) -> None:
        if outcome.outcome == "confirmed":
            if outcome.command not in self._took:
                self._fail(f"L5: webhook {outcome.command} is on record as delivered, and nobody took it")
            return
        if outcome.outcome != "expired":
            self._fail(f"L5: webhook {outcome.command} ended as {outcome.outcome}, which nobody said")
        elif after < EXPIRES - SYNCING and self._asked[outcome.command] - SYNCING > min(self._clock_set, self._started):
            self._fail(f"L5: webhook {outcome.command} was given up after {after:.1f} s instead of {EXPIRES:g} s")
        self._happened["a webhook was given up"] += 1
