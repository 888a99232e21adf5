"""An independent validator agrees with the schemas: good files and real lines are valid, wrong ones are not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ozrules.cli.main import main
from ozrules.engine.events import Gap
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.runtime.inbox import Controlled, Reloaded, Who
from ozrules.runtime.ports import ConnectionState
from tests.fakes.clock import settle
from tests.runtime.desk import desk

ROOT = Path(__file__).parent.parent.parent


def _schema(of: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["schema", of]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def _valid(document: object, schema: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(document)


def _yaml(text: str) -> Any:
    """As an editor reads it: by YAML 1.2, where 08:00 and 2026-12-24 are text."""

    resolvers = yaml.SafeLoader.yaml_implicit_resolvers

    class Reader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012  # the form that PyYAML asks for
            first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":timestamp", ":int", ":bool"))]
            for first, found in resolvers.items()
        }

    Reader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[0-9]+$"), list("0123456789"))
    Reader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), list("tf"))
    return yaml.load(text, Reader)  # noqa: S506  # a SafeLoader


def _shown(marker: str) -> dict[str, str]:
    """The YAML blocks of the documents that begin so, each by its page and number."""
    found: dict[str, str] = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for number, block in enumerate(
            re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
        ):
            if block.startswith(f"{marker}: 1\n"):
                found[f"{page.relative_to(ROOT)}-{number}"] = block
    return found


def _files(*patterns: str) -> dict[str, str]:
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


DOCUMENTS = _shown("ozrules")
GOOD = {
    "rules": _files("rules.example.yaml", "tests/rules_good/*.yaml", "tests/scenarios/*.rules.yaml")
    | {name: text for name, text in DOCUMENTS.items() if "\nconnections:" not in text},
    "config": {name: text for name, text in DOCUMENTS.items() if "\nconnections:" in text},
    "test": _files("tests/scenarios/*.test.yaml") | _shown("ozrulesTest"),
}
"""All files that `check`, the daemon or `test` accepts; other tests see to that."""


@pytest.mark.parametrize("of", GOOD)
def test_what_is_accepted_is_valid(of: str, capsys: pytest.CaptureFixture[str]) -> None:
    validator = jsonschema.Draft202012Validator(_schema(of, capsys))
    assert len(GOOD[of]) >= 4
    wrong = {name: [error.message for error in validator.iter_errors(_yaml(text))] for name, text in GOOD[of].items()}
    assert {name: errors for name, errors in wrong.items() if errors} == {}


BY_STRUCTURE = frozenset(
    {
        "clock-without-for",
        "duplicate-key",
        "empty-condition",
        "empty-list",
        "missing-key",
        "no-actions",
        "several-triggers",
        "unknown-action",
        "unknown-key",
        "unknown-operator",
        "unknown-state",
        "wrong-operator",
        "wrong-type",
        "bad-duration",
    }
)
"""Codes of what a schema can see. A key given twice is one key by the time that a schema looks; a name, a place in the
order of the file or the sense of two values together are no structure.
"""
NOT_BY_A_SCHEMA = frozenset({"duplicate-key", "other-known-state"})
"""The exceptions, by code or by file: a state that has a name of its own written as `other:` is a text like any."""


def test_a_schema_refuses_what_is_wrong_by_structure(capsys: pytest.CaptureFixture[str]) -> None:
    schema = _schema("rules", capsys)
    validator = jsonschema.Draft202012Validator(schema)
    refused, taken = 0, []
    for path in sorted((ROOT / "tests/rules_bad").glob("*.yaml")):
        expected = path.with_suffix(".txt").read_text(encoding="utf-8")
        codes = set(re.findall(r"error\[([a-z-]+)\]", expected))
        known = codes & BY_STRUCTURE - NOT_BY_A_SCHEMA
        if not known or path.stem in NOT_BY_A_SCHEMA or codes & {"syntax", "too-many-aliases", "merge-key"}:
            continue
        try:
            document = _yaml(path.read_text(encoding="utf-8"))
        except yaml.YAMLError:
            continue
        if validator.is_valid(document):
            taken.append((path.name, sorted(known)))
        else:
            refused += 1
    assert taken == []
    assert refused >= 50


def _parts(schema: object, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema."""
    match schema:
        case dict():
            yield path, schema
            for name, inner in schema.items():
                if name not in ("examples", "enum", "const"):
                    yield from _parts(inner, f"{path}/{name}")
        case list():
            for number, inner in enumerate(schema):
                yield from _parts(inner, f"{path}/{number}")
        case _:
            pass


