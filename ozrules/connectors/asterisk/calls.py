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


MOMENT: Final = 0.01
"""Seconds between two events within which the second may say why a call is over, or that a hold ended to transfer."""
NEXT_WAY: Final = 0.09
"""Seconds within which a dialplan tries the next trunk, where one refused the call: it does some steps before."""


class Doubt(NamedTuple):
    """What it amounts to, unless an event within so many seconds says something else; and the state until then."""

    otherwise: Verdict
    meanwhile: Verdict | None = None
    lasts: float = MOMENT


BEGUN: Final = Verdict(SETUP)

# Q.850 causes, as Asterisk's Hangup event carries them
_NOT_FOUND: Final = frozenset({1, 3, 28})
_BUSY: Final = frozenset({17, 21})
_NOT_ANSWERED: Final = frozenset({0, 16, 18, 19, 20})
_CONGESTION: Final = 34
_REDIRECTED: Final = 23
_ELSEWHERE: Final = 26
_INTERWORKING: Final = 127  # what a phone's CANCEL leaves behind

_UNDECIDED: Final = frozenset({"", "PROGRESS", "PROCEEDING", "RINGING", "CANCEL", "ANSWER"})
"""What the status of a dialling may be without saying that nobody talks: the others (BUSY, NOANSWER, and of a call
that was screened and not accepted CONTINUE, ABORT and GOTO:...) say so."""


@dataclass(slots=True, eq=False)
class Call:
    """One session in the making. ``key`` is the leg that it is named and dated after.

    ``holders`` are the ids of the legs that put the other on hold in this call, ``releasing`` those of them that were
    said to take it back a moment ago: the same is said right before a transfer. ``answered_at`` is the order of the
    answer, ``answered_in`` the places in the dialplan at which both legs were then. ``stays`` is the party that a blind
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
    answered_in: tuple[tuple[str, str], tuple[str, str]] = (("", ""), ("", ""))
    holders: frozenset[str] = frozenset()
    releasing: frozenset[str] = frozenset()
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

    def hold(self, leg: Leg) -> None:
        """This leg puts the other on hold."""
        self.holders |= {leg.id}
        self.releasing -= {leg.id}

    def release(self, leg_id: str | None = None) -> None:
        """Who was said to take the other back has done so: this leg, or whoever was."""
        released = self.releasing if leg_id is None else self.releasing & {leg_id}
        self.holders -= released
        self.releasing -= released


class Around(NamedTuple):
    """What a call's state depends on beside its own two legs."""

    connected: bool  # both hear each other, as far as bridges go
    waiting: bool  # both were sent to where they wait: to be held
    parted: bool  # the callee was picked up, and one of the two is where it can only be after they talked
    elsewhere: bool  # they do not, and one of them hears somebody else, whom it did not call while it holds
    shared: bool  # a leg that hung up is in another call too: its hang-up may complete a transfer
    transferring: bool  # a leg's phone has another call: it may be about to transfer
    consulting: frozenset[str]  # legs whose phones call somebody else meanwhile
    answered_elsewhere: bool  # another phone that the caller called has picked up
    going_on: bool  # whom a transfer sent on calls somebody, or talks with somebody
    dialled: str  # how the dialling stands that came down to the callee, through Local channels
    next_way: bool  # the called leg leads outside, and the dialplan may try another trunk instead of it
    now: int  # in the order in which legs number what happens
    dialler: Leg | None  # what dials the callee: the caller, or the Local channel of one branch


def judge(call: Call, around: Around) -> Verdict | Doubt | None:
    """The state of the call now; None where nothing new is known, and the state stays."""
    caller, callee = call.caller, call.callee
    if callee is None:
        return _lone(caller)
    if call.stays is not None:
        return _transferring(call, call.stays, around)
    held = caller.music and callee.music and callee.dial_status == "ANSWER"  # apart, and so found on a list
    if (around.connected or around.waiting or held) and not call.answered:
        call.answered, call.answered_at = True, around.now
        # who dialled directly may have been sent elsewhere in the moment of the answer
        dialled_at = callee.dialled_at if callee.dialled_by == caller.id else caller.place
        call.answered_in = (dialled_at, callee.place)
    if call.answered:
        return _parted(call, callee, around) or _talking(call, callee, around)
    return _unanswered(caller, callee, around) or _ringing(call, callee)


def _lone(caller: Leg) -> Verdict | Doubt | None:
    """In the dialplan, where nobody has been called yet. It may itself have been called, by Asterisk.

    Who is refused by the dialplan hangs up too, as a phone must: then the cause is not the caller's.
    """
    called = caller.rung and caller.state != "Up"
    if caller.requested and not caller.busy and not called and caller.cause != _CONGESTION:
        if caller.state == "Up":
            return Verdict(CALLER_HUNG_UP, ends=True)
        cancelled = Verdict(CANCELLED, ends=True)
        return cancelled if caller.gone or caller.cause else Doubt(cancelled)  # Asterisk 16 tells the cause at the end
    if not caller.gone:
        return Verdict(SETUP)
    if called and caller.dial_status == "BUSY":
        return Verdict(BUSY, ends=True)
    if caller.state == "Up" and caller.cause in _NOT_ANSWERED:
        return Verdict(COMPLETED, ends=True, derived=True)
    if caller.cause == 16:
        return Verdict(ABORTED, ends=True, derived=True)
    return Verdict(_by_cause(caller.cause), ends=True)


