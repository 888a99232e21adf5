"""A run: one firing of one rule, and how far its actions have come.

A run is a stack of frames, each a list of actions and the place in it, so that ``onFailure`` or a branch of
``choose`` is one more frame on top. It either goes on at once or waits for exactly one thing. It keeps the program
that it began with: a reload changes what fires next, never what is under way.
"""

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from ozrules.engine.effects import Command
from ozrules.engine.events import Refused
from ozrules.engine.live import Chain, LiveSession
from ozrules.rules.model import (
    Action,
    Choose,
    Hunt,
    PlainMethod,
    Rule,
    SessionAction,
    WaitFor,
    Webhook,
)
from ozrules.rules.nesting import Path
from ozrules.session.state import State

if TYPE_CHECKING:
    from ozrules.engine.program import Program


class Frame:
    """Where in a list of actions a run is. ``path`` leads to the list from the rule: ``(2, "onFailure")``."""

    __slots__ = ("actions", "index", "path")

    def __init__(self, actions: tuple[Action, ...], path: Path, index: int = 0) -> None:
        self.actions = actions
        self.path = path
        self.index = index


UNDOES: Final[dict[str, str]] = {"unhold": "hold", "stopListen": "startListen"}
"""What ends a hold or a listening, and what began it."""


def undoing(actions: tuple[Action, ...], place: int) -> tuple[Action, ...]:
    """The steps that are still taken where the one at ``place`` fails: those which undo what was begun before it."""
    begun = {action.method for action in actions[:place] if isinstance(action, PlainMethod)}
    undo: dict[str, Action] = {}
    for action in actions[place + 1 :]:
        if isinstance(action, PlainMethod) and UNDOES.get(action.method) in begun:
            undo.setdefault(action.method, action)
    failed = actions[place]
    if isinstance(failed, PlainMethod):
        undo.pop(failed.method, None)
    return tuple(undo.values())


def actions_at(rule: Rule, path: Path) -> tuple[Action, ...]:
    """The list of actions that ``path`` leads to. A path that leads nowhere is a KeyError."""
    actions = rule.actions
    for place, way in zip(path[::2], path[1::2], strict=True):
        assert isinstance(place, int)
        action = actions[place]
        match way:
            case "onFailure":
                actions = getattr(action, "common").on_failure or ()  # noqa: B009  # only some actions carry it
            case "onTimeout" if isinstance(action, WaitFor) and isinstance(action.on_timeout, tuple):
                actions = action.on_timeout
            case "onExhausted" if isinstance(action, Hunt):
                actions = action.on_exhausted
            case "undo":
                actions = undoing(actions, place)
            case int() if isinstance(action, Choose):
                actions = action.branches[way].actions
            case _:
                raise KeyError(path)
    return actions


class Baseline(msgspec.Struct, frozen=True):
    """What a session looked like when a command left: only what differs from it can prove the command."""

    state: State
    callee: str | None
    callee_leg: str | None
    destination: str | None

    @classmethod
    def of(cls, live: LiveSession) -> "Baseline":
        session = live.session
        return cls(live.state, session.callee, session.callee_call_leg_id, session.destination)

    def moved(self, live: LiveSession) -> bool:
        """Whether the call has gone to another party since."""
        session = live.session
        return (
            session.callee != self.callee
            or session.callee_call_leg_id != self.callee_leg
            or session.destination != self.destination
        )


Phase = Literal["sent", "accepted", "refused", "unknown"]


class Attempt:
    """A command that has been asked for and whose outcome is not known yet."""

    __slots__ = ("action", "baseline", "command", "phase", "proven", "refusal", "sent", "session", "tries", "until")

    def __init__(
        self,
        action: SessionAction | Hunt,
        command: Command,
        session: LiveSession,
        sent: float,
        until: float,
        tries: int,
    ) -> None:
        self.action = action
        self.command = command
        self.session = session
        self.baseline = Baseline.of(session)
        self.sent = sent
        self.until = until
        self.tries = tries
        self.phase: Phase = "sent"
        self.refusal: Refused | None = None
        self.proven: State | None = None


class Delivery:
    """A webhook whose delivery a rule wants to know about, because it says what to do on failure."""

    __slots__ = ("action", "command", "until")

    def __init__(self, action: Webhook, command: str) -> None:
        self.action = action
        self.command = command
        self.until: float | None = None


class Pause:
    """``wait``, or the delay before another try (``again``)."""

    __slots__ = ("again", "until")

    def __init__(self, until: float, again: int | None = None) -> None:
        self.until = until
        self.again = again


class Watch:
    """``waitFor``."""

    __slots__ = ("action", "until")

    def __init__(self, action: WaitFor, until: float) -> None:
        self.action = action
        self.until = until


class Ring:
    """``hunt``: the present target rings, until ``until``."""

    __slots__ = ("until",)

    def __init__(self, until: float) -> None:
        self.until = until


Waiting: TypeAlias = Attempt | Delivery | Pause | Watch | Ring


class Run:
    """One firing of one rule on one session, under way."""

    __slots__ = (
        "chain",
        "controls",
        "follows",
        "frames",
        "hunted",
        "number",
        "origin",
        "program",
        "queued",
        "rule",
        "steps",
        "trigger",
        "turn",
        "waiting",
    )

    def __init__(
        self, number: int, program: "Program", rule: Rule, trigger: str, origin: LiveSession, *, controls: bool
    ) -> None:
        self.number = number
        self.program = program
        self.rule = rule
        self.trigger = trigger
        self.origin = origin
        self.chain: Chain = origin.chain
        self.controls = controls
        self.frames = [Frame(rule.actions, ())]
        self.steps = 0
        self.hunted = 0
        self.turn = 0
        self.follows = False
        self.queued = False
        self.waiting: Waiting | None = None

    @property
    def session(self) -> LiveSession:
        """The session that the next step is about: once this run has moved the call, where the call is now. Where a
        list may not be whole, that is where the call is named, and not where it was before.
        """
        asks, origin = self.origin.asks, self.origin
        if self.follows and (origin.ended or origin.unseen if asks is None else asks.question is None):
            for live in reversed(self.chain.sessions):
                if not live.ended and not live.unseen and live.asks is None:
                    return live
        return self.origin

    @property
    def moves(self) -> bool:
        """Whether this run has moved the call, or is about to."""
        return self.follows or (isinstance(self.waiting, Attempt) and self.waiting.command.to is not None)


SETTLE: Final = 2.0
"""Seconds after a refusal during which the phone system may still show that it has done it all the same."""

OBSERVE: Final = 5.0
"""Seconds in which an effect is looked for where a rule says nothing else."""
