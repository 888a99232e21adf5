"""What a phone system answers where a test scripts it, and the state that proves a command was carried out."""

from typing import Final, assert_never

from ozrules.engine.events import Accepted, Receipt, Refused, Unanswered, Withheld
from ozrules.scenario.model import Scripted
from ozrules.session.methods import Operation
from ozrules.session.state import CALLEE_HUNG_UP, IN_CALL, ON_HOLD, REDIRECTED, TRANSFER_COMPLETED, State

PROOFS: Final[dict[Operation, State]] = {
    "forward": REDIRECTED,
    "blindTransfer": TRANSFER_COMPLETED,
    "attendedTransfer": TRANSFER_COMPLETED,
    "hangup": CALLEE_HUNG_UP,
    "close": CALLEE_HUNG_UP,
    "closeWithHangup": CALLEE_HUNG_UP,
    "hold": ON_HOLD,
    "unhold": IN_CALL,
}
"""The state that proves a command which a test says was confirmed."""


def receipt_of(scripted: Scripted) -> Receipt:
    """The answer that leads to the scripted outcome."""
    said = "as the test scripts it"
    match scripted.outcome:
        case "confirmed":
            return Accepted("seen")
        case "accepted" | "unconfirmed":
            return Accepted()
        case "unknown":
            return Unanswered(said)
        case "rejected":
            return Refused("denied", said)
        case "targetGone":
            return Refused("notFound", said)
        case "lostRace":
            return Refused("wrongState", said)
        case "denied" | "invalid" | "notFound" | "wrongState" | "unavailable" as kind:
            return Refused(kind, said)
        case "refused" | "expired" | "cancelled" | "throttled" as outcome:
            return Withheld(outcome, said)
        case _:
            assert_never(scripted.outcome)
