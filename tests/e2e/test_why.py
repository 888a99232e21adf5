"""What `ozrules why` finds by playing a recording again is what the daemon decided when it happened."""

import asyncio
import json
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

from ozrules.cli.told import told
from ozrules.replay.why import why
from ozrules.rules.diagnostics import Diagnostic
from ozrules.rules.loader import load
from ozrules.settings.sources import read_source
from ozrules.store.reading import Reader

RULES = """
ozrules: 1
defaults: {country: HU, extensions: ["_2XXX"]}
rules:
  - id: not-answered
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: {in: [2001, 2002]}}
    actions: [{forward: 2010}]
  - id: held-then-taken-up
    trigger: {state: InCall, from: Ringing}
    conditions: {direction: inbound}
    actions: [hold, {wait: 500ms}, unhold]
  - id: rival
    priority: 50
    trigger: {state: [InCall, OnHold]}
    conditions: {callee: {ne: 2010}}
    actions: [{blindTransfer: {move: caller, to: 2099}}]
  - id: noted
    trigger: {state: Ringing}
    conditions: {history: {state: Ringing, within: 1m, groupBy: [callee], gte: 2}}
    throttle: {onceWithin: 1s, groupBy: [callee]}
    actions: [{log: again}]
"""
ENOUGH = {"fired": 10, "conditionFalse": 10, "outrankedBy": 3}
"""Decisions of each reason for which the daemon is watched."""
SESSIONS = 20
"""Calls that are asked about, the first ones."""


async def test_the_reasons_of_a_replay_are_those_of_the_record(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    office = {"name": "office", "type": "simulator", "rate": 1200, "seed": 3}
    config = {"ozrules": 1, "connections": [office], "rules": ["rules.yaml"], "state": "state"}
    (tmp_path / "ozrules.yaml").write_text(json.dumps(config), encoding="utf-8")
    program = str(Path(sys.executable).parent / "ozrules")
    daemon = await asyncio.create_subprocess_exec(
        program, "run", "--config", str(tmp_path / "ozrules.yaml"), stdout=asyncio.subprocess.PIPE
    )
    assert daemon.stdout is not None
    missing = dict(ENOUGH)
    async for line in daemon.stdout:
        reason = json.loads(line).get("reason")
        if missing:
            missing = {name: count - (name == reason) for name, count in missing.items() if count > (name == reason)}
            if not missing:
                daemon.send_signal(signal.SIGTERM)
    assert await daemon.wait() == 0
    source = read_source(tmp_path / "rules.yaml")
    assert not isinstance(source, Diagnostic)
    rules = load([source])
    reader = Reader(tmp_path / "state")
    written: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in map(json.loads, (line.body for line in reader.records())):
        if record["type"] == "decision":
            assert record["revision"] == rules.revision
            written[record["sessionId"]][record["rule"]].add(record["reason"])
    until = time.time_ns() / 1e9
    others = []
    for session, reasons in list(written.items())[:SESSIONS]:
        found = told(reader, rules, connection="office", session=session, start="", until=until)
        assert found is not None
        for answer in why(found.story, rules, found.call, until=until):
            if answer.rule in reasons and answer.reason not in reasons[answer.rule]:
                others.append((session, answer.rule, answer.reason, reasons[answer.rule]))
    reader.close()
    assert {reason for reasons in written.values() for each in reasons.values() for reason in each} >= set(ENOUGH)
    assert others == []
