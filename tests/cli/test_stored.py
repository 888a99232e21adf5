"""The commands that look into the state: decisions, export, backup."""

import asyncio
import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from ozrules.cli.main import main
from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import decision, observed, record

HOSTILE = "\x1b[2J\u202eforged\r\n"


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "ozrules.yaml"
    path.write_text("ozrules: 1\nstate: state\nconnections: [{name: office, type: simulator}]\n")
    return str(path)


def _fill(tmp_path: Path) -> SqliteJournal:
    clock = StandingClock()
    journal = SqliteJournal(tmp_path / "state", clock)
    records = [
        record(1, 1, time=clock.at, rule="sales-no-answer", reason="fired"),
        record(2, 2, time=clock.at + 60, rule="vip", reason="fired", session={"caller": HOSTILE}),
    ]
    asyncio.run(journal.commit([decision(1), decision(2), observed()], records))
    return journal


@pytest.mark.fault(92)
def test_the_record_is_shown_while_the_daemon_writes(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = _fill(tmp_path)
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
    _fill(tmp_path).close()
    assert main(["decisions", "--config", config, "--format", "json", *options]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == found


def test_the_record_can_be_followed(tmp_path: Path, config: str) -> None:
    journal = _fill(tmp_path)
    command = [
        sys.executable,
        "-c",
        "import sys; from ozrules.cli.main import main; sys.exit(main())",
        "decisions",
        "--config",
        config,
        "--follow",
        "--format",
        "json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as follower:
        assert follower.stdout is not None
        assert json.loads(follower.stdout.readline())["seq"] == 1
        assert json.loads(follower.stdout.readline())["seq"] == 2
        asyncio.run(journal.commit([], [record(3, type_="reload")]))
        select.select([follower.stdout], [], [])
        assert json.loads(follower.stdout.readline())["seq"] == 3
        follower.kill()
    journal.close()


def test_sessions_are_exported(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(tmp_path).close()
    assert main(["export", "--config", config, "--since", "1970-01-01"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["session"]["caller"] == "+36201234567"


@pytest.mark.fault(56, 102)
def test_a_backup_is_private_and_never_overwrites(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = _fill(tmp_path)
    target = tmp_path / "copy.db"
    assert main(["backup", "--config", config, str(target)]) == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.stat().st_size > 0
    assert main(["backup", "--config", config, str(target)]) == 1
    assert os.strerror(17) in capsys.readouterr().err
    journal.close()


@pytest.mark.parametrize("command", [["decisions"], ["export", "--since", "1h"], ["backup", "/dev/null"]])
def test_without_a_state_one_line_says_so(config: str, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--config", config]) == 1
    assert "there is no journal yet" in capsys.readouterr().err


@pytest.mark.parametrize("moment", ["yesterday", "25:61", "2026-13-01", "-", "9999999999999d"])
def test_what_is_no_moment_is_refused(config: str, moment: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["decisions", "--config", config, f"--since={moment}"])
    assert caught.value.code == 2


def test_a_moment_may_be_of_today(config: str, tmp_path: Path) -> None:
    _fill(tmp_path).close()
    assert main(["decisions", "--config", config, "--since", "00:00", "--until", "23:59:59"]) == 0
