"""Test files played whole: each scenario with what came of it and what is wrong with it."""

import msgspec

from ozrules.engine.index import EXPLAIN_ALL
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


def play_all(file: ScenarioFile, rules: RuleSet, *, explain: int = EXPLAIN_ALL) -> tuple[Result, ...]:
    """Every scenario of the file on these rules, each from a fresh start. ``explain`` is the engine's."""
    return tuple(play_one(scenario, rules, explain=explain) for scenario in file.scenarios)


def play_one(scenario: Scenario, rules: RuleSet, *, explain: int = EXPLAIN_ALL) -> Result:
    """One scenario on these rules."""
    unknown = unknown_names(scenario, rules)
    if unknown:
        return Result(scenario, None, unknown)
    try:
        played = play(scenario, rules, explain=explain)
        return Result(scenario, played, judge(scenario, played, rules))
    except EndlessScenario as problem:
        return Result(scenario, None, (Failure("failed", scenario.spot, f"{problem}."),))
