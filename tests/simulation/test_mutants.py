"""The planted bugs: each finds its place, and some are planted and found here. `make mutants` plants them all."""

from pathlib import Path
from typing import Final

import pytest

from tests.simulation.mutants.__main__ import hunt
from tests.simulation.mutants.planting import ROOT, Mutant, mutants

FEW: Final = ("effect-before-intent", "gap-does-not-block", "lanes-side-by-side", "snapshot-closes-nothing")
SEEDS: Final = 30


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_every_planted_bug_finds_its_place_and_is_python(mutant: Mutant) -> None:
    compile(mutant.planted(), mutant.path, "exec")
    assert mutant.about


def test_there_are_enough_of_them() -> None:
    assert len(mutants()) >= 30


def test_the_page_lists_them_all() -> None:
    page = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")
    assert [mutant.name for mutant in mutants() if f"| {mutant.name} |" not in page] == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", FEW)
def test_a_planted_bug_is_found(name: str) -> None:
    (mutant,) = (each for each in mutants() if each.name == name)
    line, _ = hunt(mutant, SEEDS)
    assert not line.startswith("-"), line


def test_a_text_that_stands_nowhere_cannot_be_planted() -> None:
    with pytest.raises(ValueError, match="stands 0 times"):
        Mutant("odd", "ozrules/engine/engine.py", "", "no such text\n", "").planted()
    assert Path(ROOT / "ozrules").is_dir()