@pytest.mark.parametrize("of", ["rules", "config", "test", "decision"])
def test_every_property_is_described_and_every_example_is_valid(of: str, capsys: pytest.CaptureFixture[str]) -> None:
    schema = _schema(of, capsys)
    bare = [
        f"{path}/{name}"
        for path, part in _parts(schema)
        if isinstance(part.get("properties"), dict) and not path.endswith("/properties")
        for name, inner in part["properties"].items()
        if "description" not in inner and "const" not in inner
    ]
    assert bare == []
    examples = 0
    for path, part in _parts(schema):
        if isinstance(part.get("examples"), list) and not path.endswith("/properties"):
            inside = {"$defs": schema.get("$defs", {})} | part
            for example in part["examples"]:
                examples += 1
                assert _valid(example, inside), (path, example)
    assert examples


CONFIGURATION = """ozrules: 1
connections:
  - {name: lab, type: gateway, url: "ws://127.0.0.1:8791/", token: {env: LAB}}
rules: [rules.yaml]
mode: observe
"""


def test_a_good_configuration_is_valid_and_a_misspelt_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    schema = _schema("config", capsys)
    jsonschema.Draft202012Validator(schema).validate(_yaml(CONFIGURATION))
    assert not _valid(_yaml(CONFIGURATION.replace("mode", "moed")), schema)
    assert not _valid(_yaml(CONFIGURATION.replace("observe", "watch")), schema)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("trigger:", "triger:"), ("state: Ringing", "state: [ ]"), ("actions:", "acts:"), ("rules:", "rulez:")],
)
def test_wrong_rules_are_not_valid(right: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "rules.example.yaml").read_text(encoding="utf-8")
    assert right in text
    assert not _valid(_yaml(text.replace(right, wrong)), _schema("rules", capsys))


RULES = b"""ozrules: 1
rules:
  - {id: desk, trigger: {state: Ringing}, conditions: {callee: 2001}, actions: [{forward: {to: 2010}}]}
  - {id: other, trigger: {state: Ringing}, conditions: {callee: 2002}, actions: [{log: seen}, hangup]}
  - {id: noted, trigger: {state: Ringing}, actions: [{log: "{{ caller }} calls"}]}
  - id: ways
    trigger: {state: Ringing}
    exclusive: false
    conditions: {callee: 2003}
    actions:
      - choose: [{if: {caller: {exists: false}}, then: [stop]}, {else: [{log: at once}]}]
      - waitFor: {state: InCall, timeout: 1h}
      - choose: [{else: [{log: later}]}]
"""


async def test_what_the_daemon_writes_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    async with desk(load([Source("rules.yaml", RULES)])) as one:
        await one.connect()
        await one.see("Ringing")
        await one.see("Redirected")
        await one.see("Ringing", "s2", callee="2002")
        await one.see("Ringing", "s3", callee="2003")
        await one.see("InCall", "s3", callee="2003")
        now = one.clock.now()
        one.inbox.add(Controlled(at=now, who=Who(by="anna", uid=1000), command="pause", args={"rule": "x"}, event=None))
        one.inbox.add(Reloaded(at=now, who=Who(by="SIGHUP"), event=None, errors=("rules.yaml:1:1: no",)))
        one.inbox.add(ConnectionState(at=now, connection="office", ready=True, detail="granted"))
        one.inbox.add(Gap(at=now, connection="office", why="link down"))
        await settle()
        lines = [json.loads(json.dumps(record.body)) for record in one.shelf.records]
    schema = _schema("decision", capsys)
    validator = jsonschema.Draft202012Validator(schema)
    for line in lines:
        validator.validate(line)
    kinds = {line["type"] for line in lines}
    assert kinds == {"decision", "outcome", "log", "control", "reload", "connection", "gap", "chosen"}
    decision = next(line for line in lines if line["type"] == "decision")
    assert not _valid(decision | {"reason": "because"}, schema)
    assert not _valid(decision | {"sequence": 1}, schema)
    assert not _valid(decision | {"values": {"conditions.caller": 1}}, schema)
    assert not _valid(decision | {"chosen": [{"at": "r.yaml:1:1"}]}, schema)
    assert _valid({name: value for name, value in decision.items() if name not in ("values", "chosen")}, schema)
    [ways] = [line["chosen"] for line in lines if line["type"] == "decision" and line["chosen"]]
    assert [way["branch"] for way in ways] == ["else"]
    outcome = next(line for line in lines if line["type"] == "outcome" and line["action"] == "forward")
    assert outcome["to"] == "2010"
    assert not _valid({name: value for name, value in decision.items() if name != "seq"}, schema)
    assert not _valid(decision | {"type": "outcome"}, schema)
