"""How long to wait before a phone system is tried again. A plain rule; chance comes in as an argument."""

import random
from typing import Final

SHORTEST: Final = 0.5
LONGEST: Final = 30.0
AFTER_DENIAL: Final = 30.0  # a phone system may lock a user who is wrong too often


def wait_after(failures: int, *, denied: bool, chance: random.Random) -> float:
    """Seconds until the next try, after ``failures`` tries in a row that failed.

    Doubles up to half a minute. Half of it is left to chance, so that many clients do not come back together.
    """
    if denied:
        return AFTER_DENIAL + chance.uniform(0.0, 5.0)
    ceiling = min(LONGEST, SHORTEST * 2.0 ** min(failures, 10))
    return chance.uniform(max(SHORTEST, ceiling / 2), ceiling)
