"""The reason of every rule on one call, nearest miss first."""

import math

import msgspec
import pytest

from ozrules.engine.explain import Answer
from ozrules.replay.recording import events, read, story
from ozrules.replay.why import calls_of, lookback, on_record, why
from ozrules.rules.model import RuleSet
from tests.replay.recorded import DESK, asked, rules, seen, sent


def _why(on: RuleSet, *lines: str, until: float = math.inf) -> list[Answer]:
    told = story(read(lines))
    return list(why(told, on, calls_of(told.events, on, "s1", None)[-1], until=until))


def _reasons(*of: str) -> list[tuple[str, str]]:
    return [(each.rule, each.reason) for each in _why(rules(*of), seen(0, "Ringing"), seen(40, "InCall"))]


def test_fired_comes_first_then_the_nearest_miss_and_last_what_was_never_judged() -> None:
    far = "{id: far, trigger: {state: Ringing}, conditions: {callee: 2002, caller: 2003}, actions: [hangup]}"
    near = "{id: near, trigger: {state: Ringing}, conditions: {callee: 2002}, actions: [hangup]}"
    other = "{id: other, trigger: {state: OnHold}, actions: [hangup]}"
    second = DESK.replace("id: desk", "id: second, priority: 1")
    assert _reasons(other, far, near, second, DESK) == [
        ("desk", "fired"),
        ("second", "outrankedBy"),
        ("near", "conditionFalse"),
        ("far", "conditionFalse"),
        ("other", "stateOther"),
    ]


def test_every_condition_that_failed_is_named_with_its_place() -> None:
    far = "{id: far, trigger: {state: Ringing}, conditions: {callee: 2002, caller: 2003}, actions: [hangup]}"
    [answer] = _why(rules(far), seen(0, "Ringing"))
    assert [(leaf.path, leaf.actual) for leaf in answer.failed] == [
        ("conditions.callee", "2001"),
        ("conditions.caller", "+36201234567"),
    ]
    assert all(leaf.at.startswith("rules.yaml:3:") for leaf in answer.failed)


def test_a_large_set_explains_as_a_small_one_does() -> None:
    many = [
        f"{{id: r{n}, trigger: {{state: Ringing}}, conditions: {{callee: {n}}}, actions: [hangup]}}"
        for n in range(3000, 3200)
    ]
    answers = _why(rules(*many), seen(0, "Ringing"))
    assert {(each.reason, len(each.failed)) for each in answers} == {("conditionFalse", 1)}


def test_a_time_that_was_too_short_and_one_that_still_runs() -> None:
    assert _why(rules(DESK), seen(0, "Ringing"), seen(10, "InCall"))[0].reason == "stateLeftBeforeFor"
    [ringing] = read([seen(5, "Ringing")])
    assert _why(rules(DESK), seen(0, "Ringing"), until=ringing.at)[0].reason == "forRunning"


def test_another_origin_than_wanted() -> None:
    back = "{id: back, trigger: {state: InCall, from: OnHold}, actions: [hangup]}"
    assert _reasons(back) == [("back", "fromOther")]


def test_an_id_that_was_used_twice_is_two_calls() -> None:
    lines = [seen(0, "Ringing"), seen(5, "Busy"), seen(60, "Ringing", startTime="2026-11-23T10:01:00Z")]
    found = calls_of(events(read(lines)), rules(DESK), "s1", "office")
    assert [key.start for key in found] == ["2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z"]
    assert calls_of(events(read(lines)), rules(DESK), "s1", "branch") == ()


def test_what_was_never_judged_names_its_conditions_too() -> None:
    held = (
        "{id: held, trigger: {state: held}, conditions: {callee: 2002, caller: {startsWith: '+36'}}, actions: [hangup]}"
    )
    [answer] = _why(rules(held), seen(0, "Ringing"), seen(40, "InCall"))
    assert answer.reason == "stateOther"
    assert [(leaf.path, leaf.wanted, leaf.actual) for leaf in answer.failed] == [
        ("trigger.state", "held", "Ringing, InCall"),
        ("conditions.callee", "eq 2002", "2001"),
    ]


