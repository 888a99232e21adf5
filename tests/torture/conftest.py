"""How much is enough: a short form in `make test`, the long one in `make torture`."""

from collections.abc import Callable

import pytest


@pytest.fixture
def enough(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """The first of two numbers in a usual run, the second under ``--hypothesis-profile=torture``."""
    long = pytestconfig.getoption("--hypothesis-profile") == "torture"
    return lambda short, thorough: thorough if long else short
