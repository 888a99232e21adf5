"""``python -m tests.simulation.mutants [NAME…]``: plants each bug and plays seeds until it is found; prints the table.

``--seeds N`` seeds are played at most (default 60).
"""

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.simulation.mutants.planting import Mutant, mutants, plant

AT_ONCE: Final = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    chosen = [mutant for mutant in mutants() if not arguments.names or mutant.name in arguments.names]
    if arguments.inside:
        print(_play(chosen[0], arguments.seeds))
        return 0
    found = 0
    print(f"| {'planted bug':34} | seeds | s | found by |\n|---|---|---|---|")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        hunts = pool.map(lambda mutant: hunt(mutant, arguments.seeds), chosen)
        for mutant, (line, seconds) in zip(chosen, hunts, strict=True):
            found += not line.startswith("-")
            print(f"| {mutant.name:34} | {_cells(line, seconds)} |", flush=True)
    print(f"{found} of {len(chosen)} found ({100 * found / max(1, len(chosen)):.0f} %)")
    return 0 if found * 100 >= 95 * len(chosen) else 1


def hunt(mutant: Mutant, seeds: int) -> tuple[str, float]:
    """The number of seeds and what was broken, or ``-``; and how many seconds that took."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.simulation.mutants", "--inside", "--seeds", str(seeds), mutant.name]
    played = subprocess.run(command, capture_output=True, text=True, check=False)
    why = (played.stderr.strip() or "nothing was said").splitlines()[-1]
    last = (played.stdout.strip() or f"- it does not run: {why[-200:]}").splitlines()[-1]
    return last, time.monotonic() - began


def _cells(line: str, seconds: float) -> str:
    seeds, _, what = line.partition(" ")
    return f"{seeds} | {seconds:.0f} | {what.replace('|', '/')}"


def _play(mutant: Mutant, seeds: int) -> str:
    plant(mutant)
    from tests.simulation.world import simulate

    for seed in range(seeds):
        result = simulate(seed)
        if result.broken:
            return f"{seed + 1} {result.broken[0].partition(': ')[2][:110]}"
    return "- not found"


if __name__ == "__main__":
    raise SystemExit(main())
