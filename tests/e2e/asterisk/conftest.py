"""Asterisk for these tests: fetched once, started once for each session of tests.

The tests run on the newest Asterisk that Debian has; those marked ``every_asterisk`` on the oldest that is to be
supported too. ``OZRULES_ASTERISK=bullseye`` (or ``"sid bullseye"``) runs all of them on what is named. Where Debian's
archive cannot be reached, or the machine cannot run it, the tests are skipped and say why.
"""

import os
from collections.abc import Iterator
from typing import Final

import pytest

from tests.e2e.asterisk.lab import Lab
from tests.e2e.asterisk.tree import NEWEST, OLDEST, NoAsterisk, fetch

KNOWN: Final[dict[str, str]] = {}
"""What the oracle finds wrong today, by the test's name, and why. What is right again must be taken off."""

CHOSEN: Final = os.environ.get("OZRULES_ASTERISK", "").split()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "lab" in metafunc.fixturenames:
        everywhere = metafunc.definition.get_closest_marker("every_asterisk") is not None
        suites = CHOSEN or ([NEWEST, OLDEST] if everywhere else [NEWEST])
        metafunc.parametrize("lab", suites, indirect=True, scope="session")


@pytest.fixture(autouse=True)
def alive(request: pytest.FixtureRequest) -> None:
    """An Asterisk that crashed in the test before, or in the first try of this one, runs again."""
    for name in ("lab", "freepbx"):
        if name in request.fixturenames:
            running = request.getfixturevalue(name)
            assert isinstance(running, Lab)
            if not running.is_alive:
                running.start()


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running Asterisk of this suite."""
    try:
        running = Lab(fetch(request.param), tmp_path_factory.mktemp("asterisk"))
        running.start()
    except NoAsterisk as reason:
        pytest.skip(str(reason))
    try:
        yield running
    finally:
        running.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.name in KNOWN:
            item.add_marker(pytest.mark.xfail(strict=True, raises=AssertionError, reason=KNOWN[item.name]))
