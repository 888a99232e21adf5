"""The rule language as data: what `loader` makes of rule files and what the engine runs.

All of it is frozen and holds typed values only: durations are seconds, groups are resolved to states, names under
``use`` and ``in`` are resolved to what they stand for. Texts that a person typed are kept beside where an explanation
must show them again. Structs that stand in a union are tagged: a running sequence is kept on disk with its rule's text.
`Place` says where in which file a thing was written. One file, because it is the whole language at a glance.
"""

from typing import Literal, TypeAlias

import msgspec

from ozrules.rules.calendar import Cron, Schedule
from ozrules.rules.numbers import NumberPlan
from ozrules.session.state import State


class Place(msgspec.Struct, frozen=True):
    """Where something was written: a file's name, and line and column, both from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


# --- values ---------------------------------------------------------------------------------------------------------


class FieldRef(msgspec.Struct, frozen=True):
    """``{{ FIELD }}`` inside a text."""

    field: str


Template: TypeAlias = tuple[str | FieldRef, ...]
"""A text with fields in it: literal parts and references, in order."""


class Fixed(msgspec.Struct, tag=True, frozen=True):
    """A number as it was typed."""

    number: str
    place: Place


class Lookup(msgspec.Struct, tag=True, frozen=True):
    """``{lookup: MAP, key: FIELD, default: NUMBER}``: the number that a map holds under a field's value."""

    name: str
    table: dict[str, str]
    key: str
    default: str | None
    place: Place


class Templated(msgspec.Struct, tag=True, frozen=True):
    """``"{{ FIELD }}"`` as a destination; the guards must allow templated destinations."""

    field: str
    place: Place


Target: TypeAlias = Fixed | Lookup | Templated


class SecretRef(msgspec.Struct, frozen=True):
    """``{secret: NAME}``: the value comes from the configuration's ``secrets`` at the moment of sending."""

    name: str


# --- triggers -------------------------------------------------------------------------------------------------------

Clock = Literal["state", "talk", "session"]
Routing = Literal["Calling", "NoAnswer", "Busy", "NotFound"]


