"""Moments as they are typed."""

from pathlib import Path

import pytest

from ozrules.cli.main import main
from ozrules.cli.moments import moment
from tests.fakes.state import configure, fill


@pytest.fixture
def config(tmp_path: Path) -> str:
    return configure(tmp_path)


@pytest.mark.parametrize("moment", ["yesterday", "25:61", "2026-13-01", "-", "9999999999999d"])
def test_what_is_no_moment_is_refused(config: str, moment: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["decisions", "--config", config, f"--since={moment}"])
    assert caught.value.code == 2


def test_a_moment_may_be_of_today(config: str, tmp_path: Path) -> None:
    fill(tmp_path).close()
    assert main(["decisions", "--config", config, "--since", "00:00", "--until", "23:59:59"]) == 0


@pytest.mark.parametrize(("text", "seconds"), [("1970-01-02T00:00Z", 86_400), ("1970-01-02T01:00:00+01:00", 86_400)])
def test_a_moment_with_a_zone_is_that_moment(text: str, seconds: float) -> None:
    assert moment(text) == seconds
