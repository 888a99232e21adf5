"""The product held against the oracle: every recording of a real Asterisk, whole, and a little out of order."""

import random

import pytest

from tests.oracle.known_faults import KNOWN, OUT_OF_ORDER
from tests.oracle.laws import breaches
from tests.oracle.marks import marked, told_of
from tests.oracle.played import RECORDINGS, decoded, happened, hear, new_reducer
from tests.oracle.wire import Event, moment_of

JITTER = 0.003
"""Seconds by which events of different channels may overtake each other."""
ORDERS = 6


SOUND = [name for name in RECORDINGS if name not in KNOWN]


@pytest.mark.parametrize("name", marked(RECORDINGS, KNOWN))
def test_the_sessions_of_a_recording_are_its_conversations(name: str) -> None:
    found = breaches(happened(name), hear(new_reducer(), decoded(name)))
    assert not found, told_of(found)


@pytest.mark.parametrize("name", marked(SOUND, OUT_OF_ORDER))
def test_so_they_are_when_events_come_a_little_out_of_order(name: str) -> None:
    for seed in range(ORDERS):
        found = breaches(happened(name), hear(new_reducer(), out_of_order(decoded(name), seed)))
        assert not found, f"order {seed}: {told_of(found)}"


def out_of_order(heard: list[Event], seed: int) -> list[Event]:
    """The events as they might have come: those of one channel in order, others late by up to JITTER."""
    late = random.Random(seed)
    newest: dict[str, float] = {}
    places: list[tuple[float, int]] = []
    for number, event in enumerate(heard):
        channel = event.get("Channel") or event.get("TransfererChannel") or event.get("OrigTransfererChannel") or ""
        at = moment_of(event) if "Timestamp" in event else newest.get(channel, 0)
        due = max(at + late.uniform(0, JITTER), newest.get(channel, 0))
        newest[channel] = due
        places.append((due, number))
    return [heard[number] for _, number in sorted(places)]


def test_what_is_known_to_be_wrong_is_a_recording() -> None:
    assert set(KNOWN) <= set(RECORDINGS)
    assert set(OUT_OF_ORDER) <= set(SOUND)
