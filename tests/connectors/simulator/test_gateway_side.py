"""The gateway's side: tokens, long lists, requests that cannot be meant, daemons that do not read."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from ozrules.connectors.session_messages import (
    ErrorResponse,
    FromGateway,
    Hello,
    ListSessions,
    Response,
    SessionNews,
    SnapshotPart,
)
from ozrules.connectors.session_protocol import decode, encode
from ozrules.connectors.simulator import OFFICE, Behaviour, PhoneSystem, SimulatorGateway, Switchboard, gateway_side
from ozrules.connectors.simulator.callers import CallPlan
from tests.fakes.clock import StandingClock


@asynccontextmanager
async def serving(calls: int) -> AsyncIterator[tuple[SimulatorGateway, Switchboard]]:
    clock = StandingClock()
    phones = PhoneSystem(OFFICE, Behaviour(), start=clock.now(), seed=1)
    for _ in range(calls):
        phones.place(CallPlan(caller="+36201234567", callee="2001"), clock.now())
    switchboard = Switchboard(phones, seed=1)
    gateway = SimulatorGateway(switchboard, clock, host="127.0.0.1", port=0, token="lab")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(gateway.run())
        await gateway.until_listening()
        yield gateway, switchboard
        task.cancel()


def come(gateway: SimulatorGateway, token: str) -> connect:
    return connect(f"ws://127.0.0.1:{gateway.port}/", additional_headers={"Authorization": f"Bearer {token}"})


async def heard(daemon: ClientConnection, number: int) -> list[FromGateway]:
    return [decode(await daemon.recv()) for _ in range(number)]


async def test_it_greets_with_hello_and_the_list() -> None:
    async with serving(2) as (gateway, _), come(gateway, "lab") as daemon:
        hello, _, part = await heard(daemon, 3)
    assert isinstance(hello, Hello)
    assert isinstance(part, SnapshotPart)
    assert len(part.sessions) == 2


async def test_a_list_says_which_changes_it_shows_and_follows_them() -> None:
    async with serving(2) as (gateway, switchboard), come(gateway, "lab") as daemon:
        _, _, greeting = await heard(daemon, 3)
        now = switchboard.phones.next_due() or 0.0
        switchboard.phones.sessions(now)  # it has happened, and nobody has been told
        await daemon.send(encode(ListSessions(5)), text=True)
        *changes, answer = await heard(daemon, 3)
    assert isinstance(greeting, SnapshotPart)
    assert isinstance(answer, Response)
    assert answer.listed is not None
    assert greeting.seq == 2
    assert [each.seq for each in changes if isinstance(each, SessionNews)] == [3, 4]
    assert answer.listed.seq == 4
    assert answer.listed.at is not None


async def test_a_wrong_token_is_refused() -> None:
    async with serving(0) as (gateway, _):
        with pytest.raises(InvalidStatus):
            await come(gateway, "wrong")


async def test_a_long_list_comes_in_parts_also_when_asked_for() -> None:
    async with serving(2000) as (gateway, _), come(gateway, "lab") as daemon:
        await heard(daemon, 2)
        sizes = [await whole_list(daemon)]
        await daemon.send(encode(ListSessions(5)), text=True)
        (answer,) = await heard(daemon, 1)
        assert answer == Response(5, SnapshotPart(sessions=(), complete=False))
        sizes.append(await whole_list(daemon))
    assert sizes == [2000, 2000]


async def whole_list(daemon: ClientConnection) -> int:
    size = 0
    while True:
        (part,) = await heard(daemon, 1)
        assert isinstance(part, SnapshotPart)
        size += len(part.sessions)
        if part.last:
            return size


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("method", "params", "kind"),
    [
        ("session.explode", {}, "denied"),
        ("session.forward", {}, "invalid"),
        ("session.hangup", {"sessionId": "s77"}, "notFound"),
        ("session.unhold", {"sessionId": "s1"}, "wrongState"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_its_kind(method: str, params: object, kind: str) -> None:
    async with serving(1) as (gateway, _), come(gateway, "lab") as daemon:
        await heard(daemon, 3)
        await daemon.send("rubbish")
        await daemon.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
        (answer,) = await heard(daemon, 1)
    assert isinstance(answer, ErrorResponse)
    assert (answer.id, answer.kind) == (7, kind)


@pytest.mark.fault(4)
async def test_a_daemon_that_does_not_read_is_cut_off_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_side, "MAX_WAITING", 10)
    async with serving(0) as (gateway, switchboard), come(gateway, "lab") as daemon:
        await heard(daemon, 3)
        for _ in range(11):
            switchboard.phones.place(CallPlan(caller="2002", callee="2001"), 0.0)
        gateway.poke()  # eleven changes at once, and nobody can have read any of them
        await daemon.wait_closed()
        async with come(gateway, "lab") as second:
            assert isinstance((await heard(second, 1))[0], Hello)
            assert not isinstance((await heard(second, 2))[1], SessionNews)
