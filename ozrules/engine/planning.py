"""From an action as a rule writes it to what would be sent: destinations resolved, texts filled in, guards asked."""

from typing import Literal, TypeAlias, assert_never

from ozrules.engine.effects import Command, PlannedAction
from ozrules.engine.events import Withheld
from ozrules.engine.identity import CommandId
from ozrules.engine.live import LiveSession
from ozrules.engine.world import World
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    Choose,
    Fixed,
    Forward,
    Hunt,
    Log,
    Lookup,
    PlainMethod,
    SecretRef,
    SendDtmf,
    SetVariables,
    Stop,
    Target,
    Template,
    Templated,
    Wait,
    WaitFor,
    Webhook,
)
from ozrules.session.methods import is_legal

Stopped: TypeAlias = tuple[Literal["guard", "protected", "budget", "hops", "actionFailed"], str]


def fill(template: Template, live: LiveSession, world: World, at: float) -> str:
    """The text with its fields put in. A missing field is empty text."""
    return "".join(part if isinstance(part, str) else world.text(part.field)(live, at) or "" for part in template)


def destination(target: Target, live: LiveSession, world: World, at: float) -> str | Stopped:
    """The final number that a call would be sent to, or why it may not be."""
    wanted: str | None
    match target:
        case Fixed(number=number):
            wanted = number
        case Lookup():
            wanted = _looked_up(target, live, world, at)
            if wanted is None:
                return "actionFailed", f"{target.name} has no entry for this {target.key}"
        case Templated(field=field):
            wanted = world.text(field)(live, at)
            if wanted is None:
                return "actionFailed", f"{field} is missing"
        case _:
            assert_never(target)
    final = world.guard.final(wanted)
    stopped = world.guard.destination(live, final, templated=isinstance(target, Templated))
    if stopped is not None:
        return stopped
    assert final is not None, "the guard refuses what is no number"
    if not world.guard.caps_external:
        return final
    group = cap_group(live, world, at)
    calls = world.external.count(group or "")
    return world.guard.caps(group, final, world.tallies, calls, at + world.wall_offset) or final


def may_send(command: Command, live: LiveSession, world: World) -> Withheld | None:
    """The last look before a command leaves: state, emergency calls, destination. The caps were counted before."""
    if not is_legal(command.action, live.state):
        return Withheld("lostRace", f"{command.action} cannot work in {live.state}")
    if world.guard.is_protected(live):
        return Withheld("refused", "the call is to a protected number")
    if command.to is not None:
        refused = world.guard.policy(command.to)
        if refused is not None:
            return Withheld("refused", refused[1])
    privileges = world.line(live.key.connection).privileges
    if privileges is not None and command.action not in privileges:
        return Withheld("rejected", f"the connection may not do {command.action}")
    return None


def cap_group(live: LiveSession, world: World, at: float) -> str | None:
    """The group of ``guards.external`` that a call belongs to."""
    return world.group(world.guard.cap_fields)(live, at)


def _looked_up(target: Lookup, live: LiveSession, world: World, at: float) -> str | None:
    value = world.text(target.key)(live, at)
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
            case PlainMethod() | SendDtmf():
                return world.guard.call(live)
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
        elif isinstance(action, Forward | BlindTransfer | PlainMethod | SendDtmf | Webhook) and step is not None:
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
