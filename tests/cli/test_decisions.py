"""The decision record, shown, narrowed and followed."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ozrules.cli.main import main
from tests.fakes.effects import record
from tests.fakes.state import HOSTILE, configure, fill


@pytest.fixture
def config(tmp_path: Path) -> str:
    return configure(tmp_path)


@pytest.mark.fault(92)
def test_the_record_is_shown_while_the_daemon_writes(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = fill(tmp_path)
    assert main(["decisions", "--config", config]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 2
    assert "sales-no-answer fired" in text
    assert not {"\x1b", "\u202e", "\r"} & set(text)
    assert main(["decisions", "--config", config, "--format", "json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2]
    assert json.loads(lines[1])["session"]["caller"] == HOSTILE
    assert not {"\x1b", "\u202e"} & set(lines[1])
    journal.close()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--since", "1970-01-12T13:47:00Z"], [2]),
        (["--until", "1970-01-12T13:47:00Z"], [1]),
        (["--since", "1h"], []),
        (["--session", "office/s1"], [1, 2]),
        (["--session", "s2"], []),
        (["--rule", "nobody"], []),
    ],
)
def test_the_record_can_be_narrowed(
    tmp_path: Path, config: str, options: list[str], found: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path).close()
    assert main(["decisions", "--config", config, "--format", "json", *options]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == found


def test_the_record_can_be_followed(tmp_path: Path, config: str) -> None:
    journal = fill(tmp_path)
    command = [sys.executable, "-m", "ozrules", "decisions", "--config", config, "--follow", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as follower:
        assert follower.stdout is not None
        assert json.loads(follower.stdout.readline())["seq"] == 1
        assert json.loads(follower.stdout.readline())["seq"] == 2
        asyncio.run(journal.commit([], [record(3, type_="reload")]))
        assert json.loads(follower.stdout.readline())["seq"] == 3
        follower.kill()
    journal.close()
