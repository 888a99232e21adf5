"""The tracker: from what phone systems report to what has changed.

It is driven by levels, not edges. A repeated report changes nothing; after every gap the full list is merged before
anything acts; a session that vanished while nobody watched has ended. What it gives back says of each change whether
the edge was really seen, because rules fire only on edges that somebody saw. A session that a list shows with the same
start in the same state is in the same stay, unless a duration that can be believed (`ozrules.engine.accounts`) says
something else.

The file is long because lists, single reports and gaps meet in the same sessions.
"""

from collections.abc import Iterator
from math import inf
from operator import attrgetter
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ozrules.engine.accounts import BEGINNINGS, Accounts, same_parties
from ozrules.engine.effects import Certainty, EventKind, ListSessions, Notice, NoticeKind
from ozrules.engine.events import ConnectionOpened, Gap, SessionSeen, SessionsListed
from ozrules.engine.identity import SessionKey
from ozrules.engine.live import LiveSession
from ozrules.engine.state import MOST_CLOSED, Line
from ozrules.engine.stays import Doubt, fired_in, judged
from ozrules.engine.world import World
from ozrules.session.durations import moment_from
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

OURS: Final = "@"
"""Begins the start of a session whose phone system tells none; then comes the moment at which we heard of it."""

ROUNDED: Final = 1.0
"""Seconds by which two forms of one start may differ."""

DRIFT: Final = 5.0
"""Seconds by which a start may differ while its call goes on, with one of its parties at least: no page says that it is
kept, and not reckoned anew each time, from a duration in whole seconds or by a clock that is set."""

