"""Why each rule did, or did not, act on one call: what was recorded, played again under the rules in force.

All rules are played together, acting as they did, so that who outranks whom comes out as it did. A rule of which that
tells nothing is played once more apart: then it is judged whatever other rules there are, and every condition that
failed is named. Where no trigger of it ever matched, the reason is read off the states that the call went through,
and the conditions are looked at as if the trigger had matched, so that nobody mends one thing only to meet the next.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from ozrules.engine.effects import Decision, Observed
from ozrules.engine.events import Event
from ozrules.engine.explain import Answer, always, distance, judged, unheard, unjudged
from ozrules.engine.guard import HOUR
from ozrules.engine.identity import SessionKey
from ozrules.engine.index import EVERY, EXPLAIN_ALL
from ozrules.engine.routing import ASKED
from ozrules.engine.tracker import OURS
from ozrules.replay.drive import drive
from ozrules.replay.recording import Story
from ozrules.rules.condition import leaves
from ozrules.rules.model import Alive, ExternalCap, History, Rule, RuleSet
from ozrules.rules.nesting import every_condition

_CHAIN: Final = 600.0
"""Seconds in which the sessions of one call follow each other."""
_LONG_CALL: Final = 4 * 3600.0
_THROTTLES: Final = 8
"""Whether a firing was throttled hangs on the one before, and that on the one before: so far is looked back."""


def lookback(rules: RuleSet) -> float:
    """How many seconds before a call may matter to what the rules made of it."""
    seconds = [_CHAIN, *(each for rule in rules.rules for each in _reaches(rule))]
    if rules.guards.external != ExternalCap():
        seconds.append(HOUR)
    return max(seconds)


def hangs_on_others(rule: Rule) -> bool:
    """Whether other calls matter to what the rule makes of one."""
    return any(_reaches(rule))


def _reaches(rule: Rule) -> Iterator[float]:
    """How many seconds back other calls matter."""
    if rule.throttle is not None:
        yield _THROTTLES * rule.throttle.once_within
    for condition in every_condition(rule):
        for leaf in leaves(condition):
            match leaf:
                case History(within=within):
                    yield within
                case Alive():
                    yield _LONG_CALL
                case _:
                    pass


def calls_of(
    events: Iterable[Event], rules: RuleSet, session_id: str, connection: str | None
) -> tuple[SessionKey, ...]:
    """The calls that are known under this id, the latest last."""
    nothing = msgspec.structs.replace(rules, rules=())
    found = (each.key for each in drive(events, nothing) if isinstance(each, Observed))
    return tuple(
        dict.fromkeys(key for key in found if key.session_id == session_id and connection in (None, key.connection))
    )


def why(story: Story, rules: RuleSet, call: SessionKey, *, until: float) -> tuple[Answer, ...]:
    """Every rule on that call: those that fired first, then the nearest misses. ``until`` is now."""
    return explained(story, rules, call, until=until, of=rules.rules)[0]


def explained(
    story: Story, rules: RuleSet, call: SessionKey, *, until: float, of: Sequence[Rule]
) -> tuple[tuple[Answer, ...], tuple[Observed, ...]]:
    """The same of some of the ``rules``, and how the call changed."""
    decisions, observed = of_call(story, rules, call, until)
    by_rule = _by_rule(decisions)
    silent = [rule for rule in of if rule.id not in by_rule]
    by_rule |= _apart(story, rules, silent, call, until)
    never = {
        rule.id: found
        for rule in silent
        if rule.id not in by_rule and (found := unheard(rule, (each.event for each in observed), until)) is not None
    }
    as_if = _apart(story, rules, [always(rule, never[rule.id]) for rule in silent if rule.id in never], call, until)
    answers = [
        judged(rule, by_rule[rule.id], observed, until)
        if rule.id in by_rule
        else unjudged(rule, never.get(rule.id), as_if.get(rule.id, ()), observed)
        for rule in of
    ]
    return tuple(sorted(answers, key=distance)), observed


def on_record(answers: Iterable[Answer], recorded: Iterable[Answer]) -> tuple[Answer, ...]:
    """The answers, but what the daemon itself wrote down at the time where that is something else: it knows what a
    recording does not, for example that it was not there to watch.
    """
    told: dict[str, list[Answer]] = {}
    for each in recorded:
        told.setdefault(each.rule, []).append(each)
    nearest = {rule: min(those, key=distance) for rule, those in told.items()}
    return tuple(
        sorted(
            (each if each.rule not in nearest else _as_recorded(each, nearest[each.rule]) for each in answers),
            key=distance,
        )
    )


def _as_recorded(played: Answer, recorded: Answer) -> Answer:
    if recorded.reason != played.reason:
        return recorded
    return msgspec.structs.replace(played, values=recorded.values or played.values, ways=recorded.ways)


def of_call(
    story: Story, rules: RuleSet, call: SessionKey, until: float, *, explain: int = EXPLAIN_ALL
) -> tuple[tuple[Decision, ...], tuple[Observed, ...]]:
    """What was decided on the call, and how it changed, as far as ``until``."""
    decisions, observed = [], []
    for each in drive(story.events, rules, answers=story.answers, explain=explain):
        match each:
            case Decision() if each.at <= until and _same(each.session_key, call):
                decisions.append(each)
            case Observed() if each.at <= until and _same(each.key, call):
                observed.append(each)
            case _:
                pass
    return tuple(decisions), tuple(observed)


def _same(key: SessionKey | None, call: SessionKey) -> bool:
    """Whether it is that call. Where the phone system tells no start, ours moves with the call's first event."""
    if key == call:
        return True
    return (
        key is not None
        and (key.connection, key.session_id) == (call.connection, call.session_id)
        and key.start[:1] == call.start[:1]
        and call.start.startswith((OURS, ASKED))
    )


def _by_rule(decisions: Iterable[Decision]) -> dict[str, tuple[Decision, ...]]:
    found: dict[str, tuple[Decision, ...]] = {}
    for each in decisions:
        found[each.rule] = (*found.get(each.rule, ()), each)
    return found


def _apart(
    story: Story, rules: RuleSet, some: Sequence[Rule], call: SessionKey, until: float
) -> dict[str, tuple[Decision, ...]]:
    """What is decided on each of these rules where none outranks another; where other calls do not matter, without."""
    found: dict[str, tuple[Decision, ...]] = {}
    for told, of in (
        (story, [rule for rule in some if hangs_on_others(rule)]),
        (story.only(call), [rule for rule in some if not hangs_on_others(rule)]),
    ):
        if of:
            each = tuple(msgspec.structs.replace(rule, exclusive=False) for rule in of)
            apart = msgspec.structs.replace(rules, rules=each)
            found |= _by_rule(of_call(told, apart, call, until, explain=EVERY)[0])
    return found
