"""The answer of a scenario is that of `ozrules why`, in large sets of rules too."""

from ozrules.scenario.run import play
from ozrules.scenario.why import why
from tests.scenario.playing import RINGS, SALES, rules_of, scenario_of

CALL = f"    timeline:\n{RINGS}\n      - {{at: 30s, session: s1, state: Cancelled}}\n    expect: []\n"
RULE = """  - id: NAME
    trigger: {state: STATE}
    conditions: {callee: 2009, callerDisplayName: {exists: true}}
    actions: [{log: x}]
"""


def test_every_condition_is_named_however_many_rules_there_are() -> None:
    many = "".join(RULE.replace("NAME", f"r{number}").replace("STATE", "Ringing") for number in range(40))
    rules, scenario = rules_of(SALES + many), scenario_of(CALL)
    answer = why(scenario, rules, "r7", "s1", play(scenario, rules))
    assert (answer.reason, len(answer.failed)) == ("conditionFalse", 2)


def test_a_rule_that_was_never_judged_names_its_trigger_and_its_conditions() -> None:
    rules, scenario = rules_of(SALES + RULE.replace("NAME", "held").replace("STATE", "held")), scenario_of(CALL)
    answer = why(scenario, rules, "held", None, play(scenario, rules))
    assert answer.reason == "stateOther"
    assert [leaf.path for leaf in answer.failed] == [
        "trigger.state",
        "conditions.callee",
        "conditions.callerDisplayName.exists",
    ]
