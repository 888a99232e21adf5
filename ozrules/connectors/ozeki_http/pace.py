"""How long to wait before the list of calls is asked for again. A plain rule.

Quick while something is about to happen, slower and slower while nothing does; and never so quick that a phone system
which answers slowly does little else than answer.
"""

from typing import Final

QUICKEST: Final = 0.25
WITH_CALLS: Final = 1.0
SLOWEST: Final = 5.0
GROWTH: Final = 1.1
SHARE: Final = 4.0
"""A phone system that needs a second for an answer is asked every four."""


def interval_after(last: float, *, changed: bool, pressing: bool, alive: bool, took: float) -> float:
    """Seconds until the next look, after one that came ``last`` seconds after the one before it.

    ``changed``: this look showed something new. ``pressing``: something rings, or a command waits to be seen.
    ``alive``: there are calls. ``took``: seconds that the phone system needed to answer.
    """
    calm = QUICKEST if changed or pressing else min(last * GROWTH, WITH_CALLS if alive else SLOWEST)
    return min(max(calm, QUICKEST, took * SHARE), SLOWEST)
