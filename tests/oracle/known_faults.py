"""What breaks the laws today: each recording, and why. It is the only list of its kind, and it is strict: what is on it
and breaks nothing any more fails the tests too, so that it becomes empty as faults are mended."""

from typing import Final

KNOWN: Final[dict[str, str]] = {}

OUT_OF_ORDER: Final[dict[str, str]] = {}
"""The same of recordings whose events come a little out of order."""

AFTER_A_GAP: Final[dict[str, str]] = {}
"""The same of recordings of which some is lost before a full list comes."""
