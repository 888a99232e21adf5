"""Tests of recordings of which some are known to be wrong."""

from collections.abc import Iterable, Mapping

import pytest
from _pytest.mark import ParameterSet

from tests.oracle.laws import Breach


def marked(names: Iterable[str], known: Mapping[str, str]) -> list[ParameterSet]:
    """What is known to be wrong must be: the day that it is right, it must be taken off the list."""
    return [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(strict=True, raises=AssertionError, reason=known[name])] if name in known else (),
        )
        for name in names
    ]


def told_of(breaches: Iterable[Breach]) -> str:
    """One line each."""
    return "\n".join(str(breach) for breach in breaches)
