"""The whole program beside a manager whose events get lost: what `ozrules run` sends, and its record."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ozrules.connectors.asterisk.ami import Fields
from tests.connectors.asterisk.manager import MAY, PASSWORD, TELLS, Manager, block, manager
from tests.connectors.asterisk.traces import events_of, moment_of
from tests.e2e.stage import Daemon, configure, daemon, ozrules

TOO_LONG = """ozrules: 1
rules:
  - id: talks-too-long
    trigger: {state: InCall, for: 1s}
    actions: [hangup]
"""
NO_CHANNEL = {"Response": "Error", "Message": "No such channel"}


def begun() -> list[Fields]:
    """A call up to the moment when both talk; the events of its end are missing for ever."""
    events = events_of("actions/hangup_ami_in_call")
    return [one for one in events if moment_of(one) - moment_of(events[0]) < 0.6]


def run(
    folder: Path,
    may: tuple[str, ...],
    prepare: Callable[[Manager], None],
    scene: Callable[[Manager, Daemon], Awaitable[None]],
) -> None:
    async def play() -> None:
        async with manager() as standin:
            standin.may = may
            connection = {"name": "open", "type": "asterisk", "host": "127.0.0.1", "port": standin.port}
            login = {"username": "ozrules", "password": {"env": "LAB_PASSWORD"}, "context": "internal"}
            configure(folder, "ws://127.0.0.1:1/", TOO_LONG, connections=[connection | login])
            async with daemon(folder, LAB_PASSWORD=PASSWORD) as running:
                await running.ready()
                prepare(standin)
                standin.raise_events(begun())
                await scene(standin, running)
                assert await running.stop() == 0

    asyncio.run(play())


@pytest.mark.fault(5, 33)
@pytest.mark.parametrize("may", [MAY, TELLS], ids=["the command's answer", "the last look"])
def test_a_call_whose_end_was_never_told_ends_when_asterisk_knows_no_such_channel(
    tmp_path: Path, may: tuple[str, ...]
) -> None:
    def prepare(standin: Manager) -> None:
        standin.answers["Hangup"] = standin.answers["Status"] = NO_CHANNEL

    async def scene(standin: Manager, running: Daemon) -> None:
        [outcome] = await running.saw("outcome")
        assert outcome["outcome"] == "targetGone"
        await standin.action("CoreShowChannels", count=2)
        await live(tmp_path, 0)
        assert len(standin.sent("Hangup")) == (1 if may is MAY else 0)

    run(tmp_path, may, prepare, scene)


async def live(folder: Path, count: int) -> None:
    """Waits until the daemon says that it knows so many live sessions."""
    async with asyncio.timeout(30):
        while f"{count} live" not in (said := (await ozrules(folder, "status"))[1]):
            assert said


@pytest.mark.fault(15)
def test_an_event_that_is_too_long_is_counted_and_the_list_is_read(tmp_path: Path) -> None:
    def prepare(standin: Manager) -> None:
        long = {"Event": "Newchannel", "Channel": "PJSIP/1003-00000001", "CallerIDName": "x" * 1_100_000}
        standin.write(block(long))

    async def scene(standin: Manager, running: Daemon) -> None:
        await running.saw("gap")
        await standin.action("CoreShowChannels", count=2)
        assert standin.connections == 1

    run(tmp_path, MAY, prepare, scene)
