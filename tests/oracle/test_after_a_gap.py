"""The product held against the oracle after a gap: events lost, then a full list, then everything again.

What was lost cannot be told of. But from the list on a session must be what its legs do, and two who talk must be one:
rules act on what the list shows.
"""

import random
from typing import Final

import pytest

from tests.oracle.known_faults import AFTER_A_GAP, KNOWN
from tests.oracle.laws import Told, breaches_after_a_list
from tests.oracle.listing import rows
from tests.oracle.marks import marked, told_of
from tests.oracle.played import RECORDINGS, decoded, happened, hear, new_reducer, of_session, recorded
from tests.oracle.wire import Event, moment_of

GAPS: Final = 12
SHORTEST: Final = 10
"""Events; in less there is no conversation to be lost."""

NOT_LISTED: Final = "early_media_183"
"""The recording of a phone that sends sound before it is answered, of which a list says nothing."""

JUDGED = [
    name
    for name in RECORDINGS
    if name not in KNOWN and not name.endswith(NOT_LISTED) and len(recorded(name)) > SHORTEST
]


@pytest.mark.parametrize("name", marked(JUDGED, AFTER_A_GAP))
def test_after_a_gap_and_a_list_the_sessions_are_the_conversations(name: str) -> None:
    shown = [event for event in recorded(name) if "Timestamp" in event]
    heard = [event for event in decoded(name) if "Timestamp" in event]
    history = happened(name)
    for seed in range(GAPS):
        chosen = random.Random(seed)
        cut = chosen.randrange(SHORTEST // 2, len(shown) - 2)
        lost = set(range(cut)) if seed % 3 == 0 else set(chosen.sample(range(cut), chosen.randrange(min(cut, 12))))
        at = moment_of(shown[cut - 1])
        if any(moment.holds for moment in history.between(at, at)):
            continue  # who holds is on no list
        found = breaches_after_a_list(history, after_the_list(shown, heard, cut, lost), at)
        assert not found, f"list after event {cut}, gap {seed}: {told_of(found)}"


def after_the_list(shown: list[Event], heard: list[Event], cut: int, lost: set[int]) -> list[Told]:
    """What is told from the list on, which comes after ``cut`` events, some of them lost."""
    reducer = new_reducer()
    at = moment_of(shown[cut - 1])
    hear(reducer, [event for number, event in enumerate(heard[:cut]) if number not in lost])
    reducer.begin_list()
    listed = [of_session(session, at) for session in reducer.listed(rows(shown[:cut]))]
    return listed + hear(reducer, heard[cut:], at)


def test_what_is_known_to_be_wrong_is_judged() -> None:
    assert set(AFTER_A_GAP) <= set(JUDGED)
