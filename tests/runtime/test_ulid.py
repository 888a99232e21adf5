"""ULIDs: they sort by time, and read back."""

from hypothesis import given
from hypothesis import strategies as st

from ozrules.runtime.ulid import LETTERS, ulid


@given(st.floats(0, 2e11), st.binary(min_size=10, max_size=10))
def test_it_holds_the_moment_and_the_randomness(seconds: float, randomness: bytes) -> None:
    text = ulid(seconds, randomness)
    assert len(text) == 26
    number = 0
    for letter in text:
        number = number * 32 + LETTERS.index(letter)
    assert number >> 80 == int(seconds * 1000)
    assert (number & (1 << 80) - 1).to_bytes(10, "big") == randomness


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.binary(min_size=10, max_size=10))
def test_later_ones_sort_later(first: int, second: int, randomness: bytes) -> None:
    earlier, later = sorted((first, second))
    assert ulid(earlier / 1000, bytes(10)) <= ulid(later / 1000, randomness)
