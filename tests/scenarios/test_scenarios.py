"""The rule tests of the repository: every *.test.yaml beside this file, one pytest test for each scenario."""

import argparse
from functools import cache
from pathlib import Path

import pytest

from ozrules.cli import test as command
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.scenario.coverage import coverage
from ozrules.scenario.model import Scenario, ScenarioFile
from ozrules.scenario.mutation import unnoticed
from ozrules.scenario.reading import read
from ozrules.scenario.suite import play_all

HERE = Path(__file__).parent
EXAMPLE = HERE / "rules.example.test.yaml"
FILES = sorted(HERE.glob("*.test.yaml"))


def source(path: Path) -> Source:
    return Source(str(path), path.read_bytes())


@cache
def rules_of(path: Path) -> RuleSet:
    return load(source(path.parent / name) for name in read(source(path)).rules)


SCENARIOS = [(path, scenario) for path in FILES for scenario in read(source(path)).scenarios]


@pytest.mark.parametrize(("path", "scenario"), SCENARIOS, ids=[scenario.name for _, scenario in SCENARIOS])
def test_scenario(path: Path, scenario: Scenario) -> None:
    file = ScenarioFile(name=str(path), rules=(), scenarios=(scenario,))
    (result,) = play_all(file, rules_of(path))
    assert [failure.message for failure in result.failures] == []


def test_every_part_of_the_example_rules_is_reached() -> None:
    played = [each.played for each in play_all(read(source(EXAMPLE)), rules_of(EXAMPLE)) if each.played is not None]
    assert [f"{each.place}: {each.message}" for each in coverage(rules_of(EXAMPLE), played).unreached] == []


def test_no_edit_of_the_example_rules_goes_unnoticed() -> None:
    left = unnoticed(rules_of(EXAMPLE), [read(source(EXAMPLE))])
    assert [f"{each.place}: {each.edit}" for each in left] == []


def test_the_command_runs_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    arguments = parser.parse_args(["test", *map(str, FILES)])
    assert arguments.run(arguments) == 0
    assert "all passed" in capsys.readouterr().out


def test_the_example_has_a_test_for_each_rule() -> None:
    rules = rules_of(EXAMPLE)
    assert len(rules.rules) >= 10
    expected = {each.rule for scenario in read(source(EXAMPLE)).scenarios for each in scenario.expect or ()}
    assert expected == {rule.id for rule in rules.rules}