class StateTrigger(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """A session enters one of ``states`` (from one of ``origins``), and stays ``hold`` seconds where that is given.

    ``id`` is the name given in the file, else the trigger's index in the rule as text: a waiting timer belongs to it.
    """

    id: str
    states: frozenset[State]
    origins: frozenset[State] | None = None
    hold: float | None = None
    clock: Clock = "state"
    place: Place


class RoutingTrigger(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """The phone system asks where a call goes next."""

    id: str
    kind: Routing
    place: Place


class CalendarTrigger(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """A moment of the calendar: once, or once for each live session in ``sessions``."""

    id: str
    cron: Cron
    sessions: frozenset[State] | None = None
    place: Place


Trigger: TypeAlias = StateTrigger | RoutingTrigger | CalendarTrigger


# --- conditions -----------------------------------------------------------------------------------------------------

Op = Literal[
    "eq", "ne", "in", "notIn", "startsWith", "endsWith", "matches", "regex", "gt", "gte", "lt", "lte", "exists"
]
CountOp = Literal["gt", "gte", "lt", "lte", "eq"]


class Compare(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """One field against one value. ``path`` is the way to it in the rule, such as ``conditions.callee.in``.

    ``texts`` are the values as typed (several for in and notIn, a list's members where a list was named by ``name``);
    ``number`` is the value for seconds, counts and moments (seconds since 1970); ``present`` is exists' yes or no.
    """

    field: str
    op: Op
    texts: tuple[str, ...] = ()
    number: float | None = None
    present: bool = True
    name: str | None = None
    path: str
    place: Place


class DuringSchedule(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``schedule: {during: NAME}``, or outside where ``inside`` is False."""

    name: str
    inside: bool
    path: str
    place: Place


class History(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """How many distinct sessions of the group entered ``states`` in the last ``within`` seconds, this one included."""

    states: frozenset[State]
    within: float
    group_by: tuple[str, ...]
    op: CountOp
    count: int
    path: str
    place: Place


class Alive(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``active``: how many sessions of the group are alive now in ``states``."""

    states: frozenset[State]
    group_by: tuple[str, ...]
    op: CountOp
    count: int
    path: str
    place: Place


class All(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Every one of ``of``; an empty one holds. ``name`` is set where ``use`` named it."""

    of: "tuple[Condition, ...]"
    name: str | None = None
    path: str
    place: Place


class AnyOf(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """At least one of ``of``."""

    of: "tuple[Condition, ...]"
    path: str
    place: Place


class Not(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Not ``of``; a missing value stays missing."""

    of: "Condition"
    path: str
    place: Place


Leaf: TypeAlias = Compare | DuringSchedule | History | Alive
Condition: TypeAlias = Compare | DuringSchedule | History | Alive | All | AnyOf | Not


# --- actions --------------------------------------------------------------------------------------------------------

Party = Literal["caller", "callee"]
Listener = Literal["caller", "callee", "all"]
Plain = Literal["close", "closeWithHangup", "hangup", "hold", "unhold", "startListen", "stopListen"]


class Expect(msgspec.Struct, frozen=True):
    """The effect that proves an action: one of ``states`` is seen within ``within`` seconds."""

    states: frozenset[State]
    within: float


class Retry(msgspec.Struct, frozen=True):
    """Up to ``attempts`` further tries, ``delay`` seconds apart."""

    attempts: int
    delay: float


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What every action on a call may carry. ``on_failure`` is None where the rule says nothing: the sequence stops."""

    expect: Expect | None = None
    retry: Retry | None = None
    on_failure: "tuple[Action, ...] | None" = None
    timeout: float | None = None


class Forward(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``forward``: the ringing call goes to another party."""

    to: Target
    common: Common
    place: Place


class BlindTransfer(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``blindTransfer``: the party named by ``move`` goes to the target."""

    move: Party
    to: Target
    common: Common
    place: Place


class PlainMethod(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """A method of the Session class without arguments."""

    method: Plain
    common: Common
    place: Place


class SendDtmf(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``sendDtmf``: keys for one party, one at a time, ``gap`` seconds apart."""

    to: Party
    keys: str | SecretRef
    gap: float
    common: Common
    place: Place


class AttendedTransfer(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``attendedTransfer``: ``transferor``, who holds one call and talks in another, leaves both to the other parties.

    The rule acts on one of the two; the other is the only one that is in the state that the first is not.
    """

    transferor: Party
    common: Common
    place: Place


class SystemAction(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """What a phone system does by itself, asked for by name: play, speak, record, call, sendSms, sendEmail.

    ``to`` is the number of call and sendSms, ``party`` who hears what is played or spoken. ``texts`` are all further
    arguments by their names. ``connection`` is the one that is asked, None for that of the session.
    """

    operation: Literal["call", "play", "record", "sendEmail", "sendSms", "speak"]
    to: Target | None = None
    party: Listener | None = None
    texts: dict[str, Template] = {}
    connection: str | None = None
    common: Common
    place: Place


class Hunt(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``hunt``: forward to one number of ``targets`` after the other, each rung for ``ring`` seconds."""

    targets: tuple[str, ...]
    ring: float
    order: Literal["sequential", "random", "roundRobin"]
    on_exhausted: "tuple[Action, ...]"
    common: Common
    place: Place


class Webhook(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``webhook``: an HTTP request to another program, delivered at least once."""

    url: str
    method: Literal["POST", "PUT"]
    headers: dict[str, str]
    body: dict[str, Template]
    common: Common
    place: Place


class Log(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``log``: a line in the log."""

    text: Template
    place: Place


class SetVariables(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``set``: variables of this session, read as ``var.NAME``."""

    values: dict[str, Template]
    place: Place


class Wait(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``wait``: the sequence goes on after ``seconds``."""

    seconds: float
    place: Place


class WaitFor(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``waitFor``: the sequence goes on when one of ``states`` is seen, or takes ``on_timeout``."""

    states: frozenset[State]
    timeout: float
    on_timeout: "Literal['continue', 'stop'] | tuple[Action, ...]"
    place: Place


class Branch(msgspec.Struct, frozen=True):
    """One way of a `Choose`; ``condition`` is None for ``else``."""

    condition: Condition | None
    actions: "tuple[Action, ...]"


class Choose(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``choose``: the first branch whose condition holds."""

    branches: tuple[Branch, ...]
    place: Place


class Stop(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """``stop``: the sequence ends here."""

    place: Place


SessionAction: TypeAlias = Forward | BlindTransfer | AttendedTransfer | PlainMethod | SendDtmf | SystemAction
Action: TypeAlias = SessionAction | Hunt | Webhook | Log | SetVariables | Wait | WaitFor | Choose | Stop


# --- rules ----------------------------------------------------------------------------------------------------------


class Canary(msgspec.Struct, frozen=True):
    """Acts for ``percent`` of the groups, chosen by a hash that never changes."""

    percent: float
    group_by: tuple[str, ...]


class Throttle(msgspec.Struct, frozen=True):
    """At most one firing in ``once_within`` seconds for each value of ``group_by``."""

    once_within: float
    group_by: tuple[str, ...]


class RuleException(msgspec.Struct, frozen=True):
    """A named case in which the rule does not act."""

    name: str
    condition: Condition


OnMissed = Literal["fireIfStill", "fire", "skip"]
Mode = Literal["single", "restart", "queued", "parallel"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, whole. ``order`` is its place in the reading order of all files and breaks ties of ``priority``."""

    id: str
    description: str = ""
    tags: tuple[str, ...] = ()
    status: Literal["active", "shadow", "disabled"] | Canary = "active"
    priority: int = 100
    order: int
    triggers: tuple[Trigger, ...]
    condition: All
    exceptions: tuple[RuleException, ...] = ()
    actions: tuple[Action, ...]
    mode: Mode = "single"
    max: int = 10
    throttle: Throttle | None = None
    on_missed: OnMissed = "fireIfStill"
    missed_grace: float = 5.0
    exclusive: bool = True
    on_resync: bool = False
    place: Place


class NumberPattern(msgspec.Struct, frozen=True):
    """An entry of a guard's list: ``internal``, a number, or a number with a trailing ``*``."""

    text: str
    place: Place


class ExternalCap(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on calls that rules send outside; None is no limit."""

    max_concurrent: int | None = None
    max_per_hour: int | None = None
    group_by: tuple[str, ...] = ()


class EmailGuard(msgspec.Struct, frozen=True, kw_only=True):
    """Where rules may send e-mail: addresses, or ``*@DOMAIN``, in small letters; nowhere where nothing is said."""

    allow: tuple[str, ...] = ()
    templated: bool = False


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """What no rule may override. The values here are those that hold where a rule set says nothing."""

    protected: tuple[str, ...] = ()
    allow: tuple[NumberPattern, ...] = (NumberPattern("internal", Place("", 0, 0)),)
    deny: tuple[NumberPattern, ...] = ()
    default: Literal["allow", "deny"] = "deny"
    templated: bool = False
    external: ExternalCap = ExternalCap()
    emails: EmailGuard = EmailGuard()
    max_hops: int = 3
    max_actions_per_session: int = 10


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """All rules that hold together, as one: replaced whole or not at all.

    ``rules`` are in the order of their files and positions; ``revision`` is ``sha256:…`` over the sorted names and
    bytes of the files; ``secrets`` are the names that rules use.
    """

    rules: tuple[Rule, ...] = ()
    schedules: dict[str, Schedule] = {}
    guards: Guards = Guards()
    numbers: NumberPlan = NumberPlan()
    secrets: frozenset[str] = frozenset()
    revision: str = "sha256:"
