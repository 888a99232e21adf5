"""Rules that can never act are found, and no others are accused."""

import pytest

from tests.rules.sets import found, rule

RING = "trigger: {state: Ringing}"
CLOSE = "actions: [closeWithHangup]"
FORWARD = "actions: [{forward: 2010}]"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{RING}, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, {CLOSE}", f"{RING}, conditions: {{callee: 2001}}, {FORWARD}"),
        (f"{RING}, {FORWARD}", f"{RING}, conditions: {{callee: 2001}}, {FORWARD}"),
        (
            f"{RING}, conditions: {{callee: [2001, 2002]}}, {CLOSE}",
            f"{RING}, conditions: {{callee: 2002, direction: inbound}}, {FORWARD}",
        ),
        (f"trigger: {{state: [Ringing, InCall]}}, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"trigger: {{state: Ringing, for: 20s}}, {CLOSE}", f"trigger: {{state: Ringing, for: 20s}}, {FORWARD}"),
        (
            f"{RING}, conditions: {{callee: {{startsWith: 20}}}}, {CLOSE}",
            f"{RING}, conditions: {{callee: 2001}}, {FORWARD}",
        ),
        (f"{RING}, actions: [{{log: x}}, closeWithHangup]", f"{RING}, {FORWARD}"),
    ],
)
def test_always_outranked(first: str, second: str) -> None:
    assert found(rule("a", first) + rule("b", second)) == [("warning", "outranked", "b")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{RING}, priority: 50, {CLOSE}", f"{RING}, conditions: {{callee: 2001}}, {FORWARD}"),
        (f"{RING}, exclusive: false, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, {CLOSE}", f"{RING}, exclusive: false, {FORWARD}"),
        (f"{RING}, {CLOSE}", f"{RING}, actions: [{{log: x}}]"),
        (f"{RING}, status: shadow, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, status: {{canary: {{percent: 50}}}}, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, throttle: {{onceWithin: 1h}}, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, exceptions: [{{name: x, conditions: {{caller: 1}}}}], {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, conditions: {{callee: 2001}}, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, conditions: {{callee: 2001}}, {CLOSE}", f"{RING}, conditions: {{callee: [2001, 2002]}}, {FORWARD}"),
        (f"trigger: {{state: Ringing, from: Created}}, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"trigger: {{state: Ringing, for: 20s}}, {CLOSE}", f"{RING}, {FORWARD}"),
        (f"{RING}, {CLOSE}", f"trigger: {{state: Ringing, for: 20s}}, {FORWARD}"),
        (f"{RING}, {FORWARD}", f"{RING}, actions: [hangup]"),  # hops may stop the forward and not the hangup
        (f"{RING}, actions: [{{choose: [{{if: {{callee: 1}}, then: [hangup]}}]}}]", f"{RING}, {FORWARD}"),
        (f"{RING}, {CLOSE}", f"trigger: {{state: [Ringing, InCall]}}, {FORWARD}"),
        (f"{RING}, {CLOSE}", f"{RING}, onResync: true, {FORWARD}"),
        (f"trigger: {{state: [Ringing, InCall]}}, {FORWARD}", "trigger: {state: InCall}, actions: [hangup]"),
    ],
)
def test_not_always(first: str, second: str) -> None:
    assert found(rule("a", first) + rule("b", second)) == []
