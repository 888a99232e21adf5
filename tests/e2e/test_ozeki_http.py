"""What only the HTTP API has, with the whole program: announcements and texts, notifications, routing, a password."""

import signal
import socket
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from ozrules.connectors.simulator import Behaviour, Conduct, HttpManners
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.connectors.simulator.http_manners import Generation
from ozrules.connectors.simulator.switchboard import Misdeed
from ozrules.session.methods import FURTHER, Method
from ozrules.session.state import RINGING
from tests.e2e.stage import PIN, Phones, Way, configure, daemon, phones
from tests.fakes.gateway import until

HTTP: dict[Generation, Way] = {"classic": "ozeki-http-classic", "ozeki10": "ozeki-http-ozeki10"}
CUSTOMER = "+36201234567"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def heard_at(port: int) -> dict[str, object]:
    return {"listen": f"127.0.0.1:{port}", "allow": ["127.0.0.1"]}


@pytest.mark.parametrize("way", HTTP.values())
async def test_every_further_action_by_name(tmp_path: Path, way: Way) -> None:
    rules = f"""
ozrules: 1
defaults: {{country: HU, extensions: ["_2XXX"]}}
guards:
  destinations: {{allow: [internal, "+3620*"]}}
  emails: {{allow: ["*@office.example"]}}
rules:
  - id: announced
    trigger: {{state: InCall, from: Ringing}}
    conditions: {{callee: 2004}}
    actions:
      - speak: {{to: all, text: "Hello {{{{ caller }}}} & welcome"}}
      - play: {{to: caller, file: hold music.wav, repeat: true}}
      - record: {{format: wav}}
      - call: {{to: 2006, url: "http://127.0.0.1:1/", callerId: 2004}}
      - sendSms: {{to: "{CUSTOMER}", text: "You called"}}
      - sendEmail: {{to: boss@office.example, subject: A call, text: "From {{{{ caller }}}}", apiExtension: 9990}}
  - id: joined
    trigger: {{state: OnHold}}
    conditions: {{callee: 2005}}
    actions: [{{attendedTransfer: {{transferor: callee}}}}]
"""
    talk = CallPlan(caller=CUSTOMER, callee="2004", answers_after=1.0, talk=30.0)
    async with phones(way=way) as system:
        configure(tmp_path, system.settings(apiExtension="9998"), rules)
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(talk)
            system.call(CallPlan(caller=CUSTOMER, callee="2005", answers_after=0.1))
            system.call(CallPlan(caller="2005", callee="2007", answers_after=0.1))
            await one.saw("outcome", 6, rule="announced")
            held = next(each for each in system.system.sessions(system.clock.now()) if each.callee == "2005")
            system.system.call("hold", held.session_id, now=system.clock.now())
            system.front.poke()
            await one.saw("outcome", rule="joined")
            assert await one.stop() == 0
    outcomes = {line["action"]: line["outcome"] for line in one.of("outcome")}
    seen = {"call", "attendedTransfer"}
    assert outcomes == {each: "confirmed" if each in seen else "accepted" for each in FURTHER}
    asked = {entry.method: entry.arguments for entry in system.ledger}
    assert asked["speak"] == {"party": "all", "text": f"Hello {CUSTOMER} & welcome"}
    assert asked["play"] == {"party": "caller", "file": "hold music.wav", "repeat": "true"}
    assert asked["record"] == {"format": "wav"}
    assert asked["call"] == {"to": "2006", "url": "http://127.0.0.1:1/", "apiExtension": "9998", "callerId": "2004"}
    assert asked["sendSms"] == {"to": CUSTOMER, "text": "You called", "apiExtension": "9998"}
    assert asked["sendEmail"] == {
        "to": "boss@office.example",
        "subject": "A call",
        "text": f"From {CUSTOMER}",
        "apiExtension": "9990",
    }
    assert len(system.ledger) == len(FURTHER)


ROUTES = """
ozrules: 1
defaults: {extensions: ["_2XXX"]}
rules:
  - id: sales
    trigger: {routing: Calling}
    conditions: {dialedNumber: 2001}
    actions: [{hunt: {to: [2666, 2004], ring: 1s}}]
  - id: nuisance
    priority: 200
    trigger: {routing: Calling}
    conditions: {caller: "+36205550100"}
    actions: [hangup]
"""


def ringing_in(system: Phones) -> set[str | None]:
    sessions = system.system.sessions(system.clock.now())
    return {each.callee for each in sessions if each.session_state == RINGING}


@pytest.mark.parametrize("generation", HTTP)
async def test_where_a_call_goes_is_answered_while_the_phone_system_waits(
    tmp_path: Path, generation: Generation
) -> None:
    port = free_port()
    manners = HttpManners(generation=generation, hears_routing=f"http://127.0.0.1:{port}/routing")
    async with phones(Behaviour(asks_routing=3.0), HTTP[generation], manners=manners) as system:
        configure(tmp_path, system.settings(notifications=heard_at(port)), ROUTES)
        async with daemon(tmp_path) as one:
            await one.ready()
            for caller in (CUSTOMER, "+36205550100"):
                system.call(CallPlan(caller=caller, callee="2001", answers_after=50.0))
            system.call(CallPlan(caller=CUSTOMER, callee="2002", answers_after=50.0))
            await one.saw("outcome", 2, rule="sales")
            await one.saw("outcome", rule="nuisance")
            await until(lambda: {"2002", "2004"} <= ringing_in(system))
            assert await one.stop() == 0
    # 2666 rang for a second, and was not answered; the dial plan decided about 2002
    [hunt] = one.of("decision", rule="sales", reason="fired")
    assert hunt["actions"][0]["args"] == {"to": "2666, 2004"}
    assert {line["outcome"] for line in one.of("outcome", rule="sales")} == {"confirmed"}
    assert {line["outcome"] for line in one.of("outcome", rule="nuisance")} == {"accepted"}
    assert {line["event"]["kind"] for line in one.of("decision", reason="fired")} == {"routing"}
    assert system.ledger == []