def _transferring(call: Call, stays: Leg, around: Around) -> Verdict | Doubt:
    """Accepted by Asterisk, which is not yet: reached somebody. When that is answered, the reducer ends this call."""
    if around.elsewhere:
        return Doubt(Verdict(TRANSFER_COMPLETED, ends=True, derived=True))
    if not stays.gone:
        if call.transfer_failed and not around.going_on:
            return Doubt(Verdict(ABORTED, ends=True, derived=True), meanwhile=Verdict(TRANSFER_FAILED, derived=True))
        return Verdict(TRANSFERRING)
    if stays.requested and not call.transfer_failed:  # it left by itself whatever it had been sent to
        return Verdict(TRANSFER_COMPLETED, ends=True, derived=True)
    return Verdict(ABORTED, ends=True, derived=True)


def _parted(call: Call, callee: Leg, around: Around) -> Verdict | Doubt | None:
    """How a talk ended, if it has: a party is gone, or hears somebody else."""
    caller = call.caller
    first = min((leg for leg in (caller, callee) if leg.requested), key=lambda leg: leg.requested, default=None)
    gone = caller.gone or callee.gone
    if first is not None and (gone or (around.connected and not around.shared)):
        return Verdict(CALLER_HUNG_UP if first is caller else CALLEE_HUNG_UP, ends=True)
    redirected, aborted = Verdict(REDIRECTED, ends=True, derived=True), Verdict(ABORTED, ends=True, derived=True)
    if around.elsewhere:
        return redirected if gone and not around.transferring else Doubt(redirected)
    if not gone:
        return None
    if caller.gone and callee.gone:
        return aborted
    left, stays, place = (callee, caller, call.answered_in[0]) if callee.gone else (caller, callee, call.answered_in[1])
    if not stays.leaving and not call.apart and (stays.place != place or stays.last_dialling > call.answered_at):
        return redirected
    if stays.leaving or left.taken_out:
        return aborted
    return Doubt(aborted)  # a moment later it may be known who hung up


def _talking(call: Call, callee: Leg, around: Around) -> Verdict | Doubt:
    caller = call.caller
    holders = call.holders - call.releasing
    if holders & around.consulting:
        return Verdict(TRANSFER_REQUESTED, derived=True)
    match caller.id in holders, callee.id in holders:
        case True, True:
            state = Verdict(ON_HOLD)
        case True, False:
            state = Verdict(CALLEE_ON_HOLD)
        case False, True:
            state = Verdict(CALLER_ON_HOLD)
        case _:
            state = Verdict(IN_CALL)
    if call.releasing:
        return Doubt(state)
    if state.state != IN_CALL or around.connected:
        return state
    held = Verdict(ON_HOLD, derived=True)
    if call.apart or (caller.music and callee.music) or (around.waiting and call.verdict == held):
        return held
    return Doubt(held if around.waiting else Verdict(REDIRECTED, ends=True, derived=True))


def _unanswered(caller: Leg, callee: Leg, around: Around) -> Verdict | Doubt | None:
    refused = callee.dial_status not in _UNDECIDED or callee.requested > 0
    cancelled = Verdict(CANCELLED, ends=True)
    redirected, aborted = Verdict(REDIRECTED, ends=True, derived=True), Verdict(ABORTED, ends=True, derived=True)
    answered_elsewhere = Verdict(COMPLETED, ends=True, derived=True)
    if caller.requested and not caller.busy and not refused:
        return Doubt(cancelled) if around.shared and not caller.gone else cancelled
    if not callee.gone:
        if caller.gone:  # and the called leg will tell why
            return Doubt(aborted)
        if around.elsewhere or around.parted:
            return Doubt(answered_elsewhere if around.answered_elsewhere else redirected)
        return None
    if callee.picked_up or callee.forwarded or callee.cause == _REDIRECTED:
        return Verdict(REDIRECTED, ends=True)
    if refused:
        if callee.dial_status == "BUSY":
            return Verdict(BUSY, ends=True)
        if callee.cause in _BUSY and not callee.requested:
            return aborted  # the phone said nothing of that
        refusal = Verdict(_by_cause(callee.cause), ends=True)
        return Doubt(refusal, lasts=NEXT_WAY) if around.next_way else refusal
    if around.answered_elsewhere:
        return answered_elsewhere
    if caller.gone or caller.leaving:
        return aborted
    if around.dialled not in _UNDECIDED:  # of the branch that led here
        return Verdict(BUSY if around.dialled == "BUSY" else NOT_ANSWERED, ends=True, derived=True)
    dialler = around.dialler or caller
    if dialler.place != callee.dialled_at or dialler.last_dialling > callee.ended:
        return redirected
    if callee.cause == _INTERWORKING:
        return Verdict(CANCELLED, ends=True, derived=True)
    if callee.cause == _ELSEWHERE:
        return Doubt(answered_elsewhere)  # by another phone of the group, or by one that picked it up
    return redirected if around.elsewhere else Doubt(redirected)


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
