"""What makes a test fail, and what makes it worthless."""

import pytest

from tests.scenario.playing import RINGS, SALES, played, wrong

ENDS = f"    timeline:\n{RINGS}\n      - {{at: 30s, session: s1, state: Cancelled}}\n"


def judged(rest: str, rules: str = SALES) -> list[str]:
    return wrong(played(rules, ENDS + rest))


def test_all_that_is_expected_may_be_said_or_left_out() -> None:
    assert judged("    expect:\n      - {action: forward}\n") == []
    every = "{at: 20s, rule: sales-no-answer, action: forward, session: s1, to: 2010, lateBy: 0s, outcome: unconfirmed}"
    assert judged(f"    expect:\n      - {every}\n") == []


@pytest.mark.parametrize(
    "changed",
    ["at: 19s", "at: 20s1ms", "to: 2011", "lateBy: 1s", "outcome: confirmed", "move: caller", "keys: 1"],
)
def test_an_expectation_that_is_a_little_off_fails(changed: str) -> None:
    missed, extra = judged(f"    expect:\n      - {{action: forward, {changed}}}\n")
    assert missed.startswith("failed: This was not carried out; what was: at 20s, rule sales-no-answer, forward")
    assert extra.startswith("failed: Nobody expects this action: at 20s")


def test_expect_is_exhaustive_unless_left_out() -> None:
    assert judged("    expect: []\n") == [
        "failed: Nobody expects this action: at 20s, rule sales-no-answer, forward, session s1, to 2010."
    ]
    assert judged("    never: [hangup]\n") == []


def test_one_action_meets_one_expectation() -> None:
    assert judged("    expect:\n      - {action: forward}\n      - {action: forward}\n") == [
        "failed: This was not carried out: forward."
    ]


def test_never() -> None:
    (failure,) = judged("    never: [forward]\n")
    assert failure.startswith("failed: This action was carried out: at 20s")


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("    expect:\n      - {rule: sales, action: forward}\n", "There is no rule sales"),
        ("    never: [hold]\n    whyNot: {rule: sales, reason: disabled}\n", "There is no rule sales"),
        (
            "    expect:\n      - {action: forward}\n      - {at: 31s, action: hold}\n",
            "after the end of the test, at 30s",
        ),
    ],
)
def test_what_could_not_fail_is_vacuous(rest: str, message: str) -> None:
    (failure,) = judged(rest)
    assert failure.startswith("vacuous: ")
    assert message in failure


def test_a_result_that_nothing_asks_for_is_vacuous() -> None:
    body = f"{ENDS}      - {{at: 30s, result: {{action: hold, outcome: confirmed}}}}\n    never: [hold]\n"
    assert wrong(played(SALES, body)) == ["vacuous: No hold was sent that this result could answer."]


def test_why_not_by_the_reason_on_the_record() -> None:
    other = SALES.replace("[2001, 2002]", "[2003]")
    assert judged("    whyNot: {rule: sales-no-answer, reason: conditionFalse}\n", other) == []
    (failure,) = judged("    whyNot: {rule: sales-no-answer, reason: disabled}\n", other)
    assert "because of disabled, but: conditionFalse." in failure
    (failure,) = judged("    whyNot: {rule: sales-no-answer, reason: stateLeftBeforeFor}\n")
    assert failure.endswith("but: fired.")


def test_an_action_that_is_missed_says_why_its_rule_did_not_act() -> None:
    expected = "    expect:\n      - {at: 20s, rule: sales-no-answer, action: forward, to: 2010}\n"
    result = played(SALES.replace("[2001, 2002]", "[2003]"), f"{ENDS}{expected}")
    [failure] = result.failures
    assert failure.why is not None
    assert failure.why.reason == "conditionFalse"
    assert [(leaf.path, leaf.wanted, leaf.actual) for leaf in failure.why.failed] == [
        ("conditions.callee", "in [2003]", "2001")
    ]
    [late] = played(SALES.replace("20s", "40s"), f"{ENDS}{expected}").failures
    assert late.why is not None
    assert [(leaf.path, leaf.wanted, leaf.actual) for leaf in late.why.failed] == [("trigger.for", "40s", "30s")]


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        ("{state: InCall}", "stateOther"),
        ("{state: Cancelled, from: InCall}", "fromOther"),
        ("{state: Ringing, for: 40s}", "stateLeftBeforeFor"),
    ],
)
def test_why_not_where_a_rule_was_never_judged(trigger: str, reason: str) -> None:
    rules = SALES.replace("{state: Ringing, for: 20s}", trigger).replace("forward: 2010", "log: hello")
    assert judged(f"    whyNot: {{rule: sales-no-answer, reason: {reason}}}\n", rules) == []
    (failure,) = judged("    whyNot: {rule: sales-no-answer, reason: throttled, session: s1}\n", rules)
    assert reason in failure


HUNT = SALES.replace("forward: 2010", "hunt: {to: [2011, 2012], ring: 5s}")


def test_a_hunt_is_seen_under_both_names() -> None:
    expect = "    expect:\n      - {at: 20s, action: hunt, to: 2011}\n      - {at: 25s, action: forward, to: 2012}\n"
    assert judged(expect, HUNT) == []
    (failure,) = judged("    never: [hunt]\n", HUNT)
    assert "forward" in failure


OUTSIDE = """
ozrules: 1
defaults: {country: HU}
guards: {destinations: {allow: ["+36*"]}}
rules:
  - id: sales-no-answer
    trigger: {state: Ringing, for: 20s}
    actions:
      - forward: "06301110001"
"""


def test_a_number_may_be_written_as_it_is_dialled() -> None:
    (failure,) = judged("    expect: []\n", OUTSIDE)
    assert "to +36301110001" in failure
    assert judged('    expect:\n      - {action: forward, to: "06301110001"}\n', OUTSIDE) == []
