"""`ozrules test` as an admin meets it."""

import argparse
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from ozrules.cli.test import register

RULES = """
ozrules: 1
rules:
  - id: desk
    trigger: {state: Ringing, for: 20s}
    conditions: {callee: 2001}
    actions:
      - forward: 2010
"""
TESTS = """
ozrulesTest: 1
rules: [office.rules.yaml]
tests:
  - name: rings out
    start: 2026-11-23T10:00:00+01:00
    sessions:
      - {sessionId: s1, callee: 2001}
    timeline:
      - {at: 0s, session: s1, state: Ringing}
    expect:
      - {at: 20s, rule: desk, action: forward, to: 2010, session: s1}
"""
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in a folder with one rule file and one test file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "office.rules.yaml").write_text(RULES)
    (tmp_path / "office.test.yaml").write_text(TESTS)
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())

    def command(*arguments: str) -> int:
        parsed = parser.parse_args(["test", *arguments])
        code: int = parsed.run(parsed)
        return code

    return command


def test_all_passed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("office.test.yaml") == 0
    assert capsys.readouterr().out.splitlines() == ["office.test.yaml", "  ok    rings out", "1 test, all passed"]


def test_without_a_file_all_below_are_run(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert "ok    rings out" in capsys.readouterr().out


def test_a_failure_is_shown_at_its_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("office.test.yaml").write_text(TESTS.replace("at: 20s", "at: 19s"))
    assert run() == 1
    out = capsys.readouterr().out
    assert "FAIL  rings out" in out
    assert "office.test.yaml:12:9: error[failed-test]: This was not carried out; what was: at 20s" in out
    assert "{at: 19s, rule: desk" in out
    assert "^^^^" in out
    assert "1 test, 1 failed" in out


def test_a_vacuous_test_fails(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("office.test.yaml").write_text(TESTS.replace("rule: desk", "rule: desc"))
    assert run() == 1
    assert "error[vacuous-test]: There is no rule desc" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text"),
    [("office.test.yaml", TESTS.replace("tests:", "test:")), ("office.rules.yaml", RULES.replace("Ringing", "Ringin"))],
)
def test_wrong_files_are_shown_with_their_places(
    run: Run, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    Path(name).write_text(text)
    assert run() == 1
    out = capsys.readouterr().out
    assert f"{name}:" in out
    assert "error[" in out
    assert "0 tests, 1 file could not be run" in out


def test_a_missing_rule_file_is_an_error(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("office.rules.yaml").unlink()
    assert run() == 1
    assert "office.rules.yaml:1:1: error[no-such-file]" in capsys.readouterr().out


def test_usage(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("nothing.test.yaml") == 2
    assert "nothing.test.yaml" in capsys.readouterr().err
    Path("office.test.yaml").unlink()
    assert run() == 2
    assert "no *.test.yaml" in capsys.readouterr().err


def test_coverage_and_mutation(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--coverage", "--mutate") == 0
    out = capsys.readouterr().out
    assert "coverage: 2 of 3 parts of the rules were reached" in out
    assert (
        "office.rules.yaml:6:26: desk: In no test does this condition stop the rule: conditions.callee eq 2001" in out
    )
    assert "mutate: 4 of 5 edits of the rules would be noticed" in out
    assert "no test notices that the condition conditions.callee eq 2001 is removed" in out


def test_mutation_needs_tests_that_pass(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("office.test.yaml").write_text(TESTS.replace("at: 20s", "at: 19s"))
    assert run("--mutate") == 1
    assert "the tests must pass" in capsys.readouterr().out


def test_junit_says_of_every_file_what_became_of_it(run: Run, tmp_path: Path) -> None:
    Path("office.test.yaml").write_text(TESTS.replace("at: 20s", "at: 19s"), encoding="utf-8")
    Path("other.test.yaml").write_text(TESTS.replace("tests:", "test:"), encoding="utf-8")
    assert run("office.test.yaml", "other.test.yaml", "--junit", "out.xml") == 1
    root = ElementTree.parse(tmp_path / "out.xml").getroot()  # noqa: S314  our own file
    assert [suite.get("name") for suite in root] == ["office.test.yaml", "other.test.yaml"]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "1")


def test_a_failure_says_why_the_rule_did_not_act(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("office.test.yaml").write_text(TESTS.replace("callee: 2001", "callee: 2002"))
    assert run() == 1
    out = capsys.readouterr().out
    assert "        desk: conditionFalse  (office.rules.yaml:4:9)" in out
    assert "            conditions.callee: wanted eq 2001, actual 2002  (office.rules.yaml:6:26)" in out


def test_junit_that_cannot_be_written(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--junit", "missing/out.xml") == 2
    assert "missing/out.xml" in capsys.readouterr().err
