"""A call: a calling leg and the leg that it calls, and the state that the facts about both amount to.

The state is worked out anew from what is known, never from which event came last, so that order and repetition matter
little. What Asterisk says nowhere and is concluded here is marked as derived. Which side ended an unanswered call is
decided by the called leg's cause, because the status of the dialling is NOANSWER for a refusal, an unknown number and
silence alike; and a cancelled dialling is judged by what the calling leg does next.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from ozrules.connectors.asterisk.legs import Leg
from ozrules.session.session import Session
from ozrules.session.state import (
    ABORTED,
    BUSY,
    CALLEE_HUNG_UP,
    CALLEE_ON_HOLD,
    CALLER_HUNG_UP,
    CALLER_ON_HOLD,
    CANCELLED,
    COMPLETED,
    ERROR,
    IN_CALL,
    NOT_ANSWERED,
    NOT_FOUND,
    ON_HOLD,
    REDIRECTED,
    RINGING,
    SETUP,
    TRANSFER_COMPLETED,
    TRANSFER_FAILED,
    TRANSFER_REQUESTED,
    TRANSFER_SETUP,
    TRANSFERRING,
    State,
)


class Verdict(NamedTuple):
    """A state, whether it ends the call, and whether it was concluded rather than told."""

    state: State
    ends: bool = False
    derived: bool = False


BEGUN: Final = Verdict(SETUP)

# Q.850 causes, as Asterisk's Hangup event carries them
_NOT_FOUND: Final = frozenset({1, 3, 28})
_BUSY: Final = frozenset({17, 21})
_NOT_ANSWERED: Final = frozenset({0, 16, 18, 19, 20})
_REDIRECTED: Final = 23
_ELSEWHERE: Final = 26
_INTERWORKING: Final = 127  # what a phone's CANCEL leaves behind

_REFUSED: Final = frozenset({"BUSY", "CONGESTION", "NOANSWER", "CHANUNAVAIL"})


@dataclass(slots=True, eq=False)
class Call:
    """One session in the making. ``key`` is the leg that it is named and dated after.

    ``holders`` are the ids of the legs that put the other on hold in this call. ``stays`` is the party that a blind
    transfer sends on, and ``transfer_of`` the call that was transferred into this one. ``apart`` says that both
    parties were taken out of their bridge to be held, so that nothing but us ends the one when the other hangs up.
    """

    id: str
    key: Leg
    master: str
    caller: Leg
    callee: Leg | None = None
    answered: bool = False
    answered_at: int = 0
    answered_from: tuple[str, str] = ("", "")
    holders: frozenset[str] = frozenset()
    stays: Leg | None = None
    transfer_failed: bool = False
    transfer_of: "Call | None" = None
    verdict: Verdict = BEGUN
    told: Session | None = None
    joined: bool = False
    apart: bool = False
    over: bool = False

    def legs(self) -> tuple[Leg, ...]:
        """Its one or two legs."""
        return (self.caller,) if self.callee is None else (self.caller, self.callee)

    def other(self, leg: Leg) -> Leg | None:
        """The leg at the far end of this one."""
        if leg is self.caller:
            return self.callee
        return self.caller if leg is self.callee else None


class Around(NamedTuple):
    """What a call's state depends on beside its own two legs."""

    connected: bool
    shared: bool  # a leg is in another living call too: its hang-up may complete a transfer
    consulting: frozenset[str]  # legs whose phone calls somebody else meanwhile
    answered_elsewhere: bool
    now: int  # in the order in which legs number what happens
    dialler: Leg | None  # what dials the callee: the caller, or the Local channel of one branch


def judge(call: Call, around: Around) -> Verdict | None:
    """The state of the call now; None where the facts do not tell yet, and the state stays."""
    caller, callee = call.caller, call.callee
    if callee is None:
        return _alone(caller)
    if call.stays is not None:
        return _transferring(call, call.stays)
    held = caller.music and callee.music and callee.dial_status == "ANSWER"  # apart, and so found on a list
    if (around.connected or held) and not call.answered:
        call.answered, call.answered_at = True, around.now
        # who dialled directly may have been sent elsewhere in the moment of the answer
        dialled_from = callee.dialled_from if callee.dialled_by == caller.id else caller.exten
        call.answered_from = (dialled_from, callee.exten)
    if call.answered:
        return _hung_up(call, callee, around) or _talking(call, callee, around)
    return _unanswered(caller, callee, around) or _ringing(call, callee)


