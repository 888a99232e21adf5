"""What a call's state depends on beside its own two legs: who hears whom, and what else their phones do."""

from ozrules.connectors.asterisk.calls import Around, Call
from ozrules.connectors.asterisk.dialling import beside, is_consulted, status_of_branch
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.legs import OURS, Leg, Legs
from ozrules.connectors.asterisk.register import Register


def around(call: Call, legs: Legs, calls: Register, outside: Outside) -> Around:
    """What is so now."""
    callee = call.callee
    connected = is_connected(call, legs)
    return Around(
        connected=connected,
        waiting=not connected and callee is not None and all(_waits(leg, legs) for leg in call.legs()),
        parted=not connected and callee is not None and _have_parted(call.caller, callee, legs),
        elsewhere=not connected and _hears_others(call, legs, calls),
        shared=_is_shared(call, legs, calls),
        transferring=any(has_another(call, leg, legs, calls) for leg in call.legs() if leg.gone),
        consulting=frozenset(
            leg.id for leg in call.legs() if leg.id in call.holders and _consults(call, leg, legs, calls, outside)
        ),
        answered_elsewhere=any(
            _picked_up(one) for one in calls.of(call.caller) if one is not call and _calls(call, one)
        ),
        going_on=any(one.transfer_of is call for leg in call.legs() for one in calls.of(leg)),
        dialled="" if callee is None else status_of_branch(legs, callee),
        next_way=callee is not None and _may_go_on(legs, call, callee, outside),
        now=legs.now,
        dialler=None if callee is None else legs.get(callee.dialled_by),
    )


def is_connected(call: Call, legs: Legs) -> bool:
    """Whether both parties hear each other, as far as bridges go."""
    return call.callee is not None and call.callee.id in legs.joined(call.caller)


def _waits(leg: Leg, legs: Legs) -> bool:
    return leg.is_at_hold or legs.is_parked(leg)


def _have_parted(caller: Leg, callee: Leg, legs: Legs) -> bool:
    """Whether an answer was not heard of: who waits, or calls somebody itself, is rung no more and rings for nobody."""
    return (
        callee.state == "Up"
        and not callee.gone
        and (bool(callee.dialled) or _waits(caller, legs) or _waits(callee, legs))
    )


def _hears_others(call: Call, legs: Legs, calls: Register) -> bool:
    """Whether a party hears somebody who is not in this call. Who holds may: it asks whether to transfer."""
    for leg in call.legs():
        known = [*call.legs(), *_asks_for(call, leg, legs, calls)]
        heard = beside(legs, leg) if leg.id not in call.holders else []
        if any(one.is_phone and one not in known for one in heard):
            return True
    return False


def _asks_for(call: Call, leg: Leg, legs: Legs, calls: Register) -> list[Leg | None]:
    """With whom this leg talked before it called: it may go back to them while the phone that it called still rings."""
    dialler = None if call.callee is None else legs.get(call.callee.dialled_by)
    if call.answered or dialler is None:
        return []
    return [one.other(leg) for one in calls.of(leg) if one.answered and one.answered_at < dialler.last_dialling]


def _is_shared(call: Call, legs: Legs, calls: Register) -> bool:
    """Whether a leg that hung up talks to somebody else, too, or called through a Local channel that nobody dialled:
    so does who was asked for a transfer."""
    if not any(leg.requested for leg in call.legs()):
        return False
    if call.callee is not None and is_consulted(legs, call.callee):
        return True
    return any(one.answered for leg in call.legs() if leg.requested for one in calls.of(leg) if one is not call)


def has_another(call: Call, leg: Leg, legs: Legs, calls: Register) -> bool:
    """Whether the phone at the end of this leg is in another call too."""
    others = [leg, *legs.of_endpoint(leg.endpoint)]
    return any(one is not call for other in others for one in calls.of(other))


def _consults(call: Call, holder: Leg, legs: Legs, calls: Register, outside: Outside) -> bool:
    """Whether the phone that holds has called somebody else. Of a trunk that would say nothing."""
    if outside.holds(holder):
        return False
    others = (one for far in legs.of_endpoint(holder.endpoint) for one in calls.of(far))
    return any(one is not call and one.caller.endpoint == holder.endpoint for one in others)


def _calls(call: Call, other: Call) -> bool:
    """Whether both are phones that one caller dialled, or that we rang beside one of them for it.

    Who picks a call up, or is joined with it, began by itself.
    """
    mine, its = call.callee, other.callee
    if mine is None or its is None or other.caller is not call.caller or other.stays is not None:
        return False
    return mine.linked_id == its.linked_id or its.linked_id.startswith(OURS)


def _picked_up(call: Call) -> bool:
    """Whether the phone was picked up: it talks, or it is asked whether it takes the call."""
    callee = call.callee
    return call.answered or (callee is not None and callee.state == "Up" and not callee.gone)


def _may_go_on(legs: Legs, call: Call, callee: Leg, outside: Outside) -> bool:
    """Whether what dialled a leg outside is still in the dialplan, and may dial it anew by the next trunk."""
    dialler = legs.get(callee.dialled_by)
    if dialler is None or dialler.gone or dialler.leaving or call.caller.leaving:
        return False
    return outside.holds(callee)
