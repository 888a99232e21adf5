"""Bugs planted on purpose into the page and what keeps it: the tests of its modules, and of tokens, find each."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.mutants.planting import Mutant, mutants

PLANTED = mutants(Path(__file__).parent / "mutants")


@pytest.mark.parametrize("mutant", PLANTED, ids=[mutant.name for mutant in PLANTED])
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    mutant.planted()  # raises where the product's text is another by now
    command = [sys.executable, "-m", "tests.connectors.webclient.mutants", mutant.name]
    played = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert played.returncode == 0, f"{mutant.about}\n{played.stdout[-500:]}{played.stderr[-500:]}"
