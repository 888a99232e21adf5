"""The dispatcher: in order, at most once, never without a last look, exactly one answer."""

import asyncio

import pytest

from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, CommandAnswered, Receipt, Refused, Unanswered, Withheld
from ozrules.engine.identity import SessionKey
from ozrules.engine.view import SessionView
from ozrules.rules.model import SecretRef
from ozrules.runtime.dispatcher import MOST_WAITING, Dispatcher
from ozrules.runtime.routes import Routes
from ozrules.session.session import Session
from tests.fakes.clock import StandingClock, settle
from tests.fakes.effects import SESSION, command
from tests.fakes.phone import FakePhone, QuietLog


class Gatekeeper:
    """The engine as the dispatcher sees it: sessions that are gone, and commands that must not leave."""

    def __init__(self) -> None:
        self.refuse: Withheld | None = None
        self.alive = 1
        self.live: Session | None = SESSION

    def step(self, event: object) -> list[object]:
        raise NotImplementedError

    def gate(self, command: Command, at: float) -> Withheld | None:
        return self.refuse

    def session(self, key: SessionKey) -> Session | None:
        return self.live

    def sessions(self) -> tuple[SessionView, ...]:
        return ()


class Bench:
    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.core = Gatekeeper()
        self.phone = FakePhone()
        self.clock = StandingClock()
        self.answers: list[CommandAnswered] = []
        self.log = QuietLog()
        self.routes = Routes(self.clock)
        self.dispatcher = Dispatcher(
            core=self.core,  # type: ignore[arg-type]  # it never steps
            connectors={"office": self.phone},
            secret={"doorPin": "47#"}.get,
            clock=self.clock,
            routes=self.routes,
            answer=self.answers.append,
            group=group,
            log=self.log,
        )

    def receipts(self) -> list[Receipt]:
        return [answer.receipt for answer in self.answers]


async def test_commands_of_one_session_leave_one_after_the_other() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.phone.hold()
        for number in range(3):
            bench.dispatcher.send(command(number))
        bench.dispatcher.send(command(3, key=SessionKey("office", "1", "s2", "")))
        await settle()
        assert [one.decision for one in bench.phone.ledger] == [0, 3]
        bench.phone.release()
        await settle()
        assert [one.decision for one in bench.phone.ledger] == [0, 3, 1, 2]
        assert len(bench.answers) == 4


async def test_the_gate_has_the_last_word() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.core.refuse = Withheld("expired", "too late")
        bench.dispatcher.send(command(1))
        bench.core.live = None
        await settle()
        bench.core.refuse = None
        bench.dispatcher.send(command(2))
        await settle()
        assert bench.receipts() == [
            Withheld("expired", "too late"),
            Withheld("targetGone", "the session has ended"),
        ]
        assert bench.phone.ledger == []


async def test_what_waits_when_the_mode_becomes_observe_does_not_leave_any_more() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.phone.hold()
        bench.dispatcher.send(command(1))
        bench.dispatcher.send(command(2))
        await settle()
        bench.dispatcher.observing = True
        bench.phone.release()
    assert [one.id for one in bench.phone.ledger] == [command(1).id]
    assert isinstance(bench.receipts()[1], Withheld)


async def test_in_observe_mode_nothing_ever_leaves() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.dispatcher.observing = True
        bench.dispatcher.send(command(1))
        await settle()
        assert bench.phone.ledger == []
        assert len(bench.answers) == 1


async def test_keys_are_sent_one_at_a_time_and_a_secret_only_here() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        keys = command(1, action="sendDtmf")
        bench.dispatcher.send(replaced(keys, SecretRef("doorPin"), gap=0.3))
        await settle()
        assert [one.key for one in bench.phone.ledger] == ["4", "7", "#"]
        assert bench.clock.at == pytest.approx(1_000_000.6)
        assert bench.receipts() == [Accepted()]


async def test_keys_that_broke_off_are_never_a_clean_refusal() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.phone.hold()
        bench.dispatcher.send(replaced(command(1, action="sendDtmf"), "12", gap=0.0))
        await settle()
        bench.phone.release()
        await asyncio.sleep(0)
        bench.phone.answer = Refused("unavailable", "not connected")
        await settle()
        [receipt] = bench.receipts()
        assert isinstance(receipt, Unanswered)
        assert "1 of 2 keys" in receipt.message


async def test_a_secret_without_a_value_is_rejected_without_saying_more() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.dispatcher.send(replaced(command(1, action="sendDtmf"), SecretRef("other"), gap=0.0))
        await settle()
        assert bench.receipts() == [Withheld("rejected", "the secret has no value")]


async def test_a_fault_in_a_connector_is_an_unknown_outcome_and_not_our_end() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.phone.answer = ValueError("boom")
        bench.dispatcher.send(command(1))
        bench.dispatcher.send(command(2))
        await settle()
        assert bench.receipts() == [Unanswered("ValueError while sending")] * 2
        assert bench.log.said


@pytest.mark.fault(39)
async def test_too_many_waiting_commands_are_throttled_not_queued() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.phone.hold()
        for number in range(MOST_WAITING + 5):
            bench.dispatcher.send(command(number))
        assert [answer.receipt for answer in bench.answers] == [
            Withheld("throttled", f"{MOST_WAITING} commands are waiting already")
        ] * 5
        bench.phone.release()
        await bench.dispatcher.drain(1.0)
        assert len(bench.answers) == MOST_WAITING + 5


async def test_draining_cancels_what_waits_and_gives_up_what_does_not_answer() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        bench.phone.hold()
        bench.dispatcher.send(command(1))
        bench.dispatcher.send(command(2))
        await settle()
        await bench.dispatcher.drain(0.02)
        bench.dispatcher.send(command(3))
        assert len(bench.phone.ledger) == 1
        assert {answer.command: type(answer.receipt) for answer in bench.answers} == {
            "1-0": Unanswered,
            "2-0": Withheld,
            "3-0": Withheld,
        }


def replaced(one: Command, key: str | SecretRef, gap: float) -> Command:
    return Command(**{name: getattr(one, name) for name in Command.__struct_fields__} | {"key": key, "gap": gap})
