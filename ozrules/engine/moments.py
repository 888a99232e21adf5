"""Moments of the calendar: each acts once, on nobody or on the sessions that are in the states it names.

A moment that passed while nobody watched (the daemon was down, or a phone system's list had not been merged) is not
lost: it is brought to those sessions once they are known again, and ``onMissed`` and ``missedGrace`` decide, as for a
``for:``. It is for sessions that were there when it came, not for later ones. Which moment came last, and which
connections it has reached, is counted like all that must outlive a restart.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from ozrules.engine.arbiter import Arbiter
from ozrules.engine.effects import EventView, Reason
from ozrules.engine.events import CalendarDue
from ozrules.engine.identity import SessionKey
from ozrules.engine.index import Entry
from ozrules.engine.live import Chain, LiveSession
from ozrules.engine.world import World
from ozrules.rules.condition import YES
from ozrules.rules.model import CalendarTrigger, Rule
from ozrules.session.session import Session
from ozrules.session.state import COMPLETED, State

CALENDAR: Final = "calendar:"
CAME: Final = "came "
"""Stands before the time, on the engine's clock, at which a moment of the calendar came. Versions before this one wrote
nothing there, and did not say which connections a moment had reached.
"""
DAY: Final = 86400.0


def missed_reason(rule: Rule, late: float, *, missed: bool) -> Reason | None:
    """Why what comes due may not act at this time. ``missed``: nobody watched when its moment came."""
    if rule.on_missed == "fire":
        return None
    if rule.on_missed == "skip" and missed:
        return "missedSkip"
    return "missedTooLate" if late > rule.missed_grace else None


class Moments:
    """Brings moments to sessions. What it gives back are the sessions that it touched."""

    def __init__(self, world: World, arbiter: Arbiter) -> None:
        self._world = world
        self._arbiter = arbiter

    def come(self, event: CalendarDue) -> list[LiveSession]:
        """A moment has come, unless it has come before."""
        world = self._world
        entry = world.index.calendar.get((event.rule, event.trigger))
        name = f"{CALENDAR}{event.rule}:{event.trigger}"
        before = world.tallies.latest(name, "")
        if entry is None or (before is not None and before >= event.due):
            return []
        world.tally(name, "", f"{CAME}{event.due - world.wall_offset}", event.due, event.at + 2 * DAY)
        assert isinstance(entry.trigger, CalendarTrigger)
        states = entry.trigger.sessions
        if states is None:
            return self._bring(entry, event, [self._nobody(event)], event.at, missed=event.missed)
        reached = {line.name for line in world.lines.values() if line.merged}
        for connection in sorted(reached):
            self._reaches(name, connection, event.due, event.at)
        there = [live for live in world.live.values() if live.state in states and live.asks is None]
        touched = self._bring(
            entry, event, [live for live in there if live.key.connection in reached], event.at, missed=event.missed
        )
        return touched + [live for live in there if live.key.connection not in reached]

    def owes(self, live: LiveSession) -> bool:
        """Whether a moment waits for the session to be known again, so that it must be remembered as it was."""
        connection = live.key.connection
        if not connection or live.asks is not None or self._world.line(connection).merged:
            return False
        return any(
            live.state in states and live.entered <= came
            for _, _, states, _, came in self._owed(connection, live.entered)
        )

    def _owed(self, connection: str, at: float) -> Iterator[tuple[Entry, str, frozenset[State], float, float]]:
        """The last moment of each trigger on sessions, where it has not reached the connection and came at most a day
        before: with its name, the states that it is for, when it was due by the wall clock, and when it came.
        """
        tallies = self._world.tallies
        for (rule, trigger), entry in self._world.index.calendar.items():
            assert isinstance(entry.trigger, CalendarTrigger)
            name = f"{CALENDAR}{rule}:{trigger}"
            due, said = tallies.latest(name, ""), tallies.last(name, "")
            if entry.trigger.sessions is None or due is None or said is None or not said.startswith(CAME):
                continue
            came, reached = float(said.removeprefix(CAME)), tallies.latest(name, connection)
            if came >= at - DAY and (reached is None or reached < due):
                yield entry, name, entry.trigger.sessions, due, came

    def merged(self, connection: str, at: float) -> list[LiveSession]:
        """The sessions of a connection are known again: brings it the last moments that it has not been reached by."""
        touched: list[LiveSession] = []
        for entry, name, states, due, came in list(self._owed(connection, at)):
            self._reaches(name, connection, due, came)
            there = [
                live
                for live in self._world.live.values()
                if live.key.connection == connection
                and live.asks is None
                and live.state in states
                and (live.entered <= came or (entry.rule.on_missed == "fire" and _perhaps_there(live, came)))
            ]
            event = CalendarDue(at=came, rule=entry.rule.id, trigger=entry.trigger.id, due=due)
            touched += self._bring(entry, event, there, at, missed=True)
        return touched

    def _reaches(self, name: str, connection: str, due: float, came: float) -> None:
        self._world.tally(name, connection, f"{due}", due, came + 2 * DAY)

    def _bring(
        self, entry: Entry, event: CalendarDue, sessions: Iterable[LiveSession], at: float, *, missed: bool
    ) -> list[LiveSession]:
        world = self._world
        late = at + world.wall_offset - event.due
        reason = missed_reason(entry.rule, late, missed=missed or late > entry.rule.missed_grace)
        touched = list(sessions)
        for live in touched:
            view = EventView(
                kind="calendar",
                state=live.state,
                from_state=live.previous,
                since=live.entered,
                due=event.due - world.wall_offset,
                late_by=late,
            )
            if reason is None or entry.test(live, at, world) != YES:
                self._arbiter.decide((entry,), live, view, at)
            else:
                self._arbiter.record(entry, reason, live, view, at)
        return touched

    def _nobody(self, event: CalendarDue) -> LiveSession:
        """The session that never was, of a moment that is about none."""
        key = SessionKey("", "", f"{CALENDAR}{event.rule}:{event.due}", "")
        session = Session(session_id=key.session_id, session_state=COMPLETED)
        live = LiveSession(key, session, Chain(key.session_id), event.at, event.at)
        self._world.live[key] = live
        return live


def _perhaps_there(live: LiveSession, came: float) -> bool:
    """Whether the session began before a moment, and nobody can tell in which state it was then."""
    return live.started <= came and live.previous is None and live.entered == live.watched_from
