"""A decision holds what its conditions read and which ways its actions went: nothing else, and as it was then.

What should stand there is written by hand beside each rule.
"""

import pytest

from ozrules.engine.effects import Chosen, Decision
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from tests.engine.stage import Stage

HEAD = """ozrules: 1
defaults: {country: HU, extensions: ["_2XXX"], timezone: Europe/Budapest}
lists: {team: [2001, 2002]}
schedules:
  always: {weekdays: [monday..sunday], times: [00:00-24:00]}
conditions:
  toTeam: {direction: inbound, callee: {in: team}}
"""


def loaded(text: str) -> RuleSet:
    return load([Source("r.yaml", (HEAD + text).encode())], frozenset({"doorPin"}))


def decided(stage: Stage, rule: str = "r") -> Decision:
    [found] = [each for each in stage.decisions if each.rule == rule]
    return found


ALL = """rules:
  - id: r
    trigger: {state: Ringing}
    conditions:
      use: toTeam
      caller: {startsWith: "+36", ne: "+361"}
      callerDisplayName: {exists: false}
      stateDuration: {lt: 1h}
      startTime: {gt: 2020-01-01}
      schedule: {during: always}
      history: {state: Ringing, within: 1h, groupBy: [caller], lt: 3}
      active: {state: Ringing, lt: 50}
      any: [{hops: {gt: 5}}, {not: {source: x}}, {var.seen: "1"}, {dialedNumber: 2001}]
    exceptions:
      - {name: blocked, conditions: {caller: "+3699", hops: {gt: 7}}}
    throttle: {onceWithin: 1h, groupBy: [callee]}
    actions: [{log: done}]
"""


def test_every_kind_of_condition_is_on_record() -> None:
    stage = Stage(loaded(ALL))
    stage.call(caller="+36201112222", source="trunk", dialedNumber="2001", startTime="2026-11-23T10:00:00+01:00")
    found = decided(stage)
    assert found.reason == "fired"
    assert found.values == {
        "use.toTeam.direction": "inbound",
        "use.toTeam.callee": "2001",
        "conditions.caller": "+36201112222",
        "conditions.callerDisplayName": None,
        "conditions.stateDuration": "0s",
        "conditions.startTime": "2026-11-23T09:00:00.000+00:00",
        "conditions.schedule.during": "open",
        "conditions.history": "1",
        "conditions.history.groupBy.caller": "+36201112222",
        "conditions.active": "1",
        "conditions.any[0].hops": "0",
        "conditions.any[1].not.source": "trunk",
        "conditions.any[2].var.seen": None,
        "conditions.any[3].dialedNumber": "2001",
        "exceptions.blocked.caller": "+36201112222",
        "exceptions.blocked.hops": "0",
        "throttle.groupBy.callee": "2001",
        "throttle.onceWithin": None,
    }


def test_a_rule_that_was_throttled_says_when_it_fired() -> None:
    stage = Stage(loaded(ALL))
    stage.call("s1", caller="+36201112222", source="a", startTime="2026-11-23T10:00:00+01:00")
    stage.wait(90)
    stage.call("s2", caller="+36203334444", source="b", startTime="2026-11-23T10:00:00+01:00")
    first, second = stage.decisions
    assert (first.reason, second.reason) == ("fired", "throttled")
    assert second.values["throttle.onceWithin"] == "last fired 1m30s before"
    assert (second.values["conditions.caller"], second.values["conditions.any[1].not.source"]) == ("+36203334444", "b")
    assert second.values["conditions.active"] == "2"


def test_what_did_not_hold_is_there_with_all_that_did() -> None:
    stage = Stage(loaded("rules:\n  - {id: r, trigger: {state: Ringing}, conditions: {caller: '+361', callee: 2001},"
                         " exceptions: [{name: e, conditions: {source: x}}], actions: [hangup]}\n"))  # fmt: skip
    stage.call(caller="+36201112222")
    found = decided(stage)
    assert found.reason == "conditionFalse"
    assert found.values == {"conditions.caller": "+36201112222", "conditions.callee": "2001"}


def test_a_value_is_that_of_the_judgement_not_of_what_another_rule_did_then() -> None:
    stage = Stage(
        loaded("""rules:
  - {id: first, priority: 200, trigger: {state: Ringing}, actions: [{set: {seen: late}}]}
  - {id: r, trigger: {state: Ringing}, conditions: {var.seen: {exists: false}}, actions: [{log: x}]}
""")
    )
    stage.call()
    found = decided(stage)
    assert found.reason == "fired"
    assert found.values == {"conditions.var.seen": None}


def test_a_rule_whose_conditions_were_never_read_has_no_values() -> None:
    stage = Stage(loaded("rules:\n  - {id: r, trigger: {state: Ringing, for: 20s}, conditions: {callee: 2001},"
                         " actions: [hangup]}\n"))  # fmt: skip
    stage.call()
    stage.wait(5)
    stage.change("s1", "InCall")
    found = decided(stage)
    assert found.reason == "stateLeftBeforeFor"
    assert found.values == {}


