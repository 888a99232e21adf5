"""The whole connector against a simulated phone system and canned answers: what goes wrong, and what is said.

Long, because all of it goes through one connector with one set of canned answers.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from ozrules.connectors.ozeki_http import Access, Listening, OzekiHttpConnector
from ozrules.connectors.ozeki_http.client import Way
from ozrules.connectors.ozeki_http.requests import Generation
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
from ozrules.engine.events import (
    Accepted,
    ConnectionOpened,
    Gap,
    Refused,
    SessionSeen,
    SessionsListed,
    Unanswered,
)
from ozrules.runtime.ports import ConnectionState, Malformed, Route
from ozrules.session.methods import OPERATIONS
from ozrules.session.session import Session
from ozrules.session.state import BUSY, CANCELLED, COMPLETED, IN_CALL, NOT_ANSWERED, RINGING
from tests.connectors.ozeki_http.test_xml import ATTACKS
from tests.fakes.clock import HastyClock, StandingClock
from tests.fakes.connectors import Reading, Routes, command_for, reading
from tests.fakes.gateway import until
from tests.fakes.http_server import NO_CALLS, CannedServer, canned, xml

RING = CallPlan(caller="+36201234567", caller_name="Kovacs Kft", callee="2001", gives_up_after=50.0)
HEARD = Listening(host="127.0.0.1", port=0, allow=("127.0.0.0/8",), deadline=0.5)
CLASSIC = Access(host="127.0.0.1", port=0, generation="classic")
GENERATIONS: list[Generation] = ["classic", "ozeki10"]


class Calls:
    """A phone system of calls that a test writes down, row by row."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.code = 200
        self.down = False

    def answer(self, request: bytes) -> bytes | None:
        if self.down:
            return None
        if b"ListActiveCalls" not in request:
            return xml(b"<Response><Code>200</Code></Response>")
        rows = "".join(self.rows.values())
        return xml(f"<Response><Code>{self.code}</Code><ActiveCalls>{rows}</ActiveCalls></Response>".encode())

    def set(self, id: str, state: str, *, rang: int = 1, start: str = "2026-11-23T10:00:00+01:00") -> None:
        self.rows[id] = (
            f"<CallInfo><CallState>{state}</CallState><CallId>{id}</CallId><Source>1000</Source>"
            f"<Destination>2001</Destination><StartTime>{start}</StartTime><RingDuration>{rang}</RingDuration></CallInfo>"
        )


def connector(
    port: int,
    *,
    listening: Listening | None = None,
    routes: Routes | None = None,
    clock: StandingClock | None = None,
    access: Access = CLASSIC,
    watches: bool = True,
) -> OzekiHttpConnector:
    return OzekiHttpConnector(
        "branch",
        replace(access, port=port),
        moved_party="argument",
        ring_time=60.0,
        listening=listening,
        outside_line=None,
        watches=watches,
        api_extension=None,
        routes=routes or Routes(),
        clock=clock or HastyClock(),
        chance=random.Random(1),
        timezone="Europe/Budapest",
    )


@asynccontextmanager
async def written(calls: Calls) -> AsyncIterator[tuple[CannedServer, OzekiHttpConnector, Reading]]:
    async with canned(calls.answer) as server:
        one = connector(server.port)
        async with reading(one) as reader:
            yield server, one, reader


class Office:
    """A simulated phone system with the connector before it."""

    def __init__(
        self, switchboard: Switchboard, clock: StandingClock, server: SimulatorHttp, one: OzekiHttpConnector
    ) -> None:
        self.switchboard = switchboard
        self.clock = clock
        self.server = server
        self.connector = one


@asynccontextmanager
async def office(
    manners: HttpManners | None = None,
    behaviour: Behaviour | None = None,
    conduct: Conduct | None = None,
    access: Access = CLASSIC,
) -> AsyncIterator[Office]:
    clock = StandingClock()
    phones = PhoneSystem(OFFICE, behaviour or Behaviour(), start=clock.now(), seed=1)
    phones.place(RING, clock.now() + 0.5)
    switchboard = Switchboard(phones, seed=1)
    switchboard.conduct = conduct or Conduct()
    server = SimulatorHttp(switchboard, manners or HttpManners(), clock, host="127.0.0.1", port=0)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.run())
        await server.until_listening()
        yield Office(switchboard, clock, server, connector(server.port, access=access))
        serving.cancel()


