"""A full list of channels: what it says of calls whose events nobody heard.

A list does not say who dialled whom. That follows from the Linkedid, or from who shares a bridge; and of two channels
that were taken apart to be held, from where they wait.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import Final

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.dialling import beside
from ozrules.connectors.asterisk.legs import OURS, Leg, Legs, age

_DIAL: Final = ("Dial", "Queue")
_FETCH: Final = "ParkedCall"
_DIALLED: Final = ("AppDial", "AppQueue")
"""What a channel runs that one of them made: the second that of a queue."""


def in_order(items: Iterable[Fields]) -> dict[str, Fields]:
    """The items by the leg's id, in the order in which the legs were made, those that we had made last.

    So the first phone of a group is the first again, and the one that rings beside another is not.
    """
    return {item.get("Uniqueid", ""): item for item in sorted(items, key=_age)}


def _age(item: Fields) -> tuple[bool, tuple[int, int]]:
    return item.get("Linkedid", "").startswith(OURS), age(item.get("Uniqueid", ""))


def place(legs: Legs, leg: Leg, item: Fields, parking: Container[str] = ()) -> None:
    """Puts a leg where the list says that it is."""
    legs.enter(leg, item | ({"BridgeType": "parking"} if item.get("BridgeId") in parking else {}))


def parking_places(items: Iterable[Fields]) -> frozenset[str]:
    """The bridges in which all wait in Park. Who was fetched from there runs Park, too, but with one who does not."""
    runs: dict[str, set[str]] = defaultdict(set)
    for item in items:
        runs[item.get("BridgeId", "")].add(item.get("Application", ""))
    return frozenset(bridge for bridge, applications in runs.items() if applications == {"Park"})


def pair(legs: Legs, named: Mapping[str, Fields]) -> frozenset[str]:
    """Says of the legs who dialled whom. Gives back the ids of those that were taken apart and are held."""
    held = _pair_held(legs, named)
    for leg_id, item in named.items():
        leg = legs.get(leg_id)
        if leg is not None:
            leg.dials = leg.dials or item.get("Application") in _DIAL
            for parked in legs.sharing(leg) if item.get("Application") == _FETCH else ():
                parked.fetched = True
    for find in (_branch_of, _who_talks, _who_rings):  # what is surest first, and who was called last
        for leg_id, item in reversed([*named.items()]):
            target = legs.get(leg_id)
            if target is None or target.dialled_by or item.get("Application") not in _DIALLED:
                continue
            target.rung = True
            dialler = find(legs, named, target)
            if dialler is not None:
                status = {"Up": "ANSWER", "Ringing": "RINGING"}.get(target.state, "")
                legs.dial(dialler, target, {"DialStatus": status})
    return held


def _branch_of(legs: Legs, named: Mapping[str, Fields], target: Leg) -> Leg | None:
    """The Local channel that dialled a leg and is in one bridge with it."""
    others = (one for one in legs.sharing(target) if not one.is_phone)
    return next((one for one in others if named.get(one.id, {}).get("Application") == "Dial"), None)


def _who_talks(legs: Legs, _: Mapping[str, Fields], target: Leg) -> Leg | None:
    """The caller of a leg that is in a bridge: who began the call if that is who it hears, else whom it hears."""
    heard = beside(legs, target) if target.is_phone else legs.sharing(target)
    if any(legs.is_in_a_room(one) for one in (target, *heard)):
        return None  # in a conference room nobody is anybody's caller
    phones = [one for one in heard if one.is_phone]
    began = next((one for one in phones if one.id == target.linked_id), None)
    return began or next((one for one in phones if not one.dialled_by), None)


def _who_rings(legs: Legs, named: Mapping[str, Fields], target: Leg) -> Leg | None:
    """The caller of a leg that is in no bridge: who runs Dial for it. Where several may, the last before it."""
    if target.bridge or target.id == target.linked_id:
        return None  # it talks, or Asterisk itself rings it
    might = [leg for leg_id, item in named.items() if (leg := legs.get(leg_id)) and _may_dial(item, leg, target)]
    best = [one for one in might if one.linked_id == target.linked_id]
    if not best and target.linked_id not in named:  # who began the call has left it
        best = might
    began = next((one for one in best if one.id == target.linked_id and one.is_phone), None)
    branches = [one for one in best if not one.is_phone]
    return branches[-1] if branches else began or (best[-1] if best else None)


def _may_dial(item: Fields, leg: Leg, target: Leg) -> bool:
    if leg.gone or leg.busy or leg is target or age(leg.id) >= age(target.id):
        return False
    match item.get("Application"):
        case "Dial":
            whom = item.get("ApplicationData", "")
            return leg.bridge is None and (not whom or _names(whom, target.endpoint))
        case "Queue":
            return leg.bridge is None and leg.linked_id == target.linked_id
        case _:
            return False


def _names(whom: str, endpoint: str) -> bool:
    """Whether what Dial was given (``PJSIP/101/sip:101@10.0.0.5&Local/7@x/n,30,tr``) names this endpoint."""
    return re.search(rf"(?:^|&){re.escape(endpoint)}(?![\w.-])", whom.partition(",")[0]) is not None


def _pair_held(legs: Legs, named: Mapping[str, Fields]) -> frozenset[str]:
    """Two legs of one call that both wait where `hold` sends them. A call that somebody parked waits there alone."""
    waiting: dict[str, list[Leg]] = defaultdict(list)
    for leg_id, item in named.items():
        leg = legs.get(leg_id)
        if leg is not None and leg.is_phone and not leg.gone and _is_held(leg, item):
            waiting[leg.linked_id].append(leg)
    held: set[str] = set()
    for pairs in waiting.values():
        if len(pairs) == 2:
            caller, callee = pairs
            caller.music = callee.music = True
            if caller.dialled_by != callee.id and callee.dialled_by != caller.id:
                legs.dial(caller, callee, {"DialStatus": "ANSWER"})
            held |= {caller.id, callee.id}
    return frozenset(held)


def _is_held(leg: Leg, item: Fields) -> bool:
    return leg.is_at_hold or item.get("Application") == "Park"
