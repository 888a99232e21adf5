"""Every action is found, wherever it stands."""

import pytest

from ozrules.engine.run import actions_at
from ozrules.rules.condition import leaves
from ozrules.rules.model import All, Compare
from ozrules.rules.nesting import every_action, every_choice, every_condition, with_choice
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


def test_all_that_a_rule_asks_is_found_wherever_it_stands() -> None:
    rule = one(
        "{state: InCall}",
        more="    conditions: {callee: 1}\n    exceptions: [{name: x, conditions: {callee: 2}}]\n",
        actions="[{choose: [{if: {callee: 3}, then: [{choose: [{if: {callee: 4}, then: [{log: x}]}]}]}, "
        "{else: [{log: x}]}]}, "
        "{hold: {onFailure: [{choose: [{if: {callee: 5}, then: [close]}]}]}}, "
        "{waitFor: {state: InCall, timeout: 5s, onTimeout: [{choose: [{if: {callee: 6}, then: [close]}]}]}}]",
    )
    asked = [leaf for condition in every_condition(rule) for leaf in leaves(condition)]
    assert [leaf.texts[0] for leaf in asked if isinstance(leaf, Compare)] == ["1", "2", "3", "4", "5", "6"]


def test_the_way_to_a_choice_is_the_way_to_its_actions() -> None:
    rule = one(
        "{state: InCall}",
        actions="[hold, {choose: [{if: {callee: 3}, then: [close]}, "
        "{if: {callee: 4}, then: [{unhold: {onFailure: [{choose: [{if: {callee: 5}, then: [hangup]}]}]}}]}]}]",
    )
    ways = dict(every_choice(rule.actions))
    assert list(ways) == [(1, 0), (1, 1), (1, 1, 0, "onFailure", 0, 0)]
    assert [operation_of(actions_at(rule, way)[0]) for way in ways] == ["close", "unhold", "hangup"]


def test_the_condition_of_each_branch_can_be_another() -> None:
    rule = one(
        "{state: InCall}",
        actions="[{choose: [{if: {callee: 1}, then: [{choose: [{if: {callee: 2}, then: [{log: x}]}]}]}]}, "
        "{hold: {onFailure: [{choose: [{if: {callee: 3}, then: [close]}]}]}}, "
        "{waitFor: {state: InCall, timeout: 5s, onTimeout: [{choose: [{if: {callee: 4}, then: [close]}]}]}}]",
    )
    other = All(of=(), path="x", place=rule.place)
    for path, condition in every_choice(rule.actions):
        changed = dict(every_choice(with_choice(rule.actions, path, other)))
        assert changed == dict(every_choice(rule.actions)) | {path: other}
        assert condition != other
    with pytest.raises(KeyError):
        with_choice(rule.actions, (0, "onFailure", 0, 0), other)
