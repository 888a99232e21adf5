"""What goes wrong around a daemon: phone system, disk, process. It is said in one line, and nothing doubles."""

import json
import signal
import socket
from pathlib import Path
from typing import get_args

import pytest

from ozrules.connectors.simulator import Behaviour, Conduct, SimulatorGateway
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.engine.events import RefusalKind
from tests.e2e.stage import PIN, TOKEN, Way, configure, daemon, ozrules, phones

AT_ONCE = """
ozrules: 1
rules:
  - {id: at-once, trigger: {state: Ringing}, conditions: {callee: 2666}, actions: [{forward: 2010}]}
"""
UNANSWERED = """
ozrules: 1
rules:
  - {id: no-answer, trigger: {state: Ringing, for: 3s}, conditions: {callee: 2666}, actions: [{forward: 2010}]}
"""
NOBODY = CallPlan(caller="+36201234567", callee="2666")


async def test_a_wrong_token_is_one_clear_line_and_not_ready(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, AT_ONCE)
        async with daemon(tmp_path, LAB_TOKEN="wrong") as one:
            [line] = await one.saw("connection", ready=False)
            assert "does not accept the token" in line["detail"]
            code, said = await ozrules(tmp_path, "status")
            assert code == 3
            assert "does not accept the token" in said
            assert await one.stop() == 0
    assert len(one.of("connection")) == 1


async def test_a_phone_system_that_is_not_there_and_then_comes(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configure(tmp_path, f"ws://127.0.0.1:{port}/", AT_ONCE)
    async with daemon(tmp_path) as one:
        await one.saw("connection", ready=False)
        async with phones(port=port) as system:
            await one.ready()
            assert (await ozrules(tmp_path, "status"))[0] == 0
            system.call(NOBODY)
            await one.saw("outcome", outcome="confirmed")
        assert await one.stop() == 0


async def test_a_phone_system_that_restarts_loses_its_calls_and_is_found_again(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, UNANSWERED)
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(NOBODY)
            await one.until(lambda: bool(system.system.sessions(system.clock.now())), "the call")
            assert isinstance(system.front, SimulatorGateway)
            await system.front.restart()
            await one.saw("connection", ready=False)
            await one.saw("connection", 2, ready=True)
            assert one.of("gap", connection="lab")
            system.call(NOBODY)
            await one.saw("outcome", outcome="confirmed")
            assert await one.stop() == 0
    assert system.commands() == [("forward", "2010")]


@pytest.mark.fault(78)
async def test_sigterm_waits_for_what_is_in_flight_and_begins_nothing_new(tmp_path: Path) -> None:
    async with phones() as system:
        system.switchboard.conduct = Conduct(methods={"forward": "silence"})
        configure(tmp_path, system.url, AT_ONCE)
        async with daemon(tmp_path) as one:
            await one.ready()
            for _ in range(20):
                system.call(NOBODY)
            await one.saw("decision", 20, reason="fired")
            began = system.clock.now()
            assert await one.stop() == 0
            assert system.clock.now() - began < 10.0
            outcomes = one.of("outcome")
    assert len(outcomes) == 20
    assert {line["outcome"] for line in outcomes} <= {"unknown", "cancelled"}
    sent = sum(line["outcome"] == "unknown" for line in outcomes)
    assert len(system.ledger) == sent


@pytest.mark.fault(79)
async def test_after_a_kill_nothing_is_sent_twice_and_timers_go_on(tmp_path: Path) -> None:
    async with phones(Behaviour(ring_timeout=60.0)) as system:
        configure(tmp_path, system.url, AT_ONCE + UNANSWERED.partition("rules:\n")[2].replace("2666", "2007"))
        system.switchboard.conduct = Conduct(methods={"forward": "mute"})
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(NOBODY)
            system.call(CallPlan(caller="+36201234567", callee="2007"))
            await one.saw("decision", reason="fired", rule="at-once")
            await one.until(lambda: len(system.ledger) == 1, "the command")
            assert await one.stop(signal.SIGKILL) == -signal.SIGKILL
        system.switchboard.conduct = Conduct()
        async with daemon(tmp_path) as two:
            await two.ready()
            await two.saw("outcome", rule="no-answer", outcome="confirmed")
            assert await two.stop() == 0
    assert sorted(system.commands()) == [("forward", "2010"), ("forward", "2010")]
    assert len({entry.session_id for entry in system.ledger}) == 2
    open_one = one.of("decision", reason="fired", rule="at-once")[0]
    assert {line["decision_id"] for line in two.of("outcome", rule="at-once")} <= {open_one["decision_id"]}
    seqs = [line["seq"] for line in one.lines + two.lines if "seq" in line]
    assert sorted(set(seqs)) == list(range(1, max(seqs) + 1))


@pytest.mark.fault(83)
async def test_a_second_daemon_on_the_same_state_refuses(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, AT_ONCE)
        async with daemon(tmp_path) as one:
            await one.ready()
            async with daemon(tmp_path) as two:
                assert await two.exit() == 1
                await two.error("another ozrules is running on this state")
            system.call(NOBODY)
            await one.saw("outcome", outcome="confirmed")
            assert await one.stop() == 0
    assert len(system.ledger) == 1


@pytest.mark.fault(99)
async def test_secrets_are_in_no_output_and_no_file(tmp_path: Path) -> None:
    rules = """
ozrules: 1
rules:
  - id: door
    trigger: {state: InCall}
    actions: [{sendDtmf: {to: caller, keys: {secret: doorPin}, gap: 1ms}}]
"""
    keys = "4712345#"
    async with phones() as system:
        configure(tmp_path, system.url, rules, secrets={"doorPin": {"env": "DOOR_PIN"}}, log={"level": "debug"})
        async with daemon(tmp_path, DOOR_PIN=keys) as one:
            await one.ready()
            system.call(CallPlan(caller="+36201234567", callee="2001", answers_after=0.1))
            await one.saw("outcome", outcome="accepted")
            command_line = one.command_line()
            said = "".join([(await ozrules(tmp_path, command))[1] for command in ("status", "sessions")])
            assert await one.stop() == 0
    assert "".join(key.key for key in system.system.keys) == keys
    [decision] = one.of("decision", reason="fired")
    assert decision["masked"] == ["actions/0/args/keys"]
    everything = json.dumps(one.lines) + "\n".join(one.errors) + said
    files = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir() if path.is_file())
    for secret in (keys, TOKEN):
        assert secret not in everything
        assert secret.encode() not in command_line + files


