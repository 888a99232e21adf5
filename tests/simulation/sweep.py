"""Many seeds, on all cores: what was broken, what happened, and how to play a seed again.

What a simulation leaves goes away between two seeds, all at once: looking for it meanwhile would cost a tenth more.
"""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulation.world import Result, simulate

AT_ONCE: Final = 2
CHUNK: Final = 5


def sweep(seeds: Iterable[int]) -> Iterator[Result]:
    """The results, in the order of the seeds."""
    with ProcessPoolExecutor(AT_ONCE, initializer=_begin) as pool:
        yield from pool.map(_play, seeds, chunksize=CHUNK)


def _begin() -> None:
    gc.disable()
    gc.freeze()


def _play(seed: int) -> Result:
    result = simulate(seed)
    gc.collect()
    return result


def again(seed: int) -> str:
    """The command that plays a seed again, with the same trace."""
    return f"python -m tests.simulation {seed}"


def together(results: Iterable[Result]) -> Counter[str]:
    """What happened in all of them."""
    happened: Counter[str] = Counter()
    for result in results:
        happened.update(result.happened)
    return happened
