"""Recorded sessions on stdout."""

import json
from pathlib import Path

import pytest

from ozrules.cli.main import main
from tests.fakes.state import configure, fill


@pytest.fixture
def config(tmp_path: Path) -> str:
    return configure(tmp_path)


def test_sessions_are_exported(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path).close()
    assert main(["export", "--config", config, "--since", "1970-01-01"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["session"]["caller"] == "+36201234567"