async def down(reader: Reading) -> str:
    """What is said of a connection that is not ready."""
    await reader.until(lambda one: any(not each.ready for each in one.of(ConnectionState)))
    return next(each.detail for each in reader.of(ConnectionState) if not each.ready)


# --- what it says of itself -----------------------------------------------------------------------------------------


async def test_it_says_what_is_not_possible_over_http() -> None:
    async with written(Calls()) as (_, _one, reader):
        await reader.ready()
    (opened,) = reader.of(ConnectionOpened)
    assert opened.privileges == frozenset(OPERATIONS) - {"startListen", "stopListen"}
    assert (opened.epoch, opened.zone) == ("", "Europe/Budapest")
    assert "startListen, stopListen" in reader.of(ConnectionState)[0].detail


async def test_a_connection_that_watches_nothing_is_ready_and_sees_no_call() -> None:
    calls = Calls()
    calls.set("c1", "Ringing")
    clock = HastyClock()
    async with canned(calls.answer) as server, reading(connector(server.port, clock=clock, watches=False)) as reader:
        await reader.ready()
        began = clock.now()
        calls.set("c2", "InCall")
        await until(lambda: clock.now() > began + 60.0)
    assert [listed.sessions for listed in reader.of(SessionsListed)] == [()]
    assert reader.of(SessionSeen) == []


async def test_a_slow_office_is_not_asked_all_the_time() -> None:
    clock = HastyClock()
    async with canned(Calls().answer) as server, reading(connector(server.port, clock=clock)) as reader:
        await reader.ready()
        began, asked = clock.now(), len(server.requests)
        await until(lambda: clock.now() > began + 600.0)
        assert (len(server.requests) - asked) < 200  # every 5 s in the end, not every 250 ms


# --- calls that are not seen to end, and ids that come back ---------------------------------------------------------


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    ("state", "rang", "end"), [("Ringing", 2, CANCELLED), ("Ringing", 59, NOT_ANSWERED), ("InCall", 2, COMPLETED)]
)
async def test_a_call_that_vanishes_between_two_looks_has_ended(state: str, rang: int, end: str) -> None:
    calls = Calls()
    async with written(calls) as (_, _one, reader):
        await reader.ready()
        calls.set("a", state, rang=rang)
        await reader.count(SessionSeen, 1)
        del calls.rows["a"]
        _, closed = await reader.count(SessionSeen, 2)
    assert (closed.kind, closed.session.session_state, closed.derived) == ("closed", end, True)


@pytest.mark.fault(41)
async def test_an_id_that_is_given_again_is_another_call() -> None:
    calls = Calls()
    calls.set("a", "InCall")
    async with written(calls) as (_, _one, reader):
        await reader.ready()
        calls.set("a", "Ringing", start="2026-11-23T11:00:00+01:00")
        closed, created = await reader.count(SessionSeen, 2)
    assert (closed.kind, closed.session.session_state) == ("closed", COMPLETED)
    assert (created.kind, created.session.start_time) == ("created", "2026-11-23T11:00:00+01:00")


@pytest.mark.fault(11)
async def test_a_phone_system_that_was_started_anew_is_listed_anew() -> None:
    calls = Calls()
    calls.set("a", "InCall")
    async with written(calls) as (_, one, reader):
        await reader.ready()
        calls.down = True
        assert "closed the connection" in await down(reader)
        refused = await one.execute(
            command_for(Session(session_id="a", session_state=IN_CALL), "hangup"),
            Session(session_id="a", session_state=IN_CALL),
        )
        assert isinstance(refused, Refused)
        assert refused.kind == "unavailable"
        calls.rows.clear()
        calls.down = False
        await reader.count(SessionsListed, 2)
    assert len(reader.of(Gap)) == 1
    assert [len(each.sessions or ()) for each in reader.of(SessionsListed)] == [1, 0]


async def test_rows_that_cannot_be_read_are_counted_and_end_nothing() -> None:
    calls = Calls()
    calls.set("a", "InCall")
    async with written(calls) as (_, _one, reader):
        await reader.ready()
        calls.rows = {"b": "<CallInfo><Source>1000</Source></CallInfo>"}
        await reader.count(Malformed, 3)
    assert reader.of(Malformed)[0].kind == "notASession"
    assert reader.of(SessionSeen) == []


