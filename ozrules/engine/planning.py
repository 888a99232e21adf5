"""From an action as a rule writes it to what would be sent: destinations resolved, texts filled in, guards asked."""

from typing import Literal, TypeAlias, assert_never

from ozrules.engine.effects import Command, PlannedAction
from ozrules.engine.events import Withheld
from ozrules.engine.identity import CommandId
from ozrules.engine.live import LiveSession
from ozrules.engine.world import World
from ozrules.rules.model import (
    Action,
    AttendedTransfer,
    BlindTransfer,
    Choose,
    Fixed,
    Forward,
    Hunt,
    Log,
    Lookup,
    Party,
    PlainMethod,
    SecretRef,
    SendDtmf,
    SessionAction,
    SetVariables,
    Stop,
    SystemAction,
    Target,
    Template,
    Templated,
    Wait,
    WaitFor,
    Webhook,
)
from ozrules.session.methods import APART, MOVING, is_legal, is_method
from ozrules.session.state import HELD, IN_CALL

Stopped: TypeAlias = tuple[Literal["guard", "protected", "budget", "hops", "actionFailed"], str]


def fill(template: Template, live: LiveSession, world: World, at: float) -> str:
    """The text with its fields put in. A missing field is empty text."""
    return "".join(
        part if isinstance(part, str) else world.program.text(part.field)(live, at) or "" for part in template
    )


def destination(target: Target, live: LiveSession, world: World, at: float, *, hops: bool = True) -> str | Stopped:
    """The final number that a call would be sent to, or why it may not be. ``hops``: it counts as one."""
    wanted: str | None
    match target:
        case Fixed(number=number):
            wanted = number
        case Lookup():
            wanted = _looked_up(target, live, world, at)
            if wanted is None:
                return "actionFailed", f"{target.name} has no entry for this {target.key}"
        case Templated(field=field):
            wanted = world.program.text(field)(live, at)
            if wanted is None:
                return "actionFailed", f"{field} is missing"
        case _:
            assert_never(target)
    final = world.guard.destination(live, wanted, templated=isinstance(target, Templated), hops=hops)
    if not isinstance(final, str) or not world.guard.caps_external:
        return final
    group = cap_group(live, world, at)
    calls = world.external.count(group or "")
    return world.guard.caps(group, final, world.tallies, calls, at) or final


def may_send(command: Command, live: LiveSession, world: World) -> Withheld | None:
    """The last look before a command leaves: state, emergency calls, destination. The caps were counted before."""
    if command.question is None and not is_legal(command.action, live.state):
        return Withheld("lostRace", f"{command.action} cannot work in {live.state}")
    if command.action not in APART and world.guard.is_protected(live):
        return Withheld("refused", "the call is to a protected number")
    if command.to is not None:
        refused = world.guard.policy(command.to)
        if refused is not None:
            return Withheld("refused", refused[1])
    if command.action == "sendEmail":
        # whether it may come from a template was asked before: no rule set changes what a text was made of
        unwanted = world.guard.email(command.arguments["to"], templated=False)
        if unwanted is not None:
            return Withheld("refused", unwanted[1])
    if command.other is not None and not _complements(live, world.live.get(command.other)):
        return Withheld("lostRace", "one of the two calls is no longer held, or no longer talking")
    if command.question is not None:
        return None  # it is what the phone system asked for
    privileges = world.line(command.connection).privileges
    if (privileges is not None or not is_method(command.action)) and command.action not in (privileges or ()):
        return Withheld("rejected", f"the connection {command.connection} cannot do {command.action}")
    return None


def second_call(transferor: Party, live: LiveSession, world: World) -> LiveSession | Stopped:
    """The other call of the party that makes an attended transfer: the one that is held while ``live`` talks, or the
    one that talks while ``live`` is held.
    """
    party = live.session.caller if transferor == "caller" else live.session.callee
    if party is None:
        return "actionFailed", f"{transferor} is missing"
    normal = world.numbers.normal
    wanted = normal(party)
    found = [
        other
        for other in world.line(live.key.connection).sessions.values()
        if other is not live
        and _complements(live, other)
        and any(
            number is not None and normal(number) == wanted for number in (other.session.caller, other.session.callee)
        )
    ]
    if len(found) == 1:
        return found[0]
    what = "held" if live.state == IN_CALL else "talking"
    return "actionFailed", f"{party} has {len(found) or 'no'} other call{'s' if len(found) > 1 else ''} {what}"


def _complements(live: LiveSession, other: LiveSession | None) -> bool:
    """Whether one of the two talks and the other is held."""
    if other is None:
        return False
    return (live.state == IN_CALL and other.state in HELD) or (live.state in HELD and other.state == IN_CALL)


def recipient(action: SystemAction, live: LiveSession, world: World, at: float) -> Stopped | None:
    """Why an e-mail may not be sent to whom it is for."""
    template = action.texts["to"]
    address = fill(template, live, world, at)
    return world.guard.email(address, templated=any(not isinstance(part, str) for part in template))


