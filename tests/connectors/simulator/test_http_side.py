"""The simulated HTTP API on a socket: how it answers, what it posts, and what it does with a reply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import aiohttp
import pytest

from ozrules.connectors.simulator import (
    OFFICE,
    Behaviour,
    Conduct,
    HttpManners,
    PhoneSystem,
    SimulatorHttp,
    Switchboard,
)
from ozrules.connectors.simulator.callers import CallPlan
from tests.fakes.clock import StandingClock
from tests.fakes.gateway import until
from tests.fakes.http_server import CannedServer, canned, form, xml

RING = CallPlan(caller="+36201234567", callee="2001", answers_after=5.0, talk=600.0)


class Lab:
    def __init__(self, clock: StandingClock, board: Switchboard, front: SimulatorHttp) -> None:
        self.clock = clock
        self.board = board
        self.front = front

    async def post(self, **values: str) -> aiohttp.ClientResponse:
        async with aiohttp.ClientSession() as http, http.post(self.front.url, data=values) as response:
            await response.read()
            return response


@asynccontextmanager
async def lab(manners: HttpManners | None = None, behaviour: Behaviour | None = None) -> AsyncIterator[Lab]:
    clock = StandingClock()
    phones = PhoneSystem(OFFICE, behaviour or Behaviour(), start=clock.now(), seed=1)
    phones.place(RING, clock.now() + 0.5)
    board = Switchboard(phones, seed=1)
    front = SimulatorHttp(board, manners or HttpManners(), clock, host="127.0.0.1", port=0)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(front.run())
        await front.until_listening()
        yield Lab(clock, board, front)
        serving.cancel()


def said(listener: CannedServer) -> list[dict[str, str]]:
    return [dict(parse_qsl(form(request).decode())) for request in listener.requests]


async def test_it_answers_as_the_vendor_shows_it() -> None:
    async with lab() as office:
        response = await office.post(command="Hangup", CallId="zzz")
        assert (response.status, response.headers["Server"]) == (200, "Microsoft-HTTPAPI/2.0")
        assert response.content_type == "application/xml"
        assert "<Code>601</Code>" in await response.text()


async def test_the_other_generation_has_another_path() -> None:
    async with lab(HttpManners(generation="ozeki10")) as office:
        assert office.front.url.endswith("/api")
        response = await office.post(command="ListActiveCalls", Username="any", Password="any")
        assert "<Code>200</Code>" in await response.text()


@pytest.mark.parametrize("misdeed", ["silence", "close"])
async def test_no_answer_comes_where_none_is_wanted(misdeed: str) -> None:
    async with lab() as office:
        office.board.conduct = Conduct(methods={"hangup": "close" if misdeed == "close" else "silence"})
        await office.clock.advance(2.0)
        failures = (aiohttp.ClientError, TimeoutError)
        with pytest.raises(failures):
            await asyncio.wait_for(office.post(command="Hangup", CallId="s1"), 0.3)
    assert len(office.board.ledger) == 1


async def test_changes_are_posted_as_http_1_0_forms_and_the_reply_is_carried_out_in_order() -> None:
    reply = xml(b"<Response><Hold/><Unhold/><Hangup/></Response>")
    async with canned(lambda request: reply if b"CallState=InCall" in request else xml(b"")) as listener:
        manners = HttpManners(hears_changes=f"http://127.0.0.1:{listener.port}/changes")
        async with lab(manners) as office:
            await office.clock.advance(10.0)
            await until(lambda: len(office.board.ledger) == 3)
            await until(lambda: len(listener.requests) == 6)
    assert [(entry.method, entry.result) for entry in office.board.ledger] == [
        ("hold", "done"),
        ("unhold", "done"),
        ("hangup", "done"),
    ]
    head = listener.requests[0].split(b"\r\n")
    assert head[0] == b"POST /changes HTTP/1.0"
    assert b"Cache-Control: no-store,no-cache" in head
    told = said(listener)
    assert {(each["NotificationName"], each["CallId"]) for each in told} == {("CallChanged", "s1")}
    states = [each["CallState"] for each in told]
    assert states == ["Ringing", "Answered", "InCall", "Hold", "InCall", "Completed"]


@pytest.mark.parametrize(
    ("reply", "then"), [(b'<Response><Speak Party="all">Hello</Speak></Response>', "speak"), (b"", "hangup")]
)
async def test_who_is_called_is_announced_and_the_reply_says_what_happens(reply: bytes, then: str) -> None:
    async with canned(lambda _: xml(reply)) as listener, lab() as office:
        await office.post(command="Call", Dialed="2010", Url=f"http://127.0.0.1:{listener.port}/connected")
        await office.clock.advance(8.0)
        await until(lambda: len(office.board.ledger) == 2)
    assert [entry.method for entry in office.board.ledger] == ["call", then]
    assert (said(listener)[0]["NotificationName"], said(listener)[0]["Destination"]) == ("CallConnected", "2010")


async def test_who_wants_to_be_told_of_a_recording_is_told_when_it_is_finished() -> None:
    async with canned(lambda _: xml(b"")) as listener, lab() as office:
        await office.clock.advance(2.0)
        url = f"http://127.0.0.1:{listener.port}/recorded"
        await office.post(command="Record", CallId="s1", Format="wav", FinishedURL=url)
        await office.post(command="Hangup", CallId="s1")
        await until(lambda: bool(listener.requests))
        await office.clock.advance(5.0)
    [told] = said(listener)
    assert (told["NotificationName"], told["CallId"]) == ("RecordCompleted", "s1")
    assert told["RecordURL"] == "HttpRecordings/s1.wav"


@pytest.mark.parametrize(
    ("reply", "callee"),
    [
        (b'<Response><Route Destination="2010" RingTime="20"/></Response>', "2010"),
        (b"", "2001"),
        (b"nonsense", "2001"),
    ],
)
async def test_it_asks_where_a_call_goes_and_goes_there(reply: bytes, callee: str) -> None:
    async with canned(lambda _: xml(reply)) as listener:
        manners = HttpManners(hears_routing=f"http://127.0.0.1:{listener.port}/")
        async with lab(manners, Behaviour(asks_routing=60.0)) as office:
            await office.clock.advance(0.6)
            await until(lambda: (office.board.phones.next_due() or 1e12) < office.clock.now() + 10.0)
            await office.clock.advance(1.0)
            (session,) = office.board.phones.sessions(office.clock.now())
    assert (session.session_state, session.callee) == ("Ringing", callee)
    asked = said(listener)[0]
    assert asked["NotificationName"] == "RoutingInterception"
    assert (asked["CallerID"], asked["OriginalDialedNumber"], asked["LastCallState"]) == (
        "+36201234567",
        "2001",
        "Calling",
    )


async def test_an_empty_destination_turns_the_caller_away() -> None:
    async with canned(lambda _: xml(b'<Response><Route Destination=""/></Response>')) as listener:
        manners = HttpManners(hears_routing=f"http://127.0.0.1:{listener.port}/")
        async with lab(manners, Behaviour(asks_routing=60.0)) as office:
            await office.clock.advance(0.6)
            await until(lambda: not office.board.phones.sessions(office.clock.now()))


async def test_where_nobody_listens_the_dial_plan_decides() -> None:
    async with canned(lambda _: None) as listener:
        port = listener.port
    async with lab(HttpManners(hears_routing=f"http://127.0.0.1:{port}/"), Behaviour(asks_routing=60.0)) as office:
        await office.clock.advance(0.6)
        await until(lambda: (office.board.phones.next_due() or 1e12) < office.clock.now() + 10.0)
        await office.clock.advance(1.0)
        (session,) = office.board.phones.sessions(office.clock.now())
    assert session.session_state == "Ringing"


async def test_a_new_start_ends_all_calls() -> None:
    async with lab() as office:
        await office.clock.advance(2.0)
        await office.front.restart()
        assert "<ActiveCalls></ActiveCalls>" in await (await office.post(command="ListActiveCalls")).text()
