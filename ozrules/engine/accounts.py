"""What a phone system itself says of how old a session is, and how far that is believed.

A duration counts where it was seen to move (`ozrules.engine.movement`), a start where the phone system's clock is
known: by the moments that it tells, by lists with durations that count, by a call that was seen to begin. A start of
the last minute on a list shows that the two clocks agree well enough. Until something is known a session is as old as
we know it, and what is learned later corrects that.
"""

import math
from typing import Final, get_args

from ozrules.engine.effects import Tally
from ozrules.engine.events import SessionSeen, SessionsListed
from ozrules.engine.live import LiveSession
from ozrules.engine.movement import LOOK_AGAIN, Duration, Reading, moved, too_near
from ozrules.engine.state import Line
from ozrules.engine.world import World
from ozrules.session.durations import moment_from, seconds_from
from ozrules.session.session import Session
from ozrules.session.state import CREATED, IN_CALL, RINGING, SETUP

DAY: Final = 86400.0
CLOCKS: Final = 5.0
"""Seconds by which a start may seem to lie ahead, because reports take time."""
SETTLES: Final = 10.0
"""Seconds from a connection's list in which what was there before may still be announced as if it had just begun."""
OLDER: Final = 1.0
"""Seconds by which a session must be older than the link to have been there before: starts are rounded."""
LAST_MINUTE: Final = 60.0
BEGINNINGS: Final = frozenset({CREATED, SETUP, RINGING})

MOVES: Final = "moves:"
BEHIND: Final = "behind"
KEPT: Final = 30 * DAY
"""Seconds for which it is remembered how a connection tells durations and what its clock shows."""
LONGEST_PAUSE: Final = 60.0


def proven(connection: str) -> tuple[Tally, ...]:
    """What an engine has learned of a connection whose durations run: for one that is told so, and need not look."""
    return tuple(
        Tally(name=f"{MOVES}{duration}", group=connection, member=str(True), at=0.0, until=math.inf)
        for duration in get_args(Duration)
    )


