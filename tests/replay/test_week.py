"""The week of a number: what the real rules would do to a call, quarter by quarter."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ozrules.replay.week import QUARTER, SLOTS, Act, Week, week
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet

EXAMPLE = Path(__file__).parents[2] / "rules.example.yaml"
ZONE = ZoneInfo("Europe/Budapest")
MONDAY = datetime(2026, 11, 23, 9, 55, tzinfo=ZONE).timestamp()


def _example() -> RuleSet:
    return load([Source("rules.yaml", EXAMPLE.read_bytes())])


def _rules(text: str) -> RuleSet:
    return load([Source("rules.yaml", f"ozrules: 1\n{text}".encode())])


def _at(found: Week, day: int, hour: int, minute: int = 0) -> list[str]:
    """The rules that act on a call at that time of November 2026."""
    at = datetime(2026, 11, day, hour, minute, tzinfo=ZONE).timestamp()
    return [act.rule for act in found.outcomes[found.slots[int((at - found.start) // QUARTER)]]]


def test_office_hours_divide_the_week() -> None:
    found = week(_example(), now=MONDAY, caller="+36201234567", callee="2001")
    assert len(found.slots) == SLOTS
    assert found.start == datetime(2026, 11, 23, 9, 45, tzinfo=ZONE).timestamp()
    assert found.timezone == "Europe/Budapest"
    assert _at(found, 23, 9, 45) == ["sales-no-answer"]
    assert _at(found, 23, 17, 15) == ["sales-no-answer"]
    assert _at(found, 23, 17, 30) == ["after-hours"]
    assert _at(found, 28, 12) == ["after-hours"]
    assert _at(found, 30, 7, 45) == ["after-hours"]
    assert _at(found, 30, 8) == ["sales-no-answer"]
    taking = next(act for outcome in found.outcomes for act in outcome if act.rule == "sales-no-answer")
    assert taking == Act(rule="sales-no-answer", after=20.0, actions=(("forward", {"to": "2010"}),), controls=True)


def test_schedules_and_the_calendar_stand_beside() -> None:
    found = week(_example(), now=MONDAY, caller=None, callee="2001")
    hours = found.schedules["officeHours"]
    assert sum(hours) == 5 * (9 * 4 + 2)
    assert [(date.rule, datetime.fromtimestamp(date.at, ZONE).hour, date.sessions) for date in found.dates] == [
        ("alarm-test", 10, ("InCall",))
    ]


def test_a_blocked_caller_is_blocked_at_any_time() -> None:
    found = week(_example(), now=MONDAY, caller="+36205550100", callee="2001")
    assert {act.rule for outcome in found.outcomes for act in outcome} == {"blocked-callers"}
    assert len(found.outcomes) == 1


def test_an_inner_caller_is_let_ring() -> None:
    found = week(_example(), now=MONDAY, caller="2002", callee="2003")
    assert found.outcomes == ((),)


def test_a_withheld_number_comes_from_outside_and_an_inner_one_alone_goes_out() -> None:
    rules = _rules(
        "defaults: {extensions: ['_2XXX']}\nrules:\n"
        "  - {id: in, trigger: {state: Ringing}, conditions: {direction: inbound}, actions: [{log: in}]}\n"
        "  - {id: out, trigger: {state: Ringing}, conditions: {direction: outbound}, actions: [{log: out}]}\n"
    )

    def acts(caller: str | None, callee: str | None) -> set[str]:
        found = week(rules, now=MONDAY, caller=caller, callee=callee)
        return {act.rule for outcome in found.outcomes for act in outcome}

    assert acts(None, "2001") == {"in"}
    assert acts("2001", None) == {"out"}
    assert acts("+36201234567", None) == {"in"}


def test_what_does_not_take_the_call_stands_before_what_does() -> None:
    rules = _rules(
        "defaults: {extensions: ['_2XXX']}\nrules:\n"
        "  - {id: seen, trigger: {state: Ringing}, actions: [{log: seen}]}\n"
        "  - {id: soon, trigger: {state: Ringing, for: 5s}, actions: [{forward: 2002}]}\n"
        "  - {id: later, trigger: {state: Ringing, for: 30s}, actions: [{forward: 2003}]}\n"
        "  - {id: too-late, trigger: {state: Ringing, for: 1h}, actions: [{log: late}]}\n"
    )
    [outcome] = week(rules, now=MONDAY, caller=None, callee="2001").outcomes
    assert [(act.rule, act.after, act.controls) for act in outcome] == [("seen", 0.0, False), ("soon", 5.0, True)]


def test_a_rule_that_looks_at_the_date_is_asked_at_every_quarter() -> None:
    rules = _rules(
        "defaults: {timezone: Europe/Budapest, extensions: ['_2XXX']}\nrules:\n"
        "  - id: from-wednesday\n    trigger: {state: Ringing}\n"
        "    conditions: {startTime: {gte: 2026-11-25T12:00:00+01:00}}\n    actions: [{log: late}]\n"
    )
    found = week(rules, now=MONDAY, caller=None, callee="2001")
    assert _at(found, 25, 11, 45) == []
    assert _at(found, 25, 12) == ["from-wednesday"]
    assert len(found.outcomes) == 2


def test_the_week_in_which_the_clocks_change_has_as_many_quarters() -> None:
    october = datetime(2026, 10, 23, 12, tzinfo=ZONE).timestamp()
    found = week(_example(), now=october, caller=None, callee="2001")
    assert len(found.slots) == SLOTS
    sunday = datetime(2026, 10, 25, 12, tzinfo=ZONE).timestamp()
    assert not found.schedules["officeHours"][int((sunday - found.start) // QUARTER)]
    monday = datetime(2026, 10, 26, 8, tzinfo=ZONE).timestamp()
    assert found.schedules["officeHours"][int((monday - found.start) // QUARTER)]
