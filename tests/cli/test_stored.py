"""What all commands on the state share."""

from pathlib import Path

import pytest

from ozrules.cli.main import main
from tests.fakes.state import configure


@pytest.fixture
def config(tmp_path: Path) -> str:
    return configure(tmp_path)


@pytest.mark.parametrize("command", [["decisions"], ["export", "--since", "1h"], ["backup", "/dev/null"]])
def test_without_a_state_one_line_says_so(config: str, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--config", config]) == 1
    assert "there is no journal yet" in capsys.readouterr().err
