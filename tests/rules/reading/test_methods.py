"""The ten methods, hunt and webhook to the model."""

import pytest

from ozrules.rules.model import (
    BlindTransfer,
    Expect,
    Fixed,
    Forward,
    Hunt,
    Lookup,
    PlainMethod,
    Retry,
    SecretRef,
    SendDtmf,
    Templated,
    Webhook,
)
from ozrules.rules.reading.methods import PLAIN
from ozrules.session.methods import METHODS
from ozrules.session.state import IN_CALL
from tests.rules.reading.parts import errors, one


def test_every_method_is_there() -> None:
    assert {*PLAIN, "forward", "blindTransfer", "sendDtmf"} == set(METHODS)


@pytest.mark.parametrize("method", PLAIN)
def test_plain_methods(method: str) -> None:
    (action,) = one("{state: [InCall, OnHold]}", f"[{method}]").actions
    assert isinstance(action, PlainMethod)
    assert action.method == method


def test_where_a_call_is_forwarded() -> None:
    def target(typed: str) -> object:
        (action,) = one(actions=f"[{{forward: {typed}}}]").actions
        assert isinstance(action, Forward)
        return action.to

    assert isinstance(target("2010"), Fixed)
    assert isinstance(target("{to: 2010}"), Fixed)
    assert isinstance(target('"{{ transferor }}"'), Templated)
    lookup = target("{to: {lookup: owners, key: callee, default: 2010}}")
    assert isinstance(lookup, Lookup)
    assert (lookup.table, lookup.default) == ({"2001": "+36301110001"}, "2010")


def test_transfer_names_the_party_that_moves() -> None:
    (action,) = one("{state: InCall}", "[{blindTransfer: {move: callee, to: 2010}}]").actions
    assert isinstance(action, BlindTransfer)
    assert action.move == "callee"


def test_keys_and_secrets() -> None:
    first, second = one(
        "{state: InCall}",
        '[{sendDtmf: {to: caller, keys: "12*#", gap: 1s}}, {sendDtmf: {to: callee, keys: {secret: pin}}}]',
    ).actions
    assert isinstance(first, SendDtmf)
    assert (first.keys, first.gap) == ("12*#", 1.0)
    assert isinstance(second, SendDtmf)
    assert (second.keys, second.gap) == (SecretRef("pin"), 0.2)


def test_hunting() -> None:
    (action,) = one(actions="[{hunt: {to: sales, ring: 15s, order: roundRobin, onExhausted: [hangup]}}]").actions
    assert isinstance(action, Hunt)
    assert (action.targets, action.ring, action.order) == (("2001", "2002"), 15.0, "roundRobin")
    assert len(action.on_exhausted) == 1


def test_webhooks() -> None:
    (action,) = one(
        actions='[{webhook: {url: https://crm.example/, headers: {X-A: b}, body: {who: "{{ caller }}"}}}]'
    ).actions
    assert isinstance(action, Webhook)
    assert (action.method, action.headers, list(action.body)) == ("POST", {"X-A": "b"}, ["who"])


def test_what_actions_have_in_common() -> None:
    (action,) = one(
        actions="[{hangup: {expect: {state: InCall, within: 5s}, retry: {attempts: 2}, "
        "timeout: 3s, onFailure: [stop]}}]"
    ).actions
    assert isinstance(action, PlainMethod)
    assert action.common.expect == Expect(frozenset({IN_CALL}), 5.0)
    assert action.common.retry == Retry(2, 1.0)
    assert action.common.timeout == 3.0
    assert action.common.on_failure is not None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("{forward: nobody}", "bad-number"),
        ("{forward: '*72'}", "feature-code"),
        ("{forward: [2010]}", "wrong-type"),
        ("{forward: {to: {lookup: sales, key: callee}}}", "not-a-map"),
        ("{forward: {to: {lookup: owners, key: nobody}}}", "unknown-field"),
        ("{hunt: {to: owners, ring: 5s}}", "not-a-list"),
        ("{hunt: {to: [], ring: 5s}}", "empty-list"),
        ("{webhook: {url: 'ftp://crm.example/'}}", "bad-url"),
        ("{webhook: {url: 'https://{{ caller }}/'}}", "bad-url"),
        ('{webhook: {url: https://crm.example/, headers: {"X Y": b}}}', "bad-name"),
        ('{webhook: {url: https://crm.example/, headers: {X: "a\\nb"}}}', "bad-text"),
        ("{hangup: {expect: {state: ended}}}", "missing-key"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert errors(actions=f"[{typed}]") == [code]
