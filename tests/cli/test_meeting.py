"""`ozrules check --at`."""

import json
from pathlib import Path

import pytest

from ozrules.cli.main import main

RULES = """ozrules: 1
defaults: {timezone: Europe/Budapest}
schedules:
  office: {weekdays: [monday..friday], times: [08:00-17:30]}
rules:
  - id: night
    trigger: {state: Ringing}
    conditions: {schedule: {outside: office}}
    actions: [{forward: 2090}]
  - id: second
    trigger: {state: Ringing}
    conditions: {callee: 2001}
    actions: [hangup]
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("office.yaml").write_text(RULES)
    return "office.yaml"


def test_the_rules_of_a_call_in_order(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", rules, "--at", "2026-12-24 18:00", "--caller", "+36201234567", "--callee", "2001"]) == 0
    assert capsys.readouterr().out == (
        "A call from +36201234567 to 2001, Thursday 2026-12-24 18:00 CET:\n"
        "  Ringing\n"
        "    1. night acts: forward 2090  (office.yaml:6:9)\n"
        "    2. second is outranked by night  (office.yaml:10:9)\n"
    )
    assert main(["check", rules, "--at", "2026-12-24 10:00", "--callee", "2002"]) == 0
    assert capsys.readouterr().out == (
        "A call from a withheld number to 2002, Thursday 2026-12-24 10:00 CET:\n"
        "  meets no rule\n"
        "Not met:\n"
        "    night: conditions.schedule.outside: wanted outside office, actual open  (office.yaml:8:38)\n"
        "    second: conditions.callee: wanted eq 2001, actual 2002  (office.yaml:12:26)\n"
    )


def test_a_time_with_a_zone_is_that_moment(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", rules, "--at", "2026-12-24T17:00:00Z", "--callee", "2001"]) == 0
    assert "Thursday 2026-12-24 18:00 CET" in capsys.readouterr().out


def test_json(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--at", "2026-12-24 18:00", "--callee", "2001", "--format", "json"]
    assert main(["check", rules, *words]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["call"] == {"at": "2026-12-24T17:00:00Z", "caller": None, "callee": "2001"}
    assert [(each["rule"], each["reason"], each["by"]) for each in shown["met"]] == [
        ("night", "fired", None),
        ("second", "outrankedBy", "night"),
    ]
    assert shown["met"][0]["actions"] == [{"action": "forward", "args": {"to": "2090"}}]


@pytest.mark.parametrize(
    "words",
    [
        ["--callee", "2001"],
        ["--at", "18:00"],
        ["--at", "tonight", "--callee", "2001"],
        ["--at", "now", "--callee", ""],
        ["--at", "2026-02-30 10:00", "--callee", "2001"],
        ["--at", "now", "--callee", "2001", "--format", "sarif"],
    ],
)
def test_half_a_call_is_a_wrong_call(rules: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", rules, *words]) == 2
    assert capsys.readouterr().err.startswith("ozrules check: ")


def test_rules_with_errors_are_shown_instead(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(rules).write_text(RULES.replace("hangup", "hangUp"))
    assert main(["check", rules, "--at", "now", "--callee", "2001"]) == 1
    assert "error[unknown-action]" in capsys.readouterr().out


def test_nothing_hostile_reaches_the_terminal(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", rules, "--at", "8:05", "--caller", "\x1b[2J", "--callee", "2001"]) == 0
    assert "\x1b" not in capsys.readouterr().out
