"""Questions of phone systems: answered once, in time, or left to the dial plan."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from ozrules.engine.effects import Effect
from ozrules.engine.events import Accepted, RoutingAsked, Withheld
from ozrules.rules.model import RoutingTrigger
from ozrules.runtime import routes
from ozrules.runtime.ports import Record, Route
from ozrules.runtime.routes import Routes
from ozrules.session.session import session_from
from tests.engine.forge import HERE, forward, rule, rules
from tests.fakes.clock import StandingClock, settle
from tests.fakes.effects import command
from tests.fakes.journal import MemoryJournal
from tests.runtime.desk import desk

CALL = session_from({"sessionId": "c1", "sessionState": "Setup", "caller": "2001", "callee": "2002"})


class Desk:
    def __init__(self) -> None:
        self.clock = StandingClock()
        self.routes = Routes(self.clock)
        self.asked: list[RoutingAsked] = []
        self.routes.open(self.asked.append)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator["asyncio.Task[Route | None]"]:
        async with asyncio.TaskGroup() as group:
            yield group.create_task(self.routes.ask("office", "Calling", CALL, within=0.5))


async def test_the_answer_reaches_who_asked() -> None:
    desk = Desk()
    async with desk.asking() as asking:
        await settle()
        (asked,) = desk.asked
        assert (asked.connection, asked.kind, asked.session) == ("office", "Calling", CALL)
        reply = msgspec.structs.replace(command(1), to="2010", ring=15.0, question=asked.question)
        assert desk.routes.answer(reply) == Accepted()
        assert isinstance(desk.routes.answer(reply), Withheld)
    assert asking.result() == Route("2010", 15.0)


async def test_without_an_answer_the_dial_plan_decides_at_once() -> None:
    desk = Desk()
    async with desk.asking() as asking:
        await settle()
        desk.routes.unrouted(desk.asked[0].question)
    assert asking.result() is None
    assert desk.clock.now() == StandingClock().now()


async def test_an_answer_after_the_deadline_finds_nobody() -> None:
    desk = Desk()
    async with desk.asking() as asking:
        await desk.clock.advance(0.5)
    assert asking.result() is None
    late = msgspec.structs.replace(command(1), to="2010", question=desk.asked[0].question)
    assert desk.routes.answer(late) == Withheld("expired", "the phone system no longer waits for an answer")


async def test_to_nowhere_turns_the_caller_away() -> None:
    desk = Desk()
    async with desk.asking() as asking:
        await settle()
        reply = msgspec.structs.replace(command(1, action="hangup"), to=None, question=desk.asked[0].question)
        assert desk.routes.answer(reply) == Accepted()
    assert asking.result() == Route("")


async def test_a_call_that_the_phone_system_names_by_no_id_is_given_one() -> None:
    desk = Desk()
    nameless = msgspec.structs.replace(CALL, session_id="")
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(desk.routes.ask("office", "Busy", nameless, within=0.5))
        await settle()
        ids = {asked.session.session_id for asked in desk.asked}
        assert len(ids) == 2
        assert "" not in ids
        desk.routes.close()


async def test_nobody_is_asked_before_the_daemon_works_and_after_it_stops() -> None:
    assert await Routes(StandingClock()).ask("office", "Calling", CALL, within=0.5) is None
    desk = Desk()
    async with desk.asking() as asking:
        await settle()
        desk.routes.close()
    assert asking.result() is None
    assert await desk.routes.ask("office", "Calling", CALL, within=0.5) is None


async def test_of_too_many_questions_the_last_is_left_to_the_dial_plan() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        for _ in range(routes.MOST_OPEN):
            group.create_task(desk.routes.ask("office", "Calling", CALL, within=0.5))
        await settle()
        assert len(desk.asked) == routes.MOST_OPEN
        assert await desk.routes.ask("office", "Calling", CALL, within=0.5) is None
        desk.routes.close()


# --- through the reactor --------------------------------------------------------------------------------------------


BOSS = RoutingTrigger(id="0", kind="Calling", place=HERE)


async def test_the_rules_answer_and_the_record_has_it_before_the_phone_system() -> None:
    async with desk(rules(rule("boss", BOSS, forward("2010")))) as one:
        await one.connect()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(one.routes.ask("office", "Calling", CALL, within=0.5))
        assert asking.result() == Route("2010")
        await one.see("Ringing", "s9", caller="2001", callee="2010")
        [decision], [outcome] = one.lines("decision"), one.lines("outcome")
    assert decision["event"]["kind"] == "routing"  # type: ignore[index]  # a JSON object
    assert decision["event"]["routing"] == "Calling"  # type: ignore[index]  # a JSON object
    assert (decision["sessionId"], decision["reason"]) == ("c1", "fired")
    assert (outcome["action"], outcome["outcome"]) == ("forward", "confirmed")
    assert one.phone.ledger == []  # the answer is the command; nothing else is sent


async def test_what_the_disk_makes_late_is_not_answered_and_recorded_as_expired() -> None:
    class Slow(MemoryJournal):
        async def commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
            await super().commit(effects, records)
            if any(record.type == "decision" for record in records):
                await clock.advance(1.0)

    clock = StandingClock()
    async with desk(rules(rule("boss", BOSS, forward("2010"))), journal=Slow(clock), clock=clock) as one:
        await one.connect()
        assert await one.routes.ask("office", "Calling", CALL, within=0.5) is None
        for _ in range(5):
            await settle()
        [outcome] = one.lines("outcome")
    assert outcome["outcome"] == "expired"


async def test_while_the_daemon_stops_the_dial_plan_decides() -> None:
    async with desk(rules(rule("boss", BOSS, forward("2010")))) as one:
        await one.connect()
        await one.reactor.drain(0.1)
        assert await one.routes.ask("office", "Calling", CALL, within=0.5) is None
        assert one.lines("decision") == []
