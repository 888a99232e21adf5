"""One name space."""

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import TextNode
from ozrules.rules.reading.scope import Scope


def name(text: str, line: int = 1) -> TextNode:
    return TextNode("f", line, 1, len(text), text, quoted=False)


def test_a_name_is_taken_once() -> None:
    scope, findings = Scope(), Findings()
    assert scope.define("list", name("sales"), findings)
    assert not scope.define("schedule", name("sales", 2), findings)
    assert [str(each.related[0].place) for each in findings.all] == ["f:1:1"]


def test_a_name_of_another_kind_is_said_to_be_one() -> None:
    scope, findings = Scope(), Findings()
    scope.define("schedule", name("hours"), findings)
    assert not scope.find("list", name("hours", 2), findings)
    assert [each.message for each in findings.all] == ['"hours" is a schedule, not a list.']


def test_a_misspelt_name_counts_as_used() -> None:
    scope, findings = Scope(), Findings()
    scope.define("list", name("salesTeam"), findings)
    assert not scope.find("list", name("salesTaem", 2), findings)
    assert "salesTeam" in scope.used


def test_what_may_stand_in_a_file_that_could_not_be_read_is_not_missed() -> None:
    findings = Findings()
    assert not Scope(partial=True).find("list", name("sales"), findings)
    assert not findings.all


def test_a_name_whose_value_is_wrong_is_not_missed_either() -> None:
    scope, findings = Scope(), Findings()
    scope.define("list", name("sales"), findings)
    scope.broken.add("sales")
    assert not scope.find("list", name("sales", 2), findings)
    assert not findings.all


def test_secrets_are_unchecked_where_they_are_unknown() -> None:
    findings = Findings()
    assert Scope().find("secret", name("pin"), findings)
    assert not Scope(secrets=frozenset({"doorPin"})).find("secret", name("dorPin"), findings)
    assert [each.suggestion for each in findings.all] == ["Did you mean doorPin?"]
