"""The smallest change that would have made a rule fire: found, minimal, and seen to work."""

import math
import re

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from ozrules.replay.call_edits import call_edits
from ozrules.replay.edits import Scene
from ozrules.replay.recording import read, story
from ozrules.replay.rule_edits import rule_edits
from ozrules.replay.smallest import Changes, changes, smallest
from ozrules.replay.why import calls_of, why
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from tests.replay.recorded import DESK, rules, seen, text

CALL = (seen(0, "Ringing"), seen(40, "InCall"), seen(100, "CallerHungUp"))


def _scene(on: RuleSet, lines: tuple[str, ...] = CALL, until: float = math.inf) -> Scene:
    told = story(read(lines))
    return Scene(told, on, calls_of(told.events, on, "s1", None)[-1], until)


def _found(rule: str, *others: str, lines: tuple[str, ...] = CALL) -> tuple[list[str] | None, list[str] | None]:
    on = rules(rule, *others)
    scene = _scene(on, lines)
    found = changes(scene.story, scene.rules, scene.call, on.rules[0].id, until=math.inf)
    _is_true(scene, on.rules[0].id, found)
    return tuple(None if edits is None else [edit.text for edit in edits] for edits in (found.call, found.rule))  # type: ignore[return-value]  # two


def _is_true(scene: Scene, rule: str, found: Changes) -> None:
    """With all of the edits the rule fires, and with any one of them left out it does not."""
    for named, propose in ((found.call, call_edits), (found.rule, rule_edits)):
        edits = smallest(scene, rule, propose)
        assert (named is None) is (edits is None)
        if edits is None:
            continue
        for left_out in range(-1, len(edits)):
            edited = scene
            for number, edit in enumerate(edits):
                if number != left_out:
                    edited = edit.make(edited)
            answers = why(edited.story, edited.rules, edited.call, until=edited.until)
            fires = next(each.reason for each in answers if each.rule == rule) == "fired"
            assert fires is (left_out == -1), [edit.text for edit in edits]


def _rule(trigger: str, more: str = "", actions: str = "hangup") -> str:
    return f"{{id: one, trigger: {trigger}, {more}{', ' if more else ''}actions: [{actions}]}}"


RINGING = "{state: Ringing}"
ANSWERED = "{state: InCall}"


@pytest.mark.parametrize(
    ("rule", "call", "by_rule"),
    [
        (
            _rule(RINGING, "conditions: {callee: 2002}"),
            ["callee 2002 instead of 2001"],
            ["conditions.callee in [2002, 2001] instead of eq 2002"],
        ),
        (
            _rule(RINGING, "conditions: {callee: {startsWith: 3}, direction: outbound}"),
            ["callee 3 instead of 2001", "direction outbound instead of inbound"],
            [
                "without conditions.callee startsWith 3",
                "conditions.direction in [outbound, inbound] instead of eq outbound",
            ],
        ),
        (
            _rule(RINGING, "conditions: {any: [{callee: 2002, caller: 2003}, {caller: 2004}]}"),
            ["caller 2004 instead of +36201234567"],
            ["conditions.any[1].caller in [2004, +36201234567] instead of eq 2004"],
        ),
        (
            _rule(RINGING, "conditions: {not: {any: [{callee: 2001}, {caller: 2003}]}}"),
            ["callee 20010 instead of 2001"],
            ["without conditions.not.any[0].callee not eq 2001"],
        ),
        (
            _rule(RINGING, "conditions: {callerDisplayName: {matches: 'VIP*'}}"),
            ["callerDisplayName VIP instead of none"],
            ["without conditions.callerDisplayName matches VIP*"],
        ),
        (
            _rule(ANSWERED, "conditions: {ringDuration: {gte: 45s}}"),
            ["ringDuration 5s longer"],
            ["conditions.ringDuration gte 40s instead of gte 45s"],
        ),
        (
            _rule(RINGING, "conditions: {history: {state: Ringing, within: 1h, groupBy: [caller], gte: 3}}"),
            None,
            ["conditions.history gte 1 instead of gte 3"],
        ),
        (
            _rule("{state: Ringing, for: 50s}"),
            ["50s in Ringing instead of 40s"],
            ["for: 39s instead of 50s"],
        ),
        (_rule("{state: NotAnswered, from: Ringing}", actions="log: x"), ["NotAnswered after Ringing"], None),
        (_rule("{state: InCall, from: held}"), ["OnHold before InCall"], ["from: [held, Ringing] instead of held"]),
        (
            _rule(ANSWERED, "exceptions: [{name: boss, conditions: {callee: 2001}}]"),
            ["callee 20010 instead of 2001"],
            ["without the exception boss"],
        ),
        (_rule(ANSWERED, "status: disabled"), None, ["status: active"]),
        (
            _rule(RINGING, "", '{forward: "+36301112222"}'),
            None,
            ["+36301112222 among guards.destinations.allow"],
        ),
        (
            _rule(RINGING, "conditions: {callee: 2009}, status: shadow"),
            None,
            ["conditions.callee in [2009, 2001] instead of eq 2009", "status: active"],
        ),
    ],
)
def test_the_smallest_change(rule: str, call: list[str] | None, by_rule: list[str] | None) -> None:
    found = _found(rule)
    assert found[0] == call
    assert by_rule is None or found[1] == by_rule


