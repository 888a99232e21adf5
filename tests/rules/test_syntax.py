"""What the parser complains of, said where it went wrong."""

import pytest

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import Source, parse


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: [1, 2\nb: 3\n", "f:1:4", "list that begins with this ["),
        ("a: {x: 1\nb: 2\n", "f:1:4", "mapping that begins with this {"),
        ('a: "x\nb: 1\n', "f:1:4", "quotation mark is never closed"),
        ("a: b: c\n", "f:1:5", "second colon"),
        ("a: 1\n b: 2\n", "f:2:3", "second colon"),
        ("- a\nb: 1\n", "f:2:1", "item of the list"),
        ("a: 1\n- b\n", "f:2:1", "key is expected"),
        ('a: "\\d"\n', "f:1:5", "escape is unknown"),
        ("a: !b}\n", "f:1:4", "YAML tag"),
        ("a: [1, *21*, 3]\n", "f:1:8", "keeps *"),
        ("a: [#21#, 3]\n", "f:1:5", "keeps #"),
    ],
)
def test_where_and_what(text: str, place: str, words: str) -> None:
    findings = Findings()
    assert parse(Source("f", text.encode()), findings) is None
    (finding,) = findings.all
    assert str(finding.place) == place
    assert words in finding.message
