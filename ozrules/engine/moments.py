"""Moments of the calendar: each acts once, on nobody or on the sessions that are in the states it names.

A moment that passed while nobody watched (the daemon was down, or a phone system's list had not been merged) is not
lost: it is brought to those sessions once they are known again, and ``onMissed`` and ``missedGrace`` decide, as for a
``for:``. It is for sessions that were there when it came, not for later ones.
"""

from collections.abc import Iterable
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
from ozrules.session.state import COMPLETED

CALENDAR: Final = "calendar:"
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
        self._owed: dict[tuple[str, str], tuple[CalendarDue, set[str]]] = {}
        """The last moment of each trigger on sessions, and the connections that it has been brought to."""

    def come(self, event: CalendarDue) -> list[LiveSession]:
        """A moment has come, unless it has come before."""
        world = self._world
        entry = world.index.calendar.get((event.rule, event.trigger))
        name = f"{CALENDAR}{event.rule}:{event.trigger}"
        before = world.tallies.latest(name, "")
        if entry is None or (before is not None and before >= event.due):
            return []
        world.tally(name, "", f"{event.due}", event.due, event.at + 2 * DAY)
        assert isinstance(entry.trigger, CalendarTrigger)
        states = entry.trigger.sessions
        if states is None:
            return self._bring(entry, event, [self._nobody(event)], event.at, missed=event.missed)
        reached = {line.name for line in world.lines.values() if line.merged}
        self._owed[event.rule, event.trigger] = (event, reached)
        there = [
            live
            for live in world.live.values()
            if live.state in states and live.key.connection in reached and live.asks is None
        ]
        return self._bring(entry, event, there, event.at, missed=event.missed)

    def merged(self, connection: str, at: float) -> list[LiveSession]:
        """The sessions of a connection are known again: brings it the moments that passed meanwhile."""
        touched: list[LiveSession] = []
        for name, (event, reached) in list(self._owed.items()):
            entry = self._world.index.calendar.get(name)
            if entry is None or event.at < at - DAY:
                del self._owed[name]
            elif connection not in reached:
                reached.add(connection)
                assert isinstance(entry.trigger, CalendarTrigger)
                came = event.due - self._world.wall_offset
                there = [
                    live
                    for live in self._world.live.values()
                    if live.key.connection == connection
                    and live.asks is None
                    and live.state in (entry.trigger.sessions or ())
                    and live.entered <= came
                ]
                touched += self._bring(entry, event, there, at, missed=True)
        return touched

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
            if reason is None or entry.test(live, at) != YES:
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
