"""Rules and tests from text, for the tests of this folder."""

from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.scenario.model import Scenario, ScenarioFile
from ozrules.scenario.reading import read
from ozrules.scenario.suite import Result, play_all

SALES = """
ozrules: 1
rules:
  - id: sales-no-answer
    trigger: {state: Ringing, for: 20s}
    conditions: {callee: [2001, 2002]}
    actions:
      - forward: 2010
"""
HEAD = """
    start: 2026-11-23T10:00:00+01:00
    sessions:
      - {sessionId: s1, caller: "+36201234567", callee: 2001, direction: inbound}
"""
RINGS = "      - {at: 0s, session: s1, state: Ringing}"


def rules_of(text: str) -> RuleSet:
    return load([Source("rules.yaml", text.encode())])


def file_of(text: str) -> ScenarioFile:
    return read(Source("rules.test.yaml", f"ozrulesTest: 1\nrules: [rules.yaml]\ntests:\n{text}".encode()))


def scenario_of(body: str) -> Scenario:
    (scenario,) = file_of(f"  - name: one{HEAD}{body}").scenarios
    return scenario


def played(rules: str, body: str) -> Result:
    """The one test with this body, played on these rules."""
    scenario = scenario_of(body)
    (result,) = play_all(ScenarioFile(name="rules.test.yaml", rules=(), scenarios=(scenario,)), rules_of(rules))
    return result


def wrong(result: Result) -> list[str]:
    return [f"{failure.kind}: {failure.message}" for failure in result.failures]
