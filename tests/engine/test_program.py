"""What waits or runs keeps the program that it began with: a reload changes what fires next, and nothing that is under
way; not over restarts either.
"""

import msgspec
import pytest

from ozrules.engine.engine import Engine
from ozrules.engine.events import CalendarDue, RulesReplaced
from ozrules.engine.program import Program
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.session.state import RINGING
from tests.engine.stage import Stage

HEAD = """
ozrules: 1
defaults: {country: HU, timezone: UTC}
schedules: {officeHours: {times: ["00:00-24:00"]}, lunch: {manual: closed}}
lists: {desks: [2001, 2002]}
conditions: {toADesk: {callee: {in: desks}}}
rules:
"""
NOTHING = "ozrules: 1\nrules: []\n"


def loaded(*rules: str, head: str = HEAD) -> RuleSet:
    text = head + "".join(f"  - {rule}\n" for rule in rules) if rules else NOTHING
    return load([Source("office.yaml", text.encode())])


def replace(stage: Stage, rules: RuleSet) -> None:
    stage.tell(RulesReplaced(at=stage.now, rules=rules))


WAITS = "{id: waits, trigger: {state: Ringing, for: 20s}, conditions: %s, actions: [{log: waited}]}"


@pytest.mark.fault(75)
@pytest.mark.parametrize(
    "conditions",
    [
        "{schedule: {during: officeHours}}",
        "{use: toADesk}",
        "{callee: {in: desks}}",
        "{active: {state: Ringing, groupBy: [callee], gte: 1}}",
        "{history: {state: Ringing, within: 60s, groupBy: [callee], gte: 1}}",
    ],
)
def test_a_wait_ends_by_its_own_rules_whatever_is_taken_away_with_them(conditions: str) -> None:
    stage = Stage(loaded(WAITS % conditions))
    stage.call(callee="2001")
    stage.call("s2", callee="2999")
    replace(stage, loaded())
    ended = [decision.session_key for decision in stage.decisions if decision.reason == "ruleRemoved"]
    removed = [key.session_id for key in ended if key is not None]
    assert removed == (["s1"] if "desk" in conditions or "Desk" in conditions else ["s1", "s2"])
    stage.wait(60)
    assert stage.logged == []
    assert stage.memories == {}


@pytest.mark.fault(75)
def test_a_wait_that_was_kept_in_the_journal_ends_so_too() -> None:
    stage = Stage(loaded(WAITS % "{schedule: {during: officeHours}}"))
    stage.call(callee="2001")
    stage.restart(1, rules=loaded())
    assert stage.reasons == [("waits", "ruleRemoved")]


@pytest.mark.fault(75)
def test_a_wait_goes_on_under_another_name_of_what_it_refers_to() -> None:
    stage = Stage(loaded(WAITS % "{schedule: {during: officeHours}}"))
    stage.call(callee="2001")
    stage.wait(10)
    renamed = msgspec.structs.replace(
        load(
            [
                Source(
                    "office.yaml",
                    (HEAD.replace("officeHours", "hours") + f"  - {WAITS % '{schedule: {during: hours}}'}\n").encode(),
                )
            ]
        )
    )
    replace(stage, renamed)
    stage.wait(10)
    assert stage.logged == ["waited"]


CHOOSES = """{id: chooses, trigger: {state: InCall}, onMissed: fire, actions: [{wait: 60s}, {choose: [
      {if: {schedule: {outside: officeHours}}, then: [{log: closed}]},
      {if: {use: toADesk}, then: [{log: open}]}, {else: [{log: nobody}]}]}]}"""


@pytest.mark.parametrize("restarts", [0, 1, 3])
def test_a_sequence_keeps_what_its_rule_refers_to(restarts: int) -> None:
    stage = Stage(loaded(CHOOSES))
    stage.call(callee="2001")
    stage.change("s1", "InCall")
    replace(stage, loaded())
    for _ in range(restarts):
        stage.restart(1)
    stage.wait(60)
    assert stage.logged == ["open"]


def test_what_something_under_way_began_with_is_named_for_as_long_as_it_is() -> None:
    began = loaded(CHOOSES)
    stage = Stage(began)
    stage.call(callee="2001")
    stage.change("s1", "InCall")
    replace(stage, loaded())
    assert stage.engine.revisions() == {began.revision, loaded().revision}
    stage.restart(1)
    assert stage.engine.revisions() == {began.revision, loaded().revision}
    stage.wait(60)
    assert stage.engine.revisions() == {loaded().revision}


