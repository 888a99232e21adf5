"""Playing scenarios: virtual time, a daemon that stops and comes back, scripted answers, calendar triggers."""

import pytest

from ozrules.scenario.run import EndlessScenario, play
from tests.scenario.playing import RINGS, SALES, played, rules_of, scenario_of, wrong


def test_a_timer_fires_at_its_very_moment() -> None:
    result = played(SALES, f"    timeline:\n{RINGS}\n    expect:\n      - {{at: 20s, action: forward, to: 2010}}\n")
    assert wrong(result) == []
    assert result.played is not None
    assert result.played.end == 25.0  # until the forward was waited for in vain


def test_the_run_ends_with_the_last_entry_or_later() -> None:
    ended = f"    timeline:\n{RINGS}\n      - {{at: 5s, session: s1, state: Cancelled}}\n"
    assert play(scenario_of(f"{ended}    expect: []\n"), rules_of(SALES)).end == 5.0
    assert play(scenario_of(f"{ended}    until: 1h\n    expect: []\n"), rules_of(SALES)).end == 3600.0


@pytest.mark.fault(29)
def test_a_daemon_that_comes_back_goes_on_where_it_was() -> None:
    body = f"""
    timeline:
{RINGS}
      - {{at: 12s, daemon: down}}
      - {{at: 24s, daemon: up}}
    expect:
      - {{at: 24s, rule: sales-no-answer, action: forward, to: 2010, session: s1, lateBy: 4s}}
"""
    assert wrong(played(SALES, body)) == []


def test_a_daemon_that_comes_back_too_late_does_not_act() -> None:
    body = f"""
    timeline:
{RINGS}
      - {{at: 12s, daemon: down}}
      - {{at: 26s, daemon: up}}
    expect: []
    whyNot: {{rule: sales-no-answer, reason: missedTooLate}}
"""
    assert wrong(played(SALES, body)) == []


def test_what_happens_while_the_daemon_is_down_is_in_the_list_that_it_gets() -> None:
    body = f"""
    timeline:
{RINGS}
      - {{at: 12s, daemon: down}}
      - {{at: 15s, session: s1, state: InCall}}
      - {{at: 18s, session: s1, state: Ringing}}
      - {{at: 30s, daemon: up}}
    expect:
      - {{at: 38s, action: forward, to: 2010, lateBy: 0s}}
"""
    assert wrong(played(SALES, body)) == []


def test_a_daemon_that_has_acted_does_not_act_again() -> None:
    body = f"""
    timeline:
{RINGS}
      - {{at: 21s, daemon: down}}
      - {{at: 22s, daemon: up}}
    expect:
      - {{at: 20s, action: forward}}
"""
    assert wrong(played(SALES, body)) == []


STEPS = """
ozrules: 1
rules:
  - id: steps
    trigger: {state: InCall, from: Ringing}
    actions:
      - hold:
          retry: {attempts: 2, delay: 3s}
          onFailure:
            - log: could not hold
      - wait: 10s
      - unhold
"""
ANSWERED = f"{RINGS}\n      - {{at: 0s, session: s1, state: InCall}}"


def test_a_scripted_answer_comes_at_its_time_with_its_proof() -> None:
    body = f"""
    timeline:
{ANSWERED}
      - {{at: 2s, session: s1, result: {{action: hold, outcome: confirmed}}}}
      - {{at: 13s, session: s1, result: {{action: unhold, outcome: confirmed}}}}
    expect:
      - {{at: 0s, action: hold, outcome: confirmed}}
      - {{at: 12s, action: unhold, outcome: confirmed}}
"""
    assert wrong(played(STEPS, body)) == []


def test_answers_are_given_in_their_order() -> None:
    body = f"""
    timeline:
{ANSWERED}
      - {{at: 0s, result: {{action: hold, outcome: unavailable}}}}
      - {{at: 0s, result: {{action: hold, outcome: rejected}}}}
    expect:
      - {{at: 0s, action: hold, outcome: rejected}}
      - {{at: 5s, action: hold, outcome: rejected}}
      - {{at: 5s, action: log, text: could not hold}}
"""
    assert wrong(played(STEPS, body)) == []


def test_an_entry_may_carry_both_the_answer_and_what_is_seen_then() -> None:
    body = f"""
    timeline:
{RINGS}
      - {{at: 20s100ms, session: s1, state: Redirected, result: {{action: forward, outcome: confirmed}}}}
    expect:
      - {{at: 20s, action: forward, outcome: confirmed}}
"""
    assert wrong(played(SALES, body)) == []


