"""A FreePBX-like Asterisk for these tests, and one evening of all scenes on it: played once for each suite."""

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest

from tests.e2e.asterisk.conftest import CHOSEN
from tests.e2e.asterisk.freepbx.evening import ALL, Evening, play
from tests.e2e.asterisk.freepbx.laboratory import Laboratory
from tests.e2e.asterisk.tree import NEWEST, OLDEST, NoAsterisk, fetch

TRIES: Final = 3


@pytest.fixture(scope="session", params=CHOSEN or [NEWEST, OLDEST])
def freepbx(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A running one."""
    try:
        running = Laboratory(fetch(request.param), tmp_path_factory.mktemp("freepbx"))
        running.start()
    except NoAsterisk as reason:
        pytest.skip(str(reason))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def evening(freepbx: Laboratory) -> Evening:
    """All scenes, played; on another Asterisk where the first one crashes meanwhile."""
    for _ in range(TRIES):
        if not freepbx.is_alive:
            freepbx.start()
        try:
            played = asyncio.run(play(freepbx, ALL))
        except Exception:  # whatever a scene makes of a crash; anything else is raised again
            if freepbx.is_alive:
                raise
        else:
            if freepbx.is_alive:
                return played
    pytest.fail("Asterisk crashed in each of the evenings")
