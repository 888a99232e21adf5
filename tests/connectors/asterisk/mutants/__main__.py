"""``python -m tests.connectors.asterisk.mutants NAME``: plants this bug and runs the tests until one finds it.

Ends with 0 where a test failed, as it must, and with 1 where none did.
"""

import sys
from pathlib import Path

import pytest

from tests.simulation.mutants.planting import mutants, plant

HERE = Path(__file__).parent
TESTS = ["test_settling.py", "test_conversations.py", "test_calls.py"]


def main(name: str) -> int:
    plant(next(mutant for mutant in mutants(HERE) if mutant.name == name))
    tests = [str(HERE.parent / test) for test in TESTS]
    return 0 if pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]) == pytest.ExitCode.TESTS_FAILED else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
