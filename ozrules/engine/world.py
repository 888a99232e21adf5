"""What the engine knows: the rules in force, the sessions alive, the counts. The parts of the engine share it.

It is the subject's side of `rules.condition.Facts`, and the place where effects gather during a step.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Final, Literal, NamedTuple

from ozrules.engine.effects import Effect, Tally
from ozrules.engine.events import ScheduleSwitched, SessionSeen
from ozrules.engine.guard import Guard
from ozrules.engine.identity import SessionKey
from ozrules.engine.index import EXPLAIN_ALL, Entry, Index
from ozrules.engine.live import Chain, LiveSession
from ozrules.engine.movement import LOOK_AGAIN
from ozrules.engine.readings import Read, group_of, reader_of, text_of
from ozrules.engine.tallies import AliveCounts, Tallies
from ozrules.rules.condition import leaves
from ozrules.rules.model import Alive, History, RuleSet
from ozrules.rules.numbers import NumberPlan
from ozrules.session.state import MOVED_ON

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


class World:
    """The engine's memory. Only the engine and its parts write here, one event at a time."""

    def __init__(
        self,
        rules: RuleSet,
        mode: Literal["enforce", "observe"],
        next_decision: int,
        explain: int = EXPLAIN_ALL,
    ) -> None:
        self._explain = explain
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
        self.retired: dict[tuple[str, str], Entry] = {}
        """Waits of rules that are not in force any more, and that have fired on a session that still lives."""
        self.install(rules)

    def install(self, rules: RuleSet) -> None:
        """Puts a rule set in force: compiles it, and counts anew what its conditions count."""
        self.rules = rules
        self.guard = Guard(rules.guards, rules.numbers)
        self._texts: dict[str, Callable[[LiveSession, float], str | None]] = {}
        self._groups: dict[tuple[str, ...], Callable[[LiveSession, float], str | None]] = {}
        self._windows: list[tuple[History, str, Callable[[LiveSession, float], str | None]]] = []
        self._counts: list[tuple[Alive, AliveCounts, Callable[[LiveSession, float], str | None]]] = []
        for rule in rules.rules:
            conditions = [rule.condition, *(each.condition for each in rule.exceptions)]
            for leaf in (leaf for condition in conditions for leaf in leaves(condition)):
                match leaf:
                    case History():
                        self.entered(leaf)
                    case Alive():
                        self.alive(leaf)
                    case _:
                        pass
        self.index = Index(rules.rules, self, self._explain)
        for live in self.live.values():
            self.count_alive(live, live.entered)

    # --- what conditions ask ----------------------------------------------------------------------------------------

    @property
    def numbers(self) -> NumberPlan:
        return self.rules.numbers

    def reader(self, field: str) -> Read:
        return reader_of(field, self.numbers)

    def text(self, field: str) -> Callable[[LiveSession, float], str | None]:
        """Reads a field as text."""
        read = self._texts.get(field)
        if read is None:
            read = self._texts[field] = text_of(field, self.numbers)
        return read

    def group(self, fields: tuple[str, ...]) -> Callable[[LiveSession, float], str | None]:
        """Reads the value of a ``groupBy``."""
        read = self._groups.get(fields)
        if read is None:
            read = self._groups[fields] = group_of(fields, self.numbers)
        return read

    def is_open(self, schedule: str, at: float) -> bool:
        if self.switched and self.by_hand(schedule, at):
            return self.switched[schedule].open
        return self.rules.schedules[schedule].is_open(at + self.wall_offset)

    def by_hand(self, schedule: str, at: float) -> bool:
        switched = self.switched.get(schedule)
        return switched is not None and at + self.wall_offset < switched.until

    def switch(self, event: ScheduleSwitched) -> None:
        """An admin has switched a schedule by hand."""
        if event.open is None:
            self.switched.pop(event.schedule, None)
        else:
            self.switched[event.schedule] = Switched(event.open, math.inf if event.until is None else event.until)

    def entered(self, condition: History) -> Callable[[LiveSession, float], int | None]:
        name = _window_name(condition)
        group = self.group(condition.group_by)
        if all(known != name for _, known, _ in self._windows):
            self._windows.append((condition, name, group))

        def count(live: LiveSession, at: float) -> int | None:
            value = group(live, at)
            if value is None:
                return None
            return self.tallies.count(name, value, at, condition.within)

        return count

    def alive(self, condition: Alive) -> Callable[[LiveSession, float], int | None]:
        same = [
            (counts, group)
            for known, counts, group in self._counts
            if known.states == condition.states and known.group_by == condition.group_by
        ]
        counts, group = same[0] if same else (AliveCounts(), self.group(condition.group_by))
        if not same:
            self._counts.append((condition, counts, group))

        def count(live: LiveSession, at: float) -> int | None:
            value = group(live, at)
            return None if value is None else counts.count(value)

        return count

    # --- counting ---------------------------------------------------------------------------------------------------

    def count_entry(self, live: LiveSession, at: float) -> None:
        """A session has entered a state: history windows count it."""
        for condition, name, group in self._windows:
            if live.state in condition.states and (value := group(live, at)) is not None:
                self.tally(name, value, repr(live.key), at, at + condition.within)

    def count_alive(self, live: LiveSession, at: float) -> None:
        """A session has changed: counts of sessions alive follow it."""
        for condition, counts, group in self._counts:
            inside = not live.ended and live.asks is None and live.state in condition.states
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
        to = self.numbers.normal(callee)
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


def _window_name(condition: History) -> str:
    return f"history:{','.join(sorted(condition.states))}:{condition.within}:{','.join(condition.group_by)}"
