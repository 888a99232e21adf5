"""Durations in Prometheus notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.rules.spans import meant_by, pattern, seconds_in, written


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("20s", 20), ("90s", 90), ("1h30m", 5400), ("1h0m1s5ms", 3601.005), ("0s", 0)],
)
def test_the_notation(text: str, seconds: float) -> None:
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "s", "20 s", "020s", "1.5h", "30s1m", "1m1m", "20sec", "-5s", "1d", "٢s"])
def test_what_it_is_not(text: str) -> None:
    assert seconds_in(text) is None


def test_days_where_they_are_known() -> None:
    assert seconds_in("1d12h", days=True) == 129600
    assert written(129600, days=True) == "1d12h"
    assert written(129600) == "36h"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("20sec", "20s"),
        ("1 min", "1m"),
        ("20", "20s"),
        ("30s1m", "1m30s"),
        ("2 Hours", "2h"),
        ("soon", None),
        ("1.5h", None),
    ],
)
def test_what_was_meant(text: str, meant: str | None) -> None:
    assert meant_by(text) == meant


@given(st.integers(min_value=1, max_value=10**11))
def test_writing_and_reading_agree(milliseconds: int) -> None:
    import re

    text = written(milliseconds / 1000)
    assert seconds_in(text) == milliseconds / 1000
    assert re.search(pattern(), text)
