"""Waiting longer after each failure, never less than half a second, and half a minute after a denial."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.retry import AFTER_DENIAL, LONGEST, SHORTEST, wait_after


@pytest.mark.fault(1)
@given(st.integers(0, 10_000), st.integers())
def test_a_wait_is_between_half_a_second_and_half_a_minute(failures: int, seed: int) -> None:
    assert SHORTEST <= wait_after(failures, denied=False, chance=random.Random(seed)) <= LONGEST


def test_the_wait_grows_and_is_left_to_chance() -> None:
    waits = [wait_after(failures, denied=False, chance=random.Random(1)) for failures in (0, 3, 9)]
    assert waits == sorted(waits)
    assert len({wait_after(9, denied=False, chance=random.Random(seed)) for seed in range(9)}) > 1


@pytest.mark.fault(20)
@given(st.integers(0, 100), st.integers())
def test_who_is_denied_waits_half_a_minute_at_least(failures: int, seed: int) -> None:
    assert wait_after(failures, denied=True, chance=random.Random(seed)) >= AFTER_DENIAL
