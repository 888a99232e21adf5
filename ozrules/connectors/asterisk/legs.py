"""What is known of each channel: facts only, no opinion about calls.

A leg is one channel of Asterisk. Every event that names a channel carries what that channel is right now, so each one
is taken as evidence and a lost or repeated event does no harm. Channels that only join others (``Local/…``) are kept
too, because calls run through them, but they are never anybody's phone.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ozrules.connectors.asterisk.ami import Fields

KEPT: Final = 2_000
"""Ended legs that are remembered, so that what comes late about them revives nobody."""

REPEATED: Final = 4
"""So many of a leg's latest moves are known again, should their events come a second time."""

OURS: Final = "ozrules-"
"""Ids of channels that this connector makes begin so; they are no calls of the phone system's users."""
LISTENS: Final = f"{OURS}listen-"
"""So begin the ids of those that listen. The id is all that must be known of them, so a restart of ours loses none."""
FOR: Final = "-for-"
"""Stands in such an id before the id of the leg that the channel is made for: who forwards, calls for the caller."""

HOLD: Final = "hold"
"""The extension, in the context that ARI makes, to which both parties of a call go to be held."""

_NO_PHONE: Final = ("Local/", "Snoop/", "UnicastRTP/", "Recorder/", "Announcer/", "Message/", "Surrogate/", "CBAnn/")
_CONFERENCE: Final = "ConfBridge"
_ENDING: Final = "h"
"""The extension that a dialplan runs when the channel has hung up: it has not gone anywhere."""
_NOWHERE: Final = frozenset({"", "s", "h", "failed"})
_ZOMBIE: Final = "<ZOMBIE>"  # what a channel is called whose place another one has taken
_MADE: Final = re.compile(r"(?:^|-)(\d{1,12})\.(\d{1,9})(?:;2)?$")


def age(leg_id: str) -> tuple[int, int]:
    """When a channel was made, for putting several in order: its second, and its number since Asterisk was started."""
    found = _MADE.search(leg_id)
    return (int(found[1]), int(found[2])) if found is not None else (0, 0)


@dataclass(slots=True, eq=False)
class Leg:
    """One channel. ``requested``, ``last_dialling`` and ``ended`` number what happened, in order; 0 is never.

    ``number`` is what it shows now, ``own_number`` what it showed first, before the dialplan could set another,
    ``called_as`` what it showed when it first dialled somebody.
    ``linked_id`` is the Linkedid with which it began, ``linked_now`` that of the call that it has joined. ``bridged``
    says that it has been in a bridge, ``entered`` when it last came into one, in Asterisk's words, ``dials`` that it
    has dialled others, ``rung`` that it was dialled, by another channel or by Asterisk itself, ``called`` that it has
    been the called party of a call. ``keyed`` says that its party pressed keys since it last held. ``leaving`` says
    that it was told to hang up, and ``taken_out`` that this came while it was in a bridge: an admin or Asterisk ends
    it, not its party. ``fetched`` says that it was parked: whom it meets then has fetched it. ``listed_for`` is how
    long it had lived, as ``HH:MM:SS``, when a list last named it.
    """

    id: str
    channel: str
    linked_id: str
    linked_now: str = ""
    state: str = "Down"
    number: str | None = None
    own_number: str | None = None
    called_as: str | None = None
    name: str | None = None
    exten: str = ""
    context: str = ""
    dialed: str | None = None
    bridge: str | None = None
    bridged: bool = False
    entered: tuple[str, ...] = ()
    music: bool = False
    keyed: bool = False
    rung: bool = False
    dials: bool = False
    dialled_by: str | None = None
    dialled_from: str = ""
    dialled_at: tuple[str, str] = ("", "")
    dial_string: str = ""
    dial_status: str = ""
    last_dialling: int = 0
    forwarded: bool = False
    picked_up: bool = False
    requested: int = 0
    busy: bool = False
    leaving: bool = False
    taken_out: bool = False
    parked: bool = False
    fetched: bool = False
    called: bool = False
    gone: bool = False
    ended: int = 0
    cause: int = 0
    listed_for: str = ""
    calls: set[str] = field(default_factory=set)
    dialled: set[str] = field(default_factory=set)

    @property
    def is_phone(self) -> bool:
        """Whether somebody can be at its end."""
        return not self.channel.startswith(_NO_PHONE) and not self.channel.endswith(_ZOMBIE)

    @property
    def place(self) -> tuple[str, str]:
        """Where in the dialplan it is: context and extension."""
        return self.context, self.exten

    @property
    def is_at_hold(self) -> bool:
        """Whether it was sent to where ours go to be held."""
        return self.exten == HOLD and self.context.startswith("stasis-")

    @property
    def is_ours(self) -> bool:
        """Whether the connector made it."""
        return self.id.startswith(OURS)

    @property
    def serves(self) -> str | None:
        """The id of the leg that the connector made this one for."""
        return (self.id.removesuffix(";2").partition(FOR)[2] or None) if self.is_ours else None

    @property
    def endpoint(self) -> str:
        """``PJSIP/1001`` of ``PJSIP/1001-0000001f``: who it really is. A caller can choose its number, not this."""
        return self.channel.rpartition("-")[0] or self.channel


