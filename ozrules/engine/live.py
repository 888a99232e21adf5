"""A live session as the engine knows it, and the chain of sessions that one call goes through.

These are the engine's only mutable records. A session holds what conditions may ask for (since when it is in its
state, how long it rang and talked) and what waits on it: holds (``for:``) and runs (sequences of actions).
"""

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

import msgspec

from ozrules.engine.effects import Certainty
from ozrules.engine.identity import SessionKey
from ozrules.session.session import Session
from ozrules.session.state import ENDED, IN_CALL, RINGING, State

if TYPE_CHECKING:
    from ozrules.engine.index import Entry
    from ozrules.engine.movement import Duration, Reading
    from ozrules.engine.run import Run
    from ozrules.engine.stays import Doubt


class Chain:
    """All sessions of one call: those with the same masterSessionId, and those that our own forwards made.

    ``hops`` counts forwards and transfers, ours and the phone system's own; ``outside`` is the group under which a rule
    sent it outside. ``begun``: the session that the call is named after has been seen to begin.
    """

    __slots__ = ("begun", "hops", "keys", "outside", "runs", "sessions")

    def __init__(self, key: str) -> None:
        self.keys = [key]
        self.begun = False
        self.hops = 0
        self.outside: str | None = None
        self.sessions: list[LiveSession] = []
        self.runs: list[Run] = []


class Hold:
    """A waiting ``for:``. It belongs to (rule id, trigger id, session) and comes due once."""

    __slots__ = ("due", "entry")

    def __init__(self, entry: "Entry", due: float) -> None:
        self.entry = entry
        self.due = due


class Asks:
    """What makes a `LiveSession` a conversation about where a call goes: see `ozrules.engine.routing`.

    ``question`` is the one that waits for its answer now, ``answered`` the number that was answered last. After
    ``expires`` nothing more is expected to come.
    """

    __slots__ = ("answered", "expires", "question")

    def __init__(self, expires: float, answered: str | None = None) -> None:
        self.question: str | None = None
        self.answered = answered
        self.expires = expires


class LiveSession:
    """One session from its first report to its end. All times are the engine's clock, in seconds.

    ``unseen``: since a gap nothing has named it, not even a list, which did not say that it was complete.
    ``unsettled``: it was there before we heard of it, and counts from when we did until its own account is believed.
    ``readings`` are the durations of the last list in this stay; at ``look_again`` another list shall show whether they
    move.
    """

    __slots__ = (
        "actions",
        "asks",
        "certainty",
        "chain",
        "direction",
        "done",
        "doubt",
        "ended",
        "entered",
        "holds",
        "key",
        "look_again",
        "previous",
        "previous_duration",
        "rang",
        "readings",
        "remembered",
        "runs",
        "session",
        "started",
        "state",
        "talked",
        "unseen",
        "unsettled",
        "variables",
        "wake",
        "watched_from",
        "zone",
    )

    def __init__(self, key: SessionKey, session: Session, chain: Chain, entered: float, started: float) -> None:
        self.key = key
        self.session = session
        self.chain = chain
        self.state: State = session.session_state
        self.ended = self.state in ENDED
        self.entered = entered
        self.started = started
        self.previous: State | None = None
        self.previous_duration: float | None = None
        self.rang = 0.0
        self.talked = 0.0
        self.direction: str | None = None
        self.certainty: Certainty = "complete"
        self.watched_from = entered
        self.zone: tzinfo = UTC
        """In which its times that carry none are read."""
        self.holds: list[Hold] | None = None
        self.done: set[tuple[str, str]] | None = None
        self.runs: list[Run] | None = None
        self.variables: dict[str, str] | None = None
        self.doubt: Doubt | None = None
        self.unseen = False
        self.unsettled = False
        self.readings: dict[Duration, Reading] | None = None
        self.look_again: float | None = None
        self.actions = 0
        self.asks: Asks | None = None
        self.wake: float | None = None
        self.remembered = False

    def enter(self, state: State, at: float) -> None:
        """Moves to another state, and closes the account of the one that it leaves."""
        spent = max(0.0, at - self.entered)
        if self.state == RINGING:
            self.rang += spent
        elif self.state == IN_CALL:
            self.talked += spent
        self.previous = self.state
        self.previous_duration = spent
        self.state = state
        if self.session.session_state != state:  # it ended without a word, and what is remembered must say so
            self.session = msgspec.structs.replace(self.session, session_state=state)
        self.ended = state in ENDED
        self.entered = at
        self.doubt = None
        self.unseen = self.unsettled = False
        self.readings = None
        if self.ended:
            self.look_again = None

    def began(self, at: float) -> None:
        """The state was entered earlier than its report came: what was counted for the one before is less."""
        early = self.entered - at
        if self.previous == RINGING:
            self.rang = max(0.0, self.rang - early)
        elif self.previous == IN_CALL:
            self.talked = max(0.0, self.talked - early)
        if self.previous_duration is not None:
            self.previous_duration = max(0.0, self.previous_duration - early)
        self.entered = at

    def talk(self, at: float) -> float:
        """Seconds talked so far; time on hold does not count."""
        return self.talked + (max(0.0, at - self.entered) if self.state == IN_CALL else 0.0)

    def ring(self, at: float) -> float:
        """Seconds rung so far."""
        return self.rang + (max(0.0, at - self.entered) if self.state == RINGING else 0.0)
