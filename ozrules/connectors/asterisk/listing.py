"""A full list of channels: what it says of calls whose events nobody heard.

A list does not say who dialled whom. That follows from the Linkedid, or from who shares a bridge; and of two channels
that were taken apart to be held, from where they wait.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.dialling import beside
from ozrules.connectors.asterisk.legs import HOLD, OURS, Leg, Legs, age


def in_order(items: Iterable[Fields]) -> dict[str, Fields]:
    """The items by the leg's id, in the order in which the legs were made, those that we had made last.

    So the first phone of a group is the first again, and the one that rings beside another is not.
    """
    return {item.get("Uniqueid", ""): item for item in sorted(items, key=_age)}


def _age(item: Fields) -> tuple[bool, tuple[int, int]]:
    return item.get("Linkedid", "").startswith(OURS), age(item.get("Uniqueid", ""))


def place(legs: Legs, leg: Leg, item: Fields) -> None:
    """Puts a leg where the list says that it is."""
    parked = {"BridgeType": "parking"} if item.get("Application") == "Park" else {}
    legs.enter(leg, item | parked)


def pair(legs: Legs, named: Mapping[str, Fields]) -> frozenset[str]:
    """Says of the legs who dialled whom. Gives back the ids of those that were taken apart and are held."""
    held = _pair_held(legs, named)
    for leg_id, item in named.items():
        target = legs.get(leg_id)
        if target is None or target.dialled_by or item.get("Application") != "AppDial" or not target.is_phone:
            continue
        root = legs.get(item.get("Linkedid"))
        if root is None or root is target or root.gone:
            root = next((one for one in beside(legs, target) if one.is_phone and not one.dialled_by), None)
        if root is not None and root is not target:
            status = {"Up": "ANSWER", "Ringing": "RINGING"}.get(target.state, "")
            legs.dial(root, target, {"DialStatus": status})
    return held


def _pair_held(legs: Legs, named: Mapping[str, Fields]) -> frozenset[str]:
    """Two legs of one call that both wait where `hold` sends them. A call that somebody parked waits there alone."""
    waiting: dict[str, list[Leg]] = defaultdict(list)
    for leg_id, item in named.items():
        leg = legs.get(leg_id)
        if leg is not None and leg.is_phone and not leg.gone and _is_held(item):
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


def _is_held(item: Fields) -> bool:
    match item.get("Application"):
        case "Park":
            return True
        case "Stasis":
            return item.get("Exten") == HOLD and item.get("Context", "").startswith("stasis-")
        case _:
            return False
