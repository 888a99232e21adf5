"""The product held against the oracle after a gap: events lost, then a full list, then everything again.

What was lost cannot be told of. But from the list on a session must be what its legs do, and two who talk must be one:
rules act on what the list shows.
"""

import random
from typing import Final

import pytest

from tests.oracle.history import History
from tests.oracle.known_faults import AFTER_A_GAP, KNOWN
from tests.oracle.laws import Told, breaches_after_a_list
from tests.oracle.listing import rows
from tests.oracle.marks import marked, told_of
from tests.oracle.played import RECORDINGS, decoded, hear, new_reducer, of_session
from tests.oracle.wire import Event, events, moment_of

GAPS: Final = 12
SHORTEST: Final = 10
"""Events; in less there is no conversation to be lost."""

NOT_LISTED: Final = "early_media_183"
"""The recording of a phone that sends sound before it is answered, of which a list says nothing."""

JUDGED = [
    name
    for name, path in RECORDINGS.items()
    if name not in KNOWN and not name.endswith(NOT_LISTED) and len(events(path.read_bytes())) > SHORTEST
]


@pytest.mark.parametrize("name", marked(JUDGED, AFTER_A_GAP))
def test_after_a_gap_and_a_list_the_sessions_are_the_conversations(name: str) -> None:
    text = RECORDINGS[name].read_bytes()
    recorded, heard = [timed for timed in events(text) if "Timestamp" in timed], decoded(text)
    heard = [event for event in heard if "Timestamp" in event]
    history = History(recorded)
    for seed in range(GAPS):
        chosen = random.Random(seed)
        cut = chosen.randrange(SHORTEST // 2, len(recorded) - 2)
        lost = set(range(cut)) if seed % 3 == 0 else set(chosen.sample(range(cut), chosen.randrange(min(cut, 12))))
        told = after_the_list(recorded, heard, cut, lost)
        found = breaches_after_a_list(history, told, moment_of(recorded[cut - 1]))
        assert not found, f"list after event {cut}, gap {seed}: {told_of(found)}"


def after_the_list(recorded: list[Event], heard: list[Event], cut: int, lost: set[int]) -> list[Told]:
    """What is told from the list on, which comes after ``cut`` events, some of them lost."""
    reducer = new_reducer()
    at = moment_of(recorded[cut - 1])
    hear(reducer, [event for number, event in enumerate(heard[:cut]) if number not in lost])
    reducer.begin_list()
    listed = [of_session(session, at) for session in reducer.listed(rows(recorded[:cut]))]
    return listed + hear(reducer, heard[cut:], at)


def test_what_is_known_to_be_wrong_is_judged() -> None:
    assert set(AFTER_A_GAP) <= set(JUDGED)
