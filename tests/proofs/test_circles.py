"""Circles of forwards."""

import pytest

from tests.proofs.sets import found, rule


def forward(name: str, callee: str, target: str, more: str = "") -> str:
    more = f", {more}" if more else ""
    return rule(
        name,
        f"trigger: {{state: Ringing, for: 20s}}, conditions: {{callee: {callee}{more}}}, "
        f"actions: [{{forward: {target}}}]",
    )


def transfer(name: str, callee: str, target: str) -> str:
    action = f"actions: [{{blindTransfer: {{move: caller, to: {target}}}}}]"
    return rule(name, f"trigger: {{state: InCall}}, conditions: {{callee: {callee}}}, {action}")


def hunt(name: str, callee: str, targets: str, ring: str) -> str:
    action = f"actions: [{{hunt: {{to: {targets}, ring: {ring}}}}}]"
    return rule(name, f"trigger: {{state: Ringing, for: 5s}}, conditions: {{callee: {callee}}}, {action}")


def test_a_circle_that_nothing_stops_is_an_error() -> None:
    assert found(forward("a", "2001", "2002") + forward("b", "2002", "2001")) == [("error", "forward-cycle", "a")]
    assert found(forward("a", "2001", "2001")) == [("error", "forward-cycle", "a")]


def test_one_that_depends_on_more_is_a_warning() -> None:
    once = forward("a", "2001", "2002", "direction: inbound") + forward("b", "[2002, 2009]", "2001")
    assert found(once) == [("warning", "forward-cycle", "a")]


def test_rules_about_other_calls_change_nothing() -> None:
    other = rule("c", "trigger: {state: Ringing}, conditions: {caller: 2005}, actions: [hangup]")
    assert found(forward("a", "2001", "2002") + forward("b", "2002", "2001") + other) == [
        ("error", "forward-cycle", "a")
    ]


def test_a_rule_that_always_comes_first_breaks_the_circle() -> None:
    first = rule("c", "trigger: {state: Ringing}, actions: [hangup]")
    assert found(forward("a", "2001", "2002") + forward("b", "2002", "2001") + first) == []


def test_what_a_rule_sends_to_itself_may_go_round_too() -> None:
    night = rule("a", "trigger: {state: Ringing}, conditions: {direction: inbound}, actions: [{forward: 2090}]")
    assert found(night) == [("warning", "forward-cycle", "a")]
    assert found(night.replace("inbound", "inbound, callee: {ne: 2090}")) == []


@pytest.mark.parametrize(
    "rules",
    [
        # the caller is transferred as soon as somebody answers
        transfer("a", "2001", "2002") + transfer("b", "2002", "2001"),
        # forwarded while it rings, transferred once answered
        forward("a", "2001", "2002") + transfer("b", "2002", "2001"),
        # a hunt whose last number rings long enough
        hunt("a", "2001", "[2002, 2003]", "10s") + forward("b", "2003", "2001"),
        forward("a", "2001", "2002") + forward("b", "2002", "2003") + forward("c", "2003", "2001"),
    ],
)
def test_transfers_and_hunts_go_round_too(rules: str) -> None:
    assert found(rules) == [("error", "forward-cycle", "a")]


def test_a_map_may_send_calls_round() -> None:
    lists = "lists: {owner: {2001: 2002, 2002: 2001}}\n"
    rules = rule(
        "a",
        "trigger: {state: Ringing, for: 9s}, conditions: {callee: [2001, 2002]}, "
        "actions: [{forward: {to: {lookup: owner, key: callee}}}]",
    )
    assert found(rules, lists) == [("error", "forward-cycle", "a")]


@pytest.mark.parametrize(
    "rules",
    [
        forward("a", "2001", "2002") + forward("b", "2002", "2003"),
        forward("a", "2001", "2002", "caller: 2005") + forward("b", "2002", "2001", "caller: 2006"),
        forward("a", "2001", "2002", "hops: 0") + forward("b", "2002", "2001"),
        forward("a", "2001", "2002").replace("{id", "{status: disabled, id") + forward("b", "2002", "2001"),
        # by then the hunt has rung out, and its rule still has the call
        hunt("a", "2001", "[2002, 2003]", "30s") + forward("b", "2003", "2001"),
        "".join(forward(f"a{n}", str(2001 + n), str(2001 + (n + 1) % 4)) for n in range(4)),  # maxHops ends it before
    ],
)
def test_no_circle(rules: str) -> None:
    assert found(rules) == []
