"""A daemon that starts in the middle: what it finds on the list is what Asterisk does, and so is what it tells then.

Every recording, and every moment of it in which Asterisk was quiet, held against the oracle.
"""

import pytest

from tests.oracle.history import History
from tests.oracle.laws import breaches_after_a_list
from tests.oracle.listing import rows
from tests.oracle.marks import told_of
from tests.oracle.played import RECORDINGS, decoded, hear, new_reducer, of_session, recorded
from tests.oracle.wire import moment_of

QUIET = 0.05
"""Seconds without an event: a list that comes in the middle of a change shows half of it."""

NOT_LISTED = ("early_media_183", "music_while_ringing")
"""Recordings of phones of which a list does not say that they ring."""


@pytest.mark.fault(5)
@pytest.mark.parametrize("name", [name for name in RECORDINGS if not name.endswith(NOT_LISTED)])
def test_who_starts_in_the_middle_holds_no_session_that_the_law_forbids(name: str) -> None:
    shown = [event for event in recorded(name) if "Timestamp" in event]
    heard = [event for event in decoded(name) if "Timestamp" in event]
    history = History(shown)
    for cut in range(1, len(shown)):
        at = moment_of(shown[cut - 1])
        if moment_of(shown[cut]) - at < QUIET:
            continue
        reducer = new_reducer()
        reducer.begin_list()
        told = [of_session(session, at) for session in reducer.listed(rows(shown[:cut]))]
        found = breaches_after_a_list(history, told + hear(reducer, heard[cut:], at), at)
        assert not found, f"list after event {cut}: {told_of(found)}"
