"""Proofs over a whole set. The exact words are in tests/rules_bad."""

from pathlib import Path

import pytest

from ozrules.proofs.checking import check
from ozrules.rules.document import Source
from tests.proofs.sets import found, rule

ROOT = Path(__file__).parents[2]
RING = "trigger: {state: Ringing}"


def test_the_example_rules_raise_no_alarm() -> None:
    data = (ROOT / "rules.example.yaml").read_bytes()
    assert check([Source("rules.example.yaml", data)])[1] == ()


@pytest.mark.parametrize(
    "actions",
    [
        '[{forward: "+36201234567"}]',
        '[{hunt: {to: [2001, "+36201234567"], ring: 5s}}]',
        '[{wait: 5s}, {choose: [{else: [{forward: "+36201234567"}]}]}]',
        '[{hangup: {onFailure: [{forward: "+36201234567"}]}}]',
        '[{forward: "{{ transferor }}"}]',
        "[{forward: 112}]",
    ],
)
def test_destinations_that_are_always_refused(actions: str) -> None:
    rules = rule("a", f"{RING}, conditions: {{callee: 2005}}, actions: {actions}")
    assert [code for _, code, _ in found(rules)] == ["refused-destination"]


def test_of_a_map_one_number_that_works_is_enough() -> None:
    lists = 'lists: {owners: {2001: "+36201234567", 2002: 2010}}\n'
    action = "actions: [{forward: {to: {lookup: owners, key: callee}}}]"
    assert found(rule("a", f"{RING}, {action}"), lists) == []


@pytest.mark.parametrize(
    "rest",
    [
        f"{RING}, conditions: [{{callee: 2001}}, {{callee: 2002}}], actions: [hangup]",
        f"{RING}, conditions: {{sessionState: held}}, actions: [hangup]",
        f"{RING}, actions: [{{choose: [{{if: [{{callee: 1}}, {{callee: 2}}], then: [hangup]}}]}}]",
    ],
)
def test_contradictions_are_errors(rest: str) -> None:
    assert found(rule("a", rest)) == [("error", "contradiction", "a")]
