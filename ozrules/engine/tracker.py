"""The tracker: from what phone systems report to what has changed.

It is driven by levels, not edges. A repeated report changes nothing; after every gap the full list is merged before
anything acts; a session that vanished while nobody watched has ended. What it gives back says of each change whether
the edge was really seen, because rules fire only on edges that somebody saw.

The file is long because lists, single reports and gaps meet in the same sessions.
"""

import math
from collections.abc import Iterator
from operator import attrgetter
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ozrules.engine.effects import Certainty, EventKind, ListSessions, Notice, NoticeKind
from ozrules.engine.events import ConnectionOpened, Gap, SessionSeen, SessionsListed
from ozrules.engine.identity import SessionKey
from ozrules.engine.live import LiveSession
from ozrules.engine.state import MOST_CLOSED, Line
from ozrules.engine.stays import Doubt, fired_in, judged
from ozrules.engine.world import World
from ozrules.session.durations import moment_from, seconds_from
from ozrules.session.session import Session
from ozrules.session.state import (
    ABORTED,
    COMPLETED,
    CREATED,
    ENDED,
    HELD,
    IN_CALL,
    REDIRECTED,
    RINGING,
    SETUP,
    State,
    is_known,
)

DAY: Final = 86400.0
CLOCKS: Final = 5.0
"""Seconds by which a start may seem to lie ahead, because reports take time."""

OURS: Final = "@"
"""Begins the start of a session whose phone system tells none; then comes the moment at which we heard of it."""

MOST_PENDING: Final = 100_000

_BEGINNINGS: Final = frozenset({CREATED, SETUP, RINGING})
_ORDER: Final = {CREATED: 0, SETUP: 1, RINGING: 2, IN_CALL: 3} | dict.fromkeys(HELD, 3)
"""How far a call has come: without another party it never goes back below talking."""

_fixed = attrgetter(
    "caller",
    "callee",
    "dialed_number",
    "callee_call_leg_id",
    "caller_call_leg_id",
    "source",
    "destination",
    "caller_display_name",
    "callee_display_name",
    "source_type",
    "destination_type",
    "master_session_id",
    "direction",
    "extra",
)
_where = attrgetter("callee", "callee_call_leg_id", "destination")


