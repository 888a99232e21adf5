"""What came of a scenario: every action, decision and change, in order."""

from typing import Protocol

import msgspec

from ozrules.engine.effects import Decision, Observed, Outcome, OutcomeName
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.scenario.model import ActionName, Scripted


class Performed(msgspec.Struct):
    """One action that a rule carried out. Times are seconds from the start."""

    at: float
    rule: str
    action: ActionName
    session: str
    to: str | None = None
    move: str | None = None
    keys: str | None = None
    text: str | None = None
    late_by: float = 0.0
    command: CommandId | None = None
    outcome: OutcomeName | None = None

    def __str__(self) -> str:
        parts = [f"at {self.at:g}s", f"rule {self.rule}", self.action, f"session {self.session}"]
        parts += [
            f"{name} {value}"
            for name, value in (("to", self.to), ("move", self.move), ("keys", self.keys), ("text", self.text))
            if value
        ]
        if self.late_by:
            parts.append(f"lateBy {self.late_by:g}s")
        return ", ".join(parts)


class _Asked(Protocol):
    """An effect that is an action of a rule."""

    @property
    def rule(self) -> str: ...
    @property
    def session(self) -> SessionKey: ...
    @property
    def decision(self) -> int: ...


class Played:
    """Gathers while a scenario runs. ``end`` is when it ended, ``unused`` the answers that nothing asked for."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._late: dict[int, float] = {}
        self.performed: list[Performed] = []
        self.decisions: list[Decision] = []
        self.outcomes: list[Outcome] = []
        self.observed: list[Observed] = []
        self.unused: tuple[Scripted, ...] = ()
        self.end = 0.0

    def decide(self, decision: Decision) -> None:
        """A rule fired or did not."""
        self._late[decision.number] = decision.event.late_by or 0.0
        self.decisions.append(decision)

    def settle(self, outcome: Outcome) -> None:
        """A command came to its outcome, also one that was never sent."""
        self.outcomes.append(outcome)
        for performed in self.performed:
            if performed.command == outcome.command:
                performed.outcome = outcome.outcome

    def perform(
        self,
        at: float,
        asked: _Asked,
        action: ActionName,
        *,
        to: str | None = None,
        move: str | None = None,
        keys: str | None = None,
        text: str | None = None,
        command: CommandId | None = None,
    ) -> None:
        """A rule's action was carried out."""
        self.performed.append(
            Performed(
                at=round(at - self._start, 6),
                rule=asked.rule,
                action=action,
                session=asked.session.session_id,
                to=to,
                move=move,
                keys=keys,
                text=text,
                late_by=round(self._late.get(asked.decision, 0.0), 6),
                command=command,
            )
        )
