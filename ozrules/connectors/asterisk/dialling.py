"""Who dials whom, where it is not said outright: through Local channels.

A Local channel is a pair of halves: what dials the one is connected with what the other dials.
"""

from ozrules.connectors.asterisk.legs import Leg, Legs


def beside(legs: Legs, leg: Leg) -> list[Leg]:
    """The others that hear what this leg hears."""
    return [one for one in map(legs.get, sorted(legs.joined(leg) - {leg.id})) if one is not None]


def speaker(legs: Legs, leg: Leg | None, seen: frozenset[str] = frozenset()) -> Leg | None:
    """The phone that a dialling leg stands for: itself, or whoever is behind its other half."""
    if leg is None or leg.id in seen:
        return None
    if leg.is_phone:
        return leg
    partner = legs.partner(leg)
    if partner is None:
        return None
    if partner.serves:
        return legs.get(partner.serves)
    if partner.dialled_by:
        return speaker(legs, legs.get(partner.dialled_by), seen | {leg.id})
    # of a pair that Asterisk made by itself (click to call) the second half calls first, for whom the first half speaks
    answered = [one for one in map(legs.get, sorted(partner.dialled)) if one is not None and _is_second(partner)]
    if legs.is_in_a_room(partner):
        return None  # who is called into a conference, or paged, is called for nobody in it
    sharing = [one for one in beside(legs, partner) if partner.bridge is not None and one.bridge == partner.bridge]
    sharing = [one for one in sharing if one.id not in partner.dialled]  # whom it called itself is nobody's caller
    for one in [*answered, *sharing]:
        if one.is_phone and one.state == "Up" and not one.gone:
            return one
    return None


def _is_second(half: Leg) -> bool:
    return half.channel.endswith(";2")


def is_consulted(legs: Legs, callee: Leg) -> bool:
    """Whether it is called through a Local channel that nobody dialled: that is how Asterisk asks for a transfer."""
    branches = _branches(legs, callee)
    return bool(branches) and not branches[-1].dialled_by and not branches[-1].is_ours


def status_of_branch(legs: Legs, callee: Leg) -> str:
    """How the dialling stands that came down to this leg through Local channels; "" where none did.

    A branch that is given up is hung up as a whole: what ended in it says only that it was cancelled.
    """
    status = ""
    for branch in _branches(legs, callee):
        if status not in ("", "CANCEL"):
            break
        status = branch.dial_status
    return status


def _branches(legs: Legs, callee: Leg) -> list[Leg]:
    """The first halves of the Local channels through which a leg is called, the nearest first."""
    found: list[Leg] = []
    leg = callee
    while True:
        dialler = legs.get(leg.dialled_by)
        first = None if dialler is None or dialler.is_phone else legs.partner(dialler)
        if first is None or first in found:
            return found
        found.append(first)
        leg = first