def test_an_answer_that_never_comes_leaves_the_outcome_open() -> None:
    body = f"""
    timeline:
{ANSWERED}
      - {{at: 5s, result: {{action: unhold, outcome: unknown}}}}
      - {{at: 5s, result: {{action: hold, outcome: confirmed}}}}
    expect:
      - {{at: 0s, action: hold, outcome: confirmed}}
      - {{at: 15s, action: unhold, outcome: unconfirmed}}
"""
    assert wrong(played(STEPS, body)) == []


CALENDAR = """
ozrules: 1
defaults: {timezone: Europe/Budapest}
rules:
  - id: evening
    trigger: {at: 10:01, weekdays: [monday..friday]}
    onMissed: fire
    actions:
      - log: it is evening
"""


def test_a_calendar_trigger_comes_while_something_goes_on() -> None:
    body = "    timeline:\n      - {at: 59s, session: s1, state: Ringing}\n"
    early = f"{body}      - {{at: 59s, session: s1, state: Cancelled}}\n    expect: []\n"
    assert wrong(played(CALENDAR, early)) == []
    late = f"{body}    until: 24h\n    expect:\n      - {{at: 60s, rule: evening, action: log}}\n"
    assert wrong(played(CALENDAR, late)) == []


def test_a_calendar_moment_that_the_daemon_missed_is_made_up_for() -> None:
    body = """
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 1s, session: s1, state: Cancelled}
      - {at: 30s, daemon: down}
      - {at: 90s, daemon: up}
    expect:
      - {at: 90s, rule: evening, action: log, lateBy: 30s}
"""
    assert wrong(played(CALENDAR, body)) == []


def test_a_scenario_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ozrules.scenario.run.MOST_STEPS", 3)
    body = f"    timeline:\n{RINGS}\n      - {{at: 1s, session: s1, state: InCall}}\n    until: 1h\n    expect: []\n"
    with pytest.raises(EndlessScenario, match="More than 3 things"):
        play(scenario_of(body), rules_of(CALENDAR.replace("at: 10:01, weekdays: [monday..friday]", 'at: "* * * * *"')))


def test_the_same_scenario_gives_the_same_run() -> None:
    body = f"    timeline:\n{RINGS}\n    expect:\n      - {{at: 20s, action: forward}}\n"
    first, again = (played(SALES, body).played for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.decisions == again.decisions
    assert first.observed == again.observed


CLOSED = """
ozrules: 1
schedules: {hours: {times: ["00:00-24:00"], timezone: UTC}, night: {manual: closed}}
rules:
  - id: closed
    trigger: {state: Ringing}
    conditions: {any: [{schedule: {outside: hours}}, {schedule: {during: night}}]}
    actions: [hangup]
"""


def test_schedules_are_switched_by_hand_also_over_a_restart() -> None:
    body = """
    timeline:
      - {at: 0s, override: {hours: closed}}
      - {at: 1s, daemon: down}
      - {at: 2s, daemon: up}
      - {at: 3s, session: s1, state: Ringing}
      - {at: 4s, override: {hours: "off"}}
    expect:
      - {at: 3s, rule: closed, action: hangup}
"""
    assert wrong(played(CLOSED, body)) == []
    body = body.replace("{hours: closed}", "{lunch: closed}").replace('{hours: "off"}', "{night: open}")
    assert wrong(played(CLOSED, body))[0] == "vacuous: There is no schedule lunch in the rule files of this test."


@pytest.mark.parametrize(
    ("scripted", "outcome", "goes_on"),
    [
        ("", "accepted", True),
        ("      - {at: 1s, session: s1, result: {action: sendDtmf, outcome: accepted}}\n", "accepted", True),
        ("      - {at: 1s, session: s1, result: {action: sendDtmf, outcome: confirmed}}\n", "confirmed", True),
        ("      - {at: 1s, session: s1, result: {action: sendDtmf, outcome: rejected}}\n", "rejected", False),
    ],
)
def test_a_key_is_accepted_unless_the_test_says_that_it_was_seen(scripted: str, outcome: str, goes_on: bool) -> None:
    actions = '[{sendDtmf: {to: callee, keys: "5"}}, {log: on}]'
    rule = f"ozrules: 1\nrules: [{{id: r, trigger: {{state: InCall}}, actions: {actions}}}]\n"
    at = 1 if scripted else 0
    body = f"""
    timeline:
{ANSWERED}
{scripted}    expect:
      - {{at: 0s, action: sendDtmf, outcome: {outcome}}}
"""
    body += f"      - {{at: {at}s, action: log}}\n" if goes_on else ""
    assert wrong(played(rule, body)) == []
