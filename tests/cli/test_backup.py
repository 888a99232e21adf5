"""The copy of the state."""

import os
from pathlib import Path

import pytest

from ozrules.cli.main import main
from tests.fakes.state import configure, fill


@pytest.fixture
def config(tmp_path: Path) -> str:
    return configure(tmp_path)


@pytest.mark.fault(56, 102)
def test_a_backup_is_private_and_never_overwrites(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = fill(tmp_path)
    target = tmp_path / "copy.db"
    assert main(["backup", "--config", config, str(target)]) == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.stat().st_size > 0
    assert main(["backup", "--config", config, str(target)]) == 1
    assert os.strerror(17) in capsys.readouterr().err
    journal.close()
