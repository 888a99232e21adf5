"""Plays one seed and prints what happened: ``python -m tests.simulation SEED``."""

import sys

from tests.simulation.world import simulate


def main() -> int:
    result = simulate(int(sys.argv[1]), print if "--quiet" not in sys.argv else None)
    for what in result.broken:
        print("broken:", what)
    print(f"{result.calls} calls, {result.steps} steps, trace {result.trace}")
    return 1 if result.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
