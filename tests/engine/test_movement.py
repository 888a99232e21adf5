"""What two readings of one stay say of a duration: it runs, it does not, or they do not tell."""

import pytest

from ozrules.engine.movement import Reading, moved


@pytest.mark.parametrize(
    ("before", "after", "apart", "runs"),
    [
        pytest.param(5.0, 8.0, 3.0, True, id="to the second"),
        pytest.param(5.0, 8.9, 3.0, True, id="rounded"),
        pytest.param(5.0, 7.0, 3.0, True, id="rounded down"),
        pytest.param(5.0, 5.0, 3.0, False, id="what it was at first"),
        pytest.param(0.0, 0.0, 60.0, False, id="zero"),
        pytest.param(36_903.0, 36_903.0, 3.0, False, id="the moment when the state began"),
        pytest.param(5_000.0, 8_000.0, 3.0, False, id="milliseconds"),
        pytest.param(60.0, 120.0, 3.0, False, id="whole minutes"),
        pytest.param(5.0, 6.5, 1.5, None, id="too near"),
        pytest.param(9.0, 0.0, 3.0, None, id="another stay"),
    ],
)
def test_two_readings(before: float, after: float, apart: float, runs: bool | None) -> None:
    assert moved(Reading(100.0, 0.1, before), Reading(100.0 + apart, 0.1, after)) is runs


def test_a_list_that_may_be_old_proves_nothing() -> None:
    """Eight seconds passed, or three."""
    assert moved(Reading(100.0, 0.0, 5.0), Reading(108.0, 5.0, 10.0)) is None


def test_a_list_that_may_be_old_still_shows_that_a_duration_stands() -> None:
    assert moved(Reading(100.0, 0.0, 5.0), Reading(108.0, 5.0, 5.0)) is False
