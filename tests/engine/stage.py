"""A stage for the engine: virtual time, a phone system that says what a test tells it to, and all that was asked for.

It honours every `Wake`, answers no command by itself, and never invents a change of a call.
"""

from typing import Any, Literal

import msgspec

from ozrules.engine.accounts import proven
from ozrules.engine.effects import (
    Command,
    Decision,
    Effect,
    Forget,
    ListSessions,
    Notice,
    Observed,
    Outcome,
    Post,
    Remember,
    Send,
    Tally,
    Wake,
    WriteLog,
)
from ozrules.engine.engine import Engine
from ozrules.engine.events import (
    Accepted,
    CommandAnswered,
    ConnectionOpened,
    Event,
    Gap,
    Receipt,
    RefusalKind,
    Refused,
    RulesReplaced,
    SessionSeen,
    SessionsListed,
    TimersDue,
    Unanswered,
)
from ozrules.engine.identity import SessionKey
from ozrules.rules.model import RuleSet
from ozrules.session.session import Session, session_from

LINE = "office"


class Stage:
    """One engine, one connection, one clock.

    ``moves``: what an earlier life of the daemon has learned of the connection's durations; None: nothing.
    """

    def __init__(
        self,
        rules: RuleSet,
        *,
        listed: bool = True,
        mode: Literal["enforce", "observe"] = "enforce",
        moves: bool | None = True,
    ) -> None:
        self.rules = rules
        self.earlier: list[RuleSet] = []
        self.mode = mode
        self.now = 1_000_000.0
        self.sessions: dict[str, dict[str, Any]] = {}
        self.wakes: dict[SessionKey, float] = {}
        self.memories: dict[SessionKey, bytes] = {}
        self.tallies: list[Tally] = (
            [] if moves is None else [msgspec.structs.replace(each, member=str(moves)) for each in proven(LINE)]
        )
        self.effects: list[Effect] = []
        self.events: list[Event] = []
        self.open: list[Command] = []
        self.engine = Engine(rules, mode=mode, at=self.now, tallies=self.tallies)
        if listed:
            self.connect()

    # --- what a test says -------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> list[Effect]:
        """Gives the engine an event and keeps what it asks for."""
        self.events.append(event)
        if isinstance(event, RulesReplaced):
            self.earlier.append(self.rules)
            self.rules = event.rules
        effects = self.engine.step(event)
        for effect in effects:
            match effect:
                case Wake(session=key, due=None):
                    self.wakes.pop(key, None)
                case Wake(session=key, due=float() as due):
                    self.wakes[key] = due
                case Remember(session=key, memory=memory):
                    self.memories[key] = memory
                case Forget(session=key):
                    self.memories.pop(key, None)
                case Tally():
                    self.tallies.append(effect)
                case Send(command=command):
                    self.open.append(command)
                case _:
                    pass
        self.effects += effects
        return effects

    def connect(self, *, epoch: str = "", complete: bool = True) -> list[Effect]:
        """The connection comes up and gives the list of what lives."""
        self.tell(ConnectionOpened(at=self.now, connection=LINE, epoch=epoch))
        return self.listing(complete=complete)

    def listing(self, *, complete: bool = True) -> list[Effect]:
        sessions = tuple(session_from(each) for each in self.sessions.values())
        return self.tell(SessionsListed(at=self.now, connection=LINE, sessions=sessions, complete=complete))

    def gap(self) -> None:
        self.tell(Gap(at=self.now, connection=LINE, why="cut"))

    def call(self, session_id: str = "s1", state: str = "Ringing", **properties: str) -> list[Effect]:
        """A session is created."""
        self.sessions[session_id] = {
            "sessionId": session_id,
            "sessionState": state,
            "caller": "+36201234567",
            "callee": "2001",
        } | properties
        return self._seen("created", session_id)

    def change(self, session_id: str, state: str, **properties: str) -> list[Effect]:
        """A session goes to another state."""
        self.sessions[session_id] |= {"sessionState": state} | properties
        return self._seen("stateChanged", session_id)

    def close(self, session_id: str, state: str | None = None) -> list[Effect]:
        if state is not None:
            self.sessions[session_id]["sessionState"] = state
        effects = self._seen("closed", session_id)
        del self.sessions[session_id]
        return effects

    def _seen(self, kind: Literal["created", "stateChanged", "closed"], session_id: str) -> list[Effect]:
        session: Session = session_from(self.sessions[session_id])
        return self.tell(SessionSeen(at=self.now, connection=LINE, kind=kind, session=session))

    def wait(self, seconds: float) -> list[Effect]:
        """Time passes; whoever wants to be woken is woken at the moment asked for."""
        end = self.now + seconds
        effects: list[Effect] = []
        while self.wakes and min(self.wakes.values()) <= end:
            due = min(self.wakes.values())
            keys = tuple(sorted(key for key, at in self.wakes.items() if at == due))
            for key in keys:
                del self.wakes[key]
            self.now = max(self.now, due)
            effects += self.tell(TimersDue(at=self.now, sessions=keys))
        self.now = end
        return effects

    def answer(self, receipt: Receipt | None = None) -> list[Effect]:
        """The oldest open command is answered; accepted unless told otherwise."""
        command = self.open.pop(0)
        return self.tell(CommandAnswered(at=self.now, command=command.id, receipt=receipt or Accepted()))

    def refuse(self, kind: RefusalKind, message: str = "no") -> list[Effect]:
        """The phone system itself says no."""
        return self.answer(Refused(kind, message, handed_over=True))

    def lose(self) -> list[Effect]:
        return self.answer(Unanswered("no answer"))

    def restart(self, away: float = 0.0, rules: RuleSet | None = None) -> list[Effect]:
        """The daemon dies without a word, and another begins with what was remembered."""
        self.now += away
        decided = [effect.number for effect in self.effects if isinstance(effect, Decision)]
        known = {effect.command for effect in self.effects if isinstance(effect, Outcome)}  # as the journal has it
        self.engine = Engine(
            self.rules,
            mode=self.mode,
            next_decision=max(decided, default=0) + 1,
            at=self.now,
            memories=sorted(self.memories.items()),
            tallies=self.tallies,
            open_commands=[command for command in self.open if command.id not in known],
            earlier=self.earlier,
        )
        self.open = []
        self.wakes = {}
        if rules is not None:
            self.tell(RulesReplaced(at=self.now, rules=rules))
        return self.connect()

    # --- what a test asks -------------------------------------------------------------------------------------------

    @property
    def sent(self) -> list[Command]:
        return [effect.command for effect in self.effects if isinstance(effect, Send)]

    @property
    def decisions(self) -> list[Decision]:
        return [effect for effect in self.effects if isinstance(effect, Decision)]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(decision.rule, decision.reason) for decision in self.decisions]

    @property
    def outcomes(self) -> list[str]:
        return [effect.outcome for effect in self.effects if isinstance(effect, Outcome)]

    @property
    def errors(self) -> list[str | None]:
        return [effect.error for effect in self.effects if isinstance(effect, Outcome)]

    @property
    def logged(self) -> list[str]:
        return [effect.text for effect in self.effects if isinstance(effect, WriteLog)]

    @property
    def posts(self) -> list[Post]:
        return [effect for effect in self.effects if isinstance(effect, Post)]

    @property
    def notices(self) -> list[str]:
        return [effect.kind for effect in self.effects if isinstance(effect, Notice)]

    @property
    def observed(self) -> list[Observed]:
        return [effect for effect in self.effects if isinstance(effect, Observed)]

    @property
    def list_requests(self) -> int:
        return sum(isinstance(effect, ListSessions) for effect in self.effects)
