"""Who was joined with whom, and who rang for whom, at each moment: worked out from the manager's events alone.

What counts is where each channel is: in which bridge (BridgeEnter, BridgeLeave, BridgeDestroy), which Local channel it
is half of (LocalBridge), who dials it and how that stands (DialBegin, DialState, DialEnd), whether music is played to
it, whether it was hung up. No event is taken for a statement about calls. Two channels are together where a way leads
from one to the other through bridges and through the two halves of Local channels; in a parking place, or any other
bridge that only holds, nobody is together with anybody.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.oracle.wire import Event, moment_of

NOBODY_IS_THERE: Final = frozenset(
    {"Local", "Snoop", "UnicastRTP", "Recorder", "Announcer", "Message", "Surrogate", "CBAnn", "CBRec", "Bridge"}
)
"""Kinds of channels that are no phone and no trunk."""

HOLD: Final = "hold"
"""Where the connector holds: this extension of the context that Asterisk makes for a REST application."""

A_MOMENT: Final = 0.05
"""Seconds in which the events of one doing come."""

FOR: Final = "-for-"
"""The connector names the channels by which it rings another phone beside the first, and says in it for whom."""


@dataclass
class Channel:
    """What is known of one channel now."""

    id: str
    name: str
    state: str = "Down"
    bridge: str = ""
    other_half: str = ""
    music: bool = False
    holds: bool = False
    place: tuple[str, str] = ("", "")  # context and extension


@dataclass
class Dialling:
    """An attempt to reach a channel: who dials (empty: an application does), the last that was said of it, and
    whether it has led to a talk with somebody. They are numbered as they began.
    """

    by: str
    status: str = ""
    over: bool = False
    taken: bool = False
    number: int = 0


class Moment(NamedTuple):
    """The state of things from ``at`` to the next moment. All channels are named by their unique ids.

    ``together`` holds for each living channel all with whom it is together, itself too. ``phones`` are the living
    channels at whose end somebody can be; ``up`` those of them that were answered, or answer. ``waiting`` hear music or
    are parked, ``held`` are where the connector holds, ``holds`` have put the other on hold. ``rooms`` are in a
    conference room. ``callers`` holds for each phone that was called those for whom it was; ``called`` are those that
    are being called still; ``rings`` those of them that ring.
    """

    at: float
    together: dict[str, frozenset[str]]
    phones: frozenset[str]
    up: frozenset[str]
    waiting: frozenset[str]
    holds: frozenset[str]
    held: frozenset[str]
    rooms: frozenset[str]
    callers: dict[str, frozenset[str]]
    called: frozenset[str]
    rings: frozenset[str]

    def lives(self, channel: str) -> bool:
        """Whether this channel is there."""
        return channel in self.together

    def are_together(self, one: str, other: str) -> bool:
        """Whether these two hear each other, as far as bridges go."""
        return other in self.together.get(one, frozenset())

    def company(self, channel: str) -> frozenset[str]:
        """The phones that hear this channel, without itself."""
        return (self.together.get(channel, frozenset()) & self.phones) - {channel}


class Transfer(NamedTuple):
    """An attended transfer that Asterisk completed: when, the leg that leaves, and the phones that it leaves behind."""

    at: float
    leaves: str
    stay: frozenset[str]


class History:
    """All moments of one recording, and which channel had which name when. It ends where Asterisk starts anew."""

    def __init__(self, recorded: Iterable[Event]) -> None:
        self.moments: list[Moment] = []
        self.transfers: list[Transfer] = []
        self._names: dict[str, list[tuple[float, str]]] = {}
        self._deaths: dict[str, float] = {}
        self._hung_up: dict[str, float] = {}
        facts = _Facts()
        for event in recorded:
            if event["Event"] in ("Shutdown", "FullyBooted"):
                if self.moments:
                    break
                continue
            if "Timestamp" not in event:
                continue
            at = max(moment_of(event), self.moments[-1].at if self.moments else 0.0)
            before = set(facts.channels)
            if event["Event"] == "AttendedTransfer" and event.get("Result") == "Success":
                self._transferred(event, at)
            facts.take(event)
            self._remember(at, before, facts)
            if event["Event"] == "HangupRequest":
                self._hung_up.setdefault(event.get("Uniqueid", ""), at)
            self.moments.append(facts.moment(at))

    @property
    def end(self) -> float:
        """The moment of the last event."""
        return self.moments[-1].at if self.moments else 0.0

    def channel(self, name: str, at: float) -> str | None:
        """The id of the channel that had this name last at this time; None where none ever had it by then."""
        had = [channel for since, channel in self._names.get(name, ()) if since <= at]
        return had[-1] if had else None

    def died(self, channel: str) -> float:
        """When this channel was hung up; infinity where that was not seen."""
        return self._deaths.get(channel, float("inf"))

    def hung_up(self, channel: str) -> float:
        """When the party at its end hung up, or it was gone; infinity where neither was seen."""
        return min(self.died(channel), self._hung_up.get(channel, float("inf")))

    def since(self, at: float) -> Iterator[Moment]:
        """The moments from this time on."""
        return (moment for moment in self.moments if moment.at >= at)

    def between(self, since: float, until: float) -> Iterator[Moment]:
        """The moments from the one that was there at the first time to the one at the second."""
        for moment, after in zip(self.moments, [*self.moments[1:], None], strict=True):
            if moment.at <= until and (after is None or after.at > since):
                yield moment

    def were_connected(self, caller: str, callee: str | None, until: float) -> bool:
        """Whether the two were ever together; of one that nobody was found for: whether it was answered."""
        moments = (moment for moment in self.moments if moment.at <= until)
        if callee is None:
            return any(caller in moment.up for moment in moments)
        return any(moment.are_together(caller, callee) for moment in moments)

    def _transferred(self, event: Event, at: float) -> None:
        """Who is left is the transferee, or whoever was together with it a moment before."""
        leaves, stays = event.get("OrigTransfererUniqueid", ""), event.get("TransfereeUniqueid", "")
        before = self.between(at - A_MOMENT, at)
        behind = {phone for moment in before for phone in moment.together.get(stays, frozenset()) & moment.phones}
        self.transfers.append(Transfer(at, leaves, frozenset(behind - {leaves})))

    def _remember(self, at: float, before: set[str], facts: "_Facts") -> None:
        for channel in facts.channels.values():
            had = self._names.setdefault(channel.name, [])
            if not had or had[-1][1] != channel.id:
                had.append((at, channel.id))
        for gone in before - set(facts.channels):
            self._deaths[gone] = at


def is_phone(name: str) -> bool:
    """Whether somebody can be at the end of a channel of this name."""
    return name.partition("/")[0] not in NOBODY_IS_THERE and not name.endswith("<ZOMBIE>")


@dataclass
class _Facts:
    channels: dict[str, Channel] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    holding: set[str] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)
    diallings: dict[str, Dialling] = field(default_factory=dict)
    took_over: dict[str, str] = field(default_factory=dict)  # who stands where the transferring party stood

    def take(self, event: Event) -> None:
        name = event["Event"]
        if name != "OriginateResponse":  # it may name a channel that never came to be
            for prefix in prefixes(event):
                self._meet(event, prefix)
        channel = self.channels.get(event.get("Uniqueid", ""))
        match name:
            case "DialBegin" | "DialState" | "DialEnd":
                self._dial(event, name)
            case "BridgeDestroy":
                for one in self.channels.values():
                    one.bridge = "" if one.bridge == event["BridgeUniqueid"] else one.bridge
            case "LocalBridge":
                self._pair(event)
            case "AttendedTransfer" if event.get("Result") == "Success":
                self.took_over[event.get("SecondTransfererUniqueid", "")] = event.get("TransfereeUniqueid", "")
            case "ParkedCall":
                parked = self.channels.get(event.get("ParkeeUniqueid", ""))
                if parked is not None:
                    parked.music = True
            case "UnParkedCall" | "ParkedCallTimeOut" | "ParkedCallGiveUp":
                fetched = self.channels.get(event.get("ParkeeUniqueid", ""))
                if fetched is not None:
                    fetched.music = False
            case _ if channel is not None:
                self._one(channel, event, name)

    def _one(self, channel: Channel, event: Event, name: str) -> None:
        match name:
            case "BridgeEnter":
                bridge = event["BridgeUniqueid"]
                channel.bridge = bridge
                if "holding" in event.get("BridgeTechnology", "") or event.get("BridgeType") == "parking":
                    self.holding.add(bridge)
                if event.get("BridgeCreator") == "ConfBridge" or "softmix" in event.get("BridgeTechnology", ""):
                    self.rooms.add(bridge)
            case "BridgeLeave":
                if channel.bridge == event["BridgeUniqueid"]:
                    channel.bridge = ""
            case "MusicOnHoldStart" | "MusicOnHoldStop":
                channel.music = name == "MusicOnHoldStart"
            case "Hold" | "Unhold":
                channel.holds = name == "Hold"
            case "Rename":
                channel.name = event["Newname"]
            case "Hangup":
                del self.channels[channel.id]
                self.gone.add(channel.id)
            case _:
                pass

    def _meet(self, event: Event, prefix: str) -> None:
        channel_id, name = event.get(f"{prefix}Uniqueid", ""), event.get(f"{prefix}Channel", "")
        if not channel_id or channel_id == "<unknown>" or not name or channel_id in self.gone:
            return
        channel = self.channels.setdefault(channel_id, Channel(channel_id, name))
        channel.state = event.get(f"{prefix}ChannelStateDesc", channel.state)
        channel.place = (event.get(f"{prefix}Context", ""), event.get(f"{prefix}Exten", ""))

    def _pair(self, event: Event) -> None:
        one, two = event.get("LocalOneUniqueid", ""), event.get("LocalTwoUniqueid", "")
        if one in self.channels and two in self.channels:
            self.channels[one].other_half, self.channels[two].other_half = two, one

    def _dial(self, event: Event, name: str) -> None:
        called = event.get("DestUniqueid", "")
        if called not in self.channels:
            return
        dialling = self.diallings.setdefault(called, Dialling("", number=len(self.diallings)))
        dialling.by = event.get("Uniqueid", "") or dialling.by
        if not dialling.over:
            dialling.status = event.get("DialStatus", "") or dialling.status
            dialling.over = name == "DialEnd"

    # -- the moment

    def moment(self, at: float) -> Moment:
        together = dict(self._together())
        phones = frozenset(one.id for one in self.channels.values() if is_phone(one.name))
        callers = {one: self._callers(one, together, phones) for one in phones if one in self.diallings}
        for one in callers:
            self.diallings[one].taken |= len(together[one] & phones) > 1
        called = frozenset(one for one in callers if self._is_called(one))
        return Moment(
            at=at,
            together=together,
            phones=phones,
            up=frozenset(one for one in phones if self.channels[one].state == "Up"),
            waiting=frozenset(one.id for one in self.channels.values() if one.music or one.bridge in self.holding),
            holds=frozenset(one.id for one in self.channels.values() if one.holds),
            held=frozenset(one.id for one in self.channels.values() if _is_held(one)),
            rooms=frozenset(one.id for one in self.channels.values() if one.bridge in self.rooms),
            callers=callers,
            called=called,
            rings=frozenset(one for one in called if self._is_ringing(one)),
        )

    def _together(self) -> Iterator[tuple[str, frozenset[str]]]:
        members: dict[str, set[str]] = {}
        for one in self.channels.values():
            if one.bridge and one.bridge not in self.holding:
                members.setdefault(one.bridge, set()).add(one.id)
        for start in self.channels:
            found, waiting = set[str](), [start]
            while waiting:
                one = self.channels[waiting.pop()]
                if one.id not in found:
                    found.add(one.id)
                    waiting += members.get(one.bridge, ())
                    waiting += [one.other_half] if one.other_half in self.channels else []
            yield start, frozenset(found)

    def _is_called(self, channel: str) -> bool:
        """Whether it has not refused, nor been given up, nor come to talk. Being answered does not end that yet: a
        phone that was picked up may first be asked whether it takes the call."""
        dialling = self.diallings[channel]
        return not dialling.taken and (not dialling.over or dialling.status == "ANSWER")

    def _is_ringing(self, channel: str) -> bool:
        dialling, state = self.diallings[channel], self.channels[channel].state
        return (
            not dialling.over and state != "Up" and (state == "Ringing" or dialling.status in ("RINGING", "PROGRESS"))
        )

    def _callers(self, called: str, together: dict[str, frozenset[str]], phones: frozenset[str]) -> frozenset[str]:
        """The phones for whom this one is called: whoever dials it, or stands behind the Local channels that do."""
        found: set[str] = set()
        between: set[str] = set()
        seen: set[str] = {called}
        waiting = [self.diallings[called].by]
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            found |= {one.removesuffix(";2").partition(FOR)[2]} & phones
            waiting += [self.took_over[one]] if one in self.took_over else []
            if one in phones:
                found.add(one)
                continue
            between.add(one)
            waiting += together.get(one, ())
            waiting += [self.diallings[one].by] if one in self.diallings else []
        return frozenset(one for one in found if not self._comes_after(one, called, between))

    def _comes_after(self, one: str, called: str, between: set[str]) -> bool:
        """Whether the same Local channels called this one too, and later: it is no caller, but called for the other."""
        its = self.diallings.get(one)
        return its is not None and its.by in between and its.number > self.diallings[called].number


def _is_held(channel: Channel) -> bool:
    context, extension = channel.place
    return not channel.bridge and extension == HOLD and context.startswith("stasis-")


def prefixes(event: Event) -> Iterator[str]:
    """The prefixes under which an event names channels: none for its own, ``Dest`` for the one that is dialled …"""
    for key in event:
        if key.endswith("Uniqueid") and not key.endswith("BridgeUniqueid"):
            yield key.removesuffix("Uniqueid")
