"""Witnesses: the call that shows a finding, as a rule test that has been played.

A proof is reasoned from the text of the rules, and reasoning can be wrong. So each finding brings a call, the call is
played on the same engine as the daemon's, and only what it then shows is reported. The witness is that test: whoever
doubts the finding runs it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Any, Final

import msgspec

from ozrules.engine.effects import Reason
from ozrules.proofs.example import FIRST, Example, examples, moments
from ozrules.rules.calendar import Cron
from ozrules.rules.model import (
    All,
    CalendarTrigger,
    Condition,
    DuringSchedule,
    History,
    Place,
    Rule,
    RuleSet,
    StateTrigger,
    Trigger,
)
from ozrules.rules.spans import written
from ozrules.scenario.model import Expectation, Happens, Participant, Scenario, Scripted, Spot, WhyNot
from ozrules.scenario.played import Played
from ozrules.scenario.ways import way_to
from ozrules.session.methods import Operation
from ozrules.session.state import ACTIVE, CANCELLED, RINGING, State

CALL: Final = "s1"
CONNECTION: Final = "test"
MOST_CALLS: Final = 24
"""Calls that are tried for one claim."""
MOST_REFUSALS: Final = 4
MOST_WORK: Final = 50_000
"""Rules times calls played for one set: a few seconds. What is not played by then is not claimed."""
SMALL_SET: Final = 50
"""What a call costs besides, in rules."""

_NOWHERE: Final = Spot(Place("", 0, 0), 0)
_EARLIER: Final = 60.0  # at most so long before the call those happen that it is counted with
_STEP: Final = 1.0


class Act(msgspec.Struct, frozen=True):
    """Something that happens to a session of a witness, ``at`` seconds after its start."""

    at: float
    session: str
    state: State
    values: dict[str, str] = {}


# --- calls ----------------------------------------------------------------------------------------------------------


def calls(rule: Rule, condition: Condition, rules: RuleSet) -> Iterator[Scenario]:
    """Calls on which a trigger of ``rule`` should come up while ``condition`` holds."""
    return islice(_calls(rule, condition, rules), MOST_CALLS)


def _calls(rule: Rule, condition: Condition, rules: RuleSet) -> Iterator[Scenario]:
    for example in islice(examples(condition, rules), MOST_CALLS // 2):
        for trigger in rule.triggers:
            for life, after in _lives(trigger):
                acts, due = _acts(life, after, example)
                for start in islice(_starts(trigger, example, due, rules), 3):
                    yield scenario(start, acts, example)


def _lives(trigger: Trigger) -> Iterator[tuple[tuple[State, ...], float]]:
    """The states to go through, and how long to stay in the last, until the trigger comes up."""
    match trigger:
        case StateTrigger(states=states, origins=origins, hold=hold):
            ordered = sorted(states, key=lambda state: (len(way_to(state)), state not in (RINGING,), state))
            for state in ordered[:3]:
                if origins is None:
                    yield way_to(state), hold or 0.0
                else:
                    for origin in sorted(origins, key=lambda each: len(way_to(each))):
                        if origin != state:
                            yield (*way_to(origin), state), hold or 0.0
        case CalendarTrigger(sessions=states) if states:
            yield from ((way_to(state), _EARLIER) for state in sorted(states)[:2])
        case _:
            pass


def _acts(life: tuple[State, ...], after: float, example: Example) -> tuple[list[Act], float]:
    """What happens to the call, and when the trigger then comes up."""
    first = _EARLIER if example.others else 0.0
    at, acts = first, []
    for number, state in enumerate(life):
        if number:
            at += example.rings if life[number - 1] == RINGING and example.rings is not None else _STEP
        acts.append(Act(at, CALL, state))
    return acts, at + after


def _starts(trigger: Trigger, example: Example, due: float, rules: RuleSet) -> Iterator[float]:
    if isinstance(trigger, CalendarTrigger):
        yield from _dates(trigger.cron, example.schedules, due, rules)
    else:
        yield from (at - due for at in moments(example.schedules, rules))


def _dates(cron: Cron, schedules: tuple[DuringSchedule, ...], due: float, rules: RuleSet) -> Iterator[float]:
    at = FIRST.timestamp()
    for _ in range(400):
        at = cron.next_after(at)
        if all(rules.schedules[each.name].is_open(at) is each.inside for each in schedules):
            yield at - due


def scenario(start: float, acts: list[Act], example: Example, until: float = 0.0) -> Scenario:
    """The scenario of these acts, with the calls besides that the example wants."""
    besides = _others(example)
    names = dict.fromkeys(act.session for act in (*besides, *acts))
    participants = tuple(Participant(name, CONNECTION, dict(example.values), _NOWHERE) for name in names)
    happens = [Happens(act.at, act.session, act.state, act.values, _NOWHERE) for act in (*besides, *acts)]
    return Scenario(
        name="",
        start=start,
        sessions=participants,
        timeline=tuple(sorted(happens, key=lambda each: each.at)),
        script=(),
        expect=None,
        never=(),
        why_not=(),
        until=until,
        spot=_NOWHERE,
    )


def _others(example: Example) -> list[Act]:
    """The calls that must have been, or must be alive, so that counting them gives what the example wants."""
    acts: list[Act] = []
    number = 0
    for count in example.others:
        state = min(count.states, key=lambda each: (len(way_to(each)), each))
        this_one = isinstance(count, History)
        needed = count.count + (count.op == "gt") - this_one
        for _ in range(min(max(needed, 0), 20)):
            number += 1
            at = round(number * 0.1, 3)
            acts.append(Act(at, f"b{number}", state))
            if this_one and state in ACTIVE:
                acts.append(Act(round(at + 0.05, 3), f"b{number}", CANCELLED))
    return sorted(acts, key=lambda act: act.at)


# --- playing --------------------------------------------------------------------------------------------------------


class Trials:
    """Plays calls on one rule set, as long as the work that may be spent on it lasts."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._left = MOST_WORK

    @property
    def spent(self) -> bool:
        """Whether nothing more will be played."""
        return self._left < 0

    def play(self, call: Scenario) -> Played | None:
        """What comes of the call; None where it has no end, or where enough was played."""
        self._left -= len(self.rules.rules) + SMALL_SET
        if self.spent:
            return None
        from ozrules.scenario.run import EndlessScenario, play  # the engine, where there is something to prove

        try:
            return play(call, self.rules)
        except EndlessScenario:
            return None


