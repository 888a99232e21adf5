"""Timers against the plainest model there is: a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from ozrules.engine.identity import SessionKey
from ozrules.runtime.timers import FEW, Timers

KEYS = [SessionKey("office", "e", f"s{number}", "") for number in range(4)]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.sampled_from(KEYS), st.integers(0, 20)),
            st.tuples(st.just("cancel"), st.sampled_from(KEYS), st.none()),
            st.tuples(st.just("take"), st.none(), st.integers(0, 20)),
        ),
        max_size=60,
    )
)
def test_every_session_is_woken_once_at_the_moment_last_set(
    steps: list[tuple[str, SessionKey | None, int | None]],
) -> None:
    timers, model = Timers(), dict[SessionKey, float]()
    for _, key, due in steps:
        if key is None:
            assert due is not None
            taken = timers.take(due)
            assert sorted(taken) == sorted(each for each, moment in model.items() if moment <= due)
            moments = [model.pop(each) for each in taken]
            assert moments == sorted(moments)
        else:
            timers.set(key, due)
            model.pop(key, None)
            if due is not None:
                model[key] = due
        assert timers.next() == min(model.values(), default=None)
        assert len(timers) == len(model)


def test_the_earliest_comes_first() -> None:
    timers = Timers()
    for key, due in zip(KEYS, (30.0, 10.0, 40.0, 20.0), strict=True):
        timers.set(key, due)
    assert timers.take(35.0) == (KEYS[1], KEYS[3], KEYS[0])
    assert timers.next() == 40.0


def test_moving_a_moment_for_ever_takes_no_memory() -> None:
    timers = Timers()
    for due in range(20 * FEW):
        timers.set(KEYS[0], float(due))
        timers.set(KEYS[1], None)
    assert len(timers._heap) < 3 * FEW
    assert timers.take(1e9) == (KEYS[0],)


def test_overdue_is_whoever_should_have_been_woken() -> None:
    timers = Timers()
    for number, due in enumerate((1.0, 2.0, 3.0)):
        timers.set(SessionKey("office", "", f"s{number}", ""), due)
    timers.set(SessionKey("office", "", "s0", ""), 9.0)
    assert timers.overdue(2.5) == 1
    assert timers.overdue(9.5) == 3