# --- who does not want us, and what is not the API ------------------------------------------------------------------


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    ("manners", "access", "why"),
    [
        (HttpManners(users={"api": "right"}), CLASSIC, "set username and password"),
        (HttpManners(users={"api": "right"}), replace(CLASSIC, username="api", password="bad"), "password is wrong"),
        (
            HttpManners(users={"api": "right"}, barred=frozenset({"api"})),
            replace(CLASSIC, username="api", password="right"),
            "may not use the API",
        ),
        (HttpManners(addresses=("192.0.2.0/24",)), CLASSIC, "this address may not"),
    ],
)
async def test_who_is_not_let_in_is_told_why(manners: HttpManners, access: Access, why: str) -> None:
    async with office(manners, access=access) as lab, reading(lab.connector) as reader:
        detail = await down(reader)
    assert detail.startswith("ACCESS_DENIED")
    assert why in detail
    assert reader.of(ConnectionOpened) == []


@pytest.mark.fault(20)
@pytest.mark.parametrize("code", [304, 305, 306, 307])
async def test_who_is_not_let_in_knocks_again_after_half_a_minute_at_the_earliest(code: int) -> None:
    calls, clock = Calls(), HastyClock()
    calls.code = code
    began = clock.now()
    async with canned(calls.answer) as server, reading(connector(server.port, clock=clock)):
        await until(lambda: len(server.requests) >= 4)
        assert clock.now() - began >= 3 * 30.0


@pytest.mark.fault(20)
async def test_a_password_that_is_changed_while_it_runs_ends_it_clearly_and_a_right_one_begins_it_again() -> None:
    calls = Calls()
    async with written(calls) as (_, _one, reader):
        await reader.ready()
        calls.code = 305
        assert "ACCESS_DENIED" in await down(reader)
        calls.code = 200
        await reader.count(SessionsListed, 2)
        await reader.ready()
    assert len(reader.of(Gap)) == 1


@pytest.mark.fault(20)
async def test_with_the_right_password_it_is_let_in() -> None:
    access = replace(CLASSIC, username="api", password="canary")
    manners = HttpManners(users={"api": "canary"})
    async with office(manners, access=access) as lab, reading(lab.connector) as reader:
        await reader.ready()
    assert "canary" not in repr(reader.items)


@pytest.mark.fault(16, 19)
@pytest.mark.parametrize("attack", [ATTACKS["billion laughs"], ATTACKS["external entity"], ATTACKS["large"], b"<html>"])
async def test_what_is_not_the_api_is_not_watched(attack: bytes) -> None:
    async with canned(lambda _: xml(attack)) as server, reading(connector(server.port)) as reader:
        detail = await down(reader)
    assert "but not as the HTTP API" in detail
    assert "are server, port and generation right?" in detail
    assert reader.of(ConnectionOpened) == []


@pytest.mark.fault(19)
@pytest.mark.parametrize("code", [301, 303, 500])
async def test_a_phone_system_that_gives_no_list_is_said(code: int) -> None:
    calls = Calls()
    calls.code = code
    async with written(calls) as (_, _one, reader):
        assert f"gives no list of calls: the phone system answers {code}" in await down(reader)


@pytest.mark.fault(1)
async def test_one_line_for_each_reason_however_often_it_is_tried() -> None:
    calls = Calls()
    calls.down = True
    async with written(calls) as (server, _one, reader):
        await down(reader)
        await until(lambda: len(server.requests) > 4)
    assert len(reader.of(ConnectionState)) == 1


# --- commands that go wrong -----------------------------------------------------------------------------------------


@pytest.mark.fault(27)
@pytest.mark.parametrize("refusal", [301, 303, 304, 305, 306, 307, 401])
async def test_a_refusal_in_any_form_is_a_refusal(refusal: int) -> None:
    conduct = Conduct(methods={"forward": "refuse"})
    async with office(HttpManners(refusal=refusal), conduct=conduct) as lab, reading(lab.connector) as reader:
        await reader.ready()
        await lab.clock.advance(1.0)
        session = await reader.state(RINGING)
        refused = await lab.connector.execute(command_for(session, "forward", to="2010"), session)
    assert isinstance(refused, Refused)
    assert refused.kind == ("wrongState" if refusal == 303 else "denied")
    assert len(lab.switchboard.ledger) == 1


