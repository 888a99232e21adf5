"""Why a rule did what it did in a scenario: the answer that `ozrules why` would give of such a call."""

import msgspec

from ozrules.engine.effects import Decision
from ozrules.engine.explain import Answer, always, judged, unheard, unjudged
from ozrules.engine.index import EVERY
from ozrules.rules.model import Rule, RuleSet
from ozrules.scenario.model import Scenario
from ozrules.scenario.played import Played
from ozrules.scenario.run import play


def why(scenario: Scenario, rules: RuleSet, name: str, session: str | None, played: Played) -> Answer:
    """What became of the rule ``name`` on ``session``, or on any session."""
    rule = next(rule for rule in rules.rules if rule.id == name)
    observed = tuple(each for each in played.observed if session in (None, each.key.session_id))
    until = scenario.start + played.end
    decisions = _of(played, name, session)
    if not decisions:  # in a large set a rule whose conditions do not hold is not written down
        decisions = _of(_alone(scenario, rules, rule), name, session)
    if decisions:
        return judged(rule, decisions, observed, until)
    never = unheard(rule, (each.event for each in observed), until)
    as_if = () if never is None else _of(_alone(scenario, rules, always(rule, never)), name, session)
    return unjudged(rule, never, as_if, observed)


def _alone(scenario: Scenario, rules: RuleSet, rule: Rule) -> Played:
    return play(scenario, msgspec.structs.replace(rules, rules=(rule,)), explain=EVERY)


def _of(played: Played, rule: str, session: str | None) -> tuple[Decision, ...]:
    return tuple(
        each
        for each in played.decisions
        if each.rule == rule and (session is None or (each.session is not None and each.session.session_id == session))
    )
