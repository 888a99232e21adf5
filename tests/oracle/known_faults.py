"""What breaks the laws today: each recording, and why. It is the only list of its kind, and it is strict: what is on it
and breaks nothing any more fails the tests too, so that it becomes empty as faults are mended."""

from typing import Final

_BACK = "an InCall of no duration before the transfer is told"
_ROOM = "two who are sent to a conference room together are told to be on hold"
_AGAIN = "a call that was transferred begins and ends once more"
_UP = "after a list, who was answered is told to ring, though the other is held, parked or sent elsewhere"
_TURNED = "after a list, who was called or picked up is told to be the caller"
_FETCHED = "after a list, who fetches a parked call has no session with it"
_CONSULTED = "after a list, whom a feature code or a Local channel calls is told to ring for nobody"

KNOWN: Final[dict[str, str]] = {}

OUT_OF_ORDER: Final[dict[str, str]] = {}
"""The same of recordings whose events come a little out of order."""

AFTER_A_GAP: Final[dict[str, str]] = {}
"""The same of recordings of which some is lost before a full list comes."""
