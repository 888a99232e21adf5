from ozrules.scenario.suite import play_all
from tests.scenario.playing import HEAD, RINGS, SALES, file_of, rules_of

BODY = f"{HEAD}    timeline:\n{RINGS}\n    expect:\n"


def test_each_scenario_begins_afresh() -> None:
    text = "".join(f"  - name: {name}{BODY}      - {{at: 20s, action: forward}}\n" for name in ("one", "two"))
    results = play_all(file_of(text), rules_of(SALES))
    assert [(result.scenario.name, result.passed) for result in results] == [("one", True), ("two", True)]


def test_a_scenario_about_an_unknown_rule_is_not_played() -> None:
    (result,) = play_all(file_of(f"  - name: one{BODY}      - {{rule: none, action: forward}}\n"), rules_of(SALES))
    assert not result.passed
    assert result.played is None