def _alone(caller: Leg) -> Verdict | None:
    """In the dialplan, where nobody has been called yet."""
    if caller.requested and not caller.busy:
        return Verdict(CALLER_HUNG_UP if caller.state == "Up" else CANCELLED, ends=True)
    if not caller.gone:
        return Verdict(SETUP)
    if caller.cause == 16:
        return Verdict(COMPLETED if caller.state == "Up" else ABORTED, ends=True, derived=True)
    return Verdict(_by_cause(caller.cause), ends=True)


def _transferring(call: Call, stays: Leg) -> Verdict:
    """Accepted by Asterisk, which is not yet: reached somebody. When that is answered, the reducer ends this call."""
    if not stays.gone:
        return Verdict(TRANSFER_FAILED, derived=True) if call.transfer_failed else Verdict(TRANSFERRING)
    if stays.requested and not call.transfer_failed:  # it left by itself whatever it had been sent to
        return Verdict(TRANSFER_COMPLETED, ends=True, derived=True)
    return Verdict(ABORTED, ends=True, derived=True)


def _hung_up(call: Call, callee: Leg, around: Around) -> Verdict | None:
    caller = call.caller
    if not ((around.connected and not around.shared) or caller.gone or callee.gone):
        return None
    first = min((leg for leg in (caller, callee) if leg.requested), key=lambda leg: leg.requested, default=None)
    if first is not None:
        return Verdict(CALLER_HUNG_UP if first is caller else CALLEE_HUNG_UP, ends=True)
    if caller.gone and callee.gone:
        return Verdict(ABORTED, ends=True, derived=True)
    for gone, stays, exten in (
        (callee, caller, call.answered_from[0]),
        (caller, callee, call.answered_from[1]),
    ):
        if gone.gone and (stays.exten != exten or stays.last_dialling > call.answered_at):
            return Verdict(REDIRECTED, ends=True, derived=True)
    return None  # a moment later it may be known who hung up


def _talking(call: Call, callee: Leg, around: Around) -> Verdict:
    caller = call.caller
    if call.holders & around.consulting:
        return Verdict(TRANSFER_REQUESTED, derived=True)
    match caller.id in call.holders, callee.id in call.holders:
        case True, True:
            return Verdict(ON_HOLD)
        case True, False:
            return Verdict(CALLEE_ON_HOLD)
        case False, True:
            return Verdict(CALLER_ON_HOLD)
    if caller.music and callee.music and not around.connected:
        return Verdict(ON_HOLD, derived=True)
    return Verdict(IN_CALL)


def _unanswered(caller: Leg, callee: Leg, around: Around) -> Verdict | None:
    refused = callee.dial_status in _REFUSED or callee.requested > 0
    if caller.requested and not caller.busy and not refused:
        return Verdict(CANCELLED, ends=True)
    if not callee.gone:
        return None
    if callee.picked_up or callee.forwarded or callee.cause == _REDIRECTED:
        return Verdict(REDIRECTED, ends=True)
    if refused:
        return Verdict(BUSY if callee.dial_status == "BUSY" else _by_cause(callee.cause), ends=True)
    if around.answered_elsewhere:
        return Verdict(COMPLETED, ends=True, derived=True)
    if callee.cause == _ELSEWHERE and not caller.gone:
        return None  # by another phone of the group, or by one that picked it up: that is told at once
    if caller.gone or caller.leaving:
        return Verdict(ABORTED, ends=True, derived=True)
    dialler = around.dialler or caller
    if dialler.exten != callee.dialled_from or dialler.last_dialling > callee.ended:
        return Verdict(REDIRECTED, ends=True, derived=True)
    if callee.cause == _INTERWORKING:
        return Verdict(CANCELLED, ends=True, derived=True)
    return None  # cancelled, and not yet seen by whom


def _ringing(call: Call, callee: Leg) -> Verdict | None:
    if callee.gone or callee.state == "Up":
        return None
    if callee.state == "Ringing" or callee.dial_status == "RINGING":
        return Verdict(RINGING)
    if callee.dial_status == "PROGRESS":
        return Verdict(RINGING, derived=True)
    if call.verdict.state == RINGING:
        return None
    return Verdict(SETUP if call.transfer_of is None else TRANSFER_SETUP)


def _by_cause(cause: int) -> State:
    if cause in _BUSY:
        return BUSY
    if cause in _NOT_FOUND:
        return NOT_FOUND
    if cause in _NOT_ANSWERED:
        return NOT_ANSWERED
    return COMPLETED if cause == _ELSEWHERE else ERROR
