"""The reason of every rule on one call, nearest miss first."""

import math

from ozrules.replay.recording import events, read
from ozrules.replay.why import Answer, calls_of, why
from ozrules.rules.model import RuleSet
from tests.replay.recorded import DESK, rules, seen


def _why(on: RuleSet, *lines: str, until: float = math.inf) -> list[Answer]:
    told = tuple(events(read(lines)))
    return list(why(told, on, calls_of(told, on, "s1", None)[-1], until=until))


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
