"""The states of a session, their groups, and every spelling of them that the vendor uses.

A state is plain text, so that it costs nothing to compare and a state nobody has heard of can be kept:
the vendor's 19 names, four more from the sister products (Created, Setup, TransferSetup, Completed), or
``other:TEXT`` for a state that no page of the vendor names.
"""

from typing import Final, NewType

State = NewType("State", str)

CREATED: Final = State("Created")
SETUP: Final = State("Setup")
TRANSFER_SETUP: Final = State("TransferSetup")
RINGING: Final = State("Ringing")
IN_CALL: Final = State("InCall")
CALLEE_ON_HOLD: Final = State("CalleeOnHold")
CALLER_ON_HOLD: Final = State("CallerOnHold")
ON_HOLD: Final = State("OnHold")
ON_HOLD_INACTIVE: Final = State("OnHoldInactive")
TRANSFER_REQUESTED: Final = State("TransferRequested")
TRANSFERRING: Final = State("Transferring")
TRANSFER_COMPLETED: Final = State("TransferCompleted")
TRANSFER_FAILED: Final = State("TransferFailed")
CALLER_HUNG_UP: Final = State("CallerHungUp")
CALLEE_HUNG_UP: Final = State("CalleeHungUp")
REDIRECTED: Final = State("Redirected")
NOT_FOUND: Final = State("NotFound")
BUSY: Final = State("Busy")
CANCELLED: Final = State("Cancelled")
NOT_ANSWERED: Final = State("NotAnswered")
ERROR: Final = State("Error")
ABORTED: Final = State("Aborted")
COMPLETED: Final = State("Completed")  # ended, and the phone system does not say by whom

VENDOR_STATES: Final[tuple[State, ...]] = (
    RINGING,
    IN_CALL,
    CALLEE_ON_HOLD,
    CALLER_ON_HOLD,
    ON_HOLD,
    ON_HOLD_INACTIVE,
    TRANSFER_REQUESTED,
    TRANSFERRING,
    TRANSFER_COMPLETED,
    TRANSFER_FAILED,
    CALLER_HUNG_UP,
    CALLEE_HUNG_UP,
    REDIRECTED,
    NOT_FOUND,
    BUSY,
    CANCELLED,
    NOT_ANSWERED,
    ERROR,
    ABORTED,
)
"""The 19 states of the vendor's Session class, in the vendor's order."""

KNOWN_STATES: Final[tuple[State, ...]] = (CREATED, SETUP, TRANSFER_SETUP, *VENDOR_STATES, COMPLETED)

MOVED_ON: Final[frozenset[State]] = frozenset({REDIRECTED, TRANSFER_COMPLETED})
"""The ends of a session after which its call goes on in another."""

HELD: Final = frozenset({CALLEE_ON_HOLD, CALLER_ON_HOLD, ON_HOLD, ON_HOLD_INACTIVE})
TRANSFER_STATES: Final = frozenset({TRANSFER_REQUESTED, TRANSFER_SETUP, TRANSFERRING})
ENDED: Final = frozenset(
    {
        TRANSFER_COMPLETED,
        CALLER_HUNG_UP,
        CALLEE_HUNG_UP,
        REDIRECTED,
        NOT_FOUND,
        BUSY,
        CANCELLED,
        NOT_ANSWERED,
        ERROR,
        ABORTED,
        COMPLETED,
    }
)
ACTIVE: Final = frozenset(KNOWN_STATES) - ENDED

GROUPS: Final[dict[str, frozenset[State]]] = {
    "held": HELD,
    "transferring": TRANSFER_STATES,
    "ended": ENDED,
    "active": ACTIVE,
}
"""The group names of the rule language. A state that nobody knows belongs to none."""

OTHER: Final = "other:"


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha()).lower()


_BY_LETTERS: Final[dict[str, State]] = {_letters(state): state for state in KNOWN_STATES} | {
    "hold": ON_HOLD,
    "transferred": TRANSFER_COMPLETED,
    "rejected": BUSY,
    "noanswer": NOT_ANSWERED,
    "calling": SETUP,
    "answered": IN_CALL,
}
_BY_SPELLING: dict[str, State] = {str(state): state for state in KNOWN_STATES}


def state_from(text: str) -> State:
    """The state that a phone system means by ``text``: every spelling of the vendor's pages, else ``other:TEXT``.

    ``IN_CALL``, ``INCALL``, ``Incall`` and ``InCall`` are one state; ``HOLD`` is OnHold; ``REJECTED`` is Busy.
    Source: facts collected from the vendor's JavaScript, HTTP and .NET pages.
    """
    known = _BY_SPELLING.get(text)
    if known is not None:
        return known
    if text.startswith(OTHER):
        return State(text)
    return _BY_LETTERS.get(_letters(text)) or State(OTHER + text)


def is_known(state: State) -> bool:
    """Whether the vendor, or one of its sister products, names this state."""
    return state in _BY_SPELLING
