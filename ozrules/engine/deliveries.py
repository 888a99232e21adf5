"""Webhooks on their way. They leave the call alone, so a sequence goes on at once, unless the rule says what to do
where one is not taken over: then it waits for that news. Delivery may take a day; its outcome comes with the request
itself, so that nothing has to be remembered here meanwhile.
"""

from typing import NamedTuple, assert_never

from ozrules.engine.attempts import ANSWER
from ozrules.engine.effects import Outcome, OutcomeName, Post
from ozrules.engine.events import Accepted, CommandAnswered, PostSettled, Refused, Unanswered, Withheld
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.engine.planning import fill
from ozrules.engine.run import Delivery, Run
from ozrules.engine.world import World
from ozrules.rules.model import Webhook


class _Posted(NamedTuple):
    decision: int
    rule: str
    session: SessionKey
    at: float
    run: Run | None


class Deliveries:
    """Asks for webhooks to be delivered and writes down what became of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._posted: dict[CommandId, _Posted] = {}

    def post(self, run: Run, action: Webhook, at: float) -> None:
        """Asks for the delivery. The run waits for it only where the rule has an ``onFailure``."""
        live = run.session
        command_id = CommandId(f"{run.number}-{run.steps}")
        run.steps += 1
        self._world.out.append(
            Post(
                id=command_id,
                decision=run.number,
                rule=run.rule.id,
                session=live.key,
                url=action.url,
                method=action.method,
                headers=action.headers,
                body={name: fill(text, live, self._world, at) for name, text in action.body.items()},
                timeout=action.common.timeout or ANSWER,
            )
        )
        waits = action.common.on_failure is not None
        if waits:
            run.waiting = Delivery(action, command_id)
        self._posted[command_id] = _Posted(run.number, run.rule.id, live.key, at, run if waits else None)

    def answered(self, event: CommandAnswered) -> tuple[OutcomeName, Run | None] | None:
        """What became of a delivery, and the run that waited for it; None where this is not about a webhook."""
        posted = self._posted.pop(event.command, None)
        if posted is None:
            return None
        outcome: OutcomeName
        error: str | None = None
        match event.receipt:
            case Accepted():
                return "confirmed", _waiting(posted, event.command)  # what becomes of it is said by `settled`
            case Refused(message=message):
                outcome, error = "rejected", message
            case Unanswered(message=message):
                outcome, error = "unconfirmed", message
            case Withheld(outcome=withheld, message=message):
                outcome, error = withheld, message
            case _:
                assert_never(event.receipt)
        self._world.out.append(
            Outcome(
                at=event.at,
                command=event.command,
                decision=posted.decision,
                rule=posted.rule,
                session=posted.session,
                action="webhook",
                outcome=outcome,
                state=None,
                after=event.at - posted.at,
                error=error,
            )
        )
        return outcome, _waiting(posted, event.command)

    def settled(self, event: PostSettled) -> None:
        """Writes down what became of a webhook that was taken over."""
        post = event.post
        self._world.out.append(
            Outcome(
                at=event.at,
                command=post.id,
                decision=post.decision,
                rule=post.rule,
                session=post.session,
                action="webhook",
                outcome=event.outcome,
                state=None,
                after=event.after,
                error=event.error,
            )
        )


def _waiting(posted: _Posted, command: CommandId) -> Run | None:
    """The run that waits for this delivery, if one does."""
    run = posted.run
    waits = run is not None and isinstance(run.waiting, Delivery) and run.waiting.command == command
    return run if waits else None
