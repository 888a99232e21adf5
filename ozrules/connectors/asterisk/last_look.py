"""The last look: whether a call still is what its session says, asked right before every command.

Two witnesses are heard. The facts that events have told so far are looked at in the turn of the loop in which the
command is sent. And because events can be late, or missing, Asterisk itself is asked just before that how both
channels stand (``Status``); see docs/decisions/0009. Where either says something else, nothing is sent:

* ``targetGone``: a party has left, or is leaving, or Asterisk does not know its channel;
* ``lostRace``: both are there, and do something else: they were joined, parted, sent on, or others are with them.
"""

from collections.abc import Sequence
from typing import Final

from ozrules.connectors.asterisk.calls import Call
from ozrules.connectors.asterisk.dialogue import Answer
from ozrules.connectors.asterisk.legs import Leg
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.events import Withheld
from ozrules.session.session import Session
from ozrules.session.state import HELD, IN_CALL, TRANSFER_REQUESTED

_ANSWERED: Final = HELD | {IN_CALL, TRANSFER_REQUESTED}
_GONE: Final = ("no such channel", "does not exist", "channel not found")


def gone(answer: Answer) -> bool:
    """Whether Asterisk says with it that it does not have the channel."""
    return not answer.succeeded and any(words in answer.message.lower() for words in _GONE)


def by_the_facts(call: Call, session: Session, reducer: Reducer) -> Withheld | None:
    """What forbids a command to this call now, by all that events have told; None: nothing."""
    if call.over or any(leg.gone or leg.leaving or leg.requested for leg in call.legs()):
        return Withheld("targetGone", "a party of the call has hung up")
    if call.stays is not None:
        return Withheld("lostRace", "the call is being transferred")
    if not _same_parties(call, session):
        return Withheld("lostRace", "other channels have taken the place of those in the session")
    if any(one not in call.legs() for leg in call.legs() for one in reducer.hearing(leg)):
        return Withheld("lostRace", "somebody else is joined with a party of the call")
    if call.answered != (session.session_state in _ANSWERED):
        return Withheld("lostRace", "the call has been answered" if call.answered else "the call is not answered")
    return _unanswered(call) if not call.answered else _answered(call, reducer)


def _same_parties(call: Call, session: Session) -> bool:
    """A session that has no callee yet may have found one: it is the same call."""
    if session.caller_call_leg_id != call.caller.channel:
        return False
    if session.callee_call_leg_id is None:
        return not call.answered
    return call.callee is not None and session.callee_call_leg_id == call.callee.channel


def _unanswered(call: Call) -> Withheld | None:
    callee = call.callee
    if callee is not None and (callee.state == "Up" or callee.dial_status == "ANSWER"):
        return Withheld("lostRace", "the call has been answered")
    return None


def _answered(call: Call, reducer: Reducer) -> Withheld | None:
    if reducer.is_connected(call) or call.apart or all(leg.music for leg in call.legs()):
        return None
    return Withheld("lostRace", "the parties of the call are not joined any more")


def by_asterisk(call: Call, answers: Sequence[tuple[Leg, Answer]]) -> Withheld | None:
    """What forbids it by Asterisk's own word; None: nothing, or it says nothing of the channels."""
    if any(gone(answer) for _, answer in answers):
        return Withheld("targetGone", "Asterisk has no such channel any more")
    for leg, item in ((leg, item) for leg, answer in answers for item in answer.items):
        if item.get("Uniqueid", leg.id) != leg.id:
            return Withheld("targetGone", "Asterisk has another channel of that name")
        if item.get("BridgeID", leg.bridge or "") != (leg.bridge or ""):
            return Withheld("lostRace", "Asterisk says that a party of the call is elsewhere by now")
        if leg is call.callee and not call.answered and item.get("ChannelStateDesc") == "Up":
            return Withheld("lostRace", "Asterisk says that the call has been answered")
    return None
