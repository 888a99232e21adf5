"""Rules that answer a phone system which asks where a call goes. The exact words are in tests/rules_bad."""

import pytest

from tests.proofs.sets import found, rule

ASKED = "trigger: {routing: NoAnswer}"


@pytest.mark.parametrize(
    "actions",
    [
        "[{forward: 2010}]",
        "[hangup]",
        "[{log: asked}, {sendSms: {to: 2001, text: asked}}, {hunt: {to: [2001], ring: 5s}}, {wait: 5s}, hold]",
        "[{choose: [{if: {callee: 2001}, then: [{forward: 2010}]}, {else: [{log: no}]}]}, {wait: 5s}, {log: over}]",
        "[{log: asked}]",
    ],
)
def test_answers_in_time(actions: str) -> None:
    assert found(rule("a", f"{ASKED}, actions: {actions}")) == []


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ("[{wait: 1s}, {forward: 2010}]", "late-answer"),
        ("[{waitFor: {state: InCall, timeout: 1s}}, {choose: [{else: [closeWithHangup]}]}]", "late-answer"),
        ("[hold, {forward: 2010}]", "illegal-action"),
        ("[{blindTransfer: {move: caller, to: 2010}}]", "illegal-action"),
        ("[{speak: {to: all, text: a}}]", "illegal-action"),
    ],
)
def test_what_is_no_answer(actions: str, code: str) -> None:
    assert [each for _, each, _ in found(rule("a", f"{ASKED}, actions: {actions}"))] == [code]


def test_a_rule_that_is_triggered_by_a_state_too_may_do_what_that_allows() -> None:
    both = "trigger: {any: [{routing: Busy}, {state: InCall}]}"
    assert found(rule("a", f"{both}, actions: [hold]")) == []
