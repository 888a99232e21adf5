"""What of a rule, or of the guards above it, would have to be otherwise for the rule to get past what stopped it.

Each proposal is a guess from the reason alone. Whether it helps is found out by playing the call again (`smallest`).
"""

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Final, assert_never

import msgspec

from ozrules.engine.effects import Observed
from ozrules.engine.explain import Answer, states_text
from ozrules.replay.edits import Edit, Scene, Wish, ways
from ozrules.rules import spans
from ozrules.rules.condition import replaced, wanted, where
from ozrules.rules.fields import kind_of
from ozrules.rules.model import (
    Action,
    Alive,
    All,
    AnyOf,
    BlindTransfer,
    Compare,
    Condition,
    CountOp,
    DuringSchedule,
    ExternalCap,
    Forward,
    Guards,
    History,
    Hunt,
    Leaf,
    NumberPattern,
    Rule,
    StateTrigger,
    Templated,
    Trigger,
)
from ozrules.rules.nesting import numbers_named

replace = msgspec.structs.replace
_WIDER: Final[dict[str, CountOp]] = {"gt": "gte", "gte": "gte", "lt": "lte", "lte": "lte", "eq": "eq"}


def rule_edits(scene: Scene, rule: Rule, answer: Answer, observed: tuple[Observed, ...]) -> Iterator[tuple[Edit, ...]]:
    """Ways past the reason, the likeliest first."""

    def edit(text: str, **changes: Any) -> tuple[Edit, ...]:
        return (Edit(text, str(rule.place), lambda scene: scene.with_rule(replace(scene.rule(rule.id), **changes))),)

    match answer.reason:
        case "conditionFalse" | "fieldMissing" | "outsideSchedule":
            for way in ways(rule.condition, answer.failed):
                yield from product(*(list(_leaf_edits(rule, wish)) for wish in way))
        case "stateOther" | "fromOther" | "stateLeftBeforeFor" | "forRunning" | "callGone":
            for trigger in rule.triggers:
                for text, change in _trigger_edits(trigger, answer, observed):
                    yield (_trigger_edit(rule, trigger, text, change),)
        case "exception":
            left = tuple(each for each in rule.exceptions if each.name != answer.by)
            [one] = edit(f"without the exception {answer.by}", exceptions=left)
            yield (replace(one, at=answer.failed[0].at if answer.failed else one.at),)
        case "throttled":
            yield edit("without throttle", throttle=None)
        case "outrankedBy":
            above = max((each.priority for each in scene.rules.rules if each.id == answer.by), default=0) + 1
            yield edit(f"priority: {above} instead of {rule.priority}", priority=above)
            yield edit("exclusive: false", exclusive=False)
        case "modeBusy":
            yield edit("mode: parallel", mode="parallel", max=rule.max + 10)
        case "guard" | "hops" | "budget":
            yield from _guards_edits(scene.rules.guards, rule, answer)
        case "shadow" | "disabled" | "notInCanary":
            yield edit("status: active", status="active")
        case "missedTooLate":
            late = math.ceil(answer.late_by or 0.0)
            yield edit(f"missedGrace: {late}s instead of {spans.written(rule.missed_grace)}", missed_grace=float(late))
        case "missedSkip":
            yield edit("onMissed: fire", on_missed="fire")
        case "degraded":
            yield edit("onResync: true", on_resync=True)
        case "fired" | "protected" | "ruleRemoved" | "actionFailed" | "cancelled":
            return
        case _:
            assert_never(answer.reason)


# --- conditions -----------------------------------------------------------------------------------------------------


def _leaf_edits(rule: Rule, wish: Wish) -> Iterator[Edit]:
    """A condition that takes what was found, else none in its place."""
    leaf = wish.leaf
    wider = _wider(leaf, wish.found.actual) if wish.holds and wish.found.actual is not None else None
    if wider is not None:
        yield _leaf_edit(rule, wish, *wider)
    nothing = (All if wish.holds else AnyOf)(of=(), path=leaf.path, place=leaf.place)
    yield _leaf_edit(rule, wish, f"without {where(leaf)} {wish.found.wanted}", nothing)


def _leaf_edit(rule: Rule, wish: Wish, text: str, by: Condition) -> Edit:
    def make(scene: Scene) -> Scene:
        now = scene.rule(rule.id)
        condition = replaced(now.condition, wish.leaf, by)
        assert isinstance(condition, All), "what holds the leaves of a rule stays"
        return scene.with_rule(replace(now, condition=condition))

    return Edit(text, wish.found.at, make)


