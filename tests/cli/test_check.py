"""What `ozrules check` prints, exactly, for a corpus of wrong and good files; what it does with odd files; repairs."""

import argparse
import ast
import json
import os
import re
import socket
import stat
from pathlib import Path

import jsonschema
import pytest

from ozrules.cli import check as command
from ozrules.cli.main import main
from ozrules.rules import loader

TESTS = Path(__file__).parents[1]
BAD = TESTS / "rules_bad"
GOOD = TESTS / "rules_good"
CASES = sorted(path.stem for path in BAD.iterdir() if path.suffix != ".txt")
HEAD = "ozrules: 1\n"
RULE = HEAD + "rules:\n  - id: desk\n    trigger: {state: Ringing}\n    actions: [hangup]\n"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    arguments = parser.parse_args(["check", *words])
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OZRULES_CONFIG", raising=False)


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.fault(70)
@pytest.mark.fault(66)
@pytest.mark.parametrize("case", CASES)
def test_wrong_files_say_exactly_this(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BAD)
    files = sorted(Path(case).iterdir()) if Path(case).is_dir() else [Path(f"{case}.yaml")]

    code = run(*map(str, files))

    shown = capsys.readouterr().out
    assert shown == Path(f"{case}.txt").read_text("utf-8")
    assert code == (0 if " 0 errors" in shown else 1)
    assert run(*map(str, files), "--strict") == 1
    capsys.readouterr()


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 80


@pytest.mark.parametrize("case", CASES)
def test_at_most_six_lines_each(case: str) -> None:
    findings = (BAD / f"{case}.txt").read_text("utf-8").split("\n\n")

    assert all(len(finding.splitlines()) <= 6 for finding in findings)


@pytest.mark.parametrize("path", sorted(GOOD.glob("*.yaml")), ids=lambda path: path.name)
def test_good_files_have_nothing_to_say(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(path), "--strict") == 0, capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(GOOD.glob("*.yaml")), ids=lambda path: path.name)
def test_the_schema_accepts_good_files(path: Path) -> None:
    import yaml  # another reader than ours, on purpose

    document = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))

    jsonschema.Draft202012Validator(loader.schema()).validate(document)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(loader.schema())


# --- odd files ------------------------------------------------------------------------------------------------------


