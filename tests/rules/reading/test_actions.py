"""Our own actions to the model, and the form of an item."""

import pytest

from ozrules.rules.model import Choose, FieldRef, Log, PlainMethod, SetVariables, Stop, Wait, WaitFor
from tests.rules.reading.parts import errors, one


def test_an_item_is_bare_or_has_one_key() -> None:
    actions = one(actions="[{log: x}, closeWithHangup, stop]").actions
    assert [type(each) for each in actions] == [Log, PlainMethod, Stop]
    (with_colon,) = one(actions="[{hangup: }]").actions
    assert isinstance(with_colon, PlainMethod)


def test_an_action_stands_where_its_name_does() -> None:
    (action,) = one(actions="[{log: x}]").actions
    assert str(action.place) == "f.yaml:14:16"


def test_templates() -> None:
    (action,) = one(actions='[{log: "from {{ caller }} to {{callee}}."}]').actions
    assert isinstance(action, Log)
    assert action.text == ("from ", FieldRef("caller"), " to ", FieldRef("callee"), ".")


def test_variables_are_set_and_read() -> None:
    rule = one(actions='[{set: {asked: "{{ caller }}"}}]', more="    conditions: {var.asked: {exists: false}}\n")
    (action,) = rule.actions
    assert isinstance(action, SetVariables)
    assert action.values == {"asked": (FieldRef("caller"),)}


def test_waiting() -> None:
    first, second, third = one(
        actions="[{wait: 5s}, {waitFor: {state: held, timeout: 1m}}, "
        "{waitFor: {state: InCall, timeout: 1m, onTimeout: [hangup]}}]"
    ).actions
    assert isinstance(first, Wait)
    assert first.seconds == 5.0
    assert isinstance(second, WaitFor)
    assert second.on_timeout == "stop"
    assert isinstance(third, WaitFor)
    assert isinstance(third.on_timeout, tuple)


def test_branches() -> None:
    (action,) = one(actions="[{choose: [{if: {callee: 2001}, then: [hangup]}, {else: [{log: x}]}]}]").actions
    assert isinstance(action, Choose)
    assert [branch.condition is None for branch in action.branches] == [False, True]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("[dance]", "unknown-action"),
        ("[log]", "wrong-type"),
        ("[{}]", "wrong-type"),
        ("[[hangup]]", "wrong-type"),
        ("[{hangup: 5}]", "wrong-type"),
        ("[{stop: {now: true}}]", "unknown-key"),
        ("[{wait: 0s}]", "bad-duration"),
        ("[{set: {}}]", "no-actions"),
        ("[{set: {1a: x}}]", "bad-name"),
        ("[{choose: []}]", "wrong-type"),
        ("[{choose: [{if: {callee: 1}}]}]", "missing-key"),
        ("[{waitFor: {state: InCall, timeout: 5s, onTimeout: wait}}]", "unknown-value"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert errors(actions=typed) == [code]
