"""What each connection can be asked for: the one place that knows it before a phone system is reached.

What a connected one lets us do may be less still.
"""

from collections.abc import Mapping
from typing import Final, assert_never

from ozrules.session.methods import APART, FURTHER, OPERATIONS, Operation
from ozrules.session.state import (
    CALLEE_HUNG_UP,
    CALLEE_ON_HOLD,
    CALLER_HUNG_UP,
    CALLER_ON_HOLD,
    COMPLETED,
    CREATED,
    ERROR,
    KNOWN_STATES,
    NOT_FOUND,
    ON_HOLD,
    ON_HOLD_INACTIVE,
    RINGING,
    SETUP,
    TRANSFER_COMPLETED,
    TRANSFER_FAILED,
    TRANSFER_REQUESTED,
    TRANSFER_SETUP,
    TRANSFERRING,
    State,
)
from ozrules.settings.model import (
    AsteriskSettings,
    ConnectionSettings,
    GatewaySettings,
    OzekiHttpSettings,
    SimulatorSettings,
    WebclientSettings,
)

_HTTP_ONLY: Final[Mapping[Operation, str]] = dict.fromkeys(FURTHER, "only a connection of type ozeki-http can")
_NO_CALLS: Final[Mapping[Operation, str]] = dict.fromkeys(
    (each for each in OPERATIONS if each not in APART), "it sees no calls, as it says watch: false"
)
_NO_LISTENING: Final[Mapping[Operation, str]] = dict.fromkeys(
    ("startListen", "stopListen"), "the HTTP API has no way to listen; a web client's connection has"
)
_UNSAID: Final[Mapping[Operation, str]] = {
    "blindTransfer": "movedParty is not set, so nobody knows which of the two parties would go"
}
_NO_PLACE_TO_HOLD: Final[Mapping[Operation, str]] = dict.fromkeys(
    ("hold", "unhold"), "neither ari nor holdExtension is set"
)
_NOBODY_TO_LISTEN: Final[Mapping[Operation, str]] = dict.fromkeys(
    ("startListen", "stopListen"), "no supervisor is set, whose phone would listen"
)

_TOLD_INSTEAD: Final[Mapping[State, State | None]] = {
    CREATED: RINGING,
    SETUP: RINGING,
    CALLER_ON_HOLD: ON_HOLD,
    CALLEE_ON_HOLD: ON_HOLD,
    ON_HOLD_INACTIVE: ON_HOLD,
    TRANSFER_SETUP: RINGING,
    TRANSFER_REQUESTED: TRANSFER_COMPLETED,
    TRANSFERRING: TRANSFER_COMPLETED,
    TRANSFER_FAILED: None,
    CALLER_HUNG_UP: COMPLETED,
    CALLEE_HUNG_UP: COMPLETED,
    NOT_FOUND: ERROR,
}
"""The states that the HTTP API has no word for, and what is seen in their place. Source: ozekiphone.com p_4587."""


def lacking(connection: ConnectionSettings) -> dict[Operation, str]:
    """What this connection cannot be asked for, each with the reason, to be read after "because"."""
    found: dict[Operation, str] = {}
    match connection:
        case OzekiHttpSettings(moved_party=moved):
            found.update(_NO_LISTENING if connection.watch else _NO_CALLS)
        case WebclientSettings(moved_party=moved) | GatewaySettings(moved_party=moved):
            found.update(_HTTP_ONLY)
        case AsteriskSettings():
            moved = "argument"  # its actions name legs, so nothing is open
            found.update(_HTTP_ONLY)
            if connection.ari is None and connection.hold_extension is None:
                found.update(_NO_PLACE_TO_HOLD)
            if connection.supervisor is None:
                found.update(_NOBODY_TO_LISTEN)
        case SimulatorSettings():
            moved = "argument"
            found.update(_HTTP_ONLY)
        case _:
            assert_never(connection)
    if moved is None:
        found.update(_UNSAID)
    return found


def deaf(connection: ConnectionSettings) -> str | None:
    """Why this connection never asks where a call goes, to be read after "because"; None where it does."""
    if not isinstance(connection, OzekiHttpSettings):
        return "only a connection of type ozeki-http does"
    return None if connection.notifications is not None else "it has no notifications"


def untold(connection: ConnectionSettings) -> Mapping[State, State | None]:
    """The states of which this connection never tells, and what it tells in their place."""
    if not isinstance(connection, OzekiHttpSettings):
        return {}
    return _TOLD_INSTEAD if connection.watch else dict.fromkeys(KNOWN_STATES)
