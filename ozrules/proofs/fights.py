"""Rules that fight over a call: they undo each other in turn, act on it at the same moment, or both claim it.

Two rules that want the same call are no fight by themselves: the one that asks for more and stands first is an
exception to the other, a priority says who wins, and conditions about different things are policies that meet. A fight
is only what nobody can have meant: hold and unhold for ever, two commands at once, or two rules about the same things
that share some calls, with nothing but the order of the lines between them.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice
from typing import Final, Literal

from ozrules.proofs.example import examples, moments
from ozrules.proofs.possible import conjuncts, contradiction, exact_values, implied
from ozrules.proofs.ranking import first_control
from ozrules.proofs.witness import CALL, Act, Trials, calls, every, expecting, scenario
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    Compare,
    Condition,
    Fixed,
    Forward,
    Hunt,
    PlainMethod,
    Rule,
    RuleSet,
    StateTrigger,
)
from ozrules.rules.sense import operation_of
from ozrules.scenario.model import Scenario
from ozrules.scenario.played import Played
from ozrules.session.methods import EXCLUSIVE
from ozrules.session.state import HELD, IN_CALL, ON_HOLD, RINGING, State

MOST_PAIRS: Final = 400
"""Pairs that are looked at of each kind; beyond, nothing is claimed."""

MOST_STARTS: Final = 3
MOST_TRIED: Final = 6
TURNS: Final = 2

_Kind = Literal["in turn", "at once", "claimed"]
_Moment = tuple[State, float | None, str]


@dataclass(frozen=True)
class Fight:
    """``first`` and ``second`` on the call of the witness. ``endless``: in turn, with no wait in between."""

    kind: _Kind
    first: Rule
    second: Rule
    witness: Scenario
    endless: bool = False


def fights(trials: Trials) -> Iterator[Fight]:
    """Every pair that is seen to fight, each once."""
    rules = trials.rules
    active = [rule for rule in rules.rules if rule.status == "active"]
    yield from _in_turn(active, trials)
    pairs: dict[tuple[str, str], _Kind] = {}
    for first, second in _same_moment(active, rules):
        if trials.spent:
            return
        kind = _kind(first, second, rules)
        if kind is not None and (first.id, second.id) not in pairs:
            pairs[first.id, second.id] = kind
            witness = _meeting(first, second, kind, trials)
            if witness is not None:
                yield Fight(kind, first, second, witness)


# --- in turn --------------------------------------------------------------------------------------------------------


def _in_turn(active: list[Rule], trials: Trials) -> Iterator[Fight]:
    holding = [rule for rule in active if _plain(rule) == "hold" and _comes(rule, {IN_CALL})]
    freeing = [rule for rule in active if _plain(rule) == "unhold" and _comes(rule, HELD)]
    pairs = ((one, other) for one in holding for other in freeing)
    for one, other in islice(pairs, MOST_PAIRS):
        condition = every(one.condition, other.condition)
        if contradiction(conjuncts(condition), trials.rules.numbers) is not None:
            continue
        witness = _undoing(one, other, condition, trials)
        if witness is not None:
            yield Fight("in turn", one, other, witness, endless=not (_hold(one, IN_CALL) or _hold(other, ON_HOLD)))


def _plain(rule: Rule) -> str | None:
    action = first_control(rule)
    return action.method if isinstance(action, PlainMethod) else None


def _comes(rule: Rule, states: frozenset[State] | set[State]) -> bool:
    return any(isinstance(trigger, StateTrigger) and trigger.states & states for trigger in rule.triggers)


def _hold(rule: Rule, state: State) -> float:
    return min(
        (each.hold or 0.0 for each in rule.triggers if isinstance(each, StateTrigger) and state in each.states),
        default=0.0,
    )


def _undoing(one: Rule, other: Rule, condition: Condition, trials: Trials) -> Scenario | None:
    """The call that is held and taken off hold, again and again."""
    for example in islice(examples(condition, trials.rules), MOST_TRIED):
        at = 60.0
        acts = [Act(at, CALL, RINGING)]
        at += example.rings if example.rings is not None else 1.0
        acts.append(Act(at, CALL, IN_CALL))
        for _ in range(TURNS):
            at += _hold(one, IN_CALL) + 1.0
            acts.append(Act(at, CALL, ON_HOLD))
            at += _hold(other, ON_HOLD) + 1.0
            acts.append(Act(at, CALL, IN_CALL))
        for start in islice(moments(example.schedules, trials.rules), MOST_STARTS):
            call = scenario(start - 61.0, acts, example)
            played = trials.play(call)
            if played is not None and _did(played)[: 2 * TURNS] == [one.id, other.id] * TURNS:
                return expecting(call, played, f"{one.id} and {other.id} undo each other")
    return None


def _did(played: Played) -> list[str]:
    """Whose control actions were carried out on the call, in order."""
    return [each.rule for each in played.performed if each.session == CALL and each.action in EXCLUSIVE]


# --- at the same moment ---------------------------------------------------------------------------------------------


def _same_moment(active: list[Rule], rules: RuleSet) -> Iterator[tuple[Rule, Rule]]:
    """Pairs that answer to the same moment of a call, in the order in which the engine asks them."""
    places: dict[tuple[_Moment, str, str], list[Rule]] = defaultdict(list)
    moments_of: dict[_Moment, list[Rule]] = defaultdict(list)
    for rule in sorted(active, key=lambda rule: (-rule.priority, rule.order)):
        if first_control(rule) is None and _listens(rule) is None:
            continue
        for trigger in rule.triggers:
            if isinstance(trigger, StateTrigger):
                for state in trigger.states:
                    moment = (state, trigger.hold, trigger.clock)
                    moments_of[moment].append(rule)
                    for field, value in _filed(rule, rules):
                        places[moment, field, value].append(rule)
    claiming = (pair for together in places.values() for pair in combinations(together, 2))
    # a rule that waits for nobody meets every other one of its moment
    free = (
        (one, other) if together.index(one) < together.index(other) else (other, one)
        for together in moments_of.values()
        for one in together
        if not one.exclusive or _listens(one) is not None
        for other in together
    )
    yield from islice((pair for pair in chain(claiming, free) if pair[0] is not pair[1]), MOST_PAIRS * 50)


def _filed(rule: Rule, rules: RuleSet) -> list[tuple[str, str]]:
    """Under which values the rule is kept: rules that share a call share one of them."""
    exact = [
        (each.field, values)
        for each in conjuncts(rule.condition)
        if isinstance(each, Compare) and (values := exact_values(each, rules.numbers)) is not None
    ]
    if not exact:
        return [("", "")]
    field, values = min(exact, key=lambda pair: (pair[0] != "callee", len(pair[1])))
    return [(field, value) for value in values]


def _kind(first: Rule, second: Rule, rules: RuleSet) -> _Kind | None:
    """What kind of fight it would be, by the text of the rules."""
    one, other = _essence(first), _essence(second)
    if one is None or other is None or one == other:
        return None
    given, wanted = conjuncts(first.condition), conjuncts(second.condition)
    if contradiction([*given, *wanted], rules.numbers) is not None:
        return None
    listening = {one[0], other[0]} == {"startListen", "stopListen"}
    if listening or not (first.exclusive and second.exclusive):
        both = listening or (first_control(first) is not None and first_control(second) is not None)
        return "at once" if both else None
    if first_control(first) is None or first_control(second) is None or first.priority != second.priority:
        return None
    if first.exceptions or second.exceptions or _fields(given) != _fields(wanted) or not given:
        return None
    narrower = all(implied(each, given, rules.numbers) for each in wanted)
    wider = all(implied(each, wanted, rules.numbers) for each in given)
    return None if narrower or wider else "claimed"


def _essence(rule: Rule) -> tuple[str, str] | None:
    """The first thing that the rule does to the call, and where it sends it."""
    action = first_control(rule) or _listens(rule)
    match action:
        case None:
            return None
        case Forward(to=Fixed(number=number)) | BlindTransfer(to=Fixed(number=number)):
            return str(operation_of(action)), number
        case Forward() | BlindTransfer() | Hunt():
            return str(operation_of(action)), rule.id
        case _:
            return str(operation_of(action)), ""


def _listens(rule: Rule) -> Action | None:
    action = rule.actions[0] if rule.actions else None
    listens = isinstance(action, PlainMethod) and action.method in ("startListen", "stopListen")
    return action if listens else None


def _fields(given: list[Condition]) -> frozenset[str]:
    """What the conditions are about; a condition that is no comparison is about itself."""
    return frozenset(each.field if isinstance(each, Compare) else f"{type(each).__name__}{each.path}" for each in given)


def _meeting(first: Rule, second: Rule, kind: _Kind, trials: Trials) -> Scenario | None:
    """The call on which both come up."""
    condition = every(first.condition, second.condition)
    for call in islice(calls(second, condition, trials.rules), MOST_TRIED):
        played = trials.play(call)
        if played is None:
            continue
        if kind == "at once" and _both_acted(first, second, played):
            return expecting(call, played, f"{first.id} and {second.id} act at once")
        if kind == "claimed" and any(
            each.rule == second.id and each.reason == "outrankedBy" and each.by == first.id for each in played.decisions
        ):
            return expecting(call, played, f"{first.id} and {second.id} both want this call")
    return None


def _both_acted(first: Rule, second: Rule, played: Played) -> bool:
    moments_of = [
        {each.at for each in played.performed if each.rule == rule.id and each.session == CALL}
        for rule in (first, second)
    ]
    return bool(moments_of[0] & moments_of[1])
