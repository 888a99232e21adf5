"""States, fields, numbers and templates, as they may be typed."""

import pytest

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import MapNode, Node, Source, parse
from ozrules.rules.reading.scope import Scope
from ozrules.rules.reading.values import STATES, Destination, FieldName, TemplateText
from ozrules.rules.shape import INVALID, Shape
from ozrules.session.state import ENDED, GROUPS, HELD, IN_CALL, KNOWN_STATES, State


def read(shape: Shape[object], typed: str) -> tuple[object, list[str]]:
    findings = Findings()
    root = parse(Source("f", f"key: {typed}\n".encode()), findings)
    assert isinstance(root, MapNode)
    node: Node | None = root.get("key")
    assert node is not None
    return shape.read(node, findings), [each.suggestion or each.code for each in findings.all]


@pytest.mark.parametrize("state", KNOWN_STATES)
def test_every_state_has_its_name(state: State) -> None:
    assert read(STATES, state) == ({state}, [])


def test_groups_and_lists() -> None:
    assert read(STATES, "ended") == (ENDED, [])
    assert read(STATES, "[InCall, held]") == (HELD | {IN_CALL}, [])
    assert read(STATES, '"other:Parked"') == ({State("other:Parked")}, [])
    assert set(GROUPS) == {"held", "transferring", "ended", "active"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("INCALL", "Did you mean InCall?"),
        ("in_call", "Did you mean InCall?"),
        ("Rejected", "Did you mean Busy?"),
        ("Rining", "Did you mean Ringing?"),
        ("endet", "Did you mean ended?"),
        ("Parked", "If the phone system really says so, write other:Parked."),
        ('"other:IN_CALL"', "Write InCall."),
        ('"other:"', "unknown-state"),
    ],
)
def test_other_spellings_are_refused_with_the_right_one(typed: str, said: str) -> None:
    assert read(STATES, typed) == (INVALID, [said])


def test_fields_and_variables() -> None:
    scope = Scope()
    assert read(FieldName(scope), "callerDisplayName") == ("callerDisplayName", [])
    assert read(FieldName(scope), "var.asked") == ("var.asked", [])
    assert list(scope.variables_read) == ["var.asked"]
    assert read(FieldName(scope), "var.") == (INVALID, ["unknown-field"])


@pytest.mark.parametrize("typed", ["2010", "+36201234567", '"06301234567"'])
def test_destinations(typed: str) -> None:
    assert read(Destination(Scope()), typed) == (typed.strip('"'), [])


@pytest.mark.parametrize("typed", ['"*72"', '"20#"', "reception", "٢٠١٠", "20 10", '"+"', "1" * 40, '"{{ caller }}"'])
def test_no_destinations(typed: str) -> None:
    assert read(Destination(Scope()), typed)[0] is INVALID


@pytest.mark.parametrize("typed", ['"{{ caller"', '"{{ }}"', '"{{ a b }}"', '"{{ caller }} {{"', '"{{ caller() }}"'])
def test_templates_that_are_none(typed: str) -> None:
    assert read(TemplateText(Scope()), typed)[0] is INVALID


def test_a_text_without_fields_is_a_template_too() -> None:
    assert read(TemplateText(Scope()), "plain } text {") == (("plain } text {",), [])
