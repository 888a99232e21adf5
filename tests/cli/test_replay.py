"""`ozrules replay` as an admin and a pipeline use it."""

import json
from pathlib import Path

import pytest

from ozrules.cli.main import main
from tests.replay.recorded import DESK, seen, text

HOSTILE = "\x1b[2Js1"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    contents = {
        "recording.jsonl": "\n".join([seen(0, "Ringing"), seen(1, "Ringing", HOSTILE), seen(60, "InCall")]),
        "old.yaml": text(DESK),
        "new.yaml": text(DESK.replace("2010", "2012")),
        "broken.yaml": text(DESK.replace("trigger", "triger")),
        "broken.jsonl": "{}",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return {name: str(tmp_path / name) for name in (*contents, "nothing")}


def test_the_decisions_are_shown(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", files["recording.jsonl"], "--rules", files["old.yaml"]]) == 0
    said = capsys.readouterr().out
    assert "office/s1  desk  fired  forward 2010" in said
    assert "\x1b" not in said
    assert main(["replay", files["recording.jsonl"], "--rules", files["old.yaml"], "--format", "json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["sessionId"] for line in lines if line["reason"] == "fired"] == ["s1", HOSTILE]


def test_only_what_changes_is_shown_counts_first(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["replay", files["recording.jsonl"], "--rules", files["new.yaml"], "--against", files["old.yaml"]]
    assert main(asked) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 of 2 calls change",
        "     2  desk: changed action actions[0] forward 2010 -> forward 2012",
    ]
    assert main([*asked, "--calls", "--exit-code"]) == 1
    assert "forward 2010 -> " in capsys.readouterr().out
    assert main([*asked, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 2
    same = [*asked[:-1], files["new.yaml"], "--exit-code"]
    assert main(same) == 0
    assert capsys.readouterr().out == "0 of 2 calls change\n"


@pytest.mark.parametrize(
    ("recording", "rules"),
    [
        ("nothing", "old.yaml"),
        ("broken.jsonl", "old.yaml"),
        ("recording.jsonl", "broken.yaml"),
        ("recording.jsonl", "nothing"),
    ],
)
def test_what_cannot_be_read_is_one(
    files: dict[str, str], recording: str, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", files[recording], "--rules", files[rules]]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err
