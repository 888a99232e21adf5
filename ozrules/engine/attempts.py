"""Commands on their way: asked for, answered, proven or not. Every one ends in exactly one outcome.

`send` asks the shell for a command; from then on each thing that is learnt about it (an answer, a change of the call,
the passing of time) either settles it, and the outcome is given back, or leaves it open.
"""

from typing import Final, Literal, TypeAlias, assert_never

from ozrules.engine.effects import Command, ListSessions, Outcome, OutcomeName, Send
from ozrules.engine.events import Accepted, CommandAnswered, CommandShown, RefusalKind, Refused, Unanswered, Withheld
from ozrules.engine.guard import EXTERNAL, HOUR
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.engine.live import LiveSession
from ozrules.engine.planning import Stopped, cap_group
from ozrules.engine.proof import disproves, needs_proof, proves
from ozrules.engine.run import OBSERVE, SETTLE, Attempt, Run
from ozrules.engine.state import Forwarded
from ozrules.engine.world import World
from ozrules.rules.model import Hunt, Listener, SecretRef, SessionAction
from ozrules.session.methods import ANSWERS, APART, MOVING, REPEATABLE, Operation, is_legal

ANSWER: Final = 5.0
"""Seconds in which a phone system must answer a command, where a rule sets no ``timeout``."""

UNHEARD: Final = 30.0
"""Seconds after which a command of which the shell said nothing counts as sent without an answer."""

RINGS: Final = 90.0
"""Seconds that a phone system lets a number ring where an answer does not say: O-Route, https://ozekiphone.com/p_4594."""

LINGER: Final = 60.0
"""Seconds after that in which the phone system may still ask on about the same call."""

SURE: Final[frozenset[RefusalKind]] = frozenset({"denied", "invalid", "notFound"})
"""What says by itself why nothing was done. The others say it of a moment, and what the call does next tells more."""

Sent: TypeAlias = SessionAction | Hunt
"""What a command stands for."""