def _wider(leaf: Leaf, actual: str) -> tuple[str, Condition] | None:
    match leaf:
        case History() | Alive():
            op = _WIDER[leaf.op]
            changed_count = replace(leaf, op=op, count=int(actual))
            return f"{leaf.path} {wanted(changed_count)} instead of {wanted(leaf)}", changed_count
        case Compare(op="eq" | "in", number=None):
            changed = replace(leaf, op="in", texts=(*leaf.texts, actual), name=None)
            if leaf.name is not None:
                return f"{actual} too on the list {leaf.name}", changed
            return f"{where(leaf)} {wanted(changed)} instead of {wanted(leaf)}", changed
        case Compare(number=float() | int(), op="gt" | "gte" | "lt" | "lte" | "eq") if kind_of(leaf.field) != "moment":
            op = _WIDER[leaf.op]
            in_seconds = kind_of(leaf.field) == "seconds"
            number = math.floor(float(actual)) if op == "gte" else math.ceil(float(actual))
            said = spans.written(number) if in_seconds else f"{number}"
            bound = replace(leaf, op=op, number=float(number), texts=(said,))
            return f"{where(leaf)} {wanted(bound)} instead of {wanted(leaf)}", bound
        case Compare() | DuringSchedule():
            return None
        case _:
            assert_never(leaf)


# --- triggers -------------------------------------------------------------------------------------------------------


def _trigger_edit(rule: Rule, trigger: Trigger, text: str, change: Callable[[Trigger], Trigger]) -> Edit:
    def make(scene: Scene) -> Scene:
        now = scene.rule(rule.id)
        triggers = tuple(change(each) if each.id == trigger.id else each for each in now.triggers)
        return scene.with_rule(replace(now, triggers=triggers))

    return Edit(text, str(trigger.place), make)


def _trigger_edits(
    trigger: Trigger, answer: Answer, observed: tuple[Observed, ...]
) -> Iterator[tuple[str, Callable[[Trigger], Trigger]]]:
    """A trigger that takes the states of this call, or asks for a shorter stay."""
    states = tuple(dict.fromkeys(each.event.state for each in observed))
    if not isinstance(trigger, StateTrigger):
        for state in states:
            plain = StateTrigger(id=trigger.id, states=frozenset({state}), place=trigger.place)
            yield f"trigger: {{state: {state}}}", lambda _, plain=plain: plain  # type: ignore[misc]  # bound now
        return
    match answer.reason:
        case "stateOther":
            for state in states:
                yield f"state: {state} instead of {states_text(trigger.states)}", _with(states=frozenset({state}))
        case "fromOther" if trigger.origins is not None:
            before = {each.event.from_state for each in observed if each.event.state in trigger.states}
            for origin in sorted(before - {None} - trigger.origins, key=str):
                assert origin is not None
                were = states_text(trigger.origins)
                yield f"from: [{were}, {origin}] instead of {were}", _with(origins=trigger.origins | {origin})
            yield "without from", _with(origins=None)
        case _ if trigger.hold is not None:
            stay = next(
                (
                    spans.seconds_in(leaf.actual)
                    for leaf in answer.failed
                    if leaf.at == str(trigger.place) and leaf.path.endswith(".for") and leaf.actual is not None
                ),
                None,
            )
            if stay:
                hold = math.ceil(stay) - 1.0 if stay > 1 else stay / 2
                yield f"for: {spans.written(hold)} instead of {spans.written(trigger.hold)}", _with(hold=hold)
        case _:
            return


def _with(**changes: Any) -> Callable[[Trigger], Trigger]:
    return lambda trigger: replace(trigger, **changes)


# --- guards ---------------------------------------------------------------------------------------------------------


def _guards_edits(guards: Guards, rule: Rule, answer: Answer) -> Iterator[tuple[Edit, ...]]:
    match answer.reason:
        case "hops":
            hops = answer.hops + 1
            yield _guards_edit(rule, f"guards.maxHops: {hops} instead of {guards.max_hops}", max_hops=hops)
        case "budget":
            most = guards.max_actions_per_session
            text = f"guards.maxActionsPerSession: {2 * most} instead of {most}"
            yield _guards_edit(rule, text, max_actions_per_session=2 * most)
        case _:
            for number in dict.fromkeys(_numbers(rule.actions)):
                yield _allowing(rule, number)
            if any(
                isinstance(each, Forward | BlindTransfer) and isinstance(each.to, Templated) for each in rule.actions
            ):
                yield _guards_edit(rule, "guards.destinations.templated: true", templated=True)
            yield _guards_edit(rule, "without guards.external", external=ExternalCap())


def _guards_edit(rule: Rule, text: str, **changes: Any) -> tuple[Edit, ...]:
    def make(scene: Scene) -> Scene:
        guards = replace(scene.rules.guards, **changes)
        return replace(scene, rules=replace(scene.rules, guards=guards))

    return (Edit(text, str(rule.place), make),)


def _allowing(rule: Rule, number: str) -> tuple[Edit, ...]:
    """The number is allowed. A guard that denies it stays: what was forbidden by name is not proposed."""

    def make(scene: Scene) -> Scene:
        guards = scene.rules.guards
        allow = (*guards.allow, NumberPattern(number, rule.place))
        return replace(scene, rules=replace(scene.rules, guards=replace(guards, allow=allow)))

    return (Edit(f"{number} among guards.destinations.allow", str(rule.place), make),)


def _numbers(actions: tuple[Action, ...]) -> Iterator[str]:
    """The numbers that the first of these actions that moves the call may want."""
    for action in actions:
        match action:
            case Forward(to=to) | BlindTransfer(to=to):
                yield from numbers_named(to)
                return
            case Hunt(targets=targets):
                yield from targets
                return
            case _:
                pass
