"""What may differ from one phone system to another, and what is left behind by a key press."""

from typing import Literal

import msgspec

from ozrules.connectors.simulator.callers import Party
from ozrules.rules.model import Routing
from ozrules.session.methods import Further, Method
from ozrules.session.session import Session


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """Where the vendor's documentation leaves things open, or an office may be set up in one way or another.

    ``speed`` scales talk, not rings, holds or timeouts. ``reuse_ids`` gives an id again as soon as its call has ended.
    ``asks_routing``: it asks where a call goes, and waits so many seconds for an answer; None: it does not ask.
    """

    ring_timeout: float = 60.0
    hold_timeout: float = 300.0
    forward: Literal["newSession", "sameSession"] = "newSession"
    moved_party: Literal["argument", "other"] = "argument"
    privileges: frozenset[Method] | None = None
    tells_privileges: bool = True
    reuse_ids: bool = False
    asks_routing: float | None = None
    speed: float = 1.0


class Key(msgspec.Struct, frozen=True):
    """A DTMF key that a party has received."""

    at: float
    session_id: str
    party: Party
    key: str


class Question(msgspec.Struct, frozen=True):
    """Where does this call go, before it rings or after it was not taken?"""

    number: int
    kind: Routing
    session: Session


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Something beyond the ten methods that the phone system did: on which session, and with which arguments."""

    at: float
    operation: Further
    session_id: str | None
    arguments: dict[str, str]
