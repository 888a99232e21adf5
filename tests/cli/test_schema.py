"""An independent validator agrees with the schemas: good files and real lines are valid, wrong ones are not."""

import json
import re
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


GOOD = [ROOT / "rules.example.yaml", ROOT / "tests/rules_good/office.yaml"]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_good_rules_are_valid(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.Draft202012Validator(_schema("rules", capsys)).validate(_yaml(path.read_text(encoding="utf-8")))


def test_good_tests_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "tests/scenarios/rules.example.test.yaml").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(_schema("test", capsys)).validate(_yaml(text))


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
"""


async def test_what_the_daemon_writes_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    async with desk(load([Source("rules.yaml", RULES)])) as one:
        await one.connect()
        await one.see("Ringing")
        await one.see("Redirected")
        await one.see("Ringing", "s2", callee="2002")
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
    assert kinds == {"decision", "outcome", "log", "control", "reload", "connection", "gap"}
    decision = next(line for line in lines if line["type"] == "decision")
    assert not _valid(decision | {"reason": "because"}, schema)
    assert not _valid(decision | {"sequence": 1}, schema)
    assert not _valid({name: value for name, value in decision.items() if name != "seq"}, schema)
    assert not _valid(decision | {"type": "outcome"}, schema)