MOST_PENDING: Final = 100_000

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
        self._accounts = Accounts(world)

    # --- single reports ---------------------------------------------------------------------------------------------

    def seen(self, event: SessionSeen) -> tuple[Change, ...]:
        """What one report changes. Before the full list has come it is only kept, and taken in with the list."""
        line = self._world.lines.get(event.connection) or self._world.line(event.connection)
        self._accounts.clock_of_report(line, event)
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
            ended = self._replaced(line, live, event.at, "closed")
            self._notice("sessionReused", line.name, session.session_id)
            return (ended, *self._unknown(line, event))
        state = session.session_state
        # what lives already does not begin, and what it was before the link it was not seen to become
        older = live.unseen and self._accounts.in_state_before_the_link(line, event)
        seen = event.kind != "created" and not event.announced and not older
        self._named(line, live, event.at)
        if event.kind == "closed" and state not in ENDED:
            live.session = session
            return (self._end(line, live, ABORTED, event.at, "closed", seen=True, certainty="derived"),)
        if state == live.state:
            return self._same_state(live, session, event)
        if _goes_back(live.state, state) and same_parties(session, live.session):
            self._notice("outOfOrder", line.name, f"{live.state} to {state}")
            self._world.out.append(ListSessions(line.name, "a report came out of order"))
            return ()
        if state in ENDED:
            live.session = session
            certainty: Certainty = "derived" if event.derived or state == COMPLETED else "complete"
            return (self._end(line, live, state, event.at, event.kind, seen=seen, certainty=certainty),)
        change = self._enter(live, session, event.at, event.kind, derived=event.derived)
        if not seen:
            change.kind, change.seen = "snapshot", False
            live.unsettled, live.certainty = True, "degraded"
            self._ask(line, "a session that was told of anew")
        return (change,)

    def _unknown(self, line: Line, event: SessionSeen) -> tuple[Change, ...]:
        """A report of a session that is not alive here."""
        session = event.session
        closed = line.closed.get(session.session_id)
        # what is created is another call, were it only a moment later
        if self._is_closed(line, session) if event.kind != "created" else closed and closed == session.start_time:
            if event.kind != "closed":
                self._notice("lateEvent", line.name, session.session_state)
            return ()
        if event.kind == "closed":
            self._notice("unknownSession", line.name, "closed")
            return ()
        created = event.kind == "created" and not self._accounts.found(line, event)
        if not created:
            if line.merged and event.kind != "created":
                self._notice("unknownSession", line.name, "stateChanged")
            self._ask(line, "a session that nobody told us of")
            if session.session_state in ENDED:
                return ()
        learned = created and self._accounts.clock_of_beginning(line, session, event.at)
        age = self._accounts.age(line, event)
        if age is None and not created:
            age = self._accounts.listed_age(line, session, event.at)
        live = self._begin(line, session, event.at, age, created=created)
        if not live.unsettled:
            live.certainty = "derived" if event.derived else "complete"
        kind: EventKind = "snapshot" if event.kind == "created" and not created else event.kind
        change = Change(live, kind, None, entered=True, seen=created)
        self._counted(live, event.at)
        if live.ended:
            self._close(line, live)
        return (change, *(self._settled(line, event.at) if learned else ()))

    def _ask(self, line: Line, why: str) -> None:
        if line.merged:
            self._world.out.append(ListSessions(line.name, why))

    def look_again(self, live: LiveSession) -> None:
        """The moment that a session's ``look_again`` named has come."""
        line = self._world.line(live.key.connection)
        if self._accounts.look_again(line, live):
            self._ask(line, "to see whether its durations move")

    def _same_state(self, live: LiveSession, session: Session, event: SessionSeen) -> tuple[Change, ...]:
        if _fixed(session) == _fixed(live.session):
            live.session = session
            if event.kind != "closed":
                self._notice("duplicate", event.connection, event.kind)
            return ()
        if not same_parties(session, live.session):
            live.readings = None
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
        self._accounts.set_talk(self._world.line(live.key.connection), live, at)
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
        self._interrupted(line, event.at if event.since is None else event.since)
        return changes

    def lost(self, event: Gap) -> None:
        """From now on changes may be missed."""
        self._interrupted(self._world.line(event.connection), event.at)

    def _interrupted(self, line: Line, at: float) -> None:
        line.merged = False
        line.linked = at
        line.pending.clear()
        self._accounts.interrupted(line)
        for live in line.sessions.values():
            live.certainty, live.unseen = "degraded", True

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
        self._accounts.compare(line, event)
        self._accounts.clock_of_list(line, event)
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
                if change.entered and change.seen:
                    watched.add(report.session.session_id)
                yield change
        for id in reported:
            if id in listed:
                yield from self._merge(line, listed[id], event, watched=id in watched)
            elif closes and id in line.sessions:
                gone.append(self._vanished(line, line.sessions[id], event.at))
        yield from gone
        self._accounts.note(line, event)
        if not line.merged:
            line.merged, line.merged_at = True, event.at
            for live in line.sessions.values():
                live.watched_from = max(live.watched_from, event.at)
                live.unseen = live.unseen and event.sessions is not None

    def _merge(self, line: Line, session: Session, event: SessionsListed, *, watched: bool) -> list[Change]:
        """``watched``: it was seen to enter the state that it was in last, and nothing was missed since."""
        at = event.at
        live = line.sessions.get(session.session_id)
        if live is not None and self._is_another(live, session, None):
            ended = self._replaced(line, live, at, "snapshot")
            return [ended, *self._merge(line, session, event, watched=False)]
        state = session.session_state
        if live is None:
            if state in ENDED or (line.merged and self._is_closed(line, session)):
                return []
            age = self._accounts.listed_age(line, session, at)
            live = self._begin(line, session, at, age, created=False)
            live.watched_from = at
            self._counted(live, at)
            return [Change(live, "snapshot", None, entered=True, seen=False)]
        self._named(line, live, at)
        if state in ENDED:
            return [self._end(line, live, state, at, "snapshot", seen=False, certainty="complete")]
        if state == live.state:
            return self._merge_same(line, live, session, event, watched=watched)
        origin = live.state
        age = self._accounts.listed_age(line, session, at)
        live.session = session
        live.direction = None
        live.enter(state, max(live.entered, at - (age or 0.0)))
        self._accounts.set_talk(line, live, at)
        live.unsettled = age is None or self._accounts.is_open(line, session)
        live.certainty = "degraded" if live.unsettled else "complete"
        live.watched_from = at
        self._counted(live, at)
        return [Change(live, "snapshot", origin, entered=True, seen=False)]

    def _named(self, line: Line, live: LiveSession, at: float) -> None:
        """A session is known to live since the last gap. Where a list without it came first, it is watched from now."""
        if live.unseen and line.merged:
            live.watched_from = at
        live.unseen = False

    def _merge_same(
        self, line: Line, live: LiveSession, session: Session, event: SessionsListed, *, watched: bool
    ) -> list[Change]:
        at = event.at
        moved = _fixed(session) != _fixed(live.session)
        age = self._accounts.believed(line, session, "stateDuration")
        if age is None and live.unsettled and not self._accounts.is_open(line, session):
            age = self._accounts.listed_age(line, session, at)
        if not same_parties(session, live.session):
            live.readings = None
        live.session = session
        live.direction = None
        recounted = False
        if age is None and (
            live.unsettled or (live.certainty == "degraded" and not (watched or live.state in BEGINNINGS))
        ):
            # nothing says that it is another stay, and nothing that it is not
            if self._accounts.is_open(line, session) and not live.unsettled:
                live.doubt = Doubt(*_before(live), at)
        elif age is None:
            live.certainty = "complete"
        elif watched or live.unsettled:
            live.certainty, recounted = "complete", self._settle(line, live, at - age, at)
        elif live.doubt is not None or live.certainty == "degraded" or not line.merged:
            live.certainty = "complete"
            earliest, latest = at - event.late - age, at - age
            match judged(live, earliest, latest):
                case "another":  # it left the state and came back while nobody watched
                    return [self._came_back(line, live, earliest, latest, at)]
                case "doubtful":
                    if not line.merged:
                        self._world.out.append(ListSessions(line.name, "a list may have come too late to tell a stay"))
                    live.doubt = Doubt(*_before(live), latest)
                    live.entered, live.certainty, recounted = latest, "degraded", True
                case "same":
                    if live.doubt is not None:
                        recounted = live.entered != live.doubt.since
                        live.entered, live.doubt = live.doubt.since, None
        else:
            live.certainty = "complete"
        self._world.count_alive(live, at)
        if not moved and not recounted:
            return []
        return [Change(live, "snapshot", live.previous, entered=False, seen=False, recounted=recounted)]

    def _settle(self, line: Line, live: LiveSession, began: float, at: float) -> bool:
        """What began ``began`` by its own account, before we heard of it; whether it counts from another moment now."""
        found, live.unsettled = live.unsettled, False
        if began < live.entered or found:
            live.began(began)
            live.started = min(live.started, began)
            self._accounts.set_talk(line, live, at)
            return True
        return False

    def _settled(self, line: Line, at: float) -> Iterator[Change]:
        """The phone system's clock is known now: so is the age of what was there before, as far as its start tells."""
        for live in line.sessions.values():
            started = self._accounts.start(line, live.session, at) if live.unsettled else None
            if started is None or started >= live.started:
                continue
            live.started = started
            if live.state in BEGINNINGS and not self._accounts.is_open(line, live.session):
                self._settle(line, live, started, at)
            yield Change(live, "snapshot", live.previous, entered=False, seen=False, recounted=True)

    def _came_back(self, line: Line, live: LiveSession, earliest: float, latest: float, at: float) -> Change:
        """A session has left its state and entered it again."""
        fired = fired_in(live, earliest)
        if live.doubt is not None:
            live.entered = live.doubt.since
        live.enter(live.state, latest)
        self._accounts.set_talk(line, live, at)
        live.watched_from = at
        self._counted(live, at)
        return Change(live, "snapshot", live.state, entered=True, seen=False, fired=fired)

    def _replaced(self, line: Line, live: LiveSession, at: float, kind: Literal["closed", "snapshot"]) -> Change:
        """Another call bears its id now, and is not to be taken for a late word of this one."""
        ended = self._end(line, live, ABORTED, at, kind, seen=False, certainty="derived")
        line.closed.pop(live.key.session_id, None)
        return ended

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
        started = None if created else self._accounts.start(line, session, at)
        live = LiveSession(key, session, chain, entered, entered if started is None else min(started, entered))
        live.zone = line.zone
        live.watched_from = at
        self._accounts.set_talk(line, live, at)
        live.unsettled = not created and (age is None or self._accounts.is_open(line, session))
        if live.unsettled:
            live.certainty = "degraded"
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

    # --- identity ----------------------------------------------------------------------------------------------------

    def _is_another(self, live: LiveSession, session: Session, event: SessionSeen | None) -> bool:
        """Whether a report under a known id is about another call: another start, or begun anew without one."""
        mine, theirs = _told(live), session.start_time or ""
        created = event is not None and event.kind == "created" and not event.announced
        if mine and theirs and mine != theirs:
            begins = (created and not live.unseen) or _goes_back(live.state, session.session_state)
            known = session.caller == live.session.caller or session.callee == live.session.callee
            goes_on = known and not begins
            return _apart(mine, theirs) > (DRIFT if goes_on else ROUNDED)
        begun = created and session.session_state in BEGINNINGS
        return begun and not theirs and live.state not in BEGINNINGS

    def _is_closed(self, line: Line, session: Session) -> bool:
        closed = line.closed.get(session.session_id)
        return closed is not None and _apart(closed, session.start_time or "") <= DRIFT

    def _counted(self, live: LiveSession, at: float) -> None:
        self._world.count_entry(live, at)
        self._world.count_alive(live, at)

    def _notice(self, kind: NoticeKind, connection: str, detail: str) -> None:
        self._world.out.append(Notice(kind=kind, connection=connection, detail=detail))


def _before(live: LiveSession) -> tuple[float, frozenset[tuple[str, str]]]:
    """When the stay before a doubt began, and what has fired in it."""
    return (live.entered, frozenset(live.done or ())) if live.doubt is None else (live.doubt.since, live.doubt.done)


def _goes_back(before: State, after: State) -> bool:
    """Whether a call that was in one state cannot be in the other afterwards."""
    return after in BEGINNINGS and _ORDER.get(before, 0) > _ORDER[after]


def _apart(one: str, other: str) -> float:
    """The seconds between two starts as they were told; endless where they differ and one cannot be read."""
    if one == other:
        return 0.0
    before, after = moment_from(one), moment_from(other)
    return inf if before is None or after is None else abs(before - after)


def _began_before(session: Session, live: LiveSession) -> bool:
    """Whether a report is about a call that began before the one that bears its id now."""
    theirs, mine = moment_from(session.start_time), moment_from(_told(live))
    return theirs is not None and mine is not None and theirs < mine


def _told(live: LiveSession) -> str:
    """The start that the phone system told, or "" where it told none."""
    return "" if live.key.start.startswith(OURS) else live.key.start
