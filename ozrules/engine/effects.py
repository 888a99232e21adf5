"""All that the engine can ask for. No logic: the shell carries these out in the order given.

A decision or an outcome that is on the list before a `Send` must be on disk before the command leaves.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from ozrules.engine.identity import CommandId, SessionKey
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.model import Place, Routing, SecretRef
from ozrules.session.methods import Operation
from ozrules.session.session import Session
from ozrules.session.state import State

Reason = Literal[
    "fired",
    "stateOther",
    "fromOther",
    "forRunning",
    "stateLeftBeforeFor",
    "conditionFalse",
    "fieldMissing",
    "outsideSchedule",
    "exception",
    "throttled",
    "outrankedBy",
    "modeBusy",
    "guard",
    "protected",
    "budget",
    "hops",
    "shadow",
    "notInCanary",
    "disabled",
    "missedSkip",
    "missedTooLate",
    "callGone",
    "ruleRemoved",
    "degraded",
    "actionFailed",
    "cancelled",
]
"""Why a rule did or did not act: a closed list, shared by the record, `why`, the tests and the dashboard."""

OutcomeName = Literal[
    "confirmed",
    "accepted",
    "rejected",
    "refused",
    "targetGone",
    "lostRace",
    "expired",
    "cancelled",
    "throttled",
    "unconfirmed",
    "unknown",
]
"""What became of a command. ``confirmed``: its effect was seen. ``accepted``: the phone system said yes, and nothing
can be, or was, observed. ``unknown`` may be followed once by confirmed, unconfirmed or targetGone.
"""

DONE: Final[frozenset[OutcomeName]] = frozenset({"confirmed", "accepted"})
"""The outcomes after which a sequence goes on."""

Certainty = Literal["complete", "derived", "degraded"]
EventKind = Literal["created", "stateChanged", "closed", "snapshot", "gap", "timer", "calendar", "routing", "result"]


class Wake(msgspec.Struct, gc=False, frozen=True):
    """Tell me `TimersDue` for this session at ``due`` (clock of ``at``), instead of any moment asked for before.

    None: no more moment is waited for.
    """

    session: SessionKey
    due: float | None


class Command(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Something that a phone system is to be asked for, once.

    ``to`` is the normalised number for forward, blindTransfer, call and sendSms; ``party`` the party that is moved,
    makes the transfer (attendedTransfer), receives or listens. ``key`` are the DTMF keys, or the secret that holds
    them: the dispatcher resolves it and hands the keys to the connector one at a time, ``gap`` seconds apart.
    ``other`` is the second session of an attendedTransfer: one of the two is held, and in the other ``party`` talks.
    ``over`` is the connection to ask where it is not the session's. ``question``: this is the answer to what the phone
    system asked (`events.RoutingAsked`): forward, or hangup to turn the caller away; then ``ring`` is how long, in
    seconds, the number may ring, None where no rule says.

    ``arguments`` are all further ones, by the names of the rule language. Texts may hold what a caller chose.
    play: file, [repeat: true] · speak: text · record: [format (mp3, wav), url] · call: url, [apiExtension, callerId,
    callerDisplayName] · sendSms: text, [apiExtension, sender] · sendEmail: to (an address), [subject, text,
    apiExtension, sender].
    """

    id: CommandId
    decision: int
    step: int
    rule: str
    session: SessionKey
    action: Operation
    to: str | None = None
    party: Literal["caller", "callee", "all"] | None = None
    key: str | SecretRef | None = None
    gap: float = 0.0
    other: SessionKey | None = None
    arguments: dict[str, str] = {}
    over: str | None = None
    question: str | None = None
    ring: float | None = None
    deadline: float
    timeout: float

    @property
    def connection(self) -> str:
        """The connection that is asked."""
        return self.over or self.session.connection


class Send(msgspec.Struct, gc=False, frozen=True):
    """Send this to the phone system, at most once, and tell me `CommandAnswered`."""

    command: Command


class Unrouted(msgspec.Struct, gc=False, frozen=True):
    """No rule answers this question of the phone system: its own dial plan decides."""

    question: str


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """Deliver this webhook, and tell me `CommandAnswered` with whether it was taken over for delivery."""

    id: CommandId
    decision: int
    rule: str
    session: SessionKey
    url: str
    method: Literal["POST", "PUT"]
    headers: dict[str, str]
    body: dict[str, str]
    timeout: float


