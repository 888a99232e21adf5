"""What the engine remembers: the sessions alive, the calls they belong to, what is counted over them. It knows no rule.

What has to be counted it is told, and which numbers are one. Effects gather here during a step.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Final, Literal, NamedTuple, TypeAlias

from ozrules.engine.effects import Effect, Tally
from ozrules.engine.events import ScheduleSwitched, SessionSeen
from ozrules.engine.identity import SessionKey
from ozrules.engine.live import Chain, LiveSession
from ozrules.engine.movement import LOOK_AGAIN
from ozrules.engine.tallies import AliveCounts, Tallies
from ozrules.rules.condition import Standing, Window
from ozrules.session.state import MOVED_ON

Group: TypeAlias = Callable[[LiveSession, float], str | None]

MOST_CLOSED: Final = 4096
CHAIN_LINK: Final = 10.0
"""Seconds in which a new session to the number that we forwarded to is taken for the same call."""


HOPS: Final = "hops"
OUTSIDE: Final = "outside"
KNOWN_AGAIN: Final = 600.0
"""Seconds in which a call that went on where we could not see it is known again by its master id."""


class Forwarded(NamedTuple):
    """A call that we sent to a number: what its further session will look like. ``anyone``: whoever calls there."""

    at: float
    to: str
    caller: str | None
    anyone: bool
    chain: Chain


class Switched(NamedTuple):
    """What an admin has made of a schedule, and until when on the wall clock."""

    open: bool
    until: float


class Line:
    """One connection: its sessions by id, and whether its full list has been merged since the last gap."""

    __slots__ = (
        "agrees",
        "asking",
        "behind",
        "closed",
        "epoch",
        "linked",
        "listed",
        "merged",
        "merged_at",
        "name",
        "pause",
        "pending",
        "privileges",
        "sessions",
        "zone",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = ""
        self.zone: tzinfo = UTC
        self.behind: float | None = None  # seconds from the phone system's clock to ours, at most
        self.linked = -math.inf  # what began before this moment was not seen to begin
        self.agrees = False  # until that is known better: whether its clock seems to be about right
        self.merged = False
        self.merged_at = -math.inf
        self.pause = LOOK_AGAIN  # seconds until a list is asked for again, to see whether its durations move
        self.listed = False
        self.privileges: frozenset[str] | None = None
        self.sessions: dict[str, LiveSession] = {}
        self.asking: dict[SessionKey, LiveSession] = {}
        self.closed: OrderedDict[str, str] = OrderedDict()
        self.pending: list[SessionSeen] = []  # reports that came before the list, which shows them already


class State:
    """All that is known of calls. ``normal`` gives the form in which two spellings of a number are one."""

    def __init__(self, mode: Literal["enforce", "observe"], next_decision: int) -> None:
        self.mode: Literal["enforce", "observe"] = mode
        self.wall_offset = 0.0
        self.lines: dict[str, Line] = {}
        self.live: dict[SessionKey, LiveSession] = {}
        self.chains: dict[str, Chain] = {}
        self.paused: set[str | None] = set()
        self.switched: dict[str, Switched] = {}
        self.tallies = Tallies()
        self.next_decision = next_decision
        self.out: list[Effect] = []
        self.forwards: list[Forwarded] = []
        self.touched: list[LiveSession] = []  # by runs that began on another session: to be remembered too
        self.external = AliveCounts()
        self.normal: Callable[[str], str] = str
        self._windows: tuple[tuple[Window, str, Group], ...] = ()
        self._standing: dict[str, tuple[Standing, AliveCounts, Group]] = {}

    # --- what conditions ask: `ozrules.rules.condition.Counts` --------------------------------------------------------

    def by_hand(self, schedule: str, at: float) -> bool | None:
        """Whether an admin has switched it open or closed; None where its hours count."""
        switched = self.switched.get(schedule)
        return switched.open if switched is not None and at + self.wall_offset < switched.until else None

    def entered(self, window: str, group: str, at: float, within: float) -> int:
        """How many distinct sessions of the group were counted in the window."""
        return self.tallies.count(window, group, at, within)

    def alive(self, standing: str, group: str) -> int:
        """How many sessions of the group are in the states."""
        return self._standing[standing][1].count(group)

    def switch(self, event: ScheduleSwitched) -> None:
        """An admin has switched a schedule by hand."""
        if event.open is None:
            self.switched.pop(event.schedule, None)
        else:
            self.switched[event.schedule] = Switched(event.open, math.inf if event.until is None else event.until)

    # --- counting ---------------------------------------------------------------------------------------------------

    def count(self, windows: Mapping[Window, Group], standing: Mapping[Standing, Group]) -> None:
        """From now on these are counted, and nothing else. What was counted before goes on as it is."""
        self._windows = tuple((window, window.name, group) for window, group in windows.items())
        before, self._standing = self._standing, {}
        fresh = []
        for each, group in standing.items():
            known = before.get(each.name)
            self._standing[each.name] = (each, AliveCounts() if known is None else known[1], group)
            if known is None:
                fresh.append(each.name)
        if fresh:
            for live in self.live.values():
                self.count_alive(live, live.entered)

    def count_entry(self, live: LiveSession, at: float) -> None:
        """A session has entered a state: history windows count it."""
        for window, name, group in self._windows:
            if live.state in window.states and (value := group(live, at)) is not None:
                self.tally(name, value, repr(live.key), at, at + window.within)

    def count_alive(self, live: LiveSession, at: float) -> None:
        """A session has changed: counts of sessions alive follow it."""
        for standing, counts, group in self._standing.values():
            inside = not live.ended and live.asks is None and live.state in standing.states
            counts.put(id(live), group(live, at) if inside else None)

    def tally(self, name: str, group: str, member: str, at: float, until: float) -> None:
        """Counts something, now and after a restart."""
        tally = Tally(name=name, group=group, member=member, at=at, until=until)
        self.tallies.add(tally)
        self.out.append(tally)

    # --- sessions ---------------------------------------------------------------------------------------------------

    def line(self, connection: str) -> Line:
        line = self.lines.get(connection)
        if line is None:
            line = self.lines[connection] = Line(connection)
        return line

    def chain_for(
        self, connection: str, master: str, caller: str | None, callee: str | None, at: float, *, begins: bool
    ) -> Chain:
        """The call that a new session belongs to: by its master id, else by a forward of ours that it looks like.

        ``begins``: the session is its own master, so that a call of the same name before it is another one.
        """
        key = f"{connection}\x1f{master}"
        chain = self.chains.get(key)
        if chain is not None and begins and chain.begun:
            self._rename(chain, key, at)
            chain = None
        if chain is None:
            counted = not begins and self._went_on(key, at)
            chain = None if counted else self._forwarded(caller, callee, at)
            if chain is None:
                chain = Chain(key)
                if not begins:
                    self._goes_on(chain, at)
            else:
                chain.keys.append(key)
                if chain.outside is not None:
                    self.leaves_outside(chain, chain.outside)  # nobody had told us that it goes on
            self.chains[key] = chain
        chain.begun = chain.begun or begins
        return chain

    def _rename(self, chain: Chain, key: str, at: float) -> None:
        """Another call bears its name from now on: nothing that happens to that one is about this one."""
        name = f"{key}\x1f{at}"
        chain.keys = [name if each == key else each for each in chain.keys]
        self.chains[name] = chain
        self.touched += chain.sessions

    def chain_called(self, keys: list[str]) -> Chain:
        """The call known under any of ``keys``, which is known under all of them from now on."""
        chain = next((self.chains[key] for key in keys if key in self.chains), None)
        if chain is None:
            chain = Chain(keys[0])
        chain.keys = list(dict.fromkeys([*chain.keys, *keys]))
        for key in chain.keys:
            self.chains[key] = chain
        return chain

    def _forwarded(self, caller: str | None, callee: str | None, at: float) -> Chain | None:
        if not self.forwards or callee is None:
            return None
        self.forwards = [forward for forward in self.forwards if at - forward.at <= CHAIN_LINK]
        to = self.normal(callee)
        for forward in self.forwards:
            if forward.to == to and (forward.anyone or forward.caller == caller):
                return forward.chain
        return None

    def leaves_outside(self, chain: Chain, group: str) -> None:
        """A call was sent outside by a rule, and counts as such until it is over."""
        chain.outside = group
        self.external.put(id(chain), group)

    def drop(self, live: LiveSession) -> None:
        """Forgets a session that has ended and on which nothing is under way."""
        self.live.pop(live.key, None)
        if live.asks is not None:
            self.line(live.key.connection).asking.pop(live.key, None)
        chain = live.chain
        if live in chain.sessions:
            chain.sessions.remove(live)
        if not chain.sessions and not chain.runs:
            chain.keys = [key for key in chain.keys if self.chains.get(key) is chain]  # others bear the rest by now
            if live.state in MOVED_ON:
                self._moved_on(chain, live.entered)
            self.external.put(id(chain), None)
            for key in chain.keys:
                self.chains.pop(key, None)

    def _moved_on(self, chain: Chain, at: float) -> None:
        """The call goes on in a session of which nobody has told us yet: its counts must be known again then."""
        for key in chain.keys:
            if chain.hops:
                self.tally(HOPS, key, str(chain.hops), at, at + KNOWN_AGAIN)
            if chain.outside is not None:
                self.tally(OUTSIDE, key, chain.outside, at, at + KNOWN_AGAIN)

    def _went_on(self, key: str, at: float) -> bool:
        """Whether a call of this name was left while it went on, so that its own counts are known."""
        return any(self.tallies.count(name, key, at, KNOWN_AGAIN) for name in (HOPS, OUTSIDE))

    def _goes_on(self, chain: Chain, at: float) -> None:
        for key in chain.keys:
            if self.tallies.count(HOPS, key, at, KNOWN_AGAIN):
                chain.hops = int(self.tallies.last(HOPS, key) or 0)
            if self.tallies.count(OUTSIDE, key, at, KNOWN_AGAIN):
                self.leaves_outside(chain, self.tallies.last(OUTSIDE, key) or "")
