"""Why two rule sets treat a call otherwise."""

import pytest

from ozrules.engine.effects import Decision
from ozrules.replay.compare import compare
from ozrules.replay.drive import drive
from ozrules.replay.recording import events, read
from ozrules.rules.model import RuleSet
from tests.replay.recorded import DESK, rules, seen

CALL = [seen(0, "Ringing"), seen(60, "InCall")]


def _decisions(on: RuleSet) -> list[Decision]:
    return [each for each in drive(events(read(CALL)), on) if isinstance(each, Decision)]


def _causes(old: RuleSet, new: RuleSet) -> list[str]:
    return [each.cause for each in compare(_decisions(old), _decisions(new), old, new)]


FIRST = DESK.replace("id: desk", "id: first, priority: 200").replace("2010", "2011")


@pytest.mark.parametrize(
    ("old", "new", "causes"),
    [
        ([DESK], [DESK], []),
        ([], [DESK], ["desk: new rule"]),
        ([DESK], [], ["desk: removed rule"]),
        ([DESK], [DESK.replace("2001", "2002")], ["desk: changed conditions"]),
        ([DESK], [DESK.replace("20s", "30s")], ["desk: other time"]),
        ([DESK], [DESK.replace("2010", "2012")], ["desk: other actions"]),
        ([DESK], [DESK.replace("20s", "2m")], ["desk: changed triggers"]),
        ([DESK], [DESK.replace("id: desk", "id: desk, status: disabled")], ["desk: changed status"]),
        ([DESK], [DESK, FIRST], ["desk: outranked by first", "first: new rule"]),
        ([DESK, FIRST], [DESK], ["first: removed rule", "desk: no longer outranked by first"]),
    ],
)
def test_the_cause_is_named(old: list[str], new: list[str], causes: list[str]) -> None:
    other = "{id: other, trigger: {state: Error}, actions: [{log: error}]}"
    assert _causes(rules(other, *old), rules(other, *new)) == causes


def test_a_rule_that_only_moved_in_its_file_has_not_changed() -> None:
    other = "{id: other, trigger: {state: Error}, actions: [{log: error}]}"
    assert _causes(rules(DESK, other), rules(other, DESK)) == []
