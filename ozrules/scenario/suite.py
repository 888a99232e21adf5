"""Test files played whole: each scenario with what came of it and what is wrong with it."""

import msgspec

from ozrules.rules.model import RuleSet
from ozrules.scenario.judge import Failure, judge, unknown_names
from ozrules.scenario.model import Scenario, ScenarioFile
from ozrules.scenario.played import Played
from ozrules.scenario.run import EndlessScenario, play


class Result(msgspec.Struct, frozen=True):
    """One scenario, played. ``played`` is None where it was not worth playing."""

    scenario: Scenario
    played: Played | None
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        return not self.failures


def play_all(file: ScenarioFile, rules: RuleSet) -> tuple[Result, ...]:
    """Every scenario of the file on these rules, each from a fresh start."""
    return tuple(_play(scenario, rules) for scenario in file.scenarios)


def _play(scenario: Scenario, rules: RuleSet) -> Result:
    unknown = unknown_names(scenario, rules)
    if unknown:
        return Result(scenario, None, unknown)
    try:
        played = play(scenario, rules)
    except EndlessScenario as problem:
        return Result(scenario, None, (Failure("failed", scenario.spot, f"{problem}."),))
    return Result(scenario, played, judge(scenario, played, rules))
