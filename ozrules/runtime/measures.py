"""What is counted and timed while the daemon works: plain numbers, written where things happen, read by who asks.

Whoever shows them (`ozrules.web.metrics`, `ozrules status`) reads; nobody waits, nothing is locked. One increment of a
dictionary or of a list is all that a measurement costs. The engine measures nothing: what it did is read off its
effects. Label sets stay small: after `MOST_RULES` pairs of rule and reason, further rules are counted as `OTHERS`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ozrules.engine.effects import Decision, Effect, Outcome, Send
from ozrules.engine.events import (
    CalendarDue,
    ClockAdjusted,
    CommandAnswered,
    ConnectionOpened,
    Event,
    Gap,
    ModeChanged,
    PostSettled,
    RoutingAsked,
    RulePaused,
    RulesReplaced,
    ScheduleSwitched,
    SessionSeen,
    SessionsListed,
    TimerCancelled,
    TimersDue,
)
from ozrules.engine.identity import CommandId

MOST_RULES: Final = 5_000
OTHERS: Final = "(others)"
FAST: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper bounds, in seconds, for what takes place on this machine."""
SLOW: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds, in seconds, for what a phone system or a person takes part in."""

_KINDS: Final[dict[type[Event], str]] = {
    TimersDue: "timer",
    CommandAnswered: "result",
    PostSettled: "delivery",
    SessionsListed: "snapshot",
    ConnectionOpened: "opened",
    Gap: "gap",
    CalendarDue: "calendar",
    RoutingAsked: "routing",
    RulesReplaced: "rules",
    RulePaused: "pause",
    ScheduleSwitched: "switch",
    TimerCancelled: "cancel",
    ClockAdjusted: "clock",
    ModeChanged: "mode",
}
"""Every event but `SessionSeen`, which says its kind itself."""


class Histogram:
    """How many values lay at most at each bound; the last count is of those above all bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Counts one value, in seconds."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def quantile(self, part: float) -> float | None:
        """The bound under which ``part`` of the values lie; None without values, or where it is above all bounds."""
        wanted = part * sum(self.counts)
        reached = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            reached += count
            if count and reached >= wanted:
                return bound
        return None


class Measures:
    """One for the life of the daemon. Times are seconds on the daemon's clock."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.decisions: Counter[tuple[str, str]] = Counter()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.opened: Counter[str] = Counter()
        self.gaps: Counter[str] = Counter()
        self.reloads: Counter[str] = Counter()
        self.reload_holds = True
        self.reloaded_at: float | None = None
        self.event_to_decision = Histogram(FAST)
        self.decision_to_command = Histogram(FAST)
        self.command_to_proof = Histogram(SLOW)
        self.lateness = Histogram(SLOW)
        self._asked: dict[CommandId, float] = {}

    def stepped(self, event: Event, effects: Iterable[Effect], now: Callable[[], float]) -> None:
        """The engine has taken ``event`` in, and asked for ``effects``."""
        if type(event) is SessionSeen:  # quicker than matching, for what comes most often
            self.events[event.connection, event.kind] += 1
        else:
            self._rarer(event)
        at: float | None = None
        for effect in effects:
            kind = type(effect)
            if kind is Decision:
                assert isinstance(effect, Decision)
                self._decided(effect)
                at = at or now()
            elif kind is Send:
                assert isinstance(effect, Send)
                at = at or now()
                self._asked[effect.command.id] = at
            elif kind is Outcome:
                assert isinstance(effect, Outcome)
                self._settled(effect)
        if at is not None:
            self.event_to_decision.observe(at - event.at)

    def _rarer(self, event: Event) -> None:
        connection = ""
        match event:
            case SessionsListed():
                connection = event.connection
                for report in event.follow:
                    self.events[connection, report.kind] += 1
            case ConnectionOpened():
                connection = event.connection
                self.opened[connection] += 1
            case Gap():
                connection = event.connection
                self.gaps[connection] += 1
            case _:
                pass
        self.events[connection, _KINDS[type(event)]] += 1

    def leaves(self, command: CommandId, at: float) -> None:
        """This command is handed to the phone system now."""
        asked = self._asked.pop(command, None)  # a row of keys leaves key by key, and counts once
        if asked is not None:
            self.decision_to_command.observe(at - asked)

    def reloaded(self, at: float, *, accepted: bool) -> None:
        """Rules were read; ``at`` is wall clock."""
        self.reloads["accepted" if accepted else "refused"] += 1
        self.reload_holds = accepted
        if accepted:
            self.reloaded_at = at

    def _decided(self, decision: Decision) -> None:
        key = (decision.rule, decision.reason)
        count = self.decisions.get(key)
        if count is None:
            if len(self.decisions) >= MOST_RULES:
                key = (OTHERS, decision.reason)
            count = self.decisions[key]
        self.decisions[key] = count + 1
        if decision.event.late_by is not None:
            self.lateness.observe(decision.event.late_by)

    def _settled(self, outcome: Outcome) -> None:
        self.outcomes[outcome.action, outcome.outcome] += 1
        self._asked.pop(outcome.command, None)
        if outcome.outcome == "confirmed":
            self.command_to_proof.observe(outcome.after)
