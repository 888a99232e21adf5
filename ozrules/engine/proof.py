"""What proves that a command was carried out, and what proves that it never will be.

A reply is no proof; the observed call is. Only what is seen after the command left counts, over all sessions of the
same call, and a state that was there before counts only where the call has gone to another party.
"""

from typing import Literal, assert_never

from ozrules.engine.live import LiveSession
from ozrules.engine.run import Attempt
from ozrules.engine.stays import NEW_STAY
from ozrules.rules.model import AttendedTransfer, BlindTransfer, Forward, Hunt, PlainMethod, SendDtmf, SystemAction
from ozrules.session.methods import APART
from ozrules.session.state import (
    IN_CALL,
    MOVED_ON,
    ON_HOLD,
    ON_HOLD_INACTIVE,
    REDIRECTED,
    RINGING,
    TRANSFER_FAILED,
    TRANSFER_STATES,
)


def needs_proof(attempt: Attempt) -> bool:
    """Whether there is anything to see. A DTMF key or a listener leaves no trace in a session's state."""
    action = attempt.action
    if attempt.command.question is not None and isinstance(action, PlainMethod):
        return False  # a caller who was turned away never gets a session
    if action.common.expect is not None:
        return True
    match action:
        case SendDtmf():
            return False
        case PlainMethod(method=method):
            return method not in ("startListen", "stopListen")
        case SystemAction(operation=operation):
            return operation == "call"
        case Forward() | BlindTransfer() | AttendedTransfer() | Hunt():
            return True
        case _:
            assert_never(action)


def proves(attempt: Attempt, live: LiveSession) -> bool:
    """Whether ``live``, as it is after a change, shows that the command was carried out."""
    same = live is attempt.session
    if attempt.command.question is not None:
        return (
            live.asks is None
            and not live.ended
            and (live.session.callee == attempt.command.to or live.watched_from >= attempt.sent)
        )
    if not same and (live.watched_from < attempt.sent or live.entered < attempt.sent - NEW_STAY):
        return False  # another session of the call that was there before, as we saw or as a list says now
    if same and not live.ended and isinstance(attempt.action, Forward | Hunt) and not attempt.baseline.moved(live):
        return False  # answered, or still ringing, where it was
    if same and isinstance(attempt.action, SystemAction) and attempt.action.operation == "call":
        return False  # it makes another call, and leaves this one as it is
    changed = not same or live.state != attempt.baseline.state or attempt.baseline.moved(live)
    expect = attempt.action.common.expect
    if expect is not None and not isinstance(attempt.action, Hunt):
        return changed and live.state in expect.states
    match attempt.action:
        case Forward() | Hunt():
            if same:
                return live.state == REDIRECTED or (not live.ended and attempt.baseline.moved(live))
            return not live.ended
        case BlindTransfer() | AttendedTransfer():
            if same:
                return live.state in TRANSFER_STATES or live.state in MOVED_ON or attempt.baseline.moved(live)
            return not live.ended
        case PlainMethod(method=method):
            match method:
                case "hangup" | "close" | "closeWithHangup":
                    return same and live.ended
                case "hold":
                    return same and live.state in (ON_HOLD, ON_HOLD_INACTIVE)
                case "unhold":
                    return same and live.state == IN_CALL
                case "startListen" | "stopListen":
                    return False
                case _:
                    assert_never(method)
        case SystemAction(operation=operation):
            return operation == "call" and not live.ended
        case SendDtmf():
            return False
        case _:
            assert_never(attempt.action)


def disproves(attempt: Attempt, live: LiveSession) -> tuple[Literal["lostRace", "targetGone", "rejected"], str] | None:
    """What shows that the command came to nothing, if anything does."""
    if live is not attempt.session or attempt.command.question is not None or attempt.command.action in APART:
        return None
    if live.ended:
        return None if live.state in MOVED_ON else ("targetGone", f"the session ended as {live.state}")
    match attempt.action:
        case Forward() | Hunt():
            if live.state != RINGING and not attempt.baseline.moved(live):
                return "lostRace", f"the session went to {live.state} by itself"
        case BlindTransfer() | AttendedTransfer():
            if live.state == TRANSFER_FAILED:
                return "rejected", "the phone system says that the transfer failed"
        case _:
            pass
    return None
