"""Why each rule did, or did not, act on one call: the recorded events played again under the rules in force.

All rules are played together, so that who outranks whom comes out as it did. A rule of which that tells nothing is
played once more alone: then it is judged whatever other rules there are, and every condition that failed is named.
Only where no trigger of a rule ever matched is the reason read off the states that the call went through.
"""

from collections.abc import Iterable

import msgspec

from ozrules.engine.effects import Decision, Observed, Reason
from ozrules.engine.events import Event
from ozrules.engine.explain import unheard
from ozrules.engine.identity import SessionKey
from ozrules.replay.drive import drive
from ozrules.rules.condition import FailedLeaf, leaves
from ozrules.rules.model import Place, Rule, RuleSet


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one rule on the call; ``at`` is None where it was never judged. ``leaves``: its conditions."""

    rule: str
    place: Place
    reason: Reason
    at: float | None = None
    failed: tuple[FailedLeaf, ...] = ()
    by: str | None = None
    seen: tuple[str, ...] = ()
    leaves: int = 0


def calls_of(
    events: Iterable[Event], rules: RuleSet, session_id: str, connection: str | None
) -> tuple[SessionKey, ...]:
    """The calls that are known under this id, the latest last."""
    nothing = msgspec.structs.replace(rules, rules=())
    found = (each.key for each in drive(events, nothing) if isinstance(each, Observed))
    return tuple(
        dict.fromkeys(key for key in found if key.session_id == session_id and connection in (None, key.connection))
    )


def why(events: Iterable[Event], rules: RuleSet, call: SessionKey, *, until: float) -> tuple[Answer, ...]:
    """Every rule on that call: those that fired first, then the nearest misses. ``until`` is now."""
    events = tuple(events)
    decisions, observed = _of_call(events, rules, call, until)
    answers = []
    for rule in rules.rules:
        mine = [each for each in decisions if each.rule == rule.id]
        if not mine:
            mine, _ = _of_call(events, msgspec.structs.replace(rules, rules=(rule,)), call, until)
        answers.append(_answer(rule, mine, observed))
    return tuple(sorted(answers, key=_distance))


def _of_call(
    events: Iterable[Event], rules: RuleSet, call: SessionKey, until: float
) -> tuple[list[Decision], list[Observed]]:
    decisions, observed = [], []
    for each in drive(events, rules):
        match each:
            case Decision() if each.session_key == call and each.at <= until:
                decisions.append(each)
            case Observed() if each.key == call:
                observed.append(each)
            case _:
                pass
    return decisions, observed


def _answer(rule: Rule, decisions: list[Decision], observed: list[Observed]) -> Answer:
    conditions = sum(1 for _ in leaves(rule.condition))
    if not decisions:
        seen = tuple(dict.fromkeys(str(each.event.state) for each in observed))
        # a trigger matched and nothing was judged: nobody saw the state begin, so nothing may act on it
        reason = unheard(rule, (each.event for each in observed)) or "degraded"
        return Answer(rule=rule.id, place=rule.place, reason=reason, seen=seen, leaves=conditions)
    answers = [
        Answer(
            rule=rule.id,
            place=rule.place,
            reason=each.reason,
            at=each.at,
            failed=each.failed,
            by=each.by,
            leaves=conditions,
        )
        for each in decisions
    ]
    return min(answers, key=_distance)


def _distance(answer: Answer) -> tuple[int, int]:
    """Fired, stopped though its conditions held, conditions that failed (few first), never judged."""
    if answer.reason == "fired":
        return 0, 0
    if answer.at is None:
        return 3, answer.leaves
    return (2, len(answer.failed)) if answer.failed else (1, 0)
