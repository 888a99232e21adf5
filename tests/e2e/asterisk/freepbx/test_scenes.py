"""The dialplan that offices have, played with real calls: what the connector told of each, and what the oracle says.

All scenes are played at once. Where a machine with other work to do makes one fail, it is played once more, alone.
"""

import asyncio

import pytest

from tests.e2e.asterisk.freepbx.evening import ALL, Evening, play
from tests.e2e.asterisk.freepbx.known_faults import KNOWN
from tests.e2e.asterisk.freepbx.laboratory import Laboratory
from tests.e2e.asterisk.freepbx.told import faults
from tests.oracle.marks import marked

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk, and plays all scenes


@pytest.mark.parametrize("name", marked(ALL, KNOWN))
def test_the_sessions_are_what_happened(
    evening: Evening, freepbx: Laboratory, request: pytest.FixtureRequest, name: str
) -> None:
    again = getattr(request.node, "execution_count", 1) > 1
    one = asyncio.run(play(freepbx, [name])) if again else evening
    played = one.played[name]
    if played.fault:
        raise RuntimeError(f"{name} was not played to its end:\n{played.fault}")  # never what is known to be told wrong
    assert faults(played.told, played.right) == []
    assert one.broken_in(name) == []


def test_no_law_is_broken_beside_the_scenes(evening: Evening) -> None:
    assert evening.broken_nowhere() == []
