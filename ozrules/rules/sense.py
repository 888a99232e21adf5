"""Whether one rule makes sense: actions that can work in the states it is triggered by, and something that is done.

Each action is looked at with the states in which the session may be by then. None means that nobody can say: after a
wait, or after an action that moved the call, every action may be right.
"""

from typing import Final, assert_never

from ozrules.rules.diagnostics import Findings, Span
from ozrules.rules.model import (
    Action,
    AttendedTransfer,
    BlindTransfer,
    CalendarTrigger,
    Choose,
    Forward,
    Hunt,
    Log,
    PlainMethod,
    Rule,
    SendDtmf,
    SetVariables,
    StateTrigger,
    Stop,
    SystemAction,
    Wait,
    WaitFor,
    Webhook,
)
from ozrules.session.methods import APART, OPERATIONS, Operation, is_legal
from ozrules.session.state import ENDED, GROUPS, KNOWN_STATES, State

_ENDING: Final = frozenset({"close", "closeWithHangup", "hangup"})
_MOVING: Final = frozenset({"forward", "blindTransfer", "attendedTransfer", "hold", "unhold"})
_LEGAL: Final[dict[Operation, frozenset[State]]] = {
    method: frozenset(state for state in KNOWN_STATES if is_legal(method, state)) for method in OPERATIONS
}


def check_rule(rule: Rule, findings: Findings) -> None:
    """Note the actions of ``rule`` that can never work, and whether it does anything at all."""
    states = _states_of(rule)
    if states is not None and not states:
        _without_session(rule.actions, findings)
    else:
        _walk(rule.actions, states, findings)
    if not any(_does_something(action) for action in rule.actions):
        findings.warning(
            "no-effect",
            Span(rule.place, len(rule.id)),
            f"The rule {rule.id} waits, but does nothing.",
            suggestion="Add an action, or log: TEXT.",
        )


def operation_of(action: Action) -> Operation | None:
    """What the phone system is asked for by an action, or None."""
    match action:
        case Forward() | Hunt():
            return "forward"
        case BlindTransfer():
            return "blindTransfer"
        case PlainMethod():
            return action.method
        case SendDtmf():
            return "sendDtmf"
        case AttendedTransfer():
            return "attendedTransfer"
        case SystemAction():
            return action.operation
        case Webhook() | Log() | SetVariables() | Wait() | WaitFor() | Choose() | Stop():
            return None
        case _:
            assert_never(action)


def named(states: frozenset[State]) -> str:
    """The states in words; a group by its name."""
    for name, group in GROUPS.items():
        if group == states:
            return name
        if group < states and len(states - group) <= 2:
            return " or ".join((*sorted(states - group), name))
    return " or ".join(sorted(states))


def _states_of(rule: Rule) -> frozenset[State] | None:
    """The states in which the session may be when the rule acts; empty where there is no session."""
    states: frozenset[State] = frozenset()
    for trigger in rule.triggers:
        match trigger:
            case StateTrigger():
                states |= trigger.states
            case CalendarTrigger():
                states |= trigger.sessions or frozenset()
            case _:
                return None
    return states


def _walk(actions: tuple[Action, ...], states: frozenset[State] | None, findings: Findings) -> frozenset[State] | None:
    """The states after ``actions``, which begin in ``states``."""
    for index, action in enumerate(actions):
        method = operation_of(action)
        if method is not None and states is not None and not any(is_legal(method, state) for state in states):
            _illegal(action, method, states, findings)
            states = None
        match action:
            case (
                Forward()
                | BlindTransfer()
                | AttendedTransfer()
                | PlainMethod()
                | SendDtmf()
                | SystemAction()
                | Hunt()
                | Webhook()
            ):
                failed = action.common.on_failure
                _walk(failed or (), None, findings)
                if isinstance(action, Hunt):
                    _walk(action.on_exhausted, None, findings)
                if failed is not None and method is not None:
                    states = None
                elif method in _ENDING:
                    states = ENDED
                elif method in _MOVING:
                    states = None
            case Wait():
                states = None
            case WaitFor():
                if isinstance(action.on_timeout, tuple):
                    _walk(action.on_timeout, None, findings)
                states = action.states if action.on_timeout == "stop" else None
            case Choose():
                states = _branches(action, states, findings)
            case Stop():
                if index + 1 < len(actions):
                    after = actions[index + 1]
                    findings.warning("unreachable-action", Span(after.place), "What stands after stop is never done.")
                return states
            case Log() | SetVariables():
                pass
            case _:
                assert_never(action)
    return states


def _branches(choose: Choose, states: frozenset[State] | None, findings: Findings) -> frozenset[State] | None:
    ends = [_walk(branch.actions, states, findings) for branch in choose.branches]
    if choose.branches[-1].condition is not None:
        ends.append(states)
    after: frozenset[State] = frozenset()
    for end in ends:
        if end is None:
            return None
        after |= end
    return after


def _illegal(action: Action, method: Operation, states: frozenset[State], findings: Findings) -> None:
    name = "hunt" if isinstance(action, Hunt) else method
    legal = named(_LEGAL[method])
    if states <= ENDED:
        where = "by then the session has ended"
        suggestion = f"Put it before what ends the call, or use trigger: {{state: {_trigger(method)}}}."
    else:
        where = f"this rule acts in {named(states)}"
        suggestion = f"Use trigger: {{state: {_trigger(method)}}}, or put waitFor: {{state: …}} before it."
    findings.error(
        "illegal-action",
        Span(action.place, len(name)),
        f"{name} works only in {legal}; {where}.",
        suggestion=suggestion,
    )


def _trigger(method: Operation) -> str:
    legal = _LEGAL[method]
    for state in ("Ringing", "InCall"):
        if State(state) in legal and len(legal) <= 6 and (method != "unhold"):
            return state
    return "held" if method == "unhold" else "active"


def _without_session(actions: tuple[Action, ...], findings: Findings) -> None:
    for action in actions:
        method = operation_of(action)
        if method in APART and isinstance(action, SystemAction):
            if action.connection is None:
                findings.error(
                    "no-session",
                    Span(action.place, len(action.operation)),
                    "This trigger is a moment of the calendar, so there is no session to take a connection from.",
                    suggestion="Add connection: NAME to the action: the connection of the phone system that does it.",
                )
        elif method is not None:
            findings.error(
                "no-session",
                Span(action.place, len("hunt" if isinstance(action, Hunt) else method)),
                "This trigger is a moment of the calendar, so there is no session to act on.",
                suggestion="Add sessions: STATES to the trigger: the rule then runs once for each live session.",
            )
        elif isinstance(action, Choose):
            for branch in action.branches:
                _without_session(branch.actions, findings)


def _does_something(action: Action) -> bool:
    match action:
        case Wait() | Stop():
            return False
        case WaitFor():
            return isinstance(action.on_timeout, tuple) and any(map(_does_something, action.on_timeout))
        case Choose():
            return any(_does_something(each) for branch in action.branches for each in branch.actions)
        case _:
            return True
