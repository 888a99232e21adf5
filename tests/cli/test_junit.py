"""JUnit XML as build servers read it. The rules of the form are those of the schema that Jenkins publishes."""

import xml.etree.ElementTree as ElementTree
from typing import Final

from ozrules.cli import junit
from tests.scenario.playing import SALES, played

ATTRIBUTES: Final[dict[str, tuple[set[str], set[str]]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "disabled", "errors"}),
    "testsuite": ({"name", "tests"}, {"failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname"}),
    "testcase": ({"name"}, {"classname", "assertions", "time", "status"}),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
}
"""Of each element, the attributes that must be there and those that may."""
INSIDE: Final = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase", "properties", "system-out", "system-err"},
    "testcase": {"failure", "error", "skipped", "system-out", "system-err"},
    "failure": set[str](),
    "error": set[str](),
}
RINGS: Final = """    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 30s, session: s1, state: Cancelled}
    expect:
      - {at: 20s, rule: sales-no-answer, action: forward, to: TO}
"""


def _check(element: ElementTree.Element) -> None:
    must, may = ATTRIBUTES[element.tag]
    assert must <= set(element.attrib) <= must | may
    for child in element:
        assert child.tag in INSIDE[element.tag]
        _check(child)
    for count, tag in (("failures", "failure"), ("errors", "error")):
        if count in element.attrib:
            cases = [case for case in element.iter("testcase") if case.find(tag) is not None]
            assert int(element.attrib[count]) == len(cases)
    if "tests" in element.attrib:
        assert int(element.attrib["tests"]) == len(list(element.iter("testcase")))


def test_the_report_is_as_the_schema_wants_it() -> None:
    good, bad = played(SALES, RINGS.replace("TO", "2010")), played(SALES, RINGS.replace("TO", "2011"))
    text = junit.report([("a.test.yaml", [good, bad]), ("b.test.yaml", [good])], ["c.test.yaml"])
    root = ElementTree.fromstring(text)  # noqa: S314  our own text
    _check(root)
    assert root.attrib == {"name": "ozrules", "tests": "4", "failures": "1", "errors": "1"}
    [failure, _] = root.iter("failure")
    assert "rules.test.yaml:" in (failure.get("message") or "")


def test_names_are_only_ever_text() -> None:
    result = played(SALES, RINGS.replace("TO", "2011"))
    root = ElementTree.fromstring(junit.report([('<a> & "b"\x1b\x00\uffff', [result])], []))  # noqa: S314  our own text
    _check(root)
    assert root[0].get("name") == '<a> & "b"\\u001b\\u0000\\uffff'


def test_nothing_at_all_is_a_report_too() -> None:
    _check(ElementTree.fromstring(junit.report([], [])))  # noqa: S314  our own text
