from ozrules.scenario.coverage import Coverage, coverage
from tests.scenario.playing import RINGS, played, rules_of

RULES = """
ozrules: 1
rules:
  - id: one
    trigger: {state: Ringing}
    conditions: {callee: 2001, direction: inbound}
    exceptions:
      - {name: the boss, conditions: {caller: 2000}}
    actions:
      - forward:
          to: 2010
          onFailure:
            - log: it failed
      - choose:
          - if: {caller: 2005}
            then:
              - hangup
          - else:
              - forward: 2011
  - id: off
    status: disabled
    trigger: {state: Ringing}
    actions:
      - hangup
"""


def covered(*bodies: str) -> Coverage:
    runs = [played(RULES, f"    timeline:\n{RINGS}\n{body}    never: [hold]\n").played for body in bodies]
    return coverage(rules_of(RULES), [run for run in runs if run is not None])


def messages(found: Coverage) -> list[str]:
    return [each.message for each in found.unreached]


def test_without_tests_nothing_is_reached() -> None:
    found = covered()
    assert found.parts == len(found.unreached) == 8
    assert messages(found)[0] == "No test makes this rule fire."


def test_what_a_test_reaches_is_not_named() -> None:
    failed = covered("      - {at: 0s, result: {action: forward, outcome: rejected}}\n")
    assert messages(failed) == [
        "In no test does this condition stop the rule: conditions.callee eq 2001.",
        "In no test does this condition stop the rule: conditions.direction eq inbound.",
        "No test meets the exception the boss.",
        "In no test is this action carried out: hangup.",
    ]


def test_each_place_is_where_the_file_says_it() -> None:
    assert [str(each.place) for each in covered().unreached][:3] == [
        "rules.yaml:4:9",
        "rules.yaml:6:26",
        "rules.yaml:6:43",
    ]