def test_a_long_text_of_a_caller_is_cut() -> None:
    stage = Stage(loaded("rules:\n  - {id: r, trigger: {state: Ringing}, conditions: {var.x: a}, actions: [hangup]}\n"
                         "  - {id: sets, priority: 200, trigger: {state: Created}, actions: [{set: {x: '{{ callerDisplayName }}{{ callerDisplayName }}'}}]}\n"))  # noqa: E501  # fmt: skip
    stage.call(state="Created", callerDisplayName="A" * 1000)
    stage.change("s1", "Ringing")
    assert decided(stage).values["conditions.var.x"] == "A" * 1024


def refused(stage: Stage) -> None:
    """The phone system says no, and the call does not show otherwise."""
    stage.refuse("denied")
    stage.wait(3)


CHOOSES = """rules:
  - id: r
    trigger: {state: InCall}
    actions:
      - choose:
          - {if: {caller: "+361"}, then: [{log: one}]}
          - {if: {callee: 2001}, then: [{blindTransfer: {move: caller, to: 2002, onFailure: [{log: failed}]}}]}
          - {else: [hangup]}
"""


def ways(stage: Stage) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """All ways, in the decision and after it: the branch, and to which number each action leads."""
    found = [*decided(stage).chosen, *[each for each in stage.effects if isinstance(each, Chosen)]]
    return [(each.branch, [(one.action, one.args.get("to")) for one in each.actions]) for each in found]


@pytest.mark.parametrize(
    ("caller", "callee", "way"),
    [
        ("+361", "2009", ("if 1", [("log", None)])),
        ("+362", "2001", ("if 2", [("blindTransfer", "2002")])),
        ("+362", "2009", ("else", [("hangup", None)])),
    ],
)
def test_the_branch_that_was_taken_is_in_the_decision(caller: str, callee: str, way: object) -> None:
    stage = Stage(loaded(CHOOSES))
    stage.call(caller=caller, callee=callee)
    stage.change("s1", "InCall")
    assert ways(stage) == [way]
    [chosen] = decided(stage).chosen
    assert str(chosen.place).endswith(":12:9")
    assert chosen.values["choose[1].if.caller"] == caller
    assert chosen.values.get("choose[2].if.callee") == (None if caller == "+361" else callee)


def test_no_branch_taken_is_on_record_too() -> None:
    stage = Stage(loaded(CHOOSES.replace("          - {else: [hangup]}\n", "")))
    stage.call(caller="+362", callee="2009")
    stage.change("s1", "InCall")
    assert ways(stage) == [("none", [])]


def test_what_failed_went_another_way_and_says_to_which_number() -> None:
    stage = Stage(
        loaded("""rules:
  - id: r
    trigger: {state: Ringing}
    actions: [{forward: {to: 2002, onFailure: [{forward: 2001}]}}]
""")
    )
    stage.call()
    assert decided(stage).chosen == ()
    refused(stage)
    assert ways(stage) == [("onFailure", [("forward", "2001")])]
    chosen = next(each for each in stage.effects if isinstance(each, Chosen))
    assert (chosen.decision, chosen.rule, str(chosen.place)) == (decided(stage).number, "r", "r.yaml:11:16")


def test_a_step_that_is_refused_at_once_stands_in_the_decision() -> None:
    stage = Stage(
        loaded("""rules:
  - id: r
    trigger: {state: [InCall, OnHold]}
    actions: [{set: {a: b}}, {unhold: {onFailure: [{log: "no"}]}}]
""")
    )
    stage.call()
    stage.change("s1", "InCall")
    assert ways(stage) == [("onFailure", [("log", None)])]
    assert not [each for each in stage.effects if isinstance(each, Chosen)]


def test_a_wait_that_ran_out_and_a_hunt_that_found_nobody() -> None:
    stage = Stage(
        loaded("""rules:
  - id: r
    trigger: {state: Ringing}
    actions:
      - waitFor: {state: InCall, timeout: 5s, onTimeout: [{log: waited}]}
      - hunt: {to: [2002], ring: 5s, onExhausted: [{log: nobody}]}
""")
    )
    stage.call()
    stage.wait(6)
    refused(stage)
    assert [branch for branch, _ in ways(stage)] == ["onTimeout", "onExhausted"]


def test_a_secret_is_named_and_never_shown() -> None:
    stage = Stage(
        loaded("""rules:
  - id: r
    trigger: {state: InCall}
    actions:
      - choose: [{else: [{sendDtmf: {to: callee, keys: {secret: doorPin}}}]}]
""")
    )
    stage.call()
    stage.change("s1", "InCall")
    [chosen] = decided(stage).chosen
    assert chosen.actions[0].args["keys"] == "(secret)"


def test_the_outcome_says_to_which_number() -> None:
    stage = Stage(loaded("rules:\n  - {id: r, trigger: {state: Ringing}, actions: [{hunt: {to: [2002, 2003], ring: 5s, onExhausted: [{log: x}]}}]}\n"))  # noqa: E501  # fmt: skip
    stage.call()
    refused(stage)
    refused(stage)
    told = [each for each in stage.effects if hasattr(each, "outcome")]
    assert [getattr(each, "to", None) for each in told] == ["2002", "2003"]