def test_a_rule_that_another_outranks_takes_a_higher_priority() -> None:
    assert _found(DESK.replace("id: desk", "id: one, priority: 5"), DESK) == (None, ["priority: 101 instead of 5"])


def test_a_call_comes_when_the_schedule_is_open() -> None:
    schedules = "schedules: {office: {weekdays: [monday..friday], times: [08:00-09:00], timezone: UTC}}\n"
    rule = _rule(RINGING, "conditions: {schedule: {during: office}}")
    on = load([Source("rules.yaml", text(rule).replace("rules:\n", schedules + "rules:\n").encode())])
    scene = _scene(on)
    found = changes(scene.story, on, scene.call, "one", until=math.inf)
    _is_true(scene, "one", found)
    assert [edit.text for edit in found.call or ()] == ["at 2026-11-23 08:45 instead of 2026-11-23 10:00"]


def test_a_call_may_go_on_longer_than_until_now() -> None:
    on = rules(_rule("{state: held, for: 90s}", "conditions: {callee: 2002}"))
    [last] = read([seen(50, "InCall")])
    scene = _scene(on, (seen(0, "Ringing"), seen(40, "InCall")), until=last.at)
    found = changes(scene.story, on, scene.call, "one", until=scene.until)
    _is_true(scene, "one", found)
    assert [edit.text for edit in found.call or ()] == [
        "OnHold after Ringing for 1m30s",
        "callee 2002 instead of 2001",
    ]
    assert [edit.text for edit in found.rule or ()] == [
        "state: Ringing instead of held",
        "for: 39s instead of 1m30s",
        "conditions.callee in [2002, 2001] instead of eq 2002",
    ]


def test_what_fired_needs_nothing_and_an_emergency_call_cannot_be_helped() -> None:
    assert _found(_rule(RINGING)) == ([], [])
    assert _found(_rule(RINGING), lines=(seen(0, "Ringing", dialedNumber="112"),))[1] is None


def test_a_change_made_in_the_file_does_what_is_said_of_it() -> None:
    before = text(_rule(RINGING, "conditions: {callee: 2002}"))
    after = before.replace("callee: 2002", "callee: {in: [2002, 2001]}")
    scene = _scene(load([Source("rules.yaml", after.encode())]))
    assert [each.reason for each in why(scene.story, scene.rules, scene.call, until=math.inf)] == ["fired"]


def test_the_place_is_that_of_the_line() -> None:
    on = rules(_rule(RINGING, "conditions: {callee: 2002}"))
    scene = _scene(on)
    [edit] = smallest(scene, "one", rule_edits) or ()
    assert re.fullmatch(r"rules\.yaml:3:\d+", edit.at)
    [edit] = smallest(scene, "one", call_edits) or ()
    assert edit.at == ""


LEAVES = st.sampled_from(
    [
        "callee: 2001",
        "callee: 2002",
        "caller: {startsWith: '+36'}",
        "caller: {in: [2003, '+4416*']}",
        "direction: outbound",
        "callerDisplayName: {exists: true}",
        "hops: 0",
        "callee: {ne: 2001}",
        "dialedNumber: {matches: _2XXX}",
    ]
)
CONDITIONS = st.recursive(
    LEAVES.map(lambda leaf: f"{{{leaf}}}"),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda of: f"{{all: [{', '.join(of)}]}}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda of: f"{{any: [{', '.join(of)}]}}"),
        inner.map(lambda of: f"{{not: {of}}}"),
    ),
    max_leaves=5,
)
TRIGGERS = st.sampled_from(
    [
        "{state: Ringing}",
        "{state: held}",
        "{state: Ringing, for: 50s}",
        "{state: InCall, from: OnHold}",
        "{state: Busy}",
    ]
)


def _sane(trigger: str, conditions: str) -> RuleSet:
    try:
        return rules(_rule(trigger, f"conditions: {conditions}", "log: x"))
    except DocumentInvalid:  # conditions that contradict each other
        reject()


@given(TRIGGERS, CONDITIONS)
def test_whatever_the_rule_a_change_that_is_named_makes_it_fire(trigger: str, conditions: str) -> None:
    on = _sane(trigger, conditions)
    scene = _scene(on)
    found = changes(scene.story, on, scene.call, "one", until=math.inf)
    assume(found.rule is not None)
    _is_true(scene, "one", found)


@given(TRIGGERS, CONDITIONS)
def test_there_is_a_change_of_the_rule_whatever_stopped_it(trigger: str, conditions: str) -> None:
    scene = _scene(_sane(trigger, conditions))
    assert smallest(scene, "one", rule_edits) is not None
