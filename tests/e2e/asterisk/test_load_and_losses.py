"""A real Asterisk under load by SIPp, at the moment of an answer, stopped, and killed."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from ozrules.engine.events import Accepted, ConnectionOpened, Gap, SessionsListed, Withheld
from ozrules.runtime.ports import ConnectionState
from tests.e2e.asterisk.lab import SECRET, Lab
from tests.e2e.asterisk.office import office, until_empty
from tests.e2e.asterisk.rules import settings
from tests.e2e.stage import daemon

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk

CALLS, RATE = 500, 20


async def sipp(lab: Lab, *arguments: str) -> "asyncio.subprocess.Process":
    command = lab.tree.command("usr/bin/sipp", f"127.0.0.1:{lab.sip}", "-i", "127.0.0.1", "-nostdin", *arguments)
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=lab.run)


BUSY = """
  - {id: begun, trigger: {state: Setup}, conditions: {caller: 1001}, actions: [{log: "a call"}]}
  - {id: rings, trigger: {state: Ringing}, conditions: {callee: 1002}, actions: [{log: "it rings"}]}
  - id: answered
    trigger: {state: InCall}
    conditions: {endpoint: PJSIP/1001, direction: internal}
    actions: [{sendDtmf: {keys: "5", to: callee}}]
  - {id: ended, trigger: {state: CallerHungUp}, actions: [{log: "it is over"}]}
  - {id: never, trigger: {state: Ringing, for: 20s}, conditions: {callee: 1002}, actions: [{forward: 1003}]}
"""


@pytest.mark.fault(12)
def test_no_event_of_many_calls_is_lost_while_rules_act_on_them(lab: Lab, tmp_path: Path) -> None:
    settings(tmp_path, lab, BUSY)

    async def run() -> Counter[str]:
        scenario = str(Path(__file__).parent / "caller.xml")
        async with daemon(tmp_path, LAB_PASSWORD=SECRET) as running:
            await running.ready()
            answering = await sipp(lab, "-sn", "uas", "-p", str(lab.phones["1002"]), "-mp", "30000")
            limits = ["-m", str(CALLS), "-r", str(RATE), "-l", "200", "-timeout", "150"]
            ports = ["-p", str(lab.phones["1001"]), "-mp", "31000", "-s", "1002"]
            calling = await sipp(lab, "-sf", scenario, *ports, *limits)
            try:
                assert await calling.wait() == 0, "SIPp saw a call fail"
                await running.saw("decision", count=CALLS, rule="ended", reason="fired")
                await running.saw("outcome", count=CALLS)
                await until_empty(lab)  # what Asterisk has still to say to SIPp must not reach a later test's phone
            finally:
                answering.terminate()
                await answering.wait()
            assert await running.stop() == 0
            assert running.of("gap") == []
            assert running.errors == []
            return Counter(line["rule"] for line in running.of("decision", reason="fired"))

    assert asyncio.run(run()) == {"begun": CALLS, "rings": CALLS, "answered": CALLS, "ended": CALLS}


@pytest.mark.fault(32)
def test_a_forward_at_the_moment_of_the_answer_is_refused_or_seen_to_be_too_late(lab: Lab) -> None:
    async def once() -> str:
        async with office(lab, lab.access()) as one:
            calling, called, session = await one.rings()
            await called.answer()
            done = await one.watching.do("forward", session, to="900442071838750")
            if isinstance(done, Withheld):
                assert done.outcome == "lostRace"
                await one.sees("1002", "InCall")
                assert await calling.hears(700, 1500)
                await calling.hang_up()
                return "refused"
            assert done == Accepted()
            await one.sees("1002", "Redirected")
            # from InCall it is the engine's proof of a lost race; from Ringing Asterisk was told before the answer
            assert one.states_of("1002")[-2] in ("InCall", "Ringing")
            await (await one.phones["trunk"].incoming()).until("ringing")
            await calling.finish()
            if called.state == "answered":
                await called.hang_up()
            return "too late"

    for _ in range(8):
        assert asyncio.run(once()) in ("refused", "too late")


@pytest.mark.fault(1, 11)
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_after_asterisk_ended_in_mid_call_nothing_is_believed(lab: Lab, end: str) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with office(lab, lab.access()) as one:
            await one.talks()
            first = await one.watching.until(ConnectionOpened)
            await loop.run_in_executor(None, lab.stop if end == "stopped" else lab.kill)
            await one.watching.until(Gap)
            await one.watching.until(ConnectionState, lambda state: not state.ready)
            await loop.run_in_executor(None, lab.start)
            again = await one.watching.until(ConnectionOpened, lambda opened: opened is not first)
            assert again.epoch != first.epoch
            lists = [item for item in one.watching.items if isinstance(item, SessionsListed)]
            listed = await one.watching.until(SessionsListed, lambda listed: listed is not lists[0])
            assert listed.sessions == ()

    asyncio.run(run())
