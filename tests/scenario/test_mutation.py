from ozrules.scenario.mutation import mutants, unnoticed
from tests.scenario.playing import HEAD, RINGS, SALES, file_of, rules_of

RULES = """
ozrules: 1
schedules: {office: {times: [08:00-18:00]}}
rules:
  - id: one
    trigger:
      any:
        - {state: InCall, from: Ringing}
        - {state: Ringing, for: 20s}
    conditions:
      callee: [2001, 2002]
      schedule: {during: office}
      any: [{caller: 2000}, {not: {caller: 2001}}]
    exceptions:
      - {name: boss, conditions: {caller: 2003}}
    throttle: {onceWithin: 1m}
    actions:
      - log: hello
      - forward: 2010
  - id: off
    status: disabled
    trigger: {state: Ringing}
    actions:
      - hangup
"""


def test_every_part_of_a_rule_is_edited_once() -> None:
    original = rules_of(RULES)
    found = list(mutants(original))
    edits = [mutant.edit for mutant in found]
    for expected in (
        "the rule is disabled",
        "from is removed",
        "for is 21s instead of 20s",
        "for is 19s instead of 20s",
        "the exception boss is removed",
        "this action is removed",
        "the call goes to another number",
        "the throttle is removed",
    ):
        assert expected in edits
    assert sum("is removed" in edit and "condition" in edit for edit in edits) == 4
    assert sum("is turned round" in edit for edit in edits) == 1
    assert sum("is taken out of" in edit for edit in edits) == 2
    assert all(mutant.rules != original for mutant in found)
    assert {mutant.rule for mutant in found} == {"one"}


CHOOSES = """
ozrules: 1
rules:
  - id: one
    trigger: {state: Ringing}
    actions:
      - choose:
          - if: {callee: 2001}
            then: [{log: first}]
          - if: {caller: [2002, 2003]}
            then:
              - choose: [{if: {active: {state: Ringing, gte: 2}}, then: [{log: busy}]}]
"""


def test_what_is_asked_inside_the_actions_is_edited_too() -> None:
    original = rules_of(CHOOSES)
    edits = [mutant.edit for mutant in mutants(original) if "choose" in mutant.edit]
    assert sum("is removed" in edit for edit in edits) == 3
    assert sum("is taken out of" in edit for edit in edits) == 2
    assert sum("is gte" in edit for edit in edits) == 2
    changed = [mutant.rules for mutant in mutants(original) if "choose" in mutant.edit]
    assert len({repr(rules) for rules in changed} - {repr(original)}) == len(edits)


def test_only_what_no_test_notices_is_named() -> None:
    body = f"    timeline:\n{RINGS}\n    expect:\n      - {{at: 20s, action: forward, to: 2010}}\n"
    left = [mutant.edit for mutant in unnoticed(rules_of(SALES), [file_of(f"  - name: one{HEAD}{body}")])]
    assert left == [
        "the condition conditions.callee in [2001, 2002] is removed",
        "2002 is taken out of conditions.callee in [2001, 2002]",
    ]
