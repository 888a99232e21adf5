"""Callers who show no number: no value, and in nobody's group."""

import pytest

from ozrules.rules.document import Source
from ozrules.rules.loader import load
from tests.engine.stage import Stage

WORDS = ("anonymous", "Anonymous", "unknown", "<unknown>", "restricted", "sip:anonymous@anonymous.invalid")
RULES = """\
ozrules: 1
defaults: {country: HU, timezone: UTC}
rules:
  - {id: hidden, trigger: {state: Ringing}, conditions: {caller: {exists: false}}, actions: [{log: hidden}]}
  - {id: shown, trigger: {state: Ringing}, conditions: {caller: {exists: true}}, actions: [{log: "{{ caller }}"}]}
  - id: third-call
    trigger: {state: Ringing}
    conditions: {history: {state: Ringing, within: 1h, groupBy: caller, gte: 2}}
    actions: [{log: again}]
"""


@pytest.mark.parametrize("word", WORDS)
def test_every_word_for_a_withheld_number_is_a_missing_caller(word: str) -> None:
    stage = Stage(load([Source("office.yaml", RULES.encode())]))
    stage.call(caller=word, callee="2001")
    assert stage.logged == ["hidden"]


def test_calls_without_a_number_are_not_counted_together() -> None:
    stage = Stage(load([Source("office.yaml", RULES.encode())]))
    for number, word in enumerate((*WORDS, *WORDS)):
        stage.call(f"s{number}", caller=word, callee="2001")
    assert "again" not in stage.logged
    for number in range(2):
        stage.call(f"n{number}", caller="+36201234567", callee="2001")
    assert "again" in stage.logged
