"""How much the proofs find, and that they accuse nobody who is innocent: counted over made-up offices."""

from collections import Counter

import pytest

from ozrules.proofs.checking import check
from ozrules.rules.diagnostics import Diagnostic
from ozrules.rules.document import Source
from tests.proofs.faults import FAULTS
from tests.proofs.offices import sane
from tests.proofs.test_witness import passes

SANE = 1_000
SEEDED = 200
FOUND = 195
"""Of 200 seeded faults. What is missed: two rules that only together leave nothing to a third."""


def findings(text: str) -> tuple[Diagnostic, ...]:
    return check([Source("f", text.encode())])[1]


@pytest.mark.fault(74)
@pytest.mark.parametrize("part", range(4))
def test_no_false_alarm_on_a_thousand_sane_rule_sets(part: int) -> None:
    for seed in range(part, SANE, 4):
        text = sane(seed).text
        assert findings(text) == (), text


@pytest.mark.fault(74)
def test_seeded_faults_are_found_and_shown_by_a_call_that_replays() -> None:
    found = 0
    missed: Counter[str] = Counter()
    for number in range(SEEDED):
        code, put = FAULTS[number % len(FAULTS)]
        office = sane(10_000 + number)
        put(office)
        hits = [each for each in findings(office.text) if each.code == code]
        found += bool(hits)
        if not hits:
            missed[put.__name__] += 1
        for each in hits:
            assert each.witness is None or passes(each.witness, office.text), each
        told = [each for each in hits if each.witness is not None]
        assert told or not hits or code == "refused-destination", (put.__name__, hits)
    assert found >= FOUND, missed