async def test_a_wrong_configuration_ends_with_78_and_a_place(tmp_path: Path) -> None:
    configure(tmp_path, "ws://127.0.0.1:1/", AT_ONCE, modus="enforce")
    async with daemon(tmp_path) as one:
        assert await one.exit() == 78
        await one.error("unknown-key")
    assert not any("Traceback" in line for line in one.errors)


async def test_a_control_socket_that_was_left_behind_is_taken_over(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, AT_ONCE)
        async with daemon(tmp_path) as one:
            await one.ready()
            await one.stop(signal.SIGKILL)
        assert (tmp_path / "state" / "control").exists()
        async with daemon(tmp_path) as two:
            await two.ready()
            assert (await ozrules(tmp_path, "status"))[0] == 0
            assert await two.stop() == 0
    assert not (tmp_path / "state" / "control").exists()


async def test_admins_pause_resume_and_cancel(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, UNANSWERED.replace("3s", "10m"))
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(NOBODY)
            await one.until(lambda: bool(system.system.sessions(system.clock.now())), "the call")
            assert (await ozrules(tmp_path, "pause", "no-answer"))[0] == 0
            assert (await ozrules(tmp_path, "pause", "nobody"))[0] == 1
            assert (await ozrules(tmp_path, "resume", "no-answer"))[0] == 0
            assert (await ozrules(tmp_path, "cancel", "lab/s9/no-answer/0"))[0] == 1
            code, said = await ozrules(tmp_path, "sessions")
            assert code == 0
            assert "lab/s1" in said
            assert await one.stop() == 0
    who = {"by", "uid"}
    assert [(line["command"], line["ok"]) for line in one.of("control")] == [
        ("pause", True),
        ("pause", False),
        ("resume", True),
        ("cancel", False),
    ]
    assert all(set(line["who"]) == who for line in one.of("control"))


async def test_a_paused_rule_stays_paused_after_a_restart(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, AT_ONCE)
        async with daemon(tmp_path) as one:
            await one.ready()
            assert (await ozrules(tmp_path, "pause", "at-once"))[0] == 0
            assert await one.stop() == 0
        async with daemon(tmp_path) as two:
            await two.ready()
            system.call(NOBODY)
            await two.saw("decision", rule="at-once", reason="disabled")
            assert "paused: at-once" in (await ozrules(tmp_path, "status"))[1]
            assert await two.stop() == 0
    assert system.ledger == []


async def test_without_a_daemon_commands_say_so(tmp_path: Path) -> None:
    configure(tmp_path, "ws://127.0.0.1:1/", AT_ONCE)
    assert (await ozrules(tmp_path, "status"))[0] == 3
    code, said = await ozrules(tmp_path, "reload")
    assert code == 1
    assert "no daemon is running" in said
    assert PIN not in said


LIED_TO = """
ozrules: 1
rules:
  - id: a
    trigger: {state: Ringing}
    conditions: {hops: 0}
    actions: [{forward: {to: 2010, retry: {attempts: 2, delay: 100ms}, onFailure: [{forward: 2011}]}}]
"""


@pytest.mark.fault(31)
@pytest.mark.parametrize("way", ["gateway", "ozeki-http-classic", "ozeki-http-ozeki10"])
async def test_what_is_done_in_spite_of_an_error_is_confirmed_and_not_repeated(tmp_path: Path, way: Way) -> None:
    """Whatever the error says: 302, 303, 306 and 601 over HTTP."""
    lies: tuple[RefusalKind, ...] = get_args(RefusalKind)
    async with phones(way=way) as system:
        configure(tmp_path, system.settings(), LIED_TO)
        async with daemon(tmp_path) as one:
            await one.ready()
            for number, lie in enumerate(lies, 1):
                system.switchboard.conduct = Conduct(methods={"forward": "lie"}, lie=lie)
                system.call(CallPlan(caller="+36201234567", callee="2001"))
                await one.saw("outcome", number)
            assert await one.stop() == 0
    said = [(line["action"], line["outcome"], bool(line["error"])) for line in one.of("outcome")]
    assert said == [("forward", "confirmed", True)] * len(lies)
    assert [entry.phone_number for entry in system.ledger] == ["2010"] * len(lies)
