"""attendedTransfer, and what a phone system does by itself, to the model."""

import pytest

from ozrules.rules.model import AttendedTransfer, FieldRef, Fixed, SystemAction
from ozrules.rules.reading.methods import PLAIN
from ozrules.rules.sense import operation_of
from ozrules.session.methods import FURTHER
from tests.rules.reading.parts import errors, one


def test_every_further_operation_has_an_action() -> None:
    typed = (
        "[{attendedTransfer: {transferor: callee}}, {play: {to: all, file: a.wav}}, {speak: {to: all, text: a}}, "
        "record, "
        "{call: {to: 2010, url: 'https://ivr.example/'}}, {sendSms: {to: 2010, text: a}}, "
        "{sendEmail: {to: desk@example.com, text: a}}]"
    )
    actions = one("{state: InCall}", actions=typed).actions
    assert {operation_of(action) for action in actions} == set(FURTHER)
    assert not set(PLAIN) & set(FURTHER)


def test_who_has_two_calls() -> None:
    (action,) = one("{state: InCall}", actions="[{attendedTransfer: {transferor: callee, timeout: 3s}}]").actions
    assert isinstance(action, AttendedTransfer)
    assert (action.transferor, action.common.timeout) == ("callee", 3.0)


def test_arguments_go_by_their_names() -> None:
    play, record, call = one(
        "{state: InCall}",
        actions="[{play: {to: caller, file: a.wav, repeat: true}}, "
        "{record: {format: wav, url: 'https://crm.example/'}}, "
        "{call: {to: 2010, url: 'https://ivr.example/', callerId: '1', apiExtension: 9986, connection: branch}}]",
    ).actions
    assert isinstance(play, SystemAction)
    assert (play.party, play.texts) == ("caller", {"file": ("a.wav",), "repeat": ("true",)})
    assert isinstance(record, SystemAction)
    assert record.texts == {"format": ("wav",), "url": ("https://crm.example/",)}
    assert isinstance(call, SystemAction)
    assert isinstance(call.to, Fixed)
    assert (call.to.number, call.connection) == ("2010", "branch")
    assert call.texts == {"url": ("https://ivr.example/",), "callerId": ("1",), "apiExtension": ("9986",)}


def test_texts_are_templates_and_nothing_else_is() -> None:
    speak, email = one(
        "{state: InCall}",
        actions='[{speak: {to: all, text: "Hello {{ caller }}"}}, '
        '{sendEmail: {to: "{{ callerDisplayName }}", subject: "{{ caller }}"}}]',
    ).actions
    assert isinstance(speak, SystemAction)
    assert speak.texts == {"text": ("Hello ", FieldRef("caller"))}
    assert isinstance(email, SystemAction)
    assert email.texts == {"to": (FieldRef("callerDisplayName"),), "subject": (FieldRef("caller"),)}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("{attendedTransfer: {transferor: all}}", "unknown-value"),
        ("{speak: {to: caller}}", "missing-key"),
        ("{speak: {to: caller, text: '{{ nobody }}'}}", "unknown-field"),
        ('{play: {to: caller, file: "a\\nb"}}', "bad-text"),
        ("{play: {to: caller, file: a.wav, repeat: often}}", "not-true-or-false"),
        ("{record: {connection: branch}}", "unknown-key"),
        ("{record: {url: crm.example}}", "bad-url"),
        ("{call: {to: '*72', url: 'https://ivr.example/'}}", "feature-code"),
        ("{call: {to: 2010, url: 'https://{{ caller }}/'}}", "bad-url"),
        ("{sendSms: {to: nobody, text: a}}", "bad-number"),
        ("{sendEmail: {to: nobody, text: a}}", "bad-email"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert errors(actions=f"[{typed}]") == [code]
