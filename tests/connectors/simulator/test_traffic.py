"""A mix of calls from a seed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.simulator import HABITS, OFFICE, Habit, traffic
from ozrules.connectors.simulator.traffic import plan


@given(st.integers(0, 60), st.integers(), st.floats(0.1, 100.0))
def test_so_many_calls_one_after_the_other_and_the_same_again(calls: int, seed: int, speed: float) -> None:
    placed = list(traffic(calls, rate=0.5, start=100.0, seed=seed, speed=speed))
    assert len(placed) == calls
    assert [at for at, _ in placed] == sorted(at for at, _ in placed)
    assert placed == list(traffic(calls, rate=0.5, start=100.0, seed=seed, speed=speed))


def test_speed_scales_arrivals_and_talk_and_nothing_else() -> None:
    slow = list(traffic(50, rate=1.0, start=0.0, seed=3))
    fast = list(traffic(50, rate=1.0, start=0.0, seed=3, speed=10.0))
    for (slow_at, slow_plan), (fast_at, fast_plan) in zip(slow, fast, strict=True):
        assert fast_at == pytest.approx(slow_at / 10)
        assert fast_plan.talk <= slow_plan.talk
        assert fast_plan.answers_after == slow_plan.answers_after
        assert fast_plan.gives_up_after == slow_plan.gives_up_after


@pytest.mark.parametrize("habit", HABITS)
def test_a_call_of_each_habit_is_between_somebody_and_somebody(habit: Habit) -> None:
    for seed in range(20):
        call = plan(habit, random.Random(seed))
        assert OFFICE.find(call.caller) is not None
        assert (OFFICE.find(call.callee) is None) == (habit == "notFound")
        assert all(act.after <= call.talk for act in call.acts)


def test_only_the_habits_that_are_asked_for() -> None:
    assert all(call.fails for _, call in traffic(20, rate=1.0, start=0.0, seed=1, habits=["error"]))