@pytest.mark.fault(26)
async def test_a_forged_notification_makes_it_look_and_never_act(tmp_path: Path) -> None:
    rules = """
ozrules: 1
rules:
  - {id: ended, trigger: {state: [Completed, Busy, Cancelled, CallerHungUp]}, actions: [log: ended]}
  - {id: talks, trigger: {state: InCall}, actions: [hangup]}
"""
    port = free_port()
    async with phones(way="ozeki-http-classic") as system, aiohttp.ClientSession() as forger:
        configure(
            tmp_path, system.settings(notifications=heard_at(port)), rules, log={"format": "json", "decisions": "all"}
        )
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(CallPlan(caller=CUSTOMER, callee="2001", gives_up_after=4.0))
            [seen] = await one.saw("event", 1)
            call_id = seen["sessionId"]
            for state in ("InCall", "Completed", "Busy", "Answered"):
                body = urlencode({"NotificationName": "CallChanged", "CallId": call_id, "CallState": state})
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                async with forger.post(f"http://127.0.0.1:{port}/", data=body, headers=headers) as response:
                    assert (response.status, await response.read()) == (200, b"")
            await one.saw("decision", rule="ended", reason="fired")
            assert await one.stop() == 0
    [decision] = one.of("decision", reason="fired")
    assert (decision["rule"], decision["event"]["from"]) == ("ended", "Ringing")
    assert system.ledger == []


@pytest.mark.fault(20, 99)
async def test_the_password_is_let_in_and_stands_nowhere(tmp_path: Path) -> None:
    manners = HttpManners(users={"api": PIN})
    async with phones(way="ozeki-http-classic", manners=manners) as system:
        login = {"username": "api", "password": {"env": "DOOR_PIN"}}
        configure(
            tmp_path, system.settings(**login), "ozrules: 1\nrules: []\n", log={"format": "json", "level": "debug"}
        )
        async with daemon(tmp_path) as one:
            await one.ready()
            assert await one.stop() == 0
        async with daemon(tmp_path, DOOR_PIN="wrong-canary") as other:
            await other.until(lambda: any("ACCESS_DENIED" in line["detail"] for line in other.of("connection")), "a no")
            assert await other.stop() == 0
    said = repr((one.lines, one.errors, other.lines, other.errors))
    assert PIN not in said
    assert "wrong-canary" not in said


SPOILT: dict[Method, tuple[Misdeed, list[str]]] = {
    "hangup": ("refuse", ["rejected"]),
    "blindTransfer": ("silence", ["unknown", "unconfirmed"]),
    "sendDtmf": ("close", ["unknown", "unconfirmed"]),
    "hold": ("idle", ["unconfirmed"]),
    "forward": ("lie", ["confirmed"]),
}
"""What the phone system does to a command, and what is said of it in the end."""


@pytest.mark.fault(27, 28, 30, 31)
async def test_what_becomes_of_a_command_is_what_is_seen_and_it_is_sent_once(tmp_path: Path) -> None:
    rules = """
ozrules: 1
rules:
  - {id: a, trigger: {state: Ringing}, conditions: {callee: 2001}, actions: [{forward: {to: 2010, timeout: 1s}}]}
  - {id: b, trigger: {state: Ringing}, conditions: {callee: 2002}, actions: [hangup]}
  - {id: c, trigger: {state: InCall}, conditions: {callee: 2003}, actions: [hold]}
  - id: d
    trigger: {state: InCall}
    conditions: {callee: 2004}
    actions: [{blindTransfer: {move: caller, to: 2010, timeout: 1s}}]
  - {id: e, trigger: {state: InCall}, conditions: {callee: 2005}, actions: [{sendDtmf: {to: caller, keys: "1"}}]}
"""
    async with phones(way="ozeki-http-classic") as system:
        system.switchboard.conduct = Conduct(methods={method: spoilt for method, (spoilt, _) in SPOILT.items()})
        configure(tmp_path, system.settings(), rules)
        async with daemon(tmp_path) as one:
            await one.ready()
            for callee in ("2001", "2002", "2003", "2004", "2005"):
                answers = 0.1 if callee > "2002" else None
                system.call(CallPlan(caller=CUSTOMER, callee=callee, answers_after=answers))
            await one.saw("outcome", 7)
            assert await one.stop() == 0
    for method, (_, outcomes) in SPOILT.items():
        assert [line["outcome"] for line in one.of("outcome", action=method)] == outcomes
    assert sorted(entry.method for entry in system.ledger) == sorted(SPOILT)


FORWARDS = """
ozrules: 1
rules:
  - {id: a, trigger: {state: Ringing}, conditions: {hops: 0}, actions: [{forward: {to: 2010, timeout: 30s}}]}
"""


@pytest.mark.fault(29)
async def test_a_daemon_that_is_killed_while_it_waits_for_an_answer_never_asks_again(tmp_path: Path) -> None:
    async with phones(way="ozeki-http-classic") as system:
        system.switchboard.conduct = Conduct(methods={"forward": "mute"})
        configure(tmp_path, system.settings(), FORWARDS)
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(CallPlan(caller=CUSTOMER, callee="2001"))
            await until(lambda: len(system.ledger) == 1)
            await one.stop(signal.SIGKILL)
        async with daemon(tmp_path) as other:
            await other.ready()
            await other.saw("outcome")
            assert await other.stop() == 0
    assert other.of("outcome")[0]["outcome"] in ("unknown", "confirmed", "targetGone")
    assert len(system.ledger) == 1
