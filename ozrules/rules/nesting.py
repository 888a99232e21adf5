"""Actions inside actions: what a rule could ever do, wherever in it that stands."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from ozrules.rules.model import (
    Action,
    AttendedTransfer,
    BlindTransfer,
    Choose,
    Forward,
    Hunt,
    Log,
    PlainMethod,
    SendDtmf,
    SetVariables,
    Stop,
    SystemAction,
    Wait,
    WaitFor,
    Webhook,
)


def every_action(actions: Iterable[Action]) -> Iterator[Action]:
    """The actions and all that stand inside them, in the order of the file."""
    for action in actions:
        yield action
        match action:
            case (
                Forward()
                | BlindTransfer()
                | AttendedTransfer()
                | PlainMethod()
                | SendDtmf()
                | SystemAction()
                | Webhook()
            ):
                yield from every_action(action.common.on_failure or ())
            case Hunt():
                yield from every_action((*action.on_exhausted, *(action.common.on_failure or ())))
            case WaitFor():
                if isinstance(action.on_timeout, tuple):
                    yield from every_action(action.on_timeout)
            case Choose():
                for branch in action.branches:
                    yield from every_action(branch.actions)
            case Log() | SetVariables() | Wait() | Stop():
                pass
            case _:
                assert_never(action)
