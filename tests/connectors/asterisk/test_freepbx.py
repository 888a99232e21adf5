"""The reducer against the recorded scenes of an office with FreePBX's dialplan, on Asterisk 22 and 16.

``NAME.ami.txt`` is what the manager said while `tests/e2e/asterisk/freepbx/scenes.py` played the scene of that name,
without fields that say the same in each event; ``NAME.right.txt`` holds the sessions that are right. Both are written
by `tests/e2e/asterisk/freepbx/record.py`, which does not look at what is told.
"""

from pathlib import Path
from typing import Final

import pytest

from ozrules.connectors.asterisk.ami import Decoder
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.events import SessionSeen
from tests.e2e.asterisk.freepbx.evening import ALL
from tests.e2e.asterisk.freepbx.known_faults import KNOWN
from tests.e2e.asterisk.freepbx.laboratory import TRUNKS
from tests.e2e.asterisk.freepbx.told import faults, read, told_of
from tests.oracle.history import History
from tests.oracle.laws import breaches
from tests.oracle.marks import marked
from tests.oracle.played import of_seen
from tests.oracle.wire import events, moment_of

DATA: Final = Path(__file__).parents[2] / "data"
SUITES: Final = ("freepbx-22", "freepbx-16")


def played(recording: bytes) -> list[SessionSeen]:
    """What a new reducer tells of it."""
    reducer = Reducer("office", Outside.of([f"PJSIP/{name}-*" for name in TRUNKS]))
    messages = [one for one in Decoder().feed(recording) if isinstance(one, dict)]
    heard = [seen for event in messages for seen in reducer.hear(event, moment_of(event))]
    return heard + reducer.settle(float("inf"))


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("name", marked(ALL, KNOWN))
def test_a_scene_makes_the_sessions_that_are_right(name: str, suite: str) -> None:
    recording = (DATA / suite / f"{name}.ami.txt").read_bytes()
    told = played(recording)
    right = (DATA / suite / f"{name}.right.txt").read_text().splitlines()
    assert faults(told_of(told), map(read, right)) == []
    found = breaches(History(events(recording)), [of_seen(one) for one in told])
    assert not found, [str(breach) for breach in found]


def test_every_scene_is_recorded() -> None:
    for suite in SUITES:
        recorded = {path.name.removesuffix(".ami.txt") for path in (DATA / suite).glob("*.ami.txt")}
        assert recorded == set(ALL)


def test_what_is_known_to_be_wrong_is_a_scene() -> None:
    assert set(KNOWN) <= set(ALL)
