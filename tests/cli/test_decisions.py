"""The decision record, shown, narrowed and followed."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from ozrules.cli.main import main
from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import decision, record
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


def test_a_decision_holds_the_ways_that_its_actions_took_later(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = {"at": "r.yaml:5:9", "branch": "if 1", "values": {}, "actions": []}
    later = {"at": "r.yaml:9:9", "branch": "onFailure", "values": {}}
    forward = {"command_id": None, "action": "forward", "args": {"to": HOSTILE}, "at": "r.yaml:9:20"}
    journal = SqliteJournal(tmp_path / "state", StandingClock())
    first = record(
        1, 1, reason="fired", rule="r", decision_id="D1", values={"conditions.caller": HOSTILE}, chosen=[now]
    )
    other = record(2, 2, reason="fired", rule="r", decision_id="D2", chosen=[])
    way = record(3, 1, type_="chosen", rule="r", decision_id="D1", actions=[forward])
    way = structs.replace(way, body=way.body | later)
    asyncio.run(journal.commit([decision(1), decision(2)], [first, other, way]))
    journal.close()
    assert main(["decisions", "--config", config, "--format", "json"]) == 0
    text = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(text)
    bodies = [json.loads(line) for line in text.splitlines()]
    assert [body["type"] for body in bodies] == ["decision", "decision", "chosen"]
    assert bodies[0]["chosen"] == [now, later | {"actions": [forward]}]
    assert bodies[1]["chosen"] == []
    assert bodies[0]["values"] == {"conditions.caller": HOSTILE}
    assert main(["decisions", "--config", config]) == 0
    text = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(text)
    assert len(text.splitlines()) == 3
    assert "chose if 1" in text.splitlines()[0]
    assert "chose onFailure: forward to" in text.splitlines()[2]