@pytest.mark.parametrize(
    ("counted", "number"),
    [
        ("active: {state: InCall, groupBy: [callee], gte: 3}", 3),
        ("history: {state: InCall, within: 60s, groupBy: [callee], gte: 3}", 3),
        ("active: {state: InCall, groupBy: [callee], gte: 3}", 2),
        ("history: {state: InCall, within: 60s, groupBy: [callee], gte: 3}", 2),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_what_is_counted_in_a_choose_is_counted_like_in_conditions(counted: str, number: int, nested: bool) -> None:
    choose = f"{{choose: [{{if: {{{counted}}}, then: [{{log: many}}]}}, {{else: [{{log: few}}]}}]}}"
    if nested:
        choose = f"{{waitFor: {{state: Busy, timeout: 1s, onTimeout: [{choose}]}}}}"
    rule = f"{{id: r, trigger: {{state: Ringing, for: 30s}}, conditions: {{callee: 2001}}, actions: [{choose}]}}"
    stage = Stage(loaded(rule))
    for each in range(number):
        stage.call(f"t{each}", callee="2001")
        stage.change(f"t{each}", "InCall")
    stage.call("s", callee="2001")
    stage.wait(30)
    stage.wait(1)
    assert stage.logged == ["many" if number == 3 else "few"]


def test_a_sequence_goes_on_counting_when_its_rule_is_gone() -> None:
    counted = "active: {state: InCall, groupBy: [callee], gte: 2}"
    chooses = f"""{{id: r, trigger: {{state: Ringing}}, conditions: {{callee: 2001}}, actions: [
        {{wait: 30s}}, {{choose: [{{if: {{{counted}}}, then: [{{log: many}}]}}, {{else: [{{log: few}}]}}]}}]}}"""
    stage = Stage(loaded(chooses))
    stage.call("s", callee="2001")
    replace(stage, loaded())
    for each in range(2):
        stage.call(f"t{each}", callee="2001")
        stage.change(f"t{each}", "InCall")
    stage.restart(1)
    stage.wait(30)
    assert stage.logged == ["many"]


OWED = "{id: nightly, trigger: {at: '18:00', sessions: InCall}, onMissed: fire, actions: [{log: '{{ sessionId }}'}]}"


@pytest.mark.fault(5)
@pytest.mark.parametrize("restarts", [0, 1, 2])
def test_a_calendar_moment_that_a_connection_is_owed_outlives_restarts(restarts: int) -> None:
    stage = Stage(loaded(OWED))
    stage.call(callee="2001")
    stage.change("s1", "InCall", startTime="1970-01-12T13:00:00Z")
    stage.gap()
    stage.wait(50)
    due = stage.now
    moment = CalendarDue(at=due, rule="nightly", trigger="0", due=due)
    stage.tell(moment)
    for _ in range(restarts):
        stage.now += 10
        stage.engine = Engine(stage.rules, at=stage.now, memories=sorted(stage.memories.items()), tallies=stage.tallies)
        stage.tell(msgspec.structs.replace(moment, at=stage.now, missed=True))
    stage.now += 3
    stage.connect()
    assert stage.logged == ["s1"]
    stage.restart(1)
    stage.connect()
    assert stage.logged == ["s1"], "once"


def test_what_a_version_before_said_of_a_moment_is_no_debt() -> None:
    """It kept the moment alone, and not whom it had come to."""
    stage = Stage(loaded(OWED))
    stage.call(callee="2001")
    stage.change("s1", "InCall")
    stage.tell(CalendarDue(at=stage.now, rule="nightly", trigger="0", due=stage.now))
    assert stage.logged == ["s1"]
    said = next(each for each in stage.tallies if each.name.startswith("calendar:") and each.group == "")
    stage.tallies = [msgspec.structs.replace(said, member=f"{said.at}")]
    stage.restart(1)
    assert stage.logged == ["s1"]


def test_rules_that_cannot_be_read_any_more_end_what_began_with_them_and_are_told_of() -> None:
    stage = Stage(loaded(CHOOSES))
    stage.call(callee="2001")
    stage.change("s1", "InCall")
    replace(stage, loaded())
    stage.earlier.clear()
    stage.restart(1)
    assert stage.notices == ["rulesUnknown"]
    stage.wait(60)
    assert stage.logged == []
    assert stage.memories == {}


LOGS = "actions: [{log: x}]"


def test_a_program_says_what_has_to_be_counted_wherever_it_is_asked() -> None:
    counts = "active: {state: Ringing, gte: 1}"
    inside = f"{{choose: [{{if: {{{counts}}}, then: [{{log: x}}]}}]}}"
    for rule in (
        f"{{id: r, trigger: {{state: Ringing}}, conditions: {{{counts}}}, {LOGS}}}",
        f"{{id: r, trigger: {{state: Ringing}}, exceptions: [{{name: x, conditions: {{{counts}}}}}], {LOGS}}}",
        f"{{id: r, trigger: {{state: Ringing}}, actions: [{inside}]}}",
        f"{{id: r, trigger: {{state: Ringing}}, actions: [{{forward: {{to: 2001, onFailure: [{inside}]}}}}]}}",
        f"{{id: r, trigger: {{state: Ringing}}, actions: [{{hunt: {{to: [11], ring: 5s, onExhausted: [{inside}]}}}}]}}",
    ):
        assert [each.states for each in Program(loaded(rule)).standing] == [frozenset({RINGING})], rule
