"""Actions against the states they are done in."""

import pytest

from ozrules.rules.document import Source
from ozrules.rules.loader import check
from ozrules.rules.sense import named
from ozrules.session.state import ENDED, HELD, IN_CALL, RINGING


def codes(trigger: str, actions: str) -> list[str]:
    head = "ozrules: 1\ndefaults: {timezone: UTC, extensions: _XXXX}\nrules:\n"
    text = f"{head}  - id: r\n    trigger: {trigger}\n    actions: {actions}\n"
    return [each.code for each in check([Source("f", text.encode())])[1]]


@pytest.mark.parametrize(
    ("trigger", "actions"),
    [
        ("{state: Ringing}", "[{forward: 2010}]"),
        ("{state: [Ringing, InCall]}", "[{forward: 2010}]"),  # legal in one of them
        ("{state: InCall}", "[{wait: 5s}, {forward: 2010}]"),  # the wait may change the state
        ("{state: InCall}", "[{waitFor: {state: Ringing, timeout: 5s}}, {forward: 2010}]"),
        ("{state: InCall}", "[hold, {wait: 1m}, unhold]"),
        ("{state: InCall}", "[hold, unhold]"),  # holding changes the state
        ("{state: InCall}", "[{blindTransfer: {move: caller, to: 2010}}]"),
        ("{state: held, for: 5m}", "[unhold, {blindTransfer: {move: caller, to: 2010}}]"),
        ("{state: active, for: 2h}", "[hangup]"),
        ("{state: ended}", "[{webhook: {url: https://crm.example/}}]"),
        ("{state: InCall}", "[{hangup: {onFailure: [closeWithHangup]}}]"),
        ("{state: InCall}", "[{hold: {onFailure: [{forward: 2010}]}}]"),
        ("{routing: Calling}", "[{forward: 2010}]"),
        ("{at: 18:00, sessions: InCall}", "[hangup]"),
        ("{at: 18:00}", "[{log: closing}]"),
        ('{state: "other:Parked"}', "[hangup]"),
    ],
)
def test_what_can_work_is_let_be(trigger: str, actions: str) -> None:
    assert codes(trigger, actions) == []


@pytest.mark.parametrize(
    ("trigger", "actions", "code"),
    [
        ("{state: InCall}", "[{forward: 2010}]", "illegal-action"),
        ("{state: InCall}", "[{log: x}, {forward: 2010}]", "illegal-action"),
        ("{state: Ringing}", "[hold]", "illegal-action"),
        ("{state: InCall}", "[unhold]", "illegal-action"),
        ("{state: OnHold}", "[hold]", "illegal-action"),
        ("{state: Ringing}", "[startListen]", "illegal-action"),
        ("{state: ended}", "[hangup]", "illegal-action"),
        ("{state: Ringing}", "[hangup, closeWithHangup]", "illegal-action"),
        ("{state: InCall}", "[{waitFor: {state: Busy, timeout: 5s}}, hold]", "illegal-action"),
        ('{state: "other:Parked"}', "[{forward: 2010}]", "illegal-action"),
        ("{at: 18:00}", "[hangup]", "no-session"),
        ("{state: Ringing}", "[{wait: 5s}, stop]", "no-effect"),
        ("{state: Ringing}", "[hangup, stop, {log: x}]", "unreachable-action"),
    ],
)
def test_what_cannot_is_said(trigger: str, actions: str, code: str) -> None:
    assert codes(trigger, actions) == [code]


def test_states_are_named_by_their_groups() -> None:
    assert named(HELD) == "held"
    assert named(HELD | {IN_CALL}) == "InCall or held"
    assert named(frozenset({RINGING})) == "Ringing"
    assert named(ENDED) == "ended"