class Accounts:
    """What is known of the durations and the clock of each connection. All of it outlives a restart as tallies."""

    def __init__(self, world: World) -> None:
        self._world = world

    # --- durations --------------------------------------------------------------------------------------------------

    def believed(self, line: Line, session: Session, duration: Duration) -> float | None:
        """How many seconds a session says, where that connection's durations were seen to move."""
        return _told(session, duration) if self._moves(line, duration) else None

    def is_open(self, line: Line, session: Session) -> bool:
        """Whether the session tells a duration that should run, and nobody knows yet if it does."""
        return any(self._moves(line, duration) is None for duration in _telling(session))

    def compare(self, line: Line, event: SessionsListed) -> None:
        """Learns from the durations of a list, beside those of the list before in the same stays, what they are worth.

        To be called before the list is merged. What stands still once is not believed again.
        """
        for session in event.sessions or ():
            live = line.sessions.get(session.session_id)
            if live is None or live.readings is None or not _same_stay(live, session):
                continue
            for duration, reading in _readings(session, event).items():
                before = live.readings.get(duration)
                runs = None if before is None else moved(before, reading)
                if runs is not None and self._moves(line, duration) not in (runs, False):
                    self._remember(f"{MOVES}{duration}", line, str(runs), event.at)

    def note(self, line: Line, event: SessionsListed) -> None:
        """Keeps what a list that has been merged says, and when to look again where that proves nothing yet."""
        for session in event.sessions or ():
            live = line.sessions.get(session.session_id)
            if live is None or not _same_stay(live, session):
                continue
            known, live.readings = live.readings or {}, _readings(session, event)
            for duration, before in known.items():
                now = live.readings.get(duration)
                if now is not None and too_near(before, now) and before.late <= now.late:
                    live.readings[duration] = before
            live.look_again = event.at + line.pause if self.is_open(line, session) else None

    def look_again(self, line: Line, live: LiveSession) -> bool:
        """The moment to look again has come for one session: whether that is still worth a list."""
        live.look_again = None
        wanted = self.is_open(line, live.session)
        if wanted:
            line.pause = min(2 * line.pause, LONGEST_PAUSE)
            for each in line.sessions.values():
                each.look_again = None  # one list answers for all
        return wanted

    def interrupted(self, line: Line) -> None:
        """From now on a session may leave its state and come back unseen: two readings do not tell any more."""
        line.pause = LOOK_AGAIN
        for live in line.sessions.values():
            live.readings = live.look_again = None

    def _moves(self, line: Line, duration: Duration) -> bool | None:
        said = self._world.tallies.last(f"{MOVES}{duration}", line.name)
        return None if said is None else said == str(True)

    def _remember(self, name: str, line: Line, value: str, at: float) -> None:
        tally = Tally(name=name, group=line.name, member=value, at=at, until=at + KEPT)
        self._world.tallies.add(tally)
        self._world.out.append(tally)

    # --- the phone system's clock -----------------------------------------------------------------------------------

    def clock_of_report(self, line: Line, event: SessionSeen) -> None:
        if event.reported_at is not None:
            line.behind = event.at - event.reported_at

    def clock_of_list(self, line: Line, event: SessionsListed) -> None:
        """What a list says of the clock: nothing on it is younger than it says."""
        if event.reported_at is not None:
            line.behind = event.at - event.reported_at
        sessions = event.sessions or ()
        least = min((self._behind(line, each, event.at) for each in sessions), key=_or_never, default=None)
        if least is not None and least < _or_never(self._known_behind(line)):
            self._learned(line, least, event.at)
        for each in sessions:
            told = moment_from(each.start_time, line.zone)
            line.agrees = line.agrees or (told is not None and -CLOCKS <= event.at - told <= LAST_MINUTE)

    def clock_of_beginning(self, line: Line, session: Session, at: float) -> bool:
        """A session was seen to begin: its start is now. Whether that tells what was not known of the clock."""
        told = moment_from(session.start_time, line.zone)
        if told is None or session.session_state not in BEGINNINGS:
            return False
        known = self._known_behind(line)
        own = session.master_session_id in (None, session.session_id)
        if known is None or at - told < known or (own and at - told > known + CLOCKS):
            self._learned(line, at - told, at)
            return known is None
        return False

    def _learned(self, line: Line, behind: float, at: float) -> None:
        line.behind, line.agrees = behind, False
        said = self._world.tallies.last(BEHIND, line.name)
        if said is None or abs(float(said) - behind) > OLDER:
            self._remember(BEHIND, line, repr(behind), at)

    def _known_behind(self, line: Line) -> float | None:
        """Seconds from the phone system's clock to ours, at most; None where nothing has told yet."""
        if line.behind is None:
            said = self._world.tallies.last(BEHIND, line.name)
            line.behind = None if said is None else float(said)
        return line.behind

    def _behind(self, line: Line, session: Session, at: float) -> float | None:
        """How far the phone system's clock is behind ours at most, by one session: it is as old as it says."""
        told = moment_from(session.start_time, line.zone)
        in_state = self.believed(line, session, "stateDuration")
        if told is None or in_state is None:
            return None
        talked = self.believed(line, session, "talkDuration") or 0.0
        return at - told - (max(in_state, talked) if session.session_state == IN_CALL else in_state + talked)

    # --- sessions ---------------------------------------------------------------------------------------------------

    def found(self, line: Line, event: SessionSeen) -> bool:
        """Whether a session that nobody knew was there before, although it is told of as created.

        It says so where it is announced as such, or where it is older than the link. While the phone system's clock is
        not known, a start that seems old counts as old only as long as such announcements come, right after the
        connect: there, to do nothing is the safer error. Later a call that is told of is a call that begins, and shows
        what the clock is.
        """
        session, at = event.session, event.at
        if event.announced:
            return True
        if self.in_state_before_the_link(line, event):
            return True
        told = moment_from(session.start_time, line.zone)
        if told is None or abs(at - told) <= OLDER or told < at - DAY:
            return False
        settling = not line.merged or at < line.merged_at + SETTLES
        behind = at - event.reported_at if event.reported_at is not None else self._known_behind(line)
        if behind is None:
            return settling and told < line.linked - CLOCKS
        own = session.master_session_id in (None, session.session_id)  # a part of an older call may bear its start
        return told + behind < line.linked - OLDER and (settling or own)

    def in_state_before_the_link(self, line: Line, event: SessionSeen) -> bool:
        """Whether a session says of itself that it was in its state before anybody could see it enter."""
        in_state = self.believed(line, event.session, "stateDuration")
        return in_state is not None and event.at - in_state < line.linked - OLDER

    def age(self, line: Line, event: SessionSeen) -> float | None:
        """How long a session that is reported for the first time has been in its state, by the phone system's clock.

        None where the phone system does not say: then the state began when we heard of it, so no timer is early.
        """
        duration = self.believed(line, event.session, "stateDuration")
        if duration is not None:
            return duration
        if event.reported_at is not None and event.session.session_state in BEGINNINGS:
            started = moment_from(event.session.start_time, line.zone)
            if started is not None and 0 <= event.reported_at - started < DAY:
                return self._at_most(line, event.session, event.reported_at - started)
        return None

    def listed_age(self, line: Line, session: Session, at: float) -> float | None:
        """How long a session that was there before has been in its state; None where nothing says that.

        Until it is known whether durations move, the shorter of what start and duration say: no timer is early.
        """
        duration = self.believed(line, session, "stateDuration")
        if duration is not None:
            return duration
        if session.session_state in BEGINNINGS:
            started = self.start(line, session, at)
            if started is not None:
                return self._at_most(line, session, at - started)
        return None

    def _at_most(self, line: Line, session: Session, age: float) -> float:
        """A session rings for less time than it is there: what it says itself may be nearer the truth."""
        told = _told(session, "stateDuration") if self.is_open(line, session) else None
        return age if told is None else min(age, told)

    def start(self, line: Line, session: Session, at: float) -> float | None:
        """When the session began, on our clock; None where that is unknown.

        The phone system's clock may be hours away from ours. It is taken to be as far behind as what it says allows:
        nothing counts as older than it surely is.
        """
        told, behind = moment_from(session.start_time, line.zone), self._known_behind(line)
        if behind is None and line.agrees:
            behind = 0.0
        if told is None or behind is None:
            return None
        started = told + behind
        return min(started, at) if at - DAY <= started <= at + CLOCKS else None

    def set_talk(self, line: Line, live: LiveSession, at: float) -> None:
        """Corrects the time talked by what the phone system says of it, where it says anything that counts."""
        told = self.believed(line, live.session, "talkDuration")
        if told:
            live.talked = max(0.0, told - (live.talk(at) - live.talked))


def _same_stay(live: LiveSession, session: Session) -> bool:
    """Whether a list shows a session in the state that it is in, and at the same phone: it may ring at one by one."""
    return live.state == session.session_state and same_parties(live.session, session)


def same_parties(one: Session, other: Session) -> bool:
    return (one.callee, one.callee_call_leg_id, one.destination) == (
        other.callee,
        other.callee_call_leg_id,
        other.destination,
    )


def _told(session: Session, duration: Duration) -> float | None:
    seconds = seconds_from(session.state_duration if duration == "stateDuration" else session.talk_duration)
    return seconds if seconds is not None and seconds < DAY else None


def _telling(session: Session) -> dict[Duration, float]:
    """The durations that should run in the session's state."""
    durations: tuple[Duration, ...] = get_args(Duration) if session.session_state == IN_CALL else ("stateDuration",)
    return {each: seconds for each in durations if (seconds := _told(session, each)) is not None}


def _readings(session: Session, event: SessionsListed) -> dict[Duration, Reading]:
    return {duration: Reading(event.at, event.late, seconds) for duration, seconds in _telling(session).items()}


def _or_never(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds
