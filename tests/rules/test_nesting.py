"""Every action is found, wherever it stands."""

from ozrules.rules.nesting import every_action
from ozrules.rules.sense import operation_of
from tests.rules.reading.parts import one


def test_actions_inside_actions_are_found() -> None:
    actions = one(
        actions="[{hunt: {to: [2001], ring: 5s, onExhausted: [hold], onFailure: [unhold]}}, "
        "{waitFor: {state: InCall, timeout: 5s, onTimeout: [close]}}, "
        "{choose: [{if: {callee: 1}, then: [startListen]}, {else: [stopListen]}]}, "
        "{sendSms: {to: 2001, text: a, onFailure: [hangup]}}, "
        "{webhook: {url: 'https://a.example/', onFailure: [record]}}]"
    ).actions
    found = [each for each in map(operation_of, every_action(actions)) if each is not None]
    assert found == ["forward", "hold", "unhold", "close", "startListen", "stopListen", "sendSms", "hangup", "record"]
