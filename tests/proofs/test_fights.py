"""Rules that fight, and rules that only meet."""

import pytest

from tests.proofs.sets import found, rule

HOLD = "trigger: {state: InCall}, actions: [hold]"
RING = "trigger: {state: Ringing}"


def fighting(rules: str, head: str = "") -> list[tuple[str, str]]:
    return [(severity, name) for severity, code, name in found(rules, head) if code == "fight"]


def claims(first: str, second: str, more: str = "") -> str:
    """Two rules at the same moment that send the call to two places."""
    return rule("a", f"{RING}, conditions: {first}, actions: [{{forward: 2010}}]") + rule(
        "b", f"{RING}, conditions: {second}, actions: [{{forward: 2011}}]{more}"
    )


def test_hold_and_unhold_for_ever_is_an_error() -> None:
    assert fighting(rule("a", HOLD) + rule("b", "trigger: {state: OnHold}, actions: [unhold]")) == [("error", "b")]


def test_with_a_wait_in_between_it_is_a_warning() -> None:
    freeing = rule("b", "trigger: {state: held, for: 10s}, conditions: {callee: 2005}, actions: [unhold]")
    assert fighting(rule("a", HOLD) + freeing) == [("warning", "b")]


@pytest.mark.parametrize(
    "rules",
    [
        # the call is held when it was answered, and never again
        rule("a", HOLD.replace("InCall}", "InCall, from: Ringing}"))
        + rule("b", "trigger: {state: held, for: 10s}, actions: [unhold]"),
        rule("a", HOLD.replace("actions", "conditions: {callee: 2001}, actions"))
        + rule("b", "trigger: {state: held}, conditions: {callee: 2002}, actions: [unhold]"),
        rule("a", HOLD) + rule("b", "trigger: {state: held}, status: shadow, actions: [unhold]"),
        rule("a", f"{HOLD}, throttle: {{onceWithin: 1h}}") + rule("b", "trigger: {state: held}, actions: [unhold]"),
    ],
)
def test_what_ends_is_no_fight(rules: str) -> None:
    assert fighting(rules) == []


def test_two_rules_about_the_same_things_that_share_a_call() -> None:
    assert fighting(claims("{callee: [2001, 2002]}", "{callee: [2002, 2003]}")) == [("warning", "b")]
    callers = claims("{caller: {in: ['+3620*', '+3630*']}}", "{caller: {in: ['+36301*', '+44*']}}")
    assert fighting(callers) == [("warning", "b")]


@pytest.mark.parametrize(
    "rules",
    [
        claims("{callee: 2001}", "{callee: 2002}"),
        claims("{callee: 2001}", "{callee: [2001, 2002]}"),  # the narrower one first: an exception to the other
        claims("{callee: [2001, 2002]}", "{callee: [2002, 2003]}", ", priority: 200"),
        claims("{callee: 2001}", "{caller: '+36201234567'}"),  # two policies that meet
        claims("{callee: [2001, 2002]}", "{callee: [2002, 2003]}", ", status: disabled"),
        claims("{callee: [2001, 2002]}", "{callee: [2002, 2003]}").replace("2011", "2010"),
    ],
)
def test_rules_that_only_meet(rules: str) -> None:
    assert fighting(rules) == []


def test_two_commands_at_the_same_moment() -> None:
    moment = "trigger: {state: OnHold, for: 1m}"
    both = rule("a", f"{moment}, actions: [hangup]") + rule("b", f"{moment}, exclusive: false, actions: [unhold]")
    assert fighting(both) == [("warning", "b")]
    listening = rule("a", "trigger: {state: InCall}, actions: [startListen]")
    assert fighting(listening + listening.replace("id: a", "id: b").replace("start", "stop")) == [("warning", "b")]
    assert fighting(listening + listening.replace("id: a", "id: b")) == []
