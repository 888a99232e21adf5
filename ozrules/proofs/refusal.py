"""The call that the guards keep from being sent to a destination.

Where the destination is the rule's first act, the rule is stopped by the guard. Deeper inside, the call has to come so
far: the step before is refused by the phone system, a wait is waited for, the condition of a branch holds.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from ozrules.engine.effects import Reason
from ozrules.proofs.witness import CALL, Trials, calls, every, expecting, refusing, stopped
from ozrules.rules.model import (
    Action,
    AttendedTransfer,
    BlindTransfer,
    Choose,
    Condition,
    Forward,
    Hunt,
    PlainMethod,
    Rule,
    SendDtmf,
    SystemAction,
    WaitFor,
)
from ozrules.rules.sense import operation_of
from ozrules.scenario.model import Scenario
from ozrules.session.methods import Operation

_GUARDS: Final[frozenset[Reason]] = frozenset({"guard", "protected", "actionFailed"})
MOST_TRIED: Final = 8


def refused(rule: Rule, action: Action, trials: Trials) -> Scenario | None:
    """The witness, or None where none is found."""
    if rule.status != "active":
        return None
    name = f"the guards refuse what {rule.id} wants"
    first = stopped(rule, rule.condition, trials, _GUARDS, name)
    if first is not None:
        return first
    way = _way_to(rule.actions, action)
    if way is None:
        return None
    failing, conditions = way
    condition = every(rule.condition, *conditions)
    for call in islice(calls(rule, condition, trials.rules), MOST_TRIED):
        for method in failing:
            call = refusing(call, method, 0.0)
        played = trials.play(call)
        if played is not None and any(
            each.rule == rule.id and each.outcome == "refused" and each.session.session_id == CALL
            for each in played.outcomes
        ):
            return expecting(call, played, name)
    return None


def _way_to(actions: tuple[Action, ...], wanted: Action) -> tuple[tuple[Operation, ...], tuple[Condition, ...]] | None:
    """Which methods must fail, and what must hold, so that the rule comes to this action; None where it is not here."""
    for action in actions:
        if action is wanted:
            return (), ()
        for inner, failing, conditions in _inside(action):
            way = _way_to(inner, wanted)
            if way is not None:
                return (*failing, *way[0]), (*conditions, *way[1])
    return None


def _inside(action: Action) -> Iterator[tuple[tuple[Action, ...], tuple[Operation, ...], tuple[Condition, ...]]]:
    method = operation_of(action)
    match action:
        case Forward() | BlindTransfer() | AttendedTransfer() | PlainMethod() | SendDtmf() | SystemAction() | Hunt():
            assert method is not None, "the phone system is asked for these"
            if action.common.on_failure is not None:
                yield action.common.on_failure, (method,), ()
            if isinstance(action, Hunt):
                yield action.on_exhausted, (method,) * len(action.targets), ()
        case WaitFor(on_timeout=tuple() as then):
            yield then, (), ()
        case Choose(branches=branches):
            for branch in branches:
                yield branch.actions, (), (branch.condition,) if branch.condition is not None else ()
        case _:
            pass
