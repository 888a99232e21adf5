"""The benchmarks at a tiny size: what they measure is right, whatever the time."""

import pytest

from bench import brute_force
from bench.engine import (
    Disagreement,
    agree,
    bytes_per_session,
    decodes_per_second,
    growth,
    matched,
    slope,
    timer_pairs_per_second,
)
from bench.workload import BUSY, PlainEvent, day_events, day_rules, growing_rules, rule_files
from ozrules.rules.loader import load

EVENTS = day_events(400)


@pytest.mark.parametrize("size", [10, 100, 1_000])
def test_the_engine_matches_what_brute_force_matches(size: int) -> None:
    rules = day_rules(size)
    expected = brute_force.matches(EVENTS, rules)
    assert matched(EVENTS, load(rule_files(rules))) == expected
    assert any(expected) or size == 10


def test_a_wrong_match_is_noticed() -> None:
    with pytest.raises(Disagreement, match="event 1: only the engine"):
        agree([frozenset(), frozenset({"rule-1"})], [frozenset(), frozenset()], EVENTS, 10)


def test_more_rules_of_the_growing_set_match_no_more() -> None:
    few = brute_force.matches(EVENTS, growing_rules(BUSY))
    assert brute_force.matches(EVENTS, growing_rules(10 * BUSY)) == few
    assert any(few)


def test_the_growth_is_measured_over_sets_that_agree() -> None:
    grown = growth((100, 200), EVENTS[:100], rounds=1)
    print(f"exponent {grown.exponent:.3f}")  # noqa: T201 - for the reader of the log; a short run proves nothing
    assert set(grown.microseconds) == {100, 200}


def test_the_slope_is_the_exponent() -> None:
    assert slope({10: 2.0, 100: 20.0, 1000: 200.0}) == pytest.approx(1.0)
    assert slope({10: 5.0, 100: 5.0}) == pytest.approx(0.0)


def test_a_session_and_a_timer_cost_something() -> None:
    assert bytes_per_session(load(rule_files(day_rules(10))), 20) > 0
    assert timer_pairs_per_second(10, 10) > 0
    assert decodes_per_second(EVENTS) > 0


def test_every_event_has_all_seventeen_properties() -> None:
    assert {len(event.properties) for event in EVENTS} == {17}


def test_the_day_is_the_same_each_time() -> None:
    again: list[PlainEvent] = day_events(400)
    assert again == EVENTS
    assert day_events(400, seed=8) != EVENTS
