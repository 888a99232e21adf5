"""What may not grow beyond the calls that there are: queues, timers, and what is known of sessions.

This office has a few dozen calls at once and far more than `MOST` in ten minutes. So what grows with time, and not with
the calls that there are, meets the bound within one simulation, or is found still there when nobody calls any more.
"""

from collections.abc import Iterator
from typing import Final

from ozrules.runtime.timers import FEW
from tests.simulation.life import Life

MOST: Final = 150
"""Several times what was ever measured to wait at once, or to be known at once."""


def beyond(life: Life) -> Iterator[str]:
    """What has outgrown its bound just now; nothing while the daemon is still starting."""
    if life.engine is None or life.reactor is None or life.dispatcher is None or life.webhooks is None:
        return
    known, timers = len(life.engine._world.live), life.reactor.timers
    for what, count, bound in (
        ("items in the inbox", len(life.inbox), MOST),
        ("commands wait", life.dispatcher.waiting, MOST),
        ("webhooks wait", life.webhooks.waiting, MOST),
        ("sessions are known", known, MOST),
        ("timers wait", len(timers), known),
        ("entries in the heap of timers", len(timers._heap), FEW + 4 * len(timers) + 1),
    ):
        if count > bound:
            yield f"{count} {what}, and at most {bound} may"


def left(life: Life) -> Iterator[str]:
    """What is there although no call is."""
    assert life.engine is not None
    assert life.reactor is not None
    world, records = life.engine._world, life.reactor._records
    for what, found in (
        ("timers", life.reactor.timers._due),
        ("chains of calls", world.chains),
        ("numbers of decisions by session", records._by_session),
        ("ids of decisions", records._ids),
        ("webhooks that are expected", records._expected),
    ):
        if found:
            yield f"{len(found)} {what} are kept"