@pytest.mark.parametrize(("wrong_state", "kind"), [(303, "wrongState"), (601, "notFound"), (200, None)])
async def test_a_wrong_state_in_every_form_that_it_may_have(wrong_state: int, kind: str | None) -> None:
    manners = replace(HttpManners(), wrong_state=wrong_state)
    async with office(manners) as lab, reading(lab.connector) as reader:
        await reader.ready()
        await lab.clock.advance(1.0)
        session = await reader.state(RINGING)
        answer = await lab.connector.execute(command_for(session, "unhold"), session)
    assert (answer.kind if isinstance(answer, Refused) else None) == kind


@pytest.mark.fault(27, 28)
async def test_a_cut_in_flight_is_no_answer_and_nothing_is_sent_again() -> None:
    async with office(conduct=Conduct(methods={"hangup": "close"})) as lab, reading(lab.connector) as reader:
        await reader.ready()
        await lab.clock.advance(1.0)
        session = await reader.state(RINGING)
        answer = await lab.connector.execute(command_for(session, "hangup"), session)
        assert isinstance(answer, Unanswered)
        await lab.connector.request_list()
        listed = (await reader.count(SessionsListed, 2))[1]
    assert [each.session_id for each in listed.sessions or ()] == [session.session_id]
    assert len(lab.switchboard.ledger) == 1
    assert reader.of(Gap) == []


@pytest.mark.fault(28)
async def test_an_answer_that_is_none_proves_nothing() -> None:
    calls = Calls()
    calls.set("a", "Ringing")
    async with written(calls) as (server, one, reader):
        await reader.ready()
        session = (reader.of(SessionsListed)[0].sessions or ())[0]
        server.answer = lambda request: calls.answer(request) if b"List" in request else xml(b"<html>")
        answer = await one.execute(command_for(session, "forward", to="2010"), session)
    assert isinstance(answer, Unanswered)
    assert "did not answer as the HTTP API" in answer.message


@pytest.mark.fault(91)
async def test_what_cannot_be_written_safely_is_not_sent() -> None:
    calls = Calls()
    calls.set("a", "Ringing")
    async with written(calls) as (server, one, reader):
        await reader.ready()
        session = Session(session_id="a\r\nX: y", session_state=RINGING)
        refused = await one.execute(command_for(session, "hangup"), session)
        assert isinstance(refused, Refused)
        assert refused.kind == "invalid"
        assert not any(b"Hangup" in each for each in server.requests)


# --- notifications --------------------------------------------------------------------------------------------------


