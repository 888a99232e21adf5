"""Rule tests as data: what `reading` makes of a test file and what `run` plays.

A scenario is one test: what a phone system does over a stretch of virtual time, and what the rules must make of it.
Times are seconds from the scenario's start. Values of sessions are the phone system's, so they stay text.
"""

from typing import Literal, TypeAlias

import msgspec

from ozrules.engine.effects import OutcomeName, Reason
from ozrules.engine.events import RefusalKind
from ozrules.rules.model import Place, Routing
from ozrules.session.methods import Operation
from ozrules.session.state import State

ActionName: TypeAlias = Operation | Literal["hunt", "webhook", "log"]
"""What a test can see a rule do. ``hunt`` is seen as its forwards too."""

Answer: TypeAlias = OutcomeName | RefusalKind
"""What becomes of a command: an outcome, or the kind of a refusal where the difference matters (``unavailable``)."""


class Spot(msgspec.Struct, frozen=True):
    """A place in a test file and how many characters of its line are meant."""

    place: Place
    length: int


class Participant(msgspec.Struct, frozen=True):
    """A session as it is before anything happens to it. ``values`` are by the vendor's property names."""

    session: str
    connection: str
    values: dict[str, str]
    spot: Spot


class Scripted(msgspec.Struct, frozen=True):
    """What the phone system answers to the next ``action``, on ``session`` or on any."""

    at: float
    action: Operation
    outcome: Answer
    session: str | None
    changes: bool
    spot: Spot


class Happens(msgspec.Struct, frozen=True):
    """A session changes: its state, or some of its values, or both."""

    at: float
    session: str
    state: State | None
    values: dict[str, str]
    spot: Spot


class Asked(msgspec.Struct, frozen=True):
    """The phone system asks where a call goes. ``values`` are what the question tells, besides what the session has."""

    at: float
    session: str
    kind: Routing
    values: dict[str, str]
    spot: Spot


class Daemon(msgspec.Struct, frozen=True):
    """The daemon stops as by a power cut, or is started again."""

    at: float
    up: bool
    spot: Spot


class Switch(msgspec.Struct, frozen=True):
    """An admin switches a schedule by hand; ``open`` None: back to its hours."""

    at: float
    schedule: str
    open: bool | None
    spot: Spot


Entry: TypeAlias = Happens | Asked | Daemon | Switch


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """An action that must be carried out. What is None may be anything."""

    action: ActionName
    at: float | None = None
    rule: str | None = None
    session: str | None = None
    to: str | None = None
    move: str | None = None
    keys: str | None = None
    text: str | None = None
    late_by: float | None = None
    outcome: OutcomeName | None = None
    spot: Spot


class Never(msgspec.Struct, frozen=True):
    """An action that must not be carried out by any rule."""

    action: ActionName
    spot: Spot


class WhyNot(msgspec.Struct, frozen=True):
    """The reason for which a rule must not have acted, on ``session`` or on all."""

    rule: str
    reason: Reason
    session: str | None
    spot: Spot


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One test. ``expect`` is None where the test does not say what must happen; an empty one says: nothing."""

    name: str
    start: float
    sessions: tuple[Participant, ...]
    timeline: tuple[Entry, ...]
    script: tuple[Scripted, ...]
    expect: tuple[Expectation, ...] | None
    never: tuple[Never, ...]
    why_not: tuple[WhyNot, ...]
    until: float
    spot: Spot


class ScenarioFile(msgspec.Struct, frozen=True, kw_only=True):
    """A test file: the rule files that it is about, as written, and its tests."""

    name: str
    rules: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