def test_of_a_negation_only_what_made_it_fail_is_named() -> None:
    conditions = "{not: {any: [{callee: 2001}, {callee: 2002}]}}"
    neither = f"{{id: one, trigger: {{state: Ringing}}, conditions: {conditions}, actions: [hangup]}}"
    [answer] = _why(rules(neither), seen(0, "Ringing"))
    assert [(leaf.path, leaf.wanted) for leaf in answer.failed] == [("conditions.not.any[0].callee", "not eq 2001")]


def test_an_exception_says_what_held() -> None:
    exceptions = "[{name: boss, conditions: {callee: 2001}}]"
    boss = f"{{id: one, trigger: {{state: Ringing}}, exceptions: {exceptions}, actions: [hangup]}}"
    [answer] = _why(rules(boss), seen(0, "Ringing"))
    assert (answer.reason, answer.by) == ("exception", "boss")
    assert [(leaf.wanted, leaf.actual) for leaf in answer.failed] == [("not eq 2001", "2001")]


def test_a_sequence_under_way_keeps_others_from_the_call_as_it_did() -> None:
    first = "{id: first, trigger: {state: InCall}, actions: [hold, {wait: 60s}, unhold]}"
    second = "{id: second, trigger: {state: OnHold}, actions: [hangup]}"
    again = "{id: again, trigger: {state: [InCall, OnHold]}, exclusive: false, actions: [{log: x}, {wait: 60s}]}"
    held = [*sent(5, "hold", "confirmed"), seen(5.2, "OnHold")]
    lines = [seen(0, "Ringing"), seen(5, "InCall"), *held, seen(90, "CallerHungUp")]
    found = {each.rule: each for each in _why(rules(first, second, again), *lines)}
    assert (found["second"].reason, found["second"].by) == ("outrankedBy", "first")
    assert found["again"].reason == "fired"


@pytest.mark.parametrize(("outcome", "reason"), [("confirmed", "outrankedBy"), ("rejected", "fired")])
def test_a_command_has_the_answer_that_it_had(outcome: str, reason: str) -> None:
    first = "{id: first, trigger: {state: InCall}, actions: [hold, {wait: 60s}]}"
    second = "{id: second, trigger: {state: InCall, for: 10s}, actions: [hangup]}"
    held = [seen(5.2, "OnHold"), seen(8, "InCall")] if outcome == "confirmed" else []
    lines = [seen(0, "Ringing"), seen(5, "InCall"), *sent(5, "hold", outcome), *held, seen(90, "CallerHungUp")]
    assert {each.rule: each.reason for each in _why(rules(first, second), *lines)}["second"] == reason


def test_what_the_daemon_wrote_down_beats_what_a_replay_finds() -> None:
    [answer] = _why(rules(DESK), seen(0, "Ringing"), seen(40, "InCall"))
    late = msgspec.structs.replace(answer, reason="missedTooLate")
    assert answer.reason == "fired"
    assert on_record([answer], [late]) == (late,)
    assert on_record([answer], [late, answer]) == (answer,)
    assert on_record([answer], []) == (answer,)


def test_how_far_back_a_call_hangs_on_others() -> None:
    often = "{history: {state: Ringing, within: 3h, gte: 3}}"
    history = f"{{id: h, trigger: {{state: Ringing}}, conditions: {often}, actions: [hangup]}}"
    assert lookback(rules(DESK)) < 3 * 3600 <= lookback(rules(DESK, history))
    assert lookback(rules(DESK.replace("id: desk", "id: desk, throttle: {onceWithin: 5h}"))) > 5 * 3600


def test_a_call_that_was_asked_about_is_explained_too() -> None:
    boss = "{id: boss, trigger: {routing: NoAnswer}, conditions: {callee: 2001}, actions: [{forward: 2002}]}"
    busy = "{id: busy, trigger: {routing: Busy}, actions: [{forward: 2003}]}"
    other = boss.replace("id: boss", "id: other").replace("callee: 2001", "callee: 2009")
    answers = _why(rules(boss, busy, other), asked(0, "Calling"), asked(20, "NoAnswer"))
    assert [(each.rule, each.reason) for each in answers] == [
        ("boss", "fired"),
        ("other", "conditionFalse"),
        ("busy", "stateOther"),
    ]
    assert [(leaf.path, leaf.wanted, leaf.actual) for leaf in answers[2].failed] == [
        ("trigger.routing", "Busy", "Calling, NoAnswer")
    ]
