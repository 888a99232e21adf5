"""What may differ from one phone system to another, and what is left behind by a key press."""

from typing import Literal

import msgspec

from ozrules.connectors.simulator.callers import Party
from ozrules.session.methods import Method


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """Where the vendor's documentation leaves things open, or an office may be set up in one way or another.

    ``speed`` scales talk, not rings, holds or timeouts. ``reuse_ids`` gives an id again as soon as its call has ended.
    """

    ring_timeout: float = 60.0
    hold_timeout: float = 300.0
    forward: Literal["newSession", "sameSession"] = "newSession"
    moved_party: Literal["argument", "other"] = "argument"
    privileges: frozenset[Method] | None = None
    tells_privileges: bool = True
    reuse_ids: bool = False
    speed: float = 1.0


class Key(msgspec.Struct, frozen=True):
    """A DTMF key that a party has received."""

    at: float
    session_id: str
    party: Party
    key: str
