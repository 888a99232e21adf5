"""The whole way, with real processes and sockets: phone system, connector, engine, journal, command, ledger, record."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from ozrules.connectors.simulator import Behaviour
from ozrules.connectors.simulator.callers import CallPlan, Hold, Transfer
from ozrules.connectors.webclient.browser import NoBrowser, find_browser
from ozrules.session.methods import METHODS
from ozrules.session.state import (
    BUSY,
    CANCELLED,
    COMPLETED,
    ERROR,
    IN_CALL,
    NOT_ANSWERED,
    ON_HOLD,
    REDIRECTED,
    RINGING,
    TRANSFER_COMPLETED,
    VENDOR_STATES,
)
from tests.e2e.stage import PATIENCE, TOKEN, WAYS, Way, configure, daemon, environment, phones

UNANSWERED = """
ozrules: 1
rules:
  - id: no-answer
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 2666}
    actions: [{forward: 2010}]
"""
NOBODY = CallPlan(caller="+36201234567", callee="2666")


@pytest.mark.parametrize("way", ["gateway", "ozeki-http-classic", "ozeki-http-ozeki10"])
async def test_an_unanswered_call_is_forwarded_exactly_once_and_the_record_explains_it(
    tmp_path: Path, way: Way
) -> None:
    """`ozrules run` against `ozrules simulate`, each a process of its own, with the ledger as the only judge."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rules = """
ozrules: 1
rules:
  - id: no-answer
    trigger: {state: Ringing, for: 1s}
    conditions: {hops: 0}
    missedGrace: 60s  # it rings before the daemon is there
    actions: [{forward: 2010}]
"""
    api = ["--token", TOKEN]
    connection: str | dict[str, object] = f"ws://127.0.0.1:{port}/"
    if way != "gateway":
        generation = way.removeprefix("ozeki-http-")
        api = ["--api", "http", "--generation", generation]
        http = {"name": "lab", "type": "ozeki-http", "server": "127.0.0.1"}
        connection = http | {"port": port, "generation": generation}
    configure(tmp_path, connection, rules)
    ledger = tmp_path / "ledger.jsonl"
    simulator = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ozrules", "simulate", "--listen", f"127.0.0.1:{port}", *api, "--calls", "1"),
        *("--rate", "100", "--habit", "letRing", "--ledger", str(ledger)),
        env=environment(),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with daemon(tmp_path) as one:
            [outcome] = await one.saw("outcome")
            [decision] = one.of("decision", reason="fired")
            assert await one.stop() == 0
    finally:
        simulator.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await simulator.wait()
    entries = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [(entry["method"], entry["phoneNumber"]) for entry in entries] == [("forward", "2010")]
    assert decision["rule"] == "no-answer"
    assert decision["event"]["kind"] == "timer"
    assert decision["actions"][0]["args"] == {"to": "2010"}
    assert decision["revision"].startswith("sha256:")
    assert outcome["outcome"] == "confirmed"
    assert outcome["command_id"] == decision["actions"][0]["command_id"] == f"{decision['decision_id']}-0"
    assert [line["seq"] for line in one.lines if "seq" in line] == list(range(1, len(one.lines) + 1))


@pytest.mark.parametrize("way", WAYS)
async def test_every_method_by_name(tmp_path: Path, way: Way) -> None:
    over_http = way.startswith("ozeki-http")
    able_to_listen = not over_http
    rules = f"""
ozrules: 1
rules:
  - {{id: forward, trigger: {{state: Ringing}}, conditions: {{callee: 2666}}, actions: [{{forward: 2010}}]}}
  - {{id: hangup, trigger: {{state: Ringing}}, conditions: {{callee: 2001}}, actions: [hangup]}}
  - {{id: close, trigger: {{state: Ringing}}, conditions: {{callee: 2002}}, actions: [close]}}
  - {{id: closeWithHangup, trigger: {{state: Ringing}}, conditions: {{callee: 2003}}, actions: [closeWithHangup]}}
  - id: talk
    trigger: {{state: InCall, from: Ringing}}
    conditions: {{callee: 2004}}
    actions:
      {"- startListen" if able_to_listen else ""}
      - sendDtmf: {{to: caller, keys: {{secret: doorPin}}, gap: 10ms}}
      {"- stopListen" if able_to_listen else ""}
      - hold
      - unhold
      - blindTransfer: {{move: caller, to: 2005}}