class Change:
    """One session, changed. ``entered``: it is in another state than before. ``seen``: somebody saw that happen.

    ``recounted``: its stay counts from another moment than before. ``fired``: what has fired already in a stay that
    only now turns out to be another one.
    """

    __slots__ = ("entered", "fired", "kind", "live", "origin", "recounted", "seen")

    def __init__(
        self,
        live: LiveSession,
        kind: EventKind,
        origin: State | None,
        *,
        entered: bool,
        seen: bool,
        recounted: bool = False,
        fired: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.live = live
        self.kind = kind
        self.origin = origin
        self.entered = entered
        self.seen = seen
        self.recounted = recounted
        self.fired = fired


class Tracker:
    """Keeps the sessions of all connections as the phone systems report them."""

    def __init__(self, world: World) -> None:
        self._world = world

    # --- single reports ---------------------------------------------------------------------------------------------

    def seen(self, event: SessionSeen) -> tuple[Change, ...]:
        """What one report changes. Before the full list has come it is only kept, and taken in with the list."""
        line = self._world.lines.get(event.connection) or self._world.line(event.connection)
        if event.reported_at is not None:
            line.behind = event.at - event.reported_at
        if not line.merged:
            if len(line.pending) < MOST_PENDING:
                line.pending.append(event)
            return ()
        return self._told(line, event)

    def _told(self, line: Line, event: SessionSeen) -> tuple[Change, ...]:
        session = event.session
        live = line.sessions.get(session.session_id)
        if live is None:
            return self._unknown(line, event)
        if session.start_time != live.key.start and self._is_another(live, session, event):
            if _began_before(session, live):
                self._notice("lateEvent", line.name, session.session_state)  # of the call that bore this id before
                return ()
            ended = self._end(line, live, ABORTED, event.at, "closed", seen=False, certainty="derived")
            self._notice("sessionReused", line.name, session.session_id)
            return (ended, *self._unknown(line, event))
        state = session.session_state
        if event.kind == "closed" and state not in ENDED:
            live.session = session
            return (self._end(line, live, ABORTED, event.at, "closed", seen=True, certainty="derived"),)
        if state == live.state:
            return self._same_state(live, session, event)
        if _goes_back(live.state, state) and _where(session) == _where(live.session):
            self._notice("outOfOrder", line.name, f"{live.state} to {state}")
            self._world.out.append(ListSessions(line.name, "a report came out of order"))
            return ()
        if state in ENDED:
            live.session = session
            certainty: Certainty = "derived" if event.derived or state == COMPLETED else "complete"
            return (self._end(line, live, state, event.at, event.kind, seen=True, certainty=certainty),)
        return (self._enter(live, session, event.at, event.kind, derived=event.derived),)

    def _unknown(self, line: Line, event: SessionSeen) -> tuple[Change, ...]:
        """A report of a session that is not alive here."""
        session = event.session
        closed = line.closed.get(session.session_id)
        if closed is not None and (closed == (session.start_time or "")) and (closed or event.kind != "created"):
            if event.kind != "closed":
                self._notice("lateEvent", line.name, session.session_state)
            return ()
        if event.kind == "closed":
            self._notice("unknownSession", line.name, "closed")
            return ()
        created = event.kind == "created"
        if not created:
            line.behind = min((line.behind, _behind(line, session, event.at)), key=_or_never)
            if line.merged:
                self._notice("unknownSession", line.name, "stateChanged")
                self._world.out.append(ListSessions(line.name, "a session that nobody told us of"))
            if session.session_state in ENDED:
                return ()
        live = self._begin(line, session, event.at, self._age(line, event), created=created)
        live.certainty = "derived" if event.derived else "complete"
        change = Change(live, event.kind, None, entered=True, seen=created)
        self._counted(live, event.at)
        if live.ended:
            self._close(line, live)
        return (change,)

    def _same_state(self, live: LiveSession, session: Session, event: SessionSeen) -> tuple[Change, ...]:
        if _fixed(session) == _fixed(live.session):
            live.session = session
            if event.kind != "closed":
                self._notice("duplicate", event.connection, event.kind)
            return ()
        live.session = session
        live.direction = None
        self._world.count_alive(live, event.at)
        return (Change(live, event.kind, live.previous, entered=False, seen=True),)

    def _enter(self, live: LiveSession, session: Session, at: float, kind: EventKind, *, derived: bool) -> Change:
        if session.session_state not in ENDED and not is_known(session.session_state):
            self._notice("unknownState", live.key.connection, session.session_state)
        origin = live.state
        live.session = session
        live.direction = None
        live.enter(session.session_state, at)
        _set_talk(live, at)
        live.certainty = "derived" if derived else "complete"
        self._counted(live, at)
        return Change(live, kind, origin, entered=True, seen=True)

    # --- full lists -------------------------------------------------------------------------------------------------

    def opened(self, event: ConnectionOpened) -> list[Change]:
        """A connection is up; another epoch means that all its earlier sessions are gone."""
        line = self._world.line(event.connection)
        changes = []
        if event.epoch != line.epoch:
            for live in list(line.sessions.values()):
                changes.append(self._end(line, live, ABORTED, event.at, "gap", seen=False, certainty="derived"))
            line.closed.clear()
        line.epoch = event.epoch
        line.privileges = event.privileges
        line.zone = ZoneInfo(event.zone)
        for live in line.sessions.values():
            live.zone = line.zone
        line.merged = False
        line.pending.clear()
        return changes

    def lost(self, event: Gap) -> None:
        """From now on changes may be missed."""
        line = self._world.line(event.connection)
        line.merged = False
        line.pending.clear()
        for live in line.sessions.values():
            live.certainty = "degraded"

    def listed(self, event: SessionsListed) -> Iterator[Change]:
        """Merges the full list: what is new, what has changed, what has ended since the list before.

        Sessions of which reports came before the list change as it was reported, one report at a time: each change is
        to be looked at before the next is asked for. What has ended comes last, when its call is known to go on.
        """
        line = self._world.line(event.connection)
        reports, line.pending = line.pending, []
        reported = dict.fromkeys(report.session.session_id for report in reports)
        listed: dict[str, Session] = {}
        for session in event.sessions or ():
            listed.setdefault(session.session_id, session)
        line.behind = min((line.behind, *(_behind(line, each, event.at) for each in listed.values())), key=_or_never)
        closes = event.sessions is not None and event.complete
        changes: list[Change] = []
        for id, session in listed.items():
            if id not in reported:
                changes += self._merge(line, session, event, watched=False)
        gone = [
            self._vanished(line, live, event.at)
            for id, live in list(line.sessions.items())
            if closes and id not in listed and id not in reported
        ]
        yield from changes
        watched = set()
        for report in reports:
            for change in self._told(line, report):
                if change.entered:
                    watched.add(report.session.session_id)
                yield change
        for id in reported:
            if id in listed:
                yield from self._merge(line, listed[id], event, watched=id in watched)
            elif closes and id in line.sessions:
                gone.append(self._vanished(line, line.sessions[id], event.at))
        yield from gone
        if not line.merged:
            line.merged = True
            for live in line.sessions.values():
                live.watched_from = max(live.watched_from, event.at)

    def _merge(self, line: Line, session: Session, event: SessionsListed, *, watched: bool) -> list[Change]:
        """``watched``: it was seen to enter the state that it was in last, and nothing was missed since."""
        at = event.at
        live = line.sessions.get(session.session_id)
        if live is not None and self._is_another(live, session, None):
            ended = self._end(line, live, ABORTED, at, "snapshot", seen=False, certainty="derived")
            return [ended, *self._merge(line, session, event, watched=False)]
        state = session.session_state
        if live is None:
            if state in ENDED or (line.merged and self._is_closed(line, session)):
                return []
            live = self._begin(line, session, at, self._listed_age(line, session, at), created=False)
            live.watched_from = at
            self._counted(live, at)
            return [Change(live, "snapshot", None, entered=True, seen=False)]
        if state in ENDED:
            return [self._end(line, live, state, at, "snapshot", seen=False, certainty="complete")]
        if state == live.state:
            return self._merge_same(line, live, session, event, watched=watched)
        origin = live.state
        live.session = session
        live.direction = None
        live.enter(state, max(live.entered, at - (self._listed_age(line, session, at) or 0.0)))
        _set_talk(live, at)
        live.certainty = "complete"
        live.watched_from = at
        self._counted(live, at)
        return [Change(live, "snapshot", origin, entered=True, seen=False)]

    def _merge_same(
        self, line: Line, live: LiveSession, session: Session, event: SessionsListed, *, watched: bool
    ) -> list[Change]:
        at = event.at
        moved = _fixed(session) != _fixed(live.session)
        age = seconds_from(session.state_duration)
        live.session = session
        live.direction = None
        live.certainty = "complete"
        recounted = False
        if age is not None and age < DAY and watched and at - age < live.entered:
            live.began(at - age)
            _set_talk(live, at)
            recounted = True
        elif age is not None and (live.doubt is not None or not (line.merged or watched)):
            earliest, latest = at - event.late - age, at - age
            match judged(live, earliest, latest):
                case "another":  # it left the state and came back while nobody watched
                    return [self._came_back(live, earliest, latest, at)]
                case "doubtful":
                    if not line.merged:
                        self._world.out.append(ListSessions(line.name, "a list may have come too late to tell a stay"))
                    live.doubt = live.doubt or Doubt(live.entered, frozenset(live.done or ()))
                    live.entered, recounted = latest, True
                case "same":
                    if live.doubt is not None:
                        live.entered, live.doubt, recounted = live.doubt.since, None, True
        self._world.count_alive(live, at)
        if not moved and not recounted:
            return []
        return [Change(live, "snapshot", live.previous, entered=False, seen=False, recounted=recounted)]

    def _came_back(self, live: LiveSession, earliest: float, latest: float, at: float) -> Change:
        """A session has left its state and entered it again."""
        fired = fired_in(live, earliest)
        if live.doubt is not None:
            live.entered = live.doubt.since
        live.enter(live.state, latest)
        _set_talk(live, at)
        live.watched_from = at
        self._counted(live, at)
        return Change(live, "snapshot", live.state, entered=True, seen=False, fired=fired)

    def _vanished(self, line: Line, live: LiveSession, at: float) -> Change:
        return self._end(line, live, ABORTED, at, "snapshot", seen=False, certainty="derived")

    # --- beginnings and ends ----------------------------------------------------------------------------------------

    def _begin(self, line: Line, session: Session, at: float, age: float | None, *, created: bool) -> LiveSession:
        world = self._world
        key = self._key(line, session, at)
        master = session.master_session_id or session.session_id
        begins = master == session.session_id
        chain = world.chain_for(line.name, master, session.caller, session.callee, at, begins=begins)
        entered = at - (age or 0.0)
        started = None if created or age is None else self._start(line, session, at)
        live = LiveSession(key, session, chain, entered, entered if started is None else min(started, entered))
        live.zone = line.zone
        live.watched_from = at
        _set_talk(live, at)
        chain.sessions.append(live)
        line.sessions[session.session_id] = live
        world.live[key] = live
        if not is_known(session.session_state):
            self._notice("unknownState", line.name, session.session_state)
        return live

    def _key(self, line: Line, session: Session, at: float) -> SessionKey:
        start = session.start_time or f"{OURS}{at}"
        key = SessionKey(line.name, line.epoch, session.session_id, start)
        while key in self._world.live:  # begun twice in one instant
            start += OURS
            key = SessionKey(line.name, line.epoch, session.session_id, start)
        return key

    def _end(
        self,
        line: Line,
        live: LiveSession,
        state: State,
        at: float,
        kind: EventKind | Literal["created", "stateChanged", "closed"],
        *,
        seen: bool,
        certainty: Certainty,
    ) -> Change:
        origin = live.state
        live.enter(state, at)
        live.certainty = certainty
        if state == REDIRECTED and not any(run.moves for run in live.chain.runs):
            live.chain.hops += 1  # the phone system forwarded it by itself
        self._counted(live, at)
        self._close(line, live)
        return Change(live, kind, origin, entered=True, seen=seen)

    def _close(self, line: Line, live: LiveSession) -> None:
        session_id = live.key.session_id
        if line.sessions.get(session_id) is live:
            del line.sessions[session_id]
        line.closed[session_id] = _told(live)
        if len(line.closed) > MOST_CLOSED:
            line.closed.popitem(last=False)

    # --- time and identity ------------------------------------------------------------------------------------------

    def _age(self, line: Line, event: SessionSeen) -> float | None:
        """How long a session that is reported for the first time has been in its state, by the phone system's clock.

        None where the phone system does not say: then the state began when we heard of it, so no timer is early.
        """
        duration = seconds_from(event.session.state_duration)
        if duration is not None and duration < DAY:
            return duration
        if event.reported_at is not None and event.session.session_state in _BEGINNINGS:
            started = moment_from(event.session.start_time, line.zone)
            if started is not None and 0 <= event.reported_at - started < DAY:
                return event.reported_at - started
        if event.kind != "created":
            return self._listed_age(line, event.session, event.at)
        return None

    def _listed_age(self, line: Line, session: Session, at: float) -> float | None:
        duration = seconds_from(session.state_duration)
        if duration is not None and duration < DAY:
            return duration
        if session.session_state in _BEGINNINGS:
            started = self._start(line, session, at)
            if started is not None:
                return at - started
        return None

    def _start(self, line: Line, session: Session, at: float) -> float | None:
        """When the session began, on our clock; None where that is unknown.

        The phone system's clock may be hours away from ours: its own reports say how far, as soon as one has come.
        Until then it is taken to be as far behind as its lists allow: nothing counts as older than it surely is.
        """
        told = moment_from(session.start_time, line.zone)
        if told is None:
            return None
        started = told + (line.behind or 0.0)
        return min(started, at) if at - DAY <= started <= at + CLOCKS else None

    def _is_another(self, live: LiveSession, session: Session, event: SessionSeen | None) -> bool:
        """Whether a report under a known id is about another call: another start, or begun anew without one."""
        mine, theirs = _told(live), session.start_time or ""
        if mine and theirs and mine != theirs:
            before, after = moment_from(mine), moment_from(theirs)
            return before is None or after is None or abs(before - after) > 1.0
        begun = event is not None and event.kind == "created" and session.session_state in _BEGINNINGS
        return begun and not theirs and live.state not in _BEGINNINGS

    def _is_closed(self, line: Line, session: Session) -> bool:
        return line.closed.get(session.session_id) == (session.start_time or "")

    def _counted(self, live: LiveSession, at: float) -> None:
        self._world.count_entry(live, at)
        self._world.count_alive(live, at)

    def _notice(self, kind: NoticeKind, connection: str, detail: str) -> None:
        self._world.out.append(Notice(kind=kind, connection=connection, detail=detail))


def _behind(line: Line, session: Session, at: float) -> float | None:
    """How far the phone system's clock is behind ours at most, by one session: it is at least as old as it says."""
    told, in_state = moment_from(session.start_time, line.zone), seconds_from(session.state_duration)
    if told is None or in_state is None:
        return None
    talked = seconds_from(session.talk_duration) or 0.0
    return at - told - (max(in_state, talked) if session.session_state == IN_CALL else in_state + talked)


def _or_never(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


def _set_talk(live: LiveSession, at: float) -> None:
    """Corrects the time talked by what the phone system says of it, where it says anything."""
    told = seconds_from(live.session.talk_duration)
    if told:
        live.talked = max(0.0, told - (live.talk(at) - live.talked))


def _goes_back(before: State, after: State) -> bool:
    """Whether a call that was in one state cannot be in the other afterwards."""
    return after in _BEGINNINGS and _ORDER.get(before, 0) > _ORDER[after]


def _began_before(session: Session, live: LiveSession) -> bool:
    """Whether a report is about a call that began before the one that bears its id now."""
    theirs, mine = moment_from(session.start_time), moment_from(_told(live))
    return theirs is not None and mine is not None and theirs < mine


def _told(live: LiveSession) -> str:
    """The start that the phone system told, or "" where it told none."""
    return "" if live.key.start.startswith(OURS) else live.key.start
