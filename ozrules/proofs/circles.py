"""Calls that rules send round in a circle: 2001 forwards to 2002, and 2002 to 2001.

A step is one rule sending a call for one number to another: by a forward while it rings, by a transfer of the caller
once it is answered, or by a hunt to the last number that it tries. Steps that come back to where they began are a
circle; whether a call really goes round it, the call itself has to show.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec

from ozrules.proofs.example import Example, examples, moments
from ozrules.proofs.possible import conjuncts, contradiction, exact_values, may_hold
from ozrules.proofs.ranking import Refusal
from ozrules.proofs.witness import Act, Trials, every, expecting, scenario
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    Choose,
    Compare,
    Condition,
    Fixed,
    Forward,
    Hunt,
    Log,
    Lookup,
    Rule,
    RuleSet,
    SetVariables,
    StateTrigger,
    Wait,
    Webhook,
)
from ozrules.scenario.model import Scenario
from ozrules.scenario.played import Played
from ozrules.session.methods import EXCLUSIVE
from ozrules.session.state import IN_CALL, REDIRECTED, RINGING, TRANSFER_COMPLETED

MOST_STEPS: Final = 20_000
"""Steps that are looked at; beyond, nothing is claimed."""

MOST_STARTS: Final = 3
MOST_TRIED: Final = 9
"""Starts of one call, and calls in all, on which one circle is tried."""


@dataclass(frozen=True)
class Step:
    """``rule`` sends a call for ``number`` to ``target``, after ``hold`` seconds; ``others`` must hold besides.

    ``named``: the rule names the number itself. ``answered``: once somebody has answered. ``tried``: the numbers that
    a hunt rings before, each for ``ring`` seconds.
    """

    rule: Rule
    number: str
    target: str
    others: tuple[Condition, ...]
    hold: float
    named: bool
    answered: bool = False
    tried: tuple[str, ...] = ()
    ring: float = 0.0


@dataclass(frozen=True)
class Circle:
    """Steps of which each leads to the next and the last to the first. ``proven``: the rules name these
    numbers, and ask nothing else."""

    steps: tuple[Step, ...]
    proven: bool
    witness: Scenario


def circles(trials: Trials, refusal: Refusal) -> Iterator[Circle]:
    """One shortest circle through each number that is on one, each circle once."""
    rules = trials.rules
    steps: dict[str, list[Step]] = defaultdict(list)
    for step in islice(_all_steps(rules, refusal), MOST_STEPS):
        steps[step.number].append(step)
    for leaving in steps.values():
        leaving.sort(key=_soonest)
    seen: set[frozenset[str]] = set()
    for number in sorted(steps):
        if trials.spent:
            return
        way = _way_back(number, steps, rules.guards.max_hops)
        if way is None or frozenset(step.number for step in way) in seen:
            continue
        seen.add(frozenset(step.number for step in way))
        if contradiction([each for step in way for each in step.others], rules.numbers) is not None:
            continue
        witness = _witness(way, trials)
        if witness is not None:
            yield Circle(way, all(step.named and not step.others and _asks_no_more(step.rule) for step in way), witness)


def _soonest(step: Step) -> tuple[bool, float, int, int]:
    """Of several rules that may send a call on, the one that does it first comes first."""
    return step.answered, step.hold, -step.rule.priority, step.rule.order


def _asks_no_more(rule: Rule) -> bool:
    return rule.throttle is None and not rule.exceptions and len(rule.triggers) == 1


# --- steps ----------------------------------------------------------------------------------------------------------


def _all_steps(rules: RuleSet, refusal: Refusal) -> Iterator[Step]:
    """The steps of rules that name who is called, and of the others those from where some rule sends a call."""
    senders = [
        sender
        for rule in rules.rules
        if rule.status == "active" and not _hops(rule)
        for sender in _senders(rule, rule.actions, 0.0, tuple(conjuncts(rule.condition)))
    ]
    targets = sorted({number for sender in senders for number in _targets(sender.action, rules, refusal)})
    for sender in senders:
        callees = _callees(sender.given, rules)
        asked = [each for each in sender.given if isinstance(each, Compare) and each.field == "callee"]
        for number in sorted(callees) if callees is not None else targets:
            if callees is not None or all(may_hold(each, number, rules.numbers) for each in asked):
                yield from _steps(sender, number, rules, refusal, named=callees is not None)


@dataclass(frozen=True)
class _Sender:
    """An action by which a rule sends calls on, ``after`` seconds of waiting, where ``given`` holds."""

    rule: Rule
    action: Action
    after: float
    given: tuple[Condition, ...]


def _senders(rule: Rule, actions: tuple[Action, ...], after: float, given: tuple[Condition, ...]) -> Iterator[_Sender]:
    """What sends the call away first: behind remarks and waits, or in a branch."""
    for action in actions:
        match action:
            case Log() | SetVariables() | Webhook():
                continue
            case Wait(seconds=seconds):
                after += seconds
            case Choose(branches=branches):
                for branch in branches:
                    inside = (*given, *conjuncts(branch.condition)) if branch.condition is not None else given
                    yield from _senders(rule, branch.actions, after, inside)
                return
            case Forward() | Hunt() | BlindTransfer(move="caller"):
                yield _Sender(rule, action, after, given)
                return
            case _:
                return


def _hops(rule: Rule) -> bool:
    """Whether the rule looks at how often the call was sent on already: then its author has thought of circles."""
    return any(isinstance(each, Compare) and each.field == "hops" for each in conjuncts(rule.condition))


def _callees(given: tuple[Condition, ...], rules: RuleSet) -> frozenset[str] | None:
    """The only callees for which the conditions hold; None where they are not counted."""
    found: frozenset[str] | None = None
    for each in given:
        values = exact_values(each, rules.numbers) if isinstance(each, Compare) and each.field == "callee" else None
        if values is not None:
            found = values if found is None else found & values
    return found


def _targets(action: Action, rules: RuleSet, refusal: Refusal) -> set[str]:
    match action:
        case Forward(to=Fixed(number=number)) | BlindTransfer(to=Fixed(number=number)):
            numbers: tuple[str, ...] = (number,)
        case Forward(to=Lookup(table=table)) | BlindTransfer(to=Lookup(table=table)):
            numbers = tuple(table.values())
        case Hunt(targets=targets):
            numbers = targets
        case _:
            numbers = ()
    return {rules.numbers.normal(each) for each in numbers if _internal(each, rules, refusal)}


def _internal(number: str, rules: RuleSet, refusal: Refusal) -> bool:
    """Whether a call sent there comes back to the rules: an outside number rings elsewhere."""
    return rules.numbers.is_internal(number) and refusal(number) is None


def _steps(sender: _Sender, number: str, rules: RuleSet, refusal: Refusal, *, named: bool) -> Iterator[Step]:
    rule, action = sender.rule, sender.action
    others = tuple(each for each in sender.given if not (isinstance(each, Compare) and each.field == "callee"))
    answered = isinstance(action, BlindTransfer)
    holds = [
        trigger.hold or 0.0
        for trigger in rule.triggers
        if isinstance(trigger, StateTrigger) and (IN_CALL if answered else RINGING) in trigger.states
    ]
    if not holds:
        return
    hold = min(holds) + sender.after
    ways: list[tuple[str, tuple[str, ...], float]] = []
    match action:
        case Forward(to=Fixed(number=to)) | BlindTransfer(to=Fixed(number=to)):
            ways = [(to, (), 0.0)] if _internal(to, rules, refusal) else []
        case Forward(to=Lookup() as lookup) | BlindTransfer(to=Lookup() as lookup):
            ways = [(to, (), 0.0) for to in _looked_up(lookup, number, rules) if _internal(to, rules, refusal)]
        case Hunt(targets=targets, ring=ring):
            rung = tuple(each for each in targets if refusal(each) is None)
            ways = [(each, rung[:at], ring) for at, each in enumerate(rung) if _internal(each, rules, refusal)]
        case _:
            pass
    for to, tried, ring in ways:
        yield Step(rule, number, rules.numbers.normal(to), others, hold, named, answered, tried, ring)


def _looked_up(lookup: Lookup, number: str, rules: RuleSet) -> list[str]:
    if lookup.key != "callee":
        return []
    found = [to for key, to in lookup.table.items() if rules.numbers.normal(key) == number]
    return found or ([lookup.default] if lookup.default is not None else [])


def _way_back(number: str, steps: dict[str, list[Step]], most: int) -> tuple[Step, ...] | None:
    """The shortest way from ``number`` back to it, in at most as many steps as the guards let a call go."""
    waiting: deque[tuple[str, tuple[Step, ...]]] = deque([(number, ())])
    reached: set[str] = set()
    while waiting:
        here, way = waiting.popleft()
        if len(way) >= most:
            continue
        for step in steps.get(here, ()):
            if step.target == number:
                return (*way, step)
            if step.target not in reached:
                reached.add(step.target)
                waiting.append((step.target, (*way, step)))
    return None


# --- the call that goes round ---------------------------------------------------------------------------------------


def _witness(way: tuple[Step, ...], trials: Trials) -> Scenario | None:
    rules = trials.rules
    condition = every(*(each for step in way for each in step.others))
    tried = 0
    for example in examples(condition, rules, {"callee": way[0].number}):
        acts = _acts(way)
        for start in islice(moments(example.schedules, rules), MOST_STARTS):
            tried += 1
            call = scenario(start, acts, _of_one_call(example))
            played = trials.play(call)
            if played is not None and _went_round(way, played, rules):
                return expecting(call, played, f"a call to {way[0].number} goes round")
            if tried >= MOST_TRIED:
                return None
    return None


def _of_one_call(example: Example) -> Example:
    """All sessions of the witness are one call."""
    return msgspec.structs.replace(example, values=example.values | {"masterSessionId": "m1"})


def _acts(way: tuple[Step, ...]) -> list[Act]:
    """What the phone system shows of a call that each rule sends on, as soon as it may."""
    at, number = 60.0, 1
    acts: list[Act] = []

    def rings(callee: str) -> None:
        acts.append(Act(at, f"s{number}", RINGING, {"callee": callee}))

    rings(way[0].number)
    for step in way:
        if step.answered:
            at += 1.0
            acts.append(Act(at, f"s{number}", IN_CALL))
        at += step.hold + 1.0
        for rung, callee in enumerate((*step.tried, step.target)):
            at += step.ring + 1.0 if rung else 0.0
            acts.append(Act(at, f"s{number}", TRANSFER_COMPLETED if step.answered else REDIRECTED))
            number += 1
            rings(callee)
    return acts


def _went_round(way: tuple[Step, ...], played: Played, rules: RuleSet) -> bool:
    """Whether these rules sent the call on like this, one after the other, and no other had a say in between."""
    done = [(each.rule, each.to) for each in played.performed if each.action in EXCLUSIVE]
    wanted = [(step.rule.id, to) for step in way for to in (*map(rules.numbers.normal, step.tried), step.target)]
    return done[: len(wanted)] == wanted
