"""All that the engine can be told. Every event carries ``at``: the moment it was received.

``at`` is seconds since 1970-01-01 UTC on a clock that never goes back or jumps (`ozrules.runtime.clock`). Where the
host's wall clock differs from it, `ClockAdjusted` says by how much: the wall clock decides schedules and what a record
shows, never a ``for:``.
"""

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ozrules.engine.effects import Post
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.rules.model import Routing, RuleSet
from ozrules.session.session import Session

if TYPE_CHECKING:
    from ozrules.engine.program import Program


class ConnectionOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A phone system is reached. Nothing acts on its sessions until its list has come and is merged.

    A new ``epoch`` means that all earlier sessions are gone. ``privileges`` are the methods that may be called, or
    None where that is unknown. ``zone`` is the IANA zone of its times that carry none. ``since`` is the moment before
    which the link was surely not up, where that is known better than by ``at``: what began before it was not seen.
    """

    at: float
    connection: str
    epoch: str = ""
    privileges: frozenset[str] | None = None
    zone: str = "UTC"
    since: float | None = None


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of this connection's sessions may have been missed: link down, overflow, suspend."""

    at: float
    connection: str
    why: str


class SessionSeen(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """The phone system reported one session. ``reported_at`` is its own time for it, seconds since 1970 UTC.

    ``announced``: it tells what was so before, as some phone systems do of all sessions at a connect. Nobody has seen
    that happen: it counts like a list of this one session.
    """

    at: float
    connection: str
    kind: Literal["created", "stateChanged", "closed"]
    session: Session
    reported_at: float | None = None
    derived: bool = False
    announced: bool = False


class SessionsListed(msgspec.Struct, frozen=True, kw_only=True):
    """The full list of live sessions. ``complete`` False closes nothing: the list may lack some.

    ``sessions`` is None where the phone system cannot give a list at all: what is seen from now on is acted upon.
    ``late`` is how many seconds before ``at`` it may have been true, at most: a list shows every stay younger than it
    is by the time that it took. ``reported_at`` is the phone system's own time for it, where it tells one, seconds
    since 1970 UTC. ``follow`` are changes that came before it and are not in it: they are taken in with
    it, so that nothing is done for a state that is known to be over.
    """

    at: float
    connection: str
    sessions: tuple[Session, ...] | None
    complete: bool = True
    late: float = 0.0
    reported_at: float | None = None
    follow: tuple[SessionSeen, ...] = ()


class RoutingAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The phone system asks where a call goes next, and waits: ``Calling`` before any phone rings, the other kinds
    after the one that was tried last did not take the call.

    Exactly one answer follows: a `effects.Send` whose command bears ``question``, or `effects.Unrouted`. ``session`` is
    the call as the question tells of it: its ``callee`` is the number that is tried or was tried last. Its
    ``session_id`` is the phone system's own where it gives one.
    """

    at: float
    connection: str
    question: str
    kind: Routing
    session: Session


class TimersDue(msgspec.Struct, frozen=True, kw_only=True):
    """The moments asked for by `effects.Wake` have come for these sessions."""

    at: float
    sessions: tuple[SessionKey, ...]


class CalendarDue(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar trigger's moment has come. ``due`` is the moment it was planned for, wall clock, seconds UTC;
    ``missed``: nobody watched when it came.
    """

    at: float
    rule: str
    trigger: str
    due: float
    missed: bool = False


class Accepted(msgspec.Struct, frozen=True):
    """Handed over to the phone system; not yet proven.

    ``evidence`` is about what leaves no trace in a session: ``seen`` where the phone system has shown that it was done,
    ``follows`` where a `CommandShown` may still say so, ``none`` where nothing can be seen.
    """

    evidence: Literal["none", "seen", "follows"] = "none"


RefusalKind = Literal["denied", "invalid", "notFound", "wrongState", "unavailable"]


class Refused(msgspec.Struct, frozen=True):
    """The phone system, or the connector, said no. ``unavailable`` means: surely not handed over.

    ``handed_over``: the phone system itself was asked, and may have done it in spite of what it says.
    """

    kind: RefusalKind
    message: str
    handed_over: bool = False


class Unanswered(msgspec.Struct, frozen=True):
    """Sent, and no answer came: it may have been done or not."""

    message: str


class Withheld(msgspec.Struct, frozen=True):
    """Not sent: at the moment of sending the session had gone or changed, it was too late, or a guard said no."""

    outcome: Literal["refused", "targetGone", "expired", "cancelled", "throttled", "rejected", "lostRace"]
    message: str


Receipt: TypeAlias = Accepted | Refused | Unanswered | Withheld


class CommandAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command that an effect asked to send: exactly one for each."""

    at: float
    command: CommandId
    receipt: Receipt


class CommandShown(msgspec.Struct, frozen=True, kw_only=True):
    """The phone system showed that it did what a command asked for, or, where ``done`` is False, that it could not.

    Only for commands that leave no trace in a session's state. ``message`` says what was seen.
    """

    at: float
    connection: str
    command: CommandId
    done: bool
    message: str


class PostSettled(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that was taken over came to its end, ``after`` so many seconds: delivered (``confirmed``), given up
    because its time was over (``expired``), or refused by its target or by the configuration (``rejected``).
    """

    at: float
    post: Post
    outcome: Literal["confirmed", "expired", "rejected"]
    after: float
    error: str | None = None


class RulesReplaced(msgspec.Struct, frozen=True, kw_only=True):
    """A new set of rules holds from now on, whole. ``program`` is what they were compiled to, where that was done
    before, so that nothing of it can fail here.
    """

    at: float
    rules: RuleSet
    program: "Program | None" = None


class RulePaused(msgspec.Struct, frozen=True, kw_only=True):
    """An admin paused or resumed one rule, or all where ``rule`` is None."""

    at: float
    rule: str | None
    paused: bool


class ScheduleSwitched(msgspec.Struct, frozen=True, kw_only=True):
    """An admin switched a schedule open or closed by hand, or back to its hours where ``open`` is None.

    ``until`` is on the wall clock (seconds since 1970 UTC); None: until it is switched again.
    """

    at: float
    schedule: str
    open: bool | None
    until: float | None = None


class TimerCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """An admin cancelled one waiting timer: this trigger of this rule on this session."""

    at: float
    session: SessionKey
    rule: str
    trigger: str


class ClockAdjusted(msgspec.Struct, frozen=True, kw_only=True):
    """The wall clock is now ``offset`` seconds ahead of the clock that ``at`` is on."""

    at: float
    offset: float


class ModeChanged(msgspec.Struct, frozen=True, kw_only=True):
    """``observe``: decide and record, ask for nothing to be sent. ``enforce``: act."""

    at: float
    mode: Literal["enforce", "observe"]


Event: TypeAlias = (
    SessionSeen
    | RoutingAsked
    | TimersDue
    | CommandAnswered
    | CommandShown
    | PostSettled
    | SessionsListed
    | ConnectionOpened
    | Gap
    | CalendarDue
    | RulesReplaced
    | RulePaused
    | ScheduleSwitched
    | TimerCancelled
    | ClockAdjusted
    | ModeChanged
)
