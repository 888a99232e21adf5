"""Counts in windows: exact at their edges, bounded, and the same after a restart."""

from hypothesis import given
from hypothesis import strategies as st

from ozrules.engine.effects import Tally
from ozrules.engine.tallies import MOST_MEMBERS, AliveCounts, Tallies


def tally(member: str, at: float, group: str = "g") -> Tally:
    return Tally(name="n", group=group, member=member, at=at, until=at + 10)


def test_the_window_is_open_at_its_beginning_and_closed_at_its_end() -> None:
    counts = Tallies()
    counts.add(tally("a", 0.0))
    counts.add(tally("b", 10.0))
    assert counts.count("n", "g", 10.0, 10.0) == 1
    assert counts.count("n", "g", 19.9, 10.0) == 1
    assert counts.count("n", "g", 20.0, 10.0) == 0


def test_a_member_counts_once() -> None:
    counts = Tallies()
    counts.add(tally("a", 1.0))
    counts.add(tally("a", 2.0))
    assert counts.count("n", "g", 3.0, 10.0) == 1
    assert counts.latest("n", "g") == 2.0
    assert counts.last("n", "g") == "a"


def test_a_group_is_bounded() -> None:
    counts = Tallies()
    for number in range(MOST_MEMBERS + 5):
        counts.add(tally(str(number), 1.0))
    assert counts.count("n", "g", 2.0, 10.0) == MOST_MEMBERS


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=30), st.integers(0, 40), st.integers(1, 20)
)
def test_counts_agree_with_brute_force(entries: list[tuple[str, int]], now: int, within: int) -> None:
    counts = Tallies()
    ordered = sorted(entries, key=lambda entry: entry[1])
    for member, at in ordered:
        counts.add(tally(member, float(at)))
    last = dict(ordered)
    expected = {member for member, at in last.items() if at > now - within}
    assert counts.count("n", "g", float(now), float(within)) == len(expected)


def test_sessions_alive_move_between_groups() -> None:
    counts = AliveCounts()
    counts.put(1, "x")
    counts.put(2, "x")
    counts.put(1, "y")
    counts.put(2, None)
    counts.put(3, None)
    assert (counts.count("x"), counts.count("y")) == (0, 1)