class Attempts:
    """Sends commands and settles them. The runs that wait for them are moved on by `sequence`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(
        self,
        run: Run,
        action: Sent,
        method: Operation,
        at: float,
        tries: int,
        *,
        to: str | Stopped | None = None,
        party: Listener | None = None,
        key: str | SecretRef | None = None,
        gap: float = 0.0,
        other: SessionKey | None = None,
        arguments: dict[str, str] | None = None,
        over: str | None = None,
        ring: float | None = None,
    ) -> CommandId | None:
        """Asks for the command to be sent, and lets the run wait for it; None where it may not be sent at all."""
        live = run.session
        command_id = CommandId(f"{run.number}-{run.steps}")
        step = run.steps
        run.steps += 1
        refusal = self._may_not(live, method, to)
        asks = live.asks
        question = None
        if asks is not None and refusal is None and method in ANSWERS:
            question, asks.question = asks.question, None
            asks.answered = to if isinstance(to, str) else None
            asks.expires = at + (ring or RINGS) + LINGER
        if refusal is not None:
            self.unsent(run, command_id, method, refusal[0], at, refusal[1])
            return None
        assert to is None or isinstance(to, str), "what was stopped is a refusal"
        command = Command(
            id=command_id,
            decision=run.number,
            step=step,
            rule=run.rule.id,
            session=live.key,
            action=method,
            to=to,
            party=party,
            key=key,
            gap=gap,
            other=other,
            arguments=arguments or {},
            over=over,
            question=question,
            ring=ring,
            deadline=at + max(run.rule.missed_grace, 1.0),
            timeout=action.common.timeout or ANSWER,
        )
        run.waiting = Attempt(action, command, live, at, at + command.timeout + UNHEARD, tries)
        live.actions += 1
        if live is not run.origin:
            self._world.touched.append(live)
        if to is not None:
            self._leaves(live, method, to, at)
        self._world.out.append(Send(command))
        return command_id

    def answered(self, run: Run, attempt: Attempt, event: CommandAnswered) -> OutcomeName | None:
        """The shell says what became of the command."""
        at = event.at
        match event.receipt:
            case Accepted(evidence=evidence):
                if attempt.proven is not None:
                    return self._settle(run, attempt, "confirmed", at)
                if not needs_proof(attempt) and evidence != "follows":
                    return self._settle(run, attempt, "confirmed" if evidence == "seen" else "accepted", at)
                attempt.phase = "accepted"
                expect = attempt.action.common.expect
                attempt.until = at + (OBSERVE if expect is None else expect.within)
                return self._judge(run, attempt, attempt.session, at)
            case Refused() as refusal:
                attempt.phase, attempt.refusal = "refused", refusal
                if attempt.proven is not None:
                    return self._settle(run, attempt, "confirmed", at, refusal.message)
                if refusal.kind in SURE and not (refusal.handed_over and needs_proof(attempt)):
                    return self._settle(run, attempt, _refused_as(refusal), at, refusal.message)
                attempt.until = at + SETTLE
                return self._judge(run, attempt, attempt.session, at)
            case Unanswered(message=message):
                return self.unheard(run, attempt, at, message)
            case Withheld(outcome=outcome, message=message):
                return self._settle(run, attempt, outcome, at, message)
            case _:
                assert_never(event.receipt)

    def shown(self, run: Run, attempt: Attempt, event: CommandShown) -> OutcomeName | None:
        """The phone system showed, besides the state of the call, what became of the command."""
        if needs_proof(attempt):
            return None  # the rule says what it wants to see
        if attempt.phase == "sent":
            if event.done:
                attempt.proven = attempt.session.state
            return None
        if event.done:
            return self._settle(run, attempt, "confirmed", event.at)
        return self._settle(run, attempt, "rejected", event.at, event.message)

    def unheard(self, run: Run, attempt: Attempt, at: float, message: str) -> OutcomeName | None:
        """Sent, and nobody knows whether it was done: said at once, then looked at, never sent again."""
        if attempt.proven is not None:
            return self._settle(run, attempt, "confirmed", at, message)
        self._outcome(run, attempt, "unknown", at, message)
        attempt.phase = "unknown"
        attempt.until = at + OBSERVE
        self._world.out.append(ListSessions(attempt.session.key.connection, "a command was not answered"))
        return None

    def observed(self, run: Run, attempt: Attempt, live: LiveSession, at: float) -> OutcomeName | None:
        """A session of the call has changed."""
        if attempt.phase == "sent":
            if attempt.proven is None and proves(attempt, live):
                attempt.proven = live.state
            return None
        return self._judge(run, attempt, live, at)

    def asked_again(self, run: Run, attempt: Attempt, at: float) -> OutcomeName | None:
        """The phone system asks again where the call goes, which it would not if it had not tried our answer."""
        if attempt.phase == "sent":
            attempt.proven = attempt.session.state
            return None
        return self._settle(run, attempt, "confirmed", at)

    def overdue(self, run: Run, attempt: Attempt, at: float) -> OutcomeName | None:
        """The time to wait for an answer, or for a proof, is over."""
        match attempt.phase:
            case "sent":
                return self.unheard(run, attempt, at, "nothing was heard of the command")
            case "accepted":
                if not needs_proof(attempt):
                    return self._settle(run, attempt, "accepted", at)
                return self._settle(run, attempt, "unconfirmed", at, "the effect was not seen in time")
            case "unknown":
                traceless = not needs_proof(attempt)
                why = "it leaves no trace that could be seen" if traceless else "the effect was not seen"
                return self._settle(run, attempt, "unconfirmed", at, why)
            case "refused":
                assert attempt.refusal is not None, "a refused attempt keeps its refusal"
                return self._settle(run, attempt, _refused_as(attempt.refusal), at, attempt.refusal.message)
            case _:
                assert_never(attempt.phase)

    def abandon(self, run: Run, attempt: Attempt, at: float, why: str) -> None:
        """Nobody waits any longer for a command that has left."""
        self._outcome(run, attempt, "unconfirmed" if attempt.refusal is None else _refused_as(attempt.refusal), at, why)

    def may_retry(self, attempt: Attempt, outcome: OutcomeName) -> bool:
        """Whether the rule asks for another try and it can do no harm."""
        retry = attempt.action.common.retry
        if retry is None or attempt.tries >= retry.attempts:
            return False
        if attempt.refusal is not None:
            kind = attempt.refusal.kind
            return kind == "unavailable" or (kind == "wrongState" and attempt.command.action in REPEATABLE)
        return outcome == "unconfirmed" and attempt.command.action in REPEATABLE

    def unsent(self, run: Run, command: CommandId, action: str, outcome: OutcomeName, at: float, error: str) -> None:
        """A step that was never sent has an outcome too."""
        live = run.session
        self._world.out.append(
            Outcome(
                at=at,
                command=command,
                decision=run.number,
                rule=run.rule.id,
                session=live.key,
                action=action,
                outcome=outcome,
                state=live.state,
                after=0.0,
                error=error,
            )
        )

    # --- inside -----------------------------------------------------------------------------------------------------

    def _may_not(
        self, live: LiveSession, method: Operation, to: str | Stopped | None
    ) -> tuple[OutcomeName, str] | None:
        """Why a step must not be sent at this moment."""
        if live.ended and method not in APART:
            return "targetGone", f"the session ended as {live.state}"
        if live.asks is not None and method not in APART:
            if method not in ANSWERS:
                return "lostRace", f"{method} is no answer to where a call goes"
            if live.asks.question is None:
                return "lostRace", "the phone system no longer waits for an answer"
        elif not is_legal(method, live.state):
            return "lostRace", f"{method} cannot work in {live.state}"
        stopped = self._world.guard.call(live, touched=method not in APART)
        if stopped is None and to is not None and not isinstance(to, str):
            return "refused", to[1]
        return None if stopped is None else ("refused", stopped[1])

    def _leaves(self, live: LiveSession, method: Operation, to: str, at: float) -> None:
        """A call, or a message, is about to be sent somewhere: count it, and know a call's further sessions again."""
        world = self._world
        if method in MOVING:
            live.chain.hops += 1
            world.forwards.append(Forwarded(at, to, live.session.caller, method == "call", live.chain))
            del world.forwards[:-64]
        if world.guard.is_external(to):
            group = cap_group(live, world, at) or ""
            world.tally(EXTERNAL, group, f"{live.key}{live.chain.hops}", at, at + HOUR)
            if method in MOVING:
                world.leaves_outside(live.chain, group)

    def _judge(self, run: Run, attempt: Attempt, live: LiveSession, at: float) -> OutcomeName | None:
        """Settles an attempt that was answered, if what is seen now decides it."""
        outcome: OutcomeName
        refusal = attempt.refusal
        if proves(attempt, live):
            return self._settle(run, attempt, "confirmed", at, None if refusal is None else refusal.message, live)
        against = disproves(attempt, live)
        if against is None:
            return None
        if attempt.phase == "accepted" and not needs_proof(attempt):
            return self._settle(run, attempt, "accepted", at, seen=live)
        if refusal is not None and refusal.kind in SURE:
            return self._settle(run, attempt, _refused_as(refusal), at, refusal.message)
        outcome, why = against
        if attempt.phase == "unknown" and outcome != "targetGone":
            outcome = "unconfirmed"  # what was said to be unknown is not known better now: it may have come too late
        return self._settle(run, attempt, outcome, at, why)

    def _settle(
        self,
        run: Run,
        attempt: Attempt,
        outcome: OutcomeName,
        at: float,
        error: str | None = None,
        seen: LiveSession | None = None,
    ) -> OutcomeName:
        self._outcome(run, attempt, outcome, at, error, seen)
        surely_not = outcome in ("rejected", "refused", "expired", "cancelled", "throttled")
        if attempt.command.to is not None and attempt.command.action in MOVING and surely_not:
            attempt.session.chain.hops -= 1
        return outcome

    def _outcome(
        self,
        run: Run,
        attempt: Attempt,
        outcome: OutcomeName,
        at: float,
        error: str | None = None,
        seen: LiveSession | None = None,
    ) -> None:
        command = attempt.command
        self._world.out.append(
            Outcome(
                at=at,
                command=command.id,
                decision=run.number,
                rule=run.rule.id,
                session=command.session,
                action=command.action,
                outcome=outcome,
                state=attempt.proven or (seen or attempt.session).state,
                after=at - attempt.sent,
                error=error,
                to=command.to,
            )
        )


def _refused_as(refusal: Refused) -> Literal["targetGone", "rejected"]:
    """The outcome of a command that was refused and not done."""
    return "targetGone" if refusal.kind == "notFound" else "rejected"