@pytest.mark.fault(67)
def test_a_directory_a_pipe_a_socket_and_a_device_are_refused(
    private: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (private / "rules.d").mkdir()
    os.mkfifo(private / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        assert run("rules.d", "pipe.yaml", "socket.yaml", "/dev/null", "missing.yaml") == 1

    shown = capsys.readouterr().out
    assert "rules.d:1:1: error[not-a-file]: This is a directory, not a file." in shown
    assert "Name the files in it: rules.d/*.yaml." in shown
    assert "pipe.yaml:1:1: error[not-a-file]: This is a pipe, not a file." in shown
    assert "socket.yaml:1:1: error[unreadable-file]" in shown
    assert "/dev/null:1:1: error[not-a-file]: This is a device, not a file." in shown
    assert "missing.yaml:1:1: error[no-such-file]: There is no such file." in shown


def test_a_large_file_is_not_read(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("large.yaml").write_bytes(RULE.encode() + b"# and so on\n" * 1_000_000)

    assert run("large.yaml") == 1
    assert "error[file-too-large]: This file has 12,000,083 bytes" in capsys.readouterr().out


def test_a_million_levels_end_in_a_sentence(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("deep.yaml").write_text(HEAD + "lists: " + "[" * 1_000_000)
    assert run("deep.yaml") == 1
    assert "error[nested-too-deep]" in capsys.readouterr().out

    Path("block.yaml").write_text("".join(f"{' ' * depth}- \n" for depth in range(1000)))
    assert run("block.yaml") == 1
    assert "Traceback" not in capsys.readouterr().out


@pytest.mark.fault(77)
def test_what_everybody_may_write_is_refused(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = private / "open.yaml"
    file.write_text(RULE)
    file.chmod(0o666)
    assert run("open.yaml") == 1
    assert "error[writable-by-others]" in capsys.readouterr().out

    file.chmod(0o644)
    private.chmod(0o777)
    assert run("open.yaml") == 1
    assert "error[writable-by-others]" in capsys.readouterr().out


def test_nothing_hostile_reaches_the_terminal(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad\x1b[31m\nname.yaml").write_text(HEAD + 'lists: {"\\e[2J": [1]}\n')

    assert run("bad\x1b[31m\nname.yaml") == 1
    assert "\x1b" not in capsys.readouterr().out


# --- forms, repairs, explanations -----------------------------------------------------------------------------------


def test_json_is_complete(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("office.yaml").write_text(RULE.replace("Ringing", "Rining"))

    assert run("office.yaml", "--format", "json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["errors"], report["warnings"]) == (1, 0)
    assert report["diagnostics"] == [
        {
            "code": "unknown-state",
            "severity": "error",
            "file": "office.yaml",
            "line": 4,
            "column": 22,
            "length": 6,
            "message": 'There is no state "Rining".',
            "suggestion": "Did you mean Ringing?",
            "related": [],
            "edit": {"line": 4, "column": 22, "length": 6, "text": "Ringing"},
            "witness": None,
        }
    ]


def test_sarif_names_rule_place_and_level(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("office.yaml").write_text(RULE.replace("Ringing", "Rining"))

    assert run("office.yaml", "--format", "sarif") == 1
    log = json.loads(capsys.readouterr().out)
    result = log["runs"][0]["results"][0]
    assert log["version"] == "2.1.0"
    assert (result["ruleId"], result["level"]) == ("unknown-state", "error")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "office.yaml"},
        "region": {"startLine": 4, "startColumn": 22, "endColumn": 28},
    }


TEXT = {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]}
NUMBER = {"type": "integer", "minimum": 1}
REGION = {
    "type": "object",
    "properties": {"startLine": NUMBER, "startColumn": NUMBER, "endColumn": NUMBER},
    "required": ["startLine"],
    "additionalProperties": False,
}
ARTIFACT = {"type": "object", "properties": {"uri": {"type": "string", "format": "uri-reference"}}, "required": ["uri"]}
LOCATION = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "properties": {"artifactLocation": ARTIFACT, "region": REGION},
            "required": ["artifactLocation", "region"],
            "additionalProperties": False,
        },
        "message": TEXT,
    },
    "required": ["physicalLocation"],
    "additionalProperties": False,
}
REPLACEMENT = {
    "type": "object",
    "properties": {"deletedRegion": REGION, "insertedContent": TEXT},
    "required": ["deletedRegion"],
    "additionalProperties": False,
}
CHANGE = {
    "type": "object",
    "properties": {
        "artifactLocation": ARTIFACT,
        "replacements": {"type": "array", "items": REPLACEMENT, "minItems": 1},
    },
    "required": ["artifactLocation", "replacements"],
    "additionalProperties": False,
}
FIX = {
    "type": "object",
    "properties": {"description": TEXT, "artifactChanges": {"type": "array", "items": CHANGE, "minItems": 1}},
    "required": ["artifactChanges"],
    "additionalProperties": False,
}
RESULT = {
    "type": "object",
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": LOCATION},
        "relatedLocations": {"type": "array", "items": LOCATION},
        "fixes": {"type": "array", "items": FIX},
    },
    "required": ["message"],
    "additionalProperties": False,
}
DRIVER = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "rules": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "shortDescription": TEXT, "help": TEXT},
                "required": ["id", "shortDescription", "help"],
            },
        },
    },
    "required": ["name"],
}
SARIF = {
    "type": "object",
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "tool": {"type": "object", "properties": {"driver": DRIVER}, "required": ["driver"]},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
                "required": ["tool"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["version", "runs"],
}
"""What we use of SARIF 2.1.0 (OASIS, sections 3.13 to 3.57), without what the format leaves open."""


def test_sarif_of_the_whole_corpus_has_the_shape_of_sarif(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BAD)
    for case in CASES:
        run(
            *(map(str, sorted(Path(case).iterdir())) if Path(case).is_dir() else (f"{case}.yaml",)), "--format", "sarif"
        )
        log = json.loads(capsys.readouterr().out)
        jsonschema.Draft202012Validator(SARIF).validate(log)
        rules = log["runs"][0]["tool"]["driver"]["rules"]
        assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in log["runs"][0]["results"])


