"""How often the list is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.ozeki_http.pace import QUICKEST, SLOWEST, WITH_CALLS, interval_after


def calm(last: float, *, alive: bool = False, took: float = 0.001) -> float:
    return interval_after(last, changed=False, pressing=False, alive=alive, took=took)


@pytest.mark.parametrize(("changed", "pressing"), [(True, False), (False, True)])
def test_something_that_happens_is_looked_at_quickly(changed: bool, pressing: bool) -> None:
    assert interval_after(SLOWEST, changed=changed, pressing=pressing, alive=True, took=0.001) == QUICKEST


@pytest.mark.parametrize(("alive", "slowest"), [(True, WITH_CALLS), (False, SLOWEST)])
def test_an_office_where_nothing_happens_is_left_in_peace_by_and_by(alive: bool, slowest: float) -> None:
    intervals = [QUICKEST]
    while intervals[-1] < slowest:
        intervals.append(calm(intervals[-1], alive=alive))
    assert intervals == sorted(intervals)
    assert intervals[-1] == slowest
    assert 10 < len(intervals) < 50


def test_a_phone_system_that_answers_slowly_is_asked_less_often() -> None:
    assert interval_after(1.0, changed=True, pressing=True, alive=True, took=0.5) == 2.0
    assert interval_after(1.0, changed=True, pressing=True, alive=True, took=9.0) == SLOWEST


@given(st.floats(0, 100), st.booleans(), st.booleans(), st.booleans(), st.floats(0, 100))
def test_it_stays_between_a_quarter_of_a_second_and_five(
    last: float, changed: bool, pressing: bool, alive: bool, took: float
) -> None:
    assert QUICKEST <= interval_after(last, changed=changed, pressing=pressing, alive=alive, took=took) <= SLOWEST