"""
    methods = set(METHODS) - (set() if able_to_listen else {"startListen", "stopListen"})
    talk = CallPlan(caller="+36201234567", callee="2004", answers_after=1.0)
    _skip_without_browser(way)
    async with phones(way=way) as system:
        configure(tmp_path, system.settings(), rules, secrets={"doorPin": {"env": "DOOR_PIN"}})
        async with daemon(tmp_path, DOOR_PIN="47#") as one:
            await one.ready()
            system.call(NOBODY)
            for callee in ("2001", "2002", "2003"):
                system.call(CallPlan(caller="+36201234567", callee=callee))
            system.call(talk)
            await one.saw("outcome", len(methods))
            assert await one.stop() == 0
    asked = {"close": "hangup", "closeWithHangup": "hangup"} if over_http else {}
    assert {entry.method for entry in system.ledger} == {asked.get(each, each) for each in methods}
    assert [key.key for key in system.system.keys] == ["4", "7", "#"]
    unseen = {"sendDtmf", "startListen", "stopListen"}
    assert {line["action"]: line["outcome"] for line in one.of("outcome")} == {
        each: "accepted" if each in unseen else "confirmed" for each in methods
    }
    assert len(system.ledger) == len(methods) + 2


OVER_HTTP: Final = (
    *(RINGING, IN_CALL, ON_HOLD, COMPLETED, CANCELLED, BUSY, NOT_ANSWERED, ERROR, TRANSFER_COMPLETED, REDIRECTED),
)
"""The states that can be told over HTTP, some of them derived."""


def _skip_without_browser(way: Way) -> None:
    if way == "ozeki-webclient":
        try:
            find_browser()
        except NoBrowser as missing:
            pytest.skip(str(missing))


@pytest.mark.parametrize("way", WAYS)
async def test_every_state_by_name(tmp_path: Path, way: Way) -> None:
    over_http = way.startswith("ozeki-http")
    states = OVER_HTTP if over_http else VENDOR_STATES
    pace = 10.0 if over_http else 1.0  # what is shorter than the time between two looks is not seen
    _skip_without_browser(way)
    each = "\n".join(
        f"  - {{id: {state}, trigger: {{state: {state}}}, actions: [{{log: '{{{{ sessionState }}}}'}}]}}"
        for state in states
    )
    rules = f"""
ozrules: 1
rules:
  - {{id: redirect, trigger: {{state: Ringing}}, conditions: {{callee: 2001}}, actions: [{{forward: 2010}}]}}
  - {{id: abort, trigger: {{state: Ringing}}, conditions: {{callee: 2002}}, actions: [close]}}
  - {{id: park, trigger: {{state: InCall, from: Ringing}}, conditions: {{callee: 2005}}, actions: [hold]}}
  - {{id: both, trigger: {{state: CalleeOnHold}}, conditions: {{callee: 2007}}, actions: [hold]}}
{each}
"""

    def call(callee: str, **habits: Any) -> CallPlan:
        return CallPlan(caller="+36201234567", callee=callee, **habits)

    talk: dict[str, Any] = {"answers_after": 0.05 * pace, "talk": 0.6 * pace}
    moment = 0.1 * pace
    plans = [
        call("2001"),
        call("2002"),
        call("2666"),
        call("2998"),
        call("2003", rejects_after=moment),
        call("2003", gives_up_after=moment),
        call("2003", fails="Error"),
        call("2004", **talk, hangs_up="caller"),
        call("2004", **talk, hangs_up="callee"),
        call("2004", **talk, acts=(Transfer(moment, "callee", "2006"),)),
        call("2004", **talk, acts=(Transfer(moment, "callee", "2999"),)),
        call("2004", **talk, acts=(Hold(moment, "callee", 5 * moment),)),
        call("2005", **talk),
        call("2007", **talk, acts=(Hold(moment, "caller", 5 * moment),)),
    ]
    async with phones(Behaviour(ring_timeout=pace, hold_timeout=pace), way) as system:
        configure(tmp_path, system.settings(ringTime=f"{pace:g}s"), rules)
        async with daemon(tmp_path) as one:
            await one.ready()
            for plan in plans:
                system.call(plan)
            for state in states:
                await one.saw("decision", rule=state, reason="fired")
            assert await one.stop() == 0
    logged = {(line["rule"], line["text"]) for line in one.of("log")}
    assert logged >= {(state, state) for state in states}
    certain = {line["rule"]: line["certainty"] for line in one.of("decision", reason="fired")}
    derived = {state for state in states if certain[state] == "derived"}
    assert derived == ({ON_HOLD, COMPLETED, BUSY, NOT_ANSWERED, REDIRECTED} if over_http else set())
