"""What breaks the laws today: each recording, and why. It is the only list of its kind, and it is strict: what is on it
and breaks nothing any more fails the tests too, so that it becomes empty as faults are mended."""

from typing import Final

_GONE = "the session lives on after its called leg is gone"
_ELSEWHERE = "the session lives on while its caller talks with somebody else, and their talk is no session"
_SPY = "the leg of one who listens, and was answered, is told as NotAnswered"
_UNKNOWN = "a call that somebody's originate did not make is a session"
_BACK = "an InCall of no duration before the transfer is told"
_HELD = "two who are held apart without music of their own are told as InCall"
_PARKED = "a parked call is told as InCall with who parked it"
_HANDED = "who is handed over while the target rings is no session with it"

KNOWN: Final[dict[str, str]] = {}

_LATE = "a BlindTransfer that is heard after the next dialling is no transfer of it, and never completed"

OUT_OF_ORDER: Final[dict[str, str]] = {}
"""The same of recordings whose events come a little out of order."""

_PICKED = "who picks up after a list has no session with the caller"
_CONSULTED = "after a list, whom a feature code called is no session with who called it"
_SENT_ON = "after a list, a called party who was sent on is no caller"
_FETCHED = "after a list, who fetches a parked call has no session with it"
_IN_AN_APPLICATION = "after a list, two who wait in an application are a call that is being set up"

AFTER_A_GAP: Final[dict[str, str]] = {}
"""The same of recordings of which some is lost before a full list comes."""
