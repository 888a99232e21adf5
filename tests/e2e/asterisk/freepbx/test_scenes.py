"""The dialplan that offices have, played with real calls: what the connector told of each, and what the oracle says."""

import pytest

from tests.e2e.asterisk.freepbx.evening import ALL, Evening
from tests.e2e.asterisk.freepbx.known_faults import KNOWN
from tests.e2e.asterisk.freepbx.told import faults
from tests.oracle.marks import marked

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk, and plays all scenes


@pytest.mark.parametrize("name", marked(ALL, KNOWN))
def test_the_sessions_are_what_happened(evening: Evening, name: str) -> None:
    played = evening.played[name]
    if played.fault:
        raise RuntimeError(f"{name} was not played to its end:\n{played.fault}")  # never what is known to be told wrong
    assert faults(played.told, played.right) == []


@pytest.mark.parametrize("name", ALL)
def test_no_law_is_broken(evening: Evening, name: str) -> None:
    assert evening.broken_in(name) == []
