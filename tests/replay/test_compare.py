"""Why two rule sets treat a call otherwise."""

import pytest

from ozrules.engine.effects import Decision
from ozrules.replay.compare import by_cause, compare
from ozrules.replay.drive import drive
from ozrules.replay.recording import events, read
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from tests.replay.recorded import DESK, rules, seen, text

CALL = [seen(0, "Ringing"), seen(60, "InCall")]


def _decisions(on: RuleSet, *lines: str) -> list[Decision]:
    told = events(read(lines or CALL))
    return [each for each in drive(told, on, explain=0) if isinstance(each, Decision)]


def _causes(old: RuleSet, new: RuleSet) -> list[str]:
    return [str(each.cause) for each in compare(_decisions(old), _decisions(new), old, new)]


FIRST = DESK.replace("id: desk", "id: first, priority: 200").replace("2010", "2011")
OTHER = "{id: other, trigger: {state: Error}, actions: [{log: error}]}"
BOSS = DESK.replace("trigger", "exceptions: [{name: boss, conditions: {callee: 2001}}], trigger")


@pytest.mark.parametrize(
    ("old", "new", "causes"),
    [
        ([DESK], [DESK], []),
        ([], [DESK], ["desk: new rule"]),
        ([DESK], [], ["desk: removed rule"]),
        ([DESK], [DESK.replace("2001", "2002")], ["desk: changed condition conditions.callee eq 2001 -> eq 2002"]),
        (
            [DESK],
            [DESK.replace("callee: 2001", "callee: 2001, caller: 1")],
            ["desk: changed condition conditions.caller + eq 1"],
        ),
        ([DESK], [DESK.replace("20s", "30s")], ["desk: changed trigger Ringing for 20s -> Ringing for 30s"]),
        ([DESK], [DESK.replace("20s", "2m")], ["desk: changed trigger Ringing for 20s -> Ringing for 2m"]),
        ([DESK], [DESK.replace("2010", "2012")], ["desk: changed action actions[0] forward 2010 -> forward 2012"]),
        ([DESK], [DESK.replace("id: desk", "id: desk, status: disabled")], ["desk: changed status active -> disabled"]),
        ([DESK], [BOSS], ["desk: changed exception boss + exceptions.callee eq 2001"]),
        ([DESK], [DESK, FIRST], ["desk: outranked by first", "first: new rule"]),
        ([DESK, FIRST], [DESK], ["first: removed rule", "desk: no longer outranked by first"]),
    ],
)
def test_the_cause_is_named(old: list[str], new: list[str], causes: list[str]) -> None:
    assert _causes(rules(OTHER, *old), rules(OTHER, *new)) == causes


def _with(head: str, rule: str) -> RuleSet:
    return load([Source("rules.yaml", text(rule).replace("rules:\n", f"{head}\nrules:\n", 1).encode())])


def test_what_lies_above_the_rule_is_a_cause_too() -> None:
    listed = DESK.replace("callee: 2001", "callee: {in: desks}")
    lists = [_with(f"lists: {{desks: [{members}]}}", listed) for members in ("2001, 2002", "2002, 2003")]
    assert _causes(*lists) == ["desk: changed list desks"]
    timed = DESK.replace("callee: 2001", "schedule: {during: day}")
    days = [_with(f"schedules: {{day: {{times: [{times}]}}}}", timed) for times in ("09:00-17:00", "12:00-17:00")]
    assert _causes(*days) == ["desk: changed schedule day"]
    outside = DESK.replace("2010", "'+36301112222'")
    guards = [_with(f"guards: {{destinations: {{allow: [internal, {more}]}}}}", outside) for more in ('"+36*"', "2010")]
    assert _causes(*guards) == ["desk: changed guards"]


def test_a_rule_that_only_moved_in_its_file_has_not_changed() -> None:
    assert _causes(rules(DESK, OTHER), rules(OTHER, DESK)) == []


def test_the_cause_of_most_calls_comes_first() -> None:
    lines = [seen(number, "Ringing", f"s{number}", callee="2001" if number else "2003") for number in range(4)]
    new = rules(
        DESK.replace("2010", "2011"),
        "{id: three, trigger: {state: Ringing}, conditions: {callee: 2003}, actions: [hangup]}",
    )
    old = rules(DESK)
    found = by_cause(compare(_decisions(old, *lines), _decisions(new, *lines), old, new))
    assert [(str(cause), len(differences)) for cause, differences in found] == [
        ("desk: changed action actions[0] forward 2010 -> forward 2011", 3),
        ("three: new rule", 1),
    ]
