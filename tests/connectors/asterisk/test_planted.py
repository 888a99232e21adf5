"""The planted bugs: each finds its place, and the tests find it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.connectors.asterisk.planted import PLANTED, Planted, hunt


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: one.bug.name)
def test_every_planted_bug_finds_its_place_and_is_python(one: Planted) -> None:
    compile(one.bug.planted(), one.bug.path, "exec")
    assert one.bug.about


@pytest.mark.timeout(300)
def test_every_planted_bug_is_found() -> None:
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip((one.bug.name for one in PLANTED), pool.map(hunt, PLANTED), strict=True))
    assert {name: by for name, by in found.items() if by.startswith("-")} == {}