async def posted(port: int, body: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /a HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write((head + body).encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.fault(26)
async def test_a_notification_makes_it_look_and_what_it_says_is_not_believed() -> None:
    calls = Calls()
    calls.set("a", "Ringing")
    clock = StandingClock()  # nothing is asked again by itself
    async with canned(calls.answer) as server:
        one = connector(server.port, listening=HEARD, clock=clock)
        async with reading(one) as reader:
            await reader.ready()
            asked = len(server.requests)
            await posted(await one.notification_port(), "NotificationName=CallChanged&CallId=a&CallState=Completed")
            await until(lambda: len(server.requests) > asked)
            await posted(await one.notification_port(), "NotificationName=CallChanged&CallId=b&CallState=Ringing")
            await until(lambda: len(server.requests) > asked + 1)
            assert reader.of(SessionSeen) == []
            calls.set("a", "InCall")
            await posted(await one.notification_port(), "NotificationName=CallChanged&CallId=a&CallState=InCall")
            (seen,) = await reader.count(SessionSeen, 1)
    assert seen.session.session_state == IN_CALL


@pytest.mark.parametrize("body", ["CallId=a&CallState=InCall", "&".join(["a=1"] * 101)], ids=["no name", "many pairs"])
async def test_a_notification_that_cannot_be_read_makes_it_look(body: str) -> None:
    calls = Calls()
    calls.set("a", "Ringing")
    async with canned(calls.answer) as server:
        one = connector(server.port, listening=HEARD, clock=StandingClock())  # nothing is asked again by itself
        async with reading(one) as reader:
            await reader.ready()
            calls.set("a", "InCall")
            await posted(await one.notification_port(), body)
            (seen,) = await reader.count(SessionSeen, 1)
            (malformed,) = await reader.count(Malformed, 1)
    assert (seen.session.session_state, malformed.kind) == (IN_CALL, "notANotification")


@pytest.mark.fault(26)
async def test_who_may_not_post_is_counted_and_starts_nothing() -> None:
    calls = Calls()
    calls.set("a", "Ringing")
    async with canned(calls.answer) as server:
        one = connector(server.port, listening=replace(HEARD, allow=("192.0.2.1/32",)))
        async with reading(one) as reader:
            await reader.ready()
            await posted(await one.notification_port(), "NotificationName=CallChanged&CallId=a&CallState=Completed")
            (malformed,) = await reader.count(Malformed, 1)
    assert (malformed.kind, malformed.sample) == ("foreignNotification", "127.0.0.1")
    assert reader.of(SessionSeen) == []


async def test_how_a_call_ended_that_is_gone_is_taken_from_a_notification() -> None:
    calls = Calls()
    calls.set("a", "Ringing")
    async with canned(calls.answer) as server:
        one = connector(server.port, listening=HEARD)
        async with reading(one) as reader:
            await reader.ready()
            await posted(await one.notification_port(), "NotificationName=CallChanged&CallId=a&CallState=Busy")
            del calls.rows["a"]
            (seen,) = await reader.count(SessionSeen, 1)
    assert (seen.kind, seen.session.session_state, seen.derived) == ("closed", BUSY, True)


async def test_a_question_about_routing_is_put_to_the_rules() -> None:
    routes = Routes(Route("2010", 20.0))
    question = "NotificationName=RoutingInterception&CallerID=1000&OriginalDialedNumber=2001&LastCallState="
    async with canned(Calls().answer) as server:
        one = connector(server.port, listening=HEARD, routes=routes)
        async with reading(one) as reader:
            await reader.ready()
            port = await one.notification_port()
            assert (
                await posted(port, question + "NoAnswer")
                == b'<Response><Route Destination="2010" RingTime="20"/></Response>'
            )
            assert await posted(port, question + "Error") == b""
            routes.answer = None
            assert await posted(port, question + "Busy") == b""
    assert [(kind, session.caller, session.callee, within) for kind, session, within in routes.asked] == [
        ("NoAnswer", "1000", "2001", 0.5),
        ("Busy", "1000", "2001", 0.5),
    ]


async def test_where_notifications_cannot_be_heard_the_list_is_enough() -> None:
    calls = Calls()
    async with canned(calls.answer) as server:
        one = connector(server.port, listening=replace(HEARD, port=server.port))
        async with reading(one) as reader:
            await reader.ready()
            assert f"no notifications: cannot listen on 127.0.0.1:{server.port}" in reader.of(ConnectionState)[0].detail
            calls.set("a", "Ringing")
            await reader.state(RINGING)


# --- both generations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("caller_id", ["name", "number"])
async def test_who_calls_is_known_whatever_callerid_holds(generation: Generation, caller_id: str) -> None:
    manners = replace(HttpManners(generation=generation), caller_id=caller_id)
    access = replace(CLASSIC, generation=generation, username="any", password="any")
    async with office(manners, access=access) as lab, reading(lab.connector) as reader:
        await reader.ready()
        await lab.clock.advance(1.0)
        session = await reader.state(RINGING)
    assert (session.caller, session.callee) == ("+36201234567", "2001")
    assert session.caller_display_name == ("Kovacs Kft" if caller_id == "name" else None)


@pytest.mark.parametrize("way", ["post", "get"])
async def test_both_ways_of_asking_work(way: Way) -> None:
    async with office(access=replace(CLASSIC, way=way)) as lab, reading(lab.connector) as reader:
        await reader.ready()
        await lab.clock.advance(1.0)
        session = await reader.state(RINGING)
        assert await lab.connector.execute(command_for(session, "forward", to="2010"), session) == Accepted()


async def test_the_wrong_generation_is_no_api() -> None:
    access = replace(CLASSIC, generation="ozeki10")
    async with office(access=access) as lab, reading(lab.connector) as reader:
        assert "HTTP status 404" in await down(reader)


async def test_an_empty_office_is_ready() -> None:
    async with canned(lambda _: xml(NO_CALLS)) as server, reading(connector(server.port)) as reader:
        await reader.ready()
    assert reader.of(SessionsListed)[0].sessions == ()
