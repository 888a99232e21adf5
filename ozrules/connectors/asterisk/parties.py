"""Who the two parties of a call are, from their endpoints, as the properties of a Session.

A trunk can send any caller number, so whether a party is inside or outside, and which phone it is, is read off the
channel's name alone. Who is outside has the number that it shows when it calls somebody here, and no more than that;
where it is sent outside again, the one that it showed first. A phone has the number of its extension, even when the
dialplan sets another one to be shown outside: that one is ``presentedNumber``.
"""

import re
from datetime import UTC, datetime
from typing import Final

from ozrules.connectors.asterisk.calls import Call
from ozrules.connectors.asterisk.endpoints import Outside, extension_of
from ozrules.connectors.asterisk.legs import Leg
from ozrules.session.session import MAX_TEXT, Session
from ozrules.session.state import State

_EPOCH: Final = re.compile(r"(?:^|-)(\d{9,11})\.\d+$")
_DIALLED: Final = re.compile(r"(?:^|/)(?:sip:)?([0-9*#+]+)(?:@|$)")


def session_of(call: Call, state: State, outside: Outside) -> Session:
    """The call as a Session, in this state."""
    caller, callee = call.caller, call.callee
    from_outside = outside.holds(caller)
    to_outside = callee is not None and outside.holds(callee)
    extra = {"endpoint": caller.endpoint}
    if caller.number:
        extra["presentedNumber"] = caller.number[:MAX_TEXT]
    if from_outside or to_outside:
        extra["trunk"] = caller.endpoint if from_outside or callee is None else callee.endpoint
    return Session(
        session_id=call.id,
        session_state=state,
        master_session_id=call.master,
        start_time=_began(call.key),
        caller=_text(_number_of_caller(caller, from_outside, to_outside)),
        callee=_text(caller.dialed if callee is None else _number(callee, to_outside)),
        caller_display_name=_text(caller.name),
        callee_display_name=None if callee is None else _text(callee.name),
        caller_call_leg_id=caller.channel,
        callee_call_leg_id=None if callee is None else callee.channel,
        source=_name(caller),
        source_type="trunk" if from_outside else "extension",
        destination=None if callee is None else _name(callee),
        destination_type=None if callee is None else "trunk" if to_outside else "extension",
        dialed_number=_text(caller.dialed),
        direction=_direction(from_outside, to_outside, callee),
        extra=extra,
    )


def _direction(from_outside: bool, to_outside: bool, callee: Leg | None) -> str | None:
    if from_outside:
        return "transit" if to_outside else "inbound"
    if callee is None:
        return None  # whom an extension calls is not known yet
    return "outbound" if to_outside else "internal"


def _name(leg: Leg) -> str:
    return leg.endpoint.partition("/")[2] or leg.endpoint


def _number_of_caller(caller: Leg, from_outside: bool, to_outside: bool) -> str | None:
    """Who comes from outside and is sent outside again may show a number of the office then: that is not who calls."""
    if not from_outside:
        return extension_of(caller) or _name(caller)
    return (caller.own_number if to_outside else caller.called_as) or caller.number


def _number(callee: Leg, is_outside: bool) -> str:
    if not is_outside:
        return extension_of(callee) or _name(callee)
    return number_outside(callee) or callee.number or _name(callee)


def number_outside(callee: Leg) -> str | None:
    """The number that was dialled outside, where Dial was given one."""
    found = _DIALLED.search(callee.dial_string)
    return found[1] if found else None


def _began(leg: Leg) -> str | None:
    """From the channel's id, which holds the second of its making: the same after every restart of ours."""
    found = _EPOCH.search(leg.id)
    if found is None:
        return None
    return datetime.fromtimestamp(int(found[1]), UTC).isoformat().replace("+00:00", "Z")


def _text(text: str | None) -> str | None:
    return text[:MAX_TEXT] if text else None