class WriteLog(msgspec.Struct, frozen=True):
    """A rule's own log line. ``text`` may hold what a caller chose."""

    decision: int
    rule: str
    session: SessionKey
    text: str


class EventView(
    msgspec.Struct, gc=False, frozen=True, kw_only=True, rename={"from_state": "from", "late_by": "lateBy"}
):
    """The event that a decision answers. Times are on the engine's clock; ``due`` and ``late_by`` for timers,
    ``routing`` for what a phone system asks.
    """

    kind: EventKind
    state: State
    from_state: State | None
    since: float
    due: float | None = None
    late_by: float | None = None
    routing: Routing | None = None


class PlannedAction(msgspec.Struct, gc=False, frozen=True):
    """An action as a decision lists it. ``command`` is None where nothing is sent."""

    action: str
    args: dict[str, str]
    command: CommandId | None
    place: Place


class Chosen(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Which way a sequence took at ``place``, where it might have taken another.

    ``branch`` is ``if 1``, ``if 2`` … or ``else`` of a ``choose`` and ``none`` where none of them held; ``onFailure``,
    ``onTimeout`` or ``onExhausted``. ``values`` is what the branches' conditions read, ``actions`` what stands on that
    way, with the numbers that it leads to.
    """

    at: float
    decision: int
    rule: str
    session: SessionKey
    place: Place
    branch: str
    values: dict[str, str | None] = {}
    actions: tuple[PlannedAction, ...] = ()


class Decision(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One rule on one event: fired, or the reason why not. ``number`` counts from the number the engine began with.

    ``values`` is what its conditions read, by the way to each; ``chosen`` the ways that its actions took at once.
    """

    number: int
    at: float
    session_key: SessionKey | None
    session: Session | None
    event: EventView
    hops: int
    rule: str
    reason: Reason
    status: str
    trigger: str
    actions: tuple[PlannedAction, ...] = ()
    values: dict[str, str | None] = {}
    chosen: tuple[Chosen, ...] = ()
    failed: tuple[FailedLeaf, ...] = ()
    by: str | None = None
    outranked: tuple[str, ...] = ()
    certainty: Certainty = "complete"
    revision: str
    mode: Literal["enforce", "observe"]


class Outcome(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What became of a command, final unless it is ``unknown``."""

    at: float
    command: CommandId
    decision: int
    rule: str
    session: SessionKey
    action: str
    outcome: OutcomeName
    state: State | None
    after: float
    error: str | None = None
    to: str | None = None
    """The number that the call was sent to, where it was sent to one."""


class ListSessions(msgspec.Struct, frozen=True):
    """Ask this connection for the full list of its sessions."""

    connection: str
    why: str


NoticeKind = Literal[
    "unknownState",
    "outOfOrder",
    "duplicate",
    "lateEvent",
    "unknownSession",
    "sessionReused",
    "emergencyCall",
    "rulesUnknown",
]


class Notice(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Something was not as it should be and was tolerated: counted, and logged once for each kind and detail."""

    kind: NoticeKind
    connection: str
    detail: str


class Observed(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """A session changed, and what the engine made of it: for recordings, the dashboard and `log.decisions: all`."""

    at: float
    key: SessionKey
    event: EventView
    session: Session
    certainty: Certainty
    matched: int


class Remember(msgspec.Struct, gc=False, frozen=True):
    """Keep this about the session until `Forget`: with it a new engine goes on where this one was. Opaque JSON."""

    session: SessionKey
    memory: bytes


class Tally(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Something countable happened (a firing, an entered state, a call sent outside); keep it until ``until``.

    Times are the engine's, which go on over a restart; ``at`` of a calendar trigger's is the moment that was planned.
    """

    name: str
    group: str
    member: str
    at: float
    until: float


class Forget(msgspec.Struct, gc=False, frozen=True):
    """The session has ended and nothing of it is in flight."""

    session: SessionKey


Effect: TypeAlias = (
    Wake
    | Send
    | Unrouted
    | Post
    | WriteLog
    | Decision
    | Chosen
    | Outcome
    | ListSessions
    | Notice
    | Observed
    | Remember
    | Tally
    | Forget
)
