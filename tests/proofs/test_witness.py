"""Witnesses: each is a rule test, and the test passes on the rules that it accuses, and fails once they are right."""

import json

import pytest

from ozrules.proofs.checking import check
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.scenario.reading import read
from ozrules.scenario.suite import play_all
from tests.proofs.sets import rule

HEAD = "ozrules: 1\ndefaults: {country: HU, timezone: Europe/Budapest}\n"
HOURS = """schedules:
  day: {times: [08:00-18:00]}
  lunch: {times: [12:00-13:00]}
  none: {weekdays: monday, dates: 2026-12-25}
"""
RING = "trigger: {state: Ringing}"
NOON = f"{RING}, conditions: [{{schedule: {{during: lunch}}}}"
ALONE = f"{RING}, conditions: {{callee: 2001}}, actions: [hangup]"


def passes(test: dict[str, object], text: str) -> bool:
    """Whether `ozrules test` would be content, given this test as a file."""
    document = {"ozrulesTest": 1, "rules": ["f"], "tests": [test]}
    file = read(Source("f.test.yaml", json.dumps(document).encode()))
    return all(result.passed for result in play_all(file, load([Source("f", text.encode())])))


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("outranked", rule("x", f"{RING}, actions: [hangup]") + rule("b", ALONE), rule("b", ALONE)),
        (
            "outranked",
            rule("x", "trigger: {at: 12:00, sessions: InCall}, actions: [hangup]")
            + rule("a", "trigger: {state: InCall, from: OnHold, for: 5s}, actions: [hangup]")
            + rule("b", "trigger: {state: InCall, from: OnHold, for: 5s}, conditions: {caller: 2003}, actions: [hold]"),
            rule("b", "trigger: {state: InCall, from: OnHold, for: 5s}, conditions: {caller: 2003}, actions: [hold]"),
        ),
        (
            "outranked",
            rule("a", f"{RING}, conditions: {{schedule: {{during: day}}}}, actions: [hangup]")
            + rule(
                "b", f"{RING}, conditions: {{schedule: {{during: day}}, callee: 2001}}, actions: [{{forward: 2002}}]"
            ),
            rule("b", ALONE),
        ),
        (
            "forward-cycle",
            rule("a", f"{RING}, conditions: {{callee: 2001}}, actions: [{{forward: 2002}}]")
            + rule("b", f"{RING}, conditions: {{callee: 2002}}, actions: [{{forward: 2001}}]"),
            rule("a", f"{RING}, conditions: {{callee: 2001}}, actions: [{{forward: 2002}}]") + rule("b", ALONE),
        ),
        (
            "fight",
            rule("a", "trigger: {state: InCall}, actions: [hold]")
            + rule("b", "trigger: {state: OnHold}, actions: [unhold]"),
            rule("a", "trigger: {state: InCall, from: Ringing}, actions: [hold]")
            + rule("b", "trigger: {state: OnHold}, actions: [unhold]"),
        ),
        (
            "refused-destination",
            rule("a", f"{RING}, conditions: {{callee: 2001}}, actions: [{{forward: '+4412345678'}}]"),
            rule("a", f"{RING}, conditions: {{callee: 2001}}, actions: [{{forward: 2002}}]"),
        ),
        (
            "contradiction",
            rule("a", f"{RING}, conditions: [{{callee: 2001}}, {{callee: 2002}}], actions: [hangup]"),
            rule("a", f"{RING}, conditions: {{callee: [2001, 2002]}}, actions: [hangup]"),
        ),
        (
            "contradiction",
            rule(
                "a",
                f"{NOON}, {{schedule: {{outside: day}}}}], actions: [hangup]",
            ),
            rule(
                "a",
                f"{NOON}, {{schedule: {{during: day}}}}], actions: [hangup]",
            ),
        ),
        (
            "never-open",
            rule("a", f"{RING}, conditions: {{schedule: {{during: none}}}}, actions: [hangup]"),
            rule("a", f"{RING}, conditions: {{schedule: {{outside: none}}}}, actions: [hangup]"),
        ),
    ],
)
def test_a_witness_is_a_rule_test_that_tells_wrong_from_right(code: str, wrong: str, right: str) -> None:
    text = f"{HEAD}{HOURS}rules:\n{wrong}"
    [test] = [each.witness for each in check([Source("f", text.encode())])[1] if each.code == code and each.witness]
    assert passes(test, text)
    assert not passes(test, f"{HEAD}{HOURS}rules:\n{right}")


def test_the_calls_that_must_have_been_before_are_part_of_it() -> None:
    history = "history: {state: Ringing, within: 5m, groupBy: [caller], gte: 3}"
    alive = "active: {state: InCall, groupBy: [callee], gte: 2}"
    text = f"{HEAD}rules:\n" + "".join(
        rule(name, f"{RING}, conditions: {{callee: 2001, {history}, {alive}}}, actions: [{action}]")
        for name, action in (("a", "hangup"), ("b", "close"))
    )
    [test] = [each.witness for each in check([Source("f", text.encode())])[1] if each.code == "outranked"]
    assert test is not None
    assert len(test["sessions"]) == 1 + 2 + 2
    assert passes(test, text)
