"""Rules that can never act are found, and no others are accused."""

import pytest

from tests.proofs.sets import found, rule

RING = "trigger: {state: Ringing}"
CLOSE = "actions: [closeWithHangup]"
FORWARD = "actions: [{forward: 2010}]"


def outranked(rules: str) -> list[str]:
    return [name for _, code, name in found(rules) if code == "outranked"]


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
        (
            f"trigger: {{state: InCall}}, conditions: {{ringDuration: {{gt: 5s}}}}, {CLOSE}",
            "trigger: {state: InCall}, conditions: {ringDuration: {gte: 10s}}, actions: [hold]",
        ),
        (
            f'{RING}, conditions: {{caller: {{startsWith: "+36"}}}}, {CLOSE}',
            f'{RING}, conditions: {{caller: {{in: ["+3620*", "+3630*"]}}}}, {FORWARD}',
        ),
        (
            f"{RING}, conditions: {{history: {{state: Ringing, within: 5m, groupBy: [caller], gte: 2}}}}, {CLOSE}",
            f"{RING}, conditions: {{history: {{state: Ringing, within: 5m, groupBy: [caller], gte: 3}}}}, {FORWARD}",
        ),
        (
            f"{RING}, conditions: {{callerDisplayName: {{regex: 'Anna.*'}}}}, {CLOSE}",
            f"{RING}, conditions: {{callerDisplayName: {{regex: 'Anna.*'}}, callee: 2001}}, {FORWARD}",
        ),
    ],
)
def test_always_outranked(first: str, second: str) -> None:
    assert outranked(rule("a", first) + rule("b", second)) == ["b"]


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
        (
            f"trigger: {{state: InCall}}, conditions: {{ringDuration: {{gt: 5s}}}}, {CLOSE}",
            "trigger: {state: InCall}, conditions: {ringDuration: {gte: 5s}}, actions: [hold]",
        ),
        (
            f'{RING}, conditions: {{caller: {{startsWith: "+3620"}}}}, {CLOSE}',
            f'{RING}, conditions: {{caller: {{startsWith: "+36"}}}}, {FORWARD}',
        ),
        (f"trigger: {{state: [Ringing, InCall]}}, {FORWARD}", "trigger: {state: InCall}, actions: [hangup]"),
    ],
)
def test_not_always(first: str, second: str) -> None:
    assert outranked(rule("a", first) + rule("b", second)) == []
