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
    answered = [one for one in map(legs.get, sorted(partner.dialled)) if one is not None]
    sharing = [one for one in beside(legs, partner) if partner.bridge is not None and one.bridge == partner.bridge]
    for one in [*answered, *sharing]:
        if one.is_phone and one.state == "Up" and not one.gone:
            return one
    return None
