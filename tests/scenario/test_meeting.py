"""Which rules a call would meet."""

from datetime import datetime
from pathlib import Path

import pytest

from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.scenario.meeting import Call, Meeting, meet

ROOT = Path(__file__).parents[2]
EXAMPLE = load([Source("rules.example.yaml", (ROOT / "rules.example.yaml").read_bytes())])
WORKDAY, CHRISTMAS = "2026-11-23T10:00+01:00", "2026-12-24T18:00+01:00"
HEAD = "ozrules: 1\ndefaults: {timezone: UTC}\n"


def met(at: str, caller: str | None, callee: str) -> Meeting:
    return meet(EXAMPLE, Call(datetime.fromisoformat(at).timestamp(), caller, callee))


def of(*rules: str, at: float = 1e9, callee: str = "2001") -> Meeting:
    text = HEAD + "rules:\n" + "".join(f"  - {rule}\n" for rule in rules)
    return meet(load([Source("f", text.encode())]), Call(at, "+36201234567", callee))


def test_the_rules_stand_in_the_order_of_the_calls_life() -> None:
    found = met(CHRISTMAS, "+36205550100", "2001")

    assert [(each.rule, each.when, each.reason) for each in found.met] == [
        ("blocked-callers", "Ringing", "fired"),
        ("after-hours", "Ringing", "outrankedBy"),
        ("sales-no-answer", "Ringing for 20s", "fired"),
        ("long-hold", "held for 1m30s", "fired"),
        ("transfer-failed", "TransferFailed", "fired"),
        ("two-hours", "active for 2h since the start", "fired"),
        ("abandoned", "CallerHungUp or Cancelled or NotAnswered from Ringing", "fired"),
    ]
    assert found.met[1].by == "blocked-callers"
    assert found.met[0].place.line == 44
    assert found.other == ("alarm-test",)


def test_schedules_are_asked_at_that_moment() -> None:
    assert "after-hours" in {each.rule for each in met(CHRISTMAS, "+36201234567", "2001").met}
    workday = met(WORKDAY, "+36201234567", "2001")
    assert "after-hours" not in {each.rule for each in workday.met}
    [missed] = [each for each in workday.unmet if each.rule == "after-hours"]
    assert (missed.reason, missed.failed[0].actual) == ("outsideSchedule", "open")


def test_what_is_not_met_says_what_was_wanted_the_nearest_first() -> None:
    unmet = met(WORKDAY, "2002", "2001").unmet
    assert [len(each.failed) for each in unmet] == sorted(len(each.failed) for each in unmet)
    assert all(each.failed for each in unmet)


def test_emergency_calls_meet_guards() -> None:
    [two_hours] = [each for each in met(WORKDAY, "2001", "112").met if each.rule == "two-hours"]
    assert two_hours.reason == "protected"


def test_a_withheld_number_is_missing() -> None:
    [blocked] = [each for each in met(WORKDAY, None, "2001").unmet if each.rule == "blocked-callers"]
    assert (blocked.reason, blocked.failed[0].actual) == ("fieldMissing", None)


@pytest.mark.parametrize(
    ("trigger", "when"),
    [
        ("{state: Setup}", "Setup"),
        ("{state: InCall, for: 5m, clock: talk}", "InCall for 5m of talk"),
        ("{state: InCall, from: [Ringing, OnHold]}", "InCall from OnHold or Ringing"),
        ("{state: Cancelled}", "Cancelled"),
        ("{state: ended}", "ended"),
        ("{state: Ringing, for: 500ms}", "Ringing for 500ms"),
        ("{state: other:Parked}", "other:Parked"),
    ],
)
def test_every_state_that_a_rule_names_is_reached(trigger: str, when: str) -> None:
    [found] = of(f"{{id: a, trigger: {trigger}, actions: [{{log: x}}]}}").met
    assert (found.when, found.reason) == (when, "fired")


def test_conditions_that_hold_in_one_life_only() -> None:
    found = of("{id: a, trigger: {state: ended}, conditions: {previousState: InCall}, actions: [{log: x}]}")
    assert [each.reason for each in found.met] == ["fired"]
    assert found.unmet == ()


def test_equal_instants_show_who_comes_first() -> None:
    ring = "trigger: {state: Ringing, for: 5s}, actions: [hangup]"
    found = of(f"{{id: a, {ring}}}", f"{{id: b, priority: 200, {ring}}}")
    assert [(each.rule, each.reason, each.by) for each in found.met] == [
        ("b", "fired", None),
        ("a", "outrankedBy", "b"),
    ]


def test_of_a_large_set_what_the_index_rules_out_is_counted() -> None:
    many = [
        f"{{id: r{n}, trigger: {{state: Ringing}}, conditions: {{callee: 3{n:03}}}, actions: [hangup]}}"
        for n in range(40)
    ]
    found = of("{id: a, trigger: {state: Ringing}, actions: [{log: x}]}", *many)
    assert [each.rule for each in found.met] == ["a"]
    assert len(found.rest) + len(found.unmet) == 40