def stopped(rule: Rule, condition: Condition, trials: Trials, reasons: frozenset[Reason], name: str) -> Scenario | None:
    """A call on which the rule does not act for one of these reasons: the witness, or None where none is found.

    Other rules may have sent the call on before: then the phone system says no to those.
    """
    for refusals in range(MOST_REFUSALS):
        for call in calls(rule, condition, trials.rules):
            if trials.spent:
                return None
            for _ in range(refusals):
                call = refusing(call, "forward", 0.0)
            played = trials.play(call)
            if played is None or played.unused:
                continue
            mine = [each for each in played.decisions if each.rule == rule.id and _is_the_call(each.session_key)]
            found = next((each.reason for each in mine if each.reason in reasons), None)
            if found is not None:
                why = WhyNot(rule.id, found, CALL, _NOWHERE)
                return msgspec.structs.replace(call, name=name, why_not=(why,))
    return None


def _is_the_call(key: Any) -> bool:
    return key is not None and key.session_id == CALL


def expecting(call: Scenario, played: Played, name: str) -> Scenario:
    """The call as a test that asks for all that was done on it."""
    done = tuple(
        Expectation(
            action=each.action,
            at=each.at,
            rule=each.rule,
            session=each.session,
            to=each.to,
            move=each.move,
            spot=_NOWHERE,
        )
        for each in played.performed
    )
    return msgspec.structs.replace(call, name=name, expect=done)


def refusing(call: Scenario, method: Operation, at: float) -> Scenario:
    """The call with a phone system that says no to the next ``method``."""
    script = (*call.script, Scripted(at, method, "rejected", CALL, False, _NOWHERE))
    return msgspec.structs.replace(call, script=script)


def every(*conditions: Condition) -> All:
    """All of these."""
    return All(of=conditions, path="", place=Place("", 0, 0))


# --- as a rule test -------------------------------------------------------------------------------------------------


def as_test(witness: Scenario) -> dict[str, Any]:
    """The witness as an entry under ``tests`` of a test file."""
    entries: list[tuple[float, dict[str, Any]]] = [
        (each.at, {"at": written(each.at), "session": each.session, "state": each.state} | each.values)
        for each in witness.timeline
        if isinstance(each, Happens)
    ]
    for said in witness.script:
        result = {"action": said.action, "outcome": said.outcome}
        entries.append((said.at, {"at": written(said.at), "session": said.session, "result": result}))
    test: dict[str, Any] = {
        "name": witness.name,
        "start": datetime.fromtimestamp(witness.start, UTC).isoformat(),
        "sessions": [{"sessionId": each.session} | each.values for each in witness.sessions],
        "timeline": [entry for _, entry in sorted(entries, key=itemgetter(0))],
    }
    if witness.expect is not None:
        test["expect"] = [_expected(each) for each in witness.expect]
    if witness.why_not:
        test["whyNot"] = [
            {"rule": each.rule, "reason": each.reason, "session": each.session} for each in witness.why_not
        ]
    if witness.until:
        test["until"] = written(witness.until)
    return test


def _expected(each: Expectation) -> dict[str, Any]:
    found = {"at": written(each.at or 0.0), "rule": each.rule, "action": each.action, "session": each.session}
    return found | {name: value for name, value in (("to", each.to), ("move", each.move)) if value is not None}
