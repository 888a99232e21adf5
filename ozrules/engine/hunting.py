"""Hunting: which number of a hunt comes when, and how long each has."""

from hashlib import sha256
from typing import Final, assert_never

from ozrules.engine.attempts import LINGER
from ozrules.engine.run import Ring, Run
from ozrules.engine.world import World
from ozrules.rules.model import Hunt

ROUND: Final = "round:"
DAY: Final = 86400.0


def order_of(hunt: Hunt, run: Run, world: World, at: float) -> tuple[str, ...]:
    """The numbers in the order in which this run rings them: the same however often it is asked."""
    match hunt.order:
        case "sequential":
            return hunt.targets
        case "random":
            salt = repr(run.origin.key)
            return tuple(sorted(hunt.targets, key=lambda number: sha256(f"{salt}{number}".encode()).digest()))
        case "roundRobin":
            name = ROUND + run.rule.id
            if run.hunted == 0:
                run.turn = (int(world.tallies.last(name, "") or "-1") + 1) % len(hunt.targets)
                world.tally(name, "", str(run.turn), at, at + 30 * DAY)
            return hunt.targets[run.turn :] + hunt.targets[: run.turn]
        case _:
            assert_never(hunt.order)


def ring_of(run: Run, hunt: Hunt, at: float) -> Ring:
    """The present number rings. A phone system that asks ends that itself, by its next question."""
    return Ring(at + hunt.ring + (0.0 if run.origin.asks is None else LINGER))
