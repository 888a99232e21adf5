"""Circles of forwards."""

import pytest

from tests.rules.sets import found, rule


def forward(name: str, callee: str, target: str, more: str = "") -> str:
    more = f", {more}" if more else ""
    return rule(
        name,
        f"trigger: {{state: Ringing, for: 20s}}, conditions: {{callee: {callee}{more}}}, "
        f"actions: [{{forward: {target}}}]",
    )


def test_a_circle_that_nothing_stops_is_an_error() -> None:
    assert found(forward("a", "2001", "2002") + forward("b", "2002", "2001")) == [("error", "forward-cycle", "a")]
    assert found(forward("a", "2001", "2001")) == [("error", "forward-cycle", "a")]


def test_one_that_depends_on_more_is_a_warning() -> None:
    once = forward("a", "2001", "2002", "direction: inbound") + forward("b", "[2002, 2009]", "2001")
    assert found(once) == [("warning", "forward-cycle", "a")]
    other = rule("c", "trigger: {state: Ringing}, conditions: {caller: 2005}, actions: [hangup]")
    assert found(forward("a", "2001", "2002") + forward("b", "2002", "2001") + other) == [
        ("warning", "forward-cycle", "a")
    ]


@pytest.mark.parametrize(
    "rules",
    [
        forward("a", "2001", "2002") + forward("b", "2002", "2003"),
        forward("a", "2001", "2002", "caller: 2005") + forward("b", "2002", "2001", "caller: 2006"),
        forward("a", "2001", "2002", "hops: 0") + forward("b", "2002", "2001"),
        forward("a", "2001", "2002").replace("{id", "{status: disabled, id") + forward("b", "2002", "2001"),
        rule("a", "trigger: {state: Ringing}, conditions: {direction: inbound}, actions: [{forward: 2002}]"),
    ],
)
def test_no_circle(rules: str) -> None:
    assert found(rules) == []