def test_witnesses_are_rule_tests_that_pass(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sends = "trigger: {{state: Ringing}}, conditions: {{callee: {}}}, actions: [{{forward: {}}}]"
    rules = "".join(f"  - {{id: r{a}, {sends.format(a, b)}}}\n" for a, b in ((2001, 2002), (2002, 2001)))
    rules += f"  - {{id: late, {sends.format('2001, direction: inbound', 2003)}}}\n"
    Path("rules").mkdir()
    Path("rules/office.yaml").write_text(HEAD + "rules:\n" + rules)

    assert run("rules/office.yaml", "--witnesses", "shown.test.yaml") == 1
    capsys.readouterr()
    assert main(["test", "shown.test.yaml"]) == 0
    assert capsys.readouterr().out == (
        "shown.test.yaml\n"
        "  ok    rules/office.yaml:3:10: forward-cycle\n"
        "  ok    rules/office.yaml:5:10: outranked\n"
        "2 tests, all passed\n"
    )
    assert run("rules/office.yaml", "--witnesses", "no/such/folder") == 2
    Path("rules/office.yaml").write_text(RULE)
    assert run("rules/office.yaml", "--witnesses", "none.test.yaml") == 0
    assert not Path("none.test.yaml").exists()


def test_fix_writes_the_certain_repairs_only(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = private / "office.yaml"
    file.write_text(
        HEAD + "rules:\n  - id: desk   # the desk\n    triger: {state: Rining, for: 20sec}\n"
        "    conditions: {dialedNumber: *100, customer: 1}\n    actions: [hangUp]\n"
    )
    file.chmod(0o640)

    assert run("office.yaml", "--fix") == 1

    assert file.read_text() == (
        HEAD + "rules:\n  - id: desk   # the desk\n    trigger: {state: Ringing, for: 20s}\n"
        '    conditions: {dialedNumber: "*100", customer: 1}\n    actions: [hangup]\n'
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    shown = capsys.readouterr().out
    assert "5 repairs written." in shown
    assert 'There is no field "customer".' in shown


def test_what_was_fixed_is_good_and_stays_as_it_is(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = private / "office.yaml"
    file.write_text(
        HEAD + "defaults: {timezone: Budapest}\nschedules:\n  day: {weekdays: mo-fr, times: [8am-5pm]}\n"
        "rules:\n  - id: desk\n    trigger: {state: Ringing, for: PT20S}\n"
        "    conditions: {callee: “2001”, schedule: {during: day}, dialedNumber: *100}\n    actions: [hangup]\n"
    )

    assert run("office.yaml", "--fix", "--strict") == 0, capsys.readouterr().out
    fixed = file.read_bytes()
    assert run("office.yaml", "--fix", "--strict") == 0
    assert file.read_bytes() == fixed
    assert b'{callee: "2001", schedule: {during: day}, dialedNumber: "*100"}' in fixed


def test_fix_leaves_a_good_file_alone(private: Path) -> None:
    file = private / "office.yaml"
    file.write_text(RULE)
    before = file.stat()

    assert run("office.yaml", "--fix") == 0
    assert file.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("case", CASES)
def test_a_repair_never_makes_it_worse(case: str, private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if (BAD / case).is_dir():
        return
    copy = private / "office.yaml"
    copy.write_bytes((BAD / f"{case}.yaml").read_bytes())
    before = run("office.yaml", "--strict", "--format", "json")
    errors = json.loads(capsys.readouterr().out)["errors"]

    after = run("office.yaml", "--fix", "--strict", "--format", "json")

    assert after <= before
    remaining = json.loads(capsys.readouterr().out)
    # a file that was no YAML may show, once it is, what else is wrong with it
    assert remaining["errors"] <= max(errors, 3)
    assert not any(each["edit"] for each in remaining["diagnostics"])


def test_a_configuration_is_known_by_its_keys(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.yaml").write_text(RULE.replace("Ringing", "Rining"))
    Path("ozrules.yaml").write_text(HEAD + "connections: [{name: demo, type: simulator}]\nrules: [rules.yaml]\n")

    assert run("ozrules.yaml") == 0
    assert run("--config", "ozrules.yaml") == 1
    assert "rules.yaml:4:22: error[unknown-state]" in capsys.readouterr().out


def test_what_a_connection_cannot_do_comes_from_the_configuration(
    private: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("ozrules.yaml").write_text(
        HEAD + "connections: [{name: branch, type: ozeki-http, server: 192.0.2.2}]\nrules: rules.yaml\n"
    )
    Path("rules.yaml").write_text(RULE.replace("Ringing", "InCall").replace("hangup", "startListen"))

    assert run("--config", "ozrules.yaml") == 1
    assert "rules.yaml:5:15: error[not-on-connection]: startListen cannot be done on the connection branch:" in (
        capsys.readouterr().out
    )
    assert run("rules.yaml") == 0


def test_secrets_come_from_the_configuration(private: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = "[{sendDtmf: {to: callee, keys: {secret: dorPin}}}]"
    Path("rules.yaml").write_text(RULE.replace("Ringing", "InCall").replace("[hangup]", keys))
    Path("ozrules.yaml").write_text(
        HEAD + "connections: [{name: demo, type: simulator}]\nsecrets: {doorPin: {env: DOOR}}\n"
    )

    assert run("rules.yaml") == 0
    assert run("rules.yaml", "--config", "ozrules.yaml") == 1
    assert "Did you mean doorPin?" in capsys.readouterr().out


def test_nothing_to_check_is_a_wrong_call(
    private: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "DEFAULT", private / "absent.yaml")

    assert run() == 2
    assert "name a rule file" in capsys.readouterr().err


def test_every_code_has_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    used: set[str] = set()
    package = Path(command.__file__).parents[1]
    for path in (*package.glob("rules/**/*.py"), *package.glob("proofs/*.py"), *package.glob("settings/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                first = node.args[0]
                if node.func.attr in ("error", "warning") and isinstance(first, ast.Constant):
                    used.add(str(first.value))
    shown = {code for case in CASES for code in re.findall(r"\[([a-z-]+)\]:", (BAD / f"{case}.txt").read_text("utf-8"))}

    assert used | shown <= set(command.codes())
    for code in command.codes():
        assert run("--explain", code) == 0
    capsys.readouterr()


def test_an_unknown_code_suggests_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explain", "unknown-stat") == 2
    assert "did you mean unknown-state?" in capsys.readouterr().err
