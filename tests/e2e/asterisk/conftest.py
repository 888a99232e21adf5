"""Asterisk for these tests: fetched once, started once for each session of tests.

Where Debian's archive cannot be reached, or the machine cannot run it, the tests are skipped and say why.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.asterisk.lab import Lab
from tests.e2e.asterisk.tree import NoAsterisk, fetch


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running Asterisk."""
    try:
        running = Lab(fetch(), tmp_path_factory.mktemp("asterisk"))
        running.start()
    except NoAsterisk as reason:
        pytest.skip(str(reason))
    try:
        yield running
    finally:
        running.stop()