class Legs:
    """All channels that live, and those that ended a moment ago."""

    def __init__(self) -> None:
        self._legs: dict[str, Leg] = {}
        self._by_channel: dict[str, Leg] = {}
        self._by_endpoint: dict[str, set[str]] = {}
        self._members: dict[str, set[str]] = {}
        self._holding_bridges: set[str] = set()
        self._rooms: set[str] = set()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._order = 0
        self._fresh: set[str] | None = None

    @property
    def now(self) -> int:
        """The number of what happened last."""
        return self._order

    def get(self, leg_id: str | None) -> Leg | None:
        """The leg of this id."""
        return self._legs.get(leg_id) if leg_id else None

    def named(self, channel: str) -> Leg | None:
        """The leg of this channel name."""
        return self._by_channel.get(channel)

    def living(self) -> Iterator[Leg]:
        """All legs that have not ended."""
        return (leg for leg in self._legs.values() if not leg.gone)

    def serving(self, leg: Leg) -> Iterator[Leg]:
        """The living legs that the connector made for this one."""
        return (one for one in self.living() if one.serves == leg.id)

    def of_endpoint(self, endpoint: str) -> Iterator[Leg]:
        """The living legs of one phone or trunk."""
        return (leg for leg_id in self._by_endpoint.get(endpoint, ()) if not (leg := self._legs[leg_id]).gone)

    def partner(self, leg: Leg) -> Leg | None:
        """The other half of a Local channel."""
        half = {";1": ";2", ";2": ";1"}.get(leg.channel[-2:])
        return self._by_channel.get(leg.channel[:-2] + half) if half else None

    def joined(self, leg: Leg) -> set[str]:
        """The ids of all legs that hear each other with this one: through its bridge and through Local channels."""
        found: set[str] = set()
        waiting = [leg]
        while waiting:
            one = waiting.pop()
            if one.id in found or one.gone:
                continue
            found.add(one.id)
            if one.bridge and one.bridge not in self._holding_bridges:
                waiting += [self._legs[member] for member in self._members[one.bridge]]
            other = None if one.is_phone else self.partner(one)
            if other is not None:
                waiting.append(other)
        return found

    def sharing(self, leg: Leg) -> list[Leg]:
        """The others in its bridge."""
        return [self._legs[one] for one in sorted(self._members.get(leg.bridge or "", ())) if one != leg.id]

    def is_parked(self, leg: Leg) -> bool:
        """Whether it sits in a bridge where nobody hears anybody."""
        return leg.parked or leg.bridge in self._holding_bridges

    def is_in_a_room(self, leg: Leg) -> bool:
        """Whether it sits in a conference room, where whoever comes meets whoever is there. A page is one too."""
        return leg.bridge in self._rooms

    def begin_list(self) -> None:
        """A list is asked for: what events say from now on is newer than what the list will say."""
        self._fresh = set()

    def end_list(self) -> set[str]:
        """The legs that events have named since `begin_list`."""
        fresh, self._fresh = self._fresh or set(), None
        return fresh

    def see(self, fields: Fields, prefix: str = "") -> Leg | None:
        """The leg that these fields name, with what they say of it; None where they name none.

        ``prefix`` picks the fields of the second channel of an event (``Dest``, ``Transferee`` …).
        """
        channel = fields.get(f"{prefix}Channel", "")
        leg_id = fields.get(f"{prefix}Uniqueid", "")
        leg = self._legs.get(leg_id) if leg_id else self._by_channel.get(channel)
        if leg is None:
            linked_id = fields.get(f"{prefix}Linkedid", "")
            # an event that tells of a channel says all this; what failed to become one has "<unknown>" for an id
            if not channel or not linked_id or not leg_id or leg_id.startswith("<"):
                return None
            leg = Leg(leg_id, channel, linked_id)
            self._legs[leg_id] = leg
            self._name(leg, channel)
        else:
            self.rename(leg, channel)
        if self._fresh is not None:
            self._fresh.add(leg.id)
        if not leg.gone:
            self._learn(leg, fields, prefix)
        return leg

    def _learn(self, leg: Leg, fields: Fields, prefix: str) -> None:
        leg.linked_now = fields.get(f"{prefix}Linkedid") or leg.linked_now
        leg.state = fields.get(f"{prefix}ChannelStateDesc") or leg.state
        leg.busy = leg.busy or leg.state == "Busy"
        leg.number = _known(fields.get(f"{prefix}CallerIDNum")) or leg.number
        leg.own_number = leg.own_number or leg.number
        leg.name = _known(fields.get(f"{prefix}CallerIDName")) or leg.name
        exten = fields.get(f"{prefix}Exten")
        if exten is not None and exten != _ENDING:
            leg.exten = exten
            leg.context = fields.get(f"{prefix}Context", leg.context)
            if leg.dialed is None and exten not in _NOWHERE:
                leg.dialed = exten

    def dial(self, source: Leg | None, target: Leg, fields: Fields) -> None:
        """An event said that ``source`` dials ``target``, or how that stands."""
        target.rung = True
        status = fields.get("DialStatus", "")
        # what has ended, or was answered, is not undone by an event that comes late
        if status and (target.dial_status in ("", "PROGRESS", "RINGING") or status == "ANSWER"):
            target.dial_status = status
        target.forwarded = target.forwarded or bool(fields.get("Forward"))
        target.dial_string = fields.get("DialString") or target.dial_string
        if source is not None:
            source.dials = True
            if target.dialled_by != source.id:
                target.dialled_by = source.id
                target.dialled_from = source.exten
                target.dialled_at = source.place
            if target.id not in source.dialled:
                source.called_as = source.called_as or source.number
                source.dialled.add(target.id)
                source.last_dialling = self._next()

    def enter(self, leg: Leg, fields: Fields) -> None:
        """The leg is in this bridge now."""
        bridge = fields.get("BridgeUniqueid", "") or fields.get("BridgeId", "")
        technology, moment = fields.get("BridgeTechnology", ""), fields.get("Timestamp", "")
        if moment and moment in leg.entered:
            return  # an event that comes a second time, when the leg may have left
        leg.entered = (moment, *leg.entered[:REPEATED])
        if technology and "holding_bridge" not in technology:
            self._holding_bridges.discard(bridge)  # a list had to guess
        if leg.bridge == bridge:
            return
        self.leave(leg)
        if bridge and not leg.gone:
            if "holding_bridge" in technology or fields.get("BridgeType") == "parking":
                self._holding_bridges.add(bridge)
            if _CONFERENCE in (fields.get("BridgeCreator"), fields.get("Application")):
                self._rooms.add(bridge)
            leg.parked = leg.parked and bridge in self._holding_bridges
            leg.bridge, leg.bridged = bridge, True
            self._members.setdefault(bridge, set()).add(leg.id)

    def leave(self, leg: Leg, bridge: str | None = None) -> None:
        """The leg is not in this bridge (in any, where none is named) any more."""
        if leg.bridge is None or (bridge and bridge != leg.bridge):
            return
        members = self._members[leg.bridge]
        members.discard(leg.id)
        if not members:
            del self._members[leg.bridge]
            self._holding_bridges.discard(leg.bridge)
            self._rooms.discard(leg.bridge)
        leg.bridge = None

    def rename(self, leg: Leg, channel: str) -> None:
        """The channel is called so from now on. A masquerade does that; the id tells who is meant."""
        if channel and channel != leg.channel:
            self._unname(leg)
            self._name(leg, channel)

    def ask_to_leave(self, leg: Leg) -> None:
        """Asterisk ends the channel: by itself, for an admin, or after its party hung up."""
        leg.leaving = True
        leg.taken_out = leg.taken_out or (leg.bridge is not None and not leg.requested)

    def request_hangup(self, leg: Leg, cause: int) -> None:
        """The party at its end hung up, or refused."""
        if not leg.requested:
            leg.requested = self._next()
            leg.cause = cause or leg.cause

    def end(self, leg: Leg, cause: int) -> Leg | None:
        """The channel is gone. Gives back the leg that is forgotten for it, if any."""
        if leg.gone:
            return None
        self.leave(leg)
        leg.gone, leg.cause, leg.ended = True, cause, self._next()
        leg.music = False
        self._ended[leg.id] = None
        return self._forget() if len(self._ended) > KEPT else None

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _forget(self) -> Leg:
        leg_id, _ = self._ended.popitem(last=False)
        leg = self._legs.pop(leg_id)
        self._unname(leg)
        source = self.get(leg.dialled_by)
        if source is not None:
            source.dialled.discard(leg_id)
        return leg

    def _name(self, leg: Leg, channel: str) -> None:
        leg.channel = channel
        self._by_channel[channel] = leg
        self._by_endpoint.setdefault(leg.endpoint, set()).add(leg.id)

    def _unname(self, leg: Leg) -> None:
        if self._by_channel.get(leg.channel) is leg:
            del self._by_channel[leg.channel]
        legs = self._by_endpoint[leg.endpoint]
        legs.discard(leg.id)
        if not legs:
            del self._by_endpoint[leg.endpoint]


def _known(text: str | None) -> str | None:
    return None if text is None or text in ("", "<unknown>") else text
