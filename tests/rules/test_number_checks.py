"""What `check` says of numbers that mean something else than an admin thought."""

import pytest

from ozrules.rules.document import Source
from ozrules.rules.loader import check


def codes(text: str) -> list[str]:
    return [each.code for each in check([Source("f", f"ozrules: 1\n{text}".encode())])[1]]


RULE = "rules:\n  - {{id: a, trigger: {{state: Ringing}}, conditions: {{callee: {callee}}}, actions: [{{{action}}}]}}\n"


def test_whoever_sends_calls_on_is_asked_once_for_the_extensions() -> None:
    choose = "{choose: [{if: {callee: 2001}, then: [{blindTransfer: {move: caller, to: 2011}}]}]}"
    two = RULE.format(callee="2001", action="forward: 2010")
    two += f"  - {{id: b, trigger: {{state: InCall}}, actions: [{choose}]}}\n"
    assert codes(two) == ["no-extensions"]
    assert codes("defaults: {country: HU}\n" + two) == []
    assert codes("defaults: {extensions: _2XXX}\n" + two) == []
    assert codes(RULE.format(callee="2001", action="log: x")) == []


def test_a_condition_on_an_emergency_number_is_said() -> None:
    rule = RULE.format(callee="[101, 2001]", action="log: x")
    assert codes("defaults: {country: HU}\n" + rule) == ["emergency-number"]
    assert codes("defaults: {country: HU, extensions: [_1XX, _2XXX]}\n" + rule) == []


def test_a_templated_destination_needs_extensions() -> None:
    guards = "guards: {destinations: {allow: [internal], templated: true}}\n"
    assert codes(guards) == ["no-extensions"]
    assert codes("defaults: {country: HU}\n" + guards) == ["no-extensions"]
    assert codes("defaults: {extensions: _2XXX}\n" + guards) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('guards: {destinations: {deny: ["00*"]}}', "unclear-beginning"),
        ('guards: {destinations: {allow: ["0*"]}}', "unclear-beginning"),
        ('guards: {protected: {callee: ["00*"]}}', "unclear-beginning"),
        ('lists: {far: ["00*"]}', "unclear-beginning"),
        ('lists: {one: ["06 20 123 4567", "+36201234567"]}', "duplicate-number"),
        ('lists: {one: {"06201234567": 2001, "+36 20 123 4567": 2002}}', "duplicate-number"),
        ('lists: {one: {"0620*": 2001}}', "literal-star"),
    ],
)
def test_what_does_not_say_which_numbers_it_means(text: str, code: str) -> None:
    assert code in codes(f"defaults: {{country: HU}}\n{text}\n")


@pytest.mark.parametrize("op", ['startsWith: "00"', 'in: ["00*"]', 'notIn: ["0*"]'])
def test_in_conditions_too(op: str) -> None:
    rule = "rules: [{id: a, trigger: {state: Ringing}, conditions: {caller: {" + op + "}}, actions: [{log: x}]}]\n"
    assert codes("defaults: {country: HU}\n" + rule) == ["unclear-beginning"]