def cap_group(live: LiveSession, world: World, at: float) -> str | None:
    """The group of ``guards.external`` that a call belongs to."""
    return world.program.group(world.guard.cap_fields)(live, at)


def _looked_up(target: Lookup, live: LiveSession, world: World, at: float) -> str | None:
    value = world.program.text(target.key)(live, at)
    if value is not None:
        if value in target.table:
            return target.table[value]
        normal = world.numbers.normal(value)
        for key, number in target.table.items():
            if world.numbers.normal(key) == normal:
                return number
    return target.default


def stopped_by_guard(actions: tuple[Action, ...], live: LiveSession, world: World, at: float) -> Stopped | None:
    """Why these actions may not begin on this call, judged by the call itself and by the first of them that acts."""
    for action in actions:
        match action:
            case Forward(to=to) | BlindTransfer(to=to):
                stopped = world.guard.call(live)
                if stopped is not None:
                    return stopped
                number = destination(to, live, world, at)
                return None if isinstance(number, str) else number
            case Hunt(targets=targets, place=place):
                stopped = world.guard.call(live)
                if stopped is not None:
                    return stopped
                refusals = [
                    number
                    for target in targets
                    if not isinstance(number := destination(Fixed(target, place), live, world, at), str)
                ]
                return refusals[0] if len(refusals) == len(targets) and refusals else None
            case PlainMethod() | SendDtmf() | AttendedTransfer():
                return world.guard.call(live)
            case SystemAction(operation=operation, to=system_to):
                stopped = world.guard.call(live, touched=operation not in APART)
                if stopped is not None:
                    return stopped
                if operation == "sendEmail":
                    return recipient(action, live, world, at)
                if system_to is None:
                    return None
                number = destination(system_to, live, world, at, hops=operation in MOVING)
                return None if isinstance(number, str) else number
            case Webhook() | Log() | SetVariables():
                continue
            case Wait() | WaitFor() | Choose() | Stop():
                return None
            case _:
                assert_never(action)
    return None


def planned(
    actions: tuple[Action, ...], number: int, live: LiveSession, world: World, at: float, *, sent: bool
) -> tuple[PlannedAction, ...]:
    """The actions as a decision lists them. Ids are given as far as it is certain which command comes when."""
    listed = []
    step: int | None = 0 if sent else None
    for action in actions:
        name, args = _described(action, live, world, at)
        command = None
        if isinstance(action, Hunt | Choose | WaitFor | Stop):
            step = None
        elif isinstance(action, SessionAction | Webhook) and step is not None:
            command = CommandId(f"{number}-{step}")
            step += 1
        listed.append(PlannedAction(name, args, command, action.place))
    return tuple(listed)


def _described(action: Action, live: LiveSession, world: World, at: float) -> tuple[str, dict[str, str]]:
    match action:
        case Forward(to=to):
            return "forward", {"to": _shown(to, live, world, at)}
        case BlindTransfer(move=move, to=to):
            return "blindTransfer", {"move": move, "to": _shown(to, live, world, at)}
        case PlainMethod(method=method):
            return method, {}
        case SendDtmf(to=party, keys=keys):
            return "sendDtmf", {"to": party, "keys": "(secret)" if isinstance(keys, SecretRef) else keys}
        case AttendedTransfer(transferor=transferor):
            return "attendedTransfer", {"transferor": transferor}
        case SystemAction():
            return action.operation, _system_arguments(action, live, world, at)
        case Hunt(targets=targets):
            return "hunt", {"to": ", ".join(targets)}
        case Webhook(url=url):
            return "webhook", {"url": url}
        case Log(text=text):
            return "log", {"text": fill(text, live, world, at)}
        case SetVariables(values=values):
            return "set", {name: fill(text, live, world, at) for name, text in values.items()}
        case Wait(seconds=seconds):
            return "wait", {"seconds": f"{seconds:g}"}
        case WaitFor(states=states, timeout=timeout):
            return "waitFor", {"state": ", ".join(sorted(states)), "timeout": f"{timeout:g}"}
        case Choose():
            return "choose", {}
        case Stop():
            return "stop", {}
        case _:
            assert_never(action)


def _system_arguments(action: SystemAction, live: LiveSession, world: World, at: float) -> dict[str, str]:
    shown = {name: fill(text, live, world, at) for name, text in action.texts.items()}
    if action.to is not None:
        shown["to"] = _shown(action.to, live, world, at)
    if action.party is not None:
        shown["to"] = action.party
    if action.connection is not None:
        shown["connection"] = action.connection
    return shown


def _shown(to: Target, live: LiveSession, world: World, at: float) -> str:
    number = destination(to, live, world, at)
    if isinstance(number, str):
        return number
    match to:
        case Fixed(number=typed):
            return typed
        case Lookup(name=name):
            return name
        case Templated(field=field):
            return "{{ " + field + " }}"
        case _:
            assert_never(to)
