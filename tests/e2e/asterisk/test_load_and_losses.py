"""A real Asterisk under load by SIPp, at the moment of an answer, stopped, and killed."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from ozrules.engine.events import Accepted, ConnectionOpened, Gap, Refused, SessionSeen, SessionsListed
from ozrules.runtime.ports import ConnectionState
from tests.connectors.asterisk.manager import watched
from tests.e2e.asterisk.lab import Lab
from tests.e2e.asterisk.office import office

pytestmark = pytest.mark.timeout(400)  # the first test may have to fetch Asterisk

CALLS, RATE = 200, 20


async def sipp(lab: Lab, *arguments: str) -> "asyncio.subprocess.Process":
    command = lab.tree.command("usr/bin/sipp", f"127.0.0.1:{lab.sip}", "-i", "127.0.0.1", "-nostdin", *arguments)
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=lab.run)


@pytest.mark.fault(12)
def test_no_event_of_many_calls_is_lost(lab: Lab) -> None:
    async def run() -> list[SessionSeen]:
        scenario = str(Path(__file__).parent / "caller.xml")
        async with watched(lab.access()) as watching:
            await watching.until(SessionsListed)
            answering = await sipp(lab, "-sn", "uas", "-p", str(lab.phones["1002"]), "-mp", "30000")
            limits = ["-m", str(CALLS), "-r", str(RATE), "-l", "100", "-timeout", "60"]
            ports = ["-p", str(lab.phones["1001"]), "-mp", "31000", "-s", "1002"]
            calling = await sipp(lab, "-sf", scenario, *ports, *limits)
            try:
                assert await calling.wait() == 0, "SIPp saw a call fail"
            finally:
                answering.terminate()
                await answering.wait()
            closed = [0]

            def last(seen: SessionSeen) -> bool:
                closed[0] = len(
                    [one for one in watching.items if isinstance(one, SessionSeen) and one.kind == "closed"]
                )
                return closed[0] == CALLS

            await watching.until(SessionSeen, last)
            assert not [item for item in watching.items if isinstance(item, Gap)]
            return [item for item in watching.items if isinstance(item, SessionSeen)]

    seen = asyncio.run(run())
    kinds = Counter(one.kind for one in seen)
    states = Counter(str(one.session.session_state) for one in seen)
    assert (kinds["created"], kinds["closed"]) == (CALLS, CALLS)
    assert (states["InCall"], states["CallerHungUp"]) == (CALLS, CALLS)


@pytest.mark.fault(32)
def test_a_forward_at_the_moment_of_the_answer_is_refused_or_seen_to_be_too_late(lab: Lab) -> None:
    async def once() -> str:
        async with office(lab, lab.access()) as one:
            calling, called, session = await one.rings()
            await called.answer()
            done = await one.watching.do("forward", session, to="900442071838750")
            if isinstance(done, Refused):
                assert done.kind == "wrongState"
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
