"""The rules that ask a connection for what it cannot do."""

import pytest

from ozrules.app.abilities import check
from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.session.methods import METHODS, OPERATIONS
from tests.settings.test_abilities import ASKING, GATEWAY, HTTP, WEB, connections


def found(rule: str, *typed: str) -> list[tuple[str, str, str]]:
    rules = load([Source("r", f"ozrules: 1\nrules:\n  - {{id: r, {rule}}}\n".encode())])
    findings = Findings()
    check(rules, connections(*typed), findings)
    return [(each.severity, each.code, each.message) for each in findings.all]


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each not in METHODS])
def test_what_only_http_can_do_is_an_error_elsewhere(operation: str) -> None:
    arguments = {
        "attendedTransfer": "{transferor: callee}",
        "play": "{to: all, file: a.wav}",
        "record": "{format: wav}",
        "call": "{to: 2001, url: 'https://ivr.example/'}",
        "sendEmail": "{to: a@example.com}",
    }.get(operation, "{to: all, text: a}" if operation == "speak" else "{to: 2001, text: a}")
    rule = f"trigger: {{state: InCall}}, actions: [{{{operation}: {arguments}}}]"
    assert found(rule, HTTP) == []
    [(severity, code, message)] = found(rule, WEB)
    assert (severity, code) == ("error", "not-on-connection")
    assert message.startswith(
        f"{operation} cannot be done on the connection office: only a connection of type ozeki-http"
    )
    assert found(rule, WEB, HTTP) == []  # one of them can
    assert [each[0] for each in found(rule, WEB, GATEWAY)] == ["warning"]
    bound = rule.replace("actions", "conditions: {connection: office}, actions")
    assert [each[0] for each in found(bound, WEB, HTTP)] == ["error"]


def test_listening_is_not_done_over_http() -> None:
    rule = "trigger: {state: InCall}, actions: [startListen, {wait: 5s}, {choose: [{else: [stopListen]}]}]"
    assert [each[:2] for each in found(rule, HTTP)] == [("error", "not-on-connection")] * 2
    assert found(rule, WEB) == []


def test_a_message_may_go_over_another_connection() -> None:
    rule = "trigger: {{state: NotAnswered}}, actions: [{{sendSms: {{to: 2001, text: a, connection: {0}}}}}]"
    assert found(rule.format("branch"), WEB, HTTP) == []
    assert [each[:2] for each in found(rule.format("office"), WEB, HTTP)] == [("error", "not-on-connection")]
    assert found(rule.format("brunch"), WEB, HTTP) == [
        ("error", "unknown-connection", 'There is no connection "brunch".')
    ]


def test_a_connection_that_is_not_there_is_named() -> None:
    rule = "trigger: {state: Ringing}, conditions: {connection: [offise, branch]}, actions: [hangup]"
    assert found(rule, WEB, HTTP) == [("error", "unknown-connection", 'There is no connection "offise".')]


def test_routing_is_asked_by_http_with_notifications_alone() -> None:
    rule = "trigger: {routing: Calling}, actions: [{forward: 2001}]"
    assert found(rule, ASKING) == []
    assert [each[:2] for each in found(rule, HTTP)] == [("error", "not-on-connection")]
    assert [each[:2] for each in found(rule, WEB, HTTP)] == [("warning", "not-on-connection")]
    both = "trigger: {any: [{routing: Calling}, {state: Ringing}]}, actions: [{forward: 2001}]"
    assert [each[0] for each in found(both, WEB)] == ["warning"]


def test_a_transfer_needs_to_know_who_moves() -> None:
    rule = "trigger: {state: InCall}, actions: [{blindTransfer: {move: caller, to: 2001}}]"
    assert [each[:2] for each in found(rule, GATEWAY)] == [("error", "not-on-connection")]
    assert found(rule, WEB) == []


@pytest.mark.parametrize("trigger", ["state: [CallerHungUp, CalleeHungUp]", "state: InCall, from: Setup"])
def test_a_state_that_http_never_tells_is_a_warning(trigger: str) -> None:
    rule = f"trigger: {{{trigger}}}, actions: [log: x]"
    [(severity, code, message)] = found(rule, HTTP)
    assert (severity, code) == ("warning", "not-on-connection")
    assert message.startswith("This never fires: the connection branch never tells of ")
    assert found(rule, WEB) == found(rule, WEB, HTTP) == []
    bound = rule.replace("actions", "conditions: {connection: branch}, actions")
    assert [each[:2] for each in found(bound, WEB, HTTP)] == [("warning", "not-on-connection")]


@pytest.mark.parametrize("states", ["ended", "[CallerHungUp, Completed]", "other:Parked"])
def test_a_trigger_with_one_state_that_may_come_is_none(states: str) -> None:
    assert found(f"trigger: {{state: {states}}}, actions: [log: x]", HTTP) == []


@pytest.mark.parametrize(
    ("text", "count"), [("sendSms: {to: 2001, text: a", 1), ("call: {to: 2001, url: 'http://a/'", 0)]
)
def test_a_text_needs_an_api_extension_from_the_rule_or_the_connection(text: str, count: int) -> None:
    bare = HTTP.replace(", apiExtension: '9998'", "")
    rule = f"trigger: {{state: NotAnswered}}, actions: [{{{text}}}}}]"
    assert [each[:2] for each in found(rule, bare)] == [("warning", "not-on-connection")] * count
    assert found(rule, HTTP) == []
    assert found(rule.replace("}}]", ", apiExtension: 9990}}]"), bare) == []
