"""The reactor with a real engine: what is on the record, in what order things leave, what a fault does."""

import asyncio
from collections.abc import Sequence

import pytest

from ozrules.engine.effects import Effect, Send
from ozrules.engine.events import RulesReplaced, Unanswered
from ozrules.runtime.inbox import Controlled, Inbox, Pulse, Reloaded, Who
from ozrules.runtime.ports import ConnectionState, JournalFailed, Malformed, Record
from tests.engine.forge import enters, forward, having, plain, rule, rules
from tests.fakes.clock import StandingClock, settle
from tests.fakes.journal import MemoryJournal
from tests.runtime.desk import Desk, desk

UNANSWERED = rules(
    rule("sales-no-answer", enters("Ringing", hold=20.0), forward("2010"), conditions=(having("callee", "eq", "2001"),))
)
AT_ONCE = rules(rule("at-once", enters("Ringing"), forward("2010")))


async def test_an_unanswered_call_is_forwarded_once_and_the_record_says_why() -> None:
    async with desk(UNANSWERED) as one:
        await one.connect()
        await one.see("Ringing")
        await one.clock.advance(19.9)
        assert one.phone.ledger == []
        await one.clock.advance(0.2)
        assert [(command.action, command.to) for command in one.phone.ledger] == [("forward", "2010")]
        await one.see("Redirected")
        [decision], [outcome] = one.lines("decision"), one.lines("outcome")
    assert decision["rule"] == "sales-no-answer"
    assert decision["reason"] == "fired"
    assert decision["event"]["kind"] == "timer"  # type: ignore[index]  # a JSON object
    assert decision["actions"][0]["command_id"] == outcome["command_id"]  # type: ignore[index]  # a JSON list
    assert outcome["decision_id"] == decision["decision_id"]
    assert outcome["outcome"] == "confirmed"
    assert [record.seq for record in one.shelf.records] == list(range(1, len(one.shelf.records) + 1))


class SlowJournal(MemoryJournal):
    """A disk that takes its time: a commit returns when it is told to."""

    def __init__(self) -> None:
        super().__init__(StandingClock())
        self.go = asyncio.Event()
        self.batches: list[int] = []

    async def commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        await self.go.wait()
        self.batches.append(len(effects))
        await super().commit(effects, records)


async def test_nothing_leaves_before_its_intent_is_on_disk() -> None:
    journal = SlowJournal()
    async with desk(AT_ONCE, journal=journal) as one:
        journal.go.set()
        await one.connect()
        journal.go.clear()
        await one.see("Ringing")
        assert one.phone.ledger == []
        journal.go.set()
        await settle()
        assert len(one.phone.ledger) == 1
        assert sum(isinstance(effect, Send) for effect in journal.effects) == 1


async def test_while_one_commit_waits_for_the_disk_the_next_batch_gathers() -> None:
    journal = SlowJournal()
    async with desk(AT_ONCE, journal=journal) as one:
        journal.go.set()
        await one.connect()
        journal.go.clear()
        for number in range(100):
            await one.see("Ringing", f"s{number}")
        before = len(journal.batches)
        journal.go.set()
        await settle()
        assert len(journal.batches) - before <= 4
        assert len(one.phone.ledger) == 100


async def test_when_the_journal_has_failed_for_good_nothing_is_sent_and_the_reactor_ends() -> None:
    clock = StandingClock()
    journal = MemoryJournal(clock)
    desks: list[Desk] = []

    async def scene() -> None:
        async with desk(AT_ONCE, journal=journal, clock=clock) as one:
            desks.append(one)
            await one.connect()
            journal.failure = JournalFailed("the journal cannot be written: disk I/O error", lasting=True)
            await one.see("Ringing")

    with pytest.raises(ExceptionGroup) as raised:
        await scene()
    assert raised.group_contains(JournalFailed)
    assert desks[0].phone.ledger == []


async def test_while_the_disk_is_full_ozrules_is_silent_and_says_so_and_goes_on_when_there_is_room() -> None:
    clock = StandingClock()
    journal = MemoryJournal(clock)
    async with desk(AT_ONCE, journal=journal, clock=clock) as one:
        await one.connect()
        journal.failure = JournalFailed("the disk is full")
        await one.see("Ringing")
        assert one.health.journal == "the disk is full"
        assert not one.health.ready
        assert one.phone.ledger == []
        journal.failure = None
        await settle()
        assert one.health.ready
        # by now its moment has passed: it is recorded as expired and not sent
        assert one.phone.ledger == []


async def test_an_open_command_of_the_last_run_is_never_sent_again() -> None:
    clock = StandingClock()
    journal = MemoryJournal(clock)
    async with desk(AT_ONCE, journal=journal, clock=clock) as one:
        one.phone.answer = Unanswered("no answer")
        await one.connect()
        await one.see("Ringing")
        assert len(one.phone.ledger) == 1
    ringing = {"sessionId": "s1", "sessionState": "Ringing", "callee": "2001", "caller": "+36201234567"}
    async with desk(AT_ONCE, journal=journal, clock=clock) as two:
        await two.connect(ringing | {"startTime": "2026-11-23T10:00:00Z"})
        await clock.advance(60)
        assert two.phone.ledger == []
    ids = {line["decision_id"] for line in one.lines("decision")}
    assert {line["decision_id"] for line in one.lines("outcome") + two.lines("outcome")} <= ids


async def test_a_wall_clock_that_was_set_moves_what_is_shown_and_no_timer() -> None:
    async with desk(UNANSWERED) as one:
        await one.connect()
        await one.see("Ringing")
        one.clock.offset = 3600.0
        await one.clock.advance(19.0)
        assert one.phone.ledger == []
        await one.clock.advance(1.1)
        assert len(one.phone.ledger) == 1
        [decision] = one.lines("decision")
    assert str(decision["time"])[:19] > "1970-01-12T14:46:40"


async def test_a_daemon_that_stood_still_looks_at_everything_afresh_before_it_acts() -> None:
    async with desk(UNANSWERED) as one:
        await one.connect()
        await one.see("Ringing")
        await one.clock.advance(10.0)
        one.clock.at += 60.0
        await one.clock.advance(0.1)
        assert one.phone.ledger == []
        assert one.phone.lists_asked == 1
        assert [line["connection"] for line in one.lines("gap")] == ["office"]


async def test_admins_are_answered_when_it_is_on_disk() -> None:
    async with desk(rules()) as one:
        loop = asyncio.get_running_loop()
        reloaded, refused = loop.create_future(), loop.create_future()
        who = Who(by="bob", uid=1000)
        now = one.clock.now()
        one.inbox.add(Reloaded(at=now, who=who, event=RulesReplaced(at=now, rules=AT_ONCE), done=reloaded))
        one.inbox.add(
            Controlled(
                at=now, who=who, command="pause", args={"rule": "x"}, event=None, refused="no rule x", done=refused
            )
        )
        await reloaded
        await refused
        [reload], [control] = one.lines("reload"), one.lines("control")
        assert reload["ok"] is True
        assert reload["rules"] == 1
        assert control["ok"] is False
        assert control["who"] == {"by": "bob", "uid": 1000}


async def test_connections_are_on_the_record_and_decide_readiness() -> None:
    async with desk(rules()) as one:
        lost = ConnectionState(at=one.clock.now(), connection="office", ready=False, detail="refused")
        one.inbox.add(lost)
        await settle()
        assert one.health.problems() == ["connection office: refused"]
        one.inbox.add(ConnectionState(at=one.clock.now(), connection="office", ready=True, detail="merged"))
        await settle()
        assert one.health.ready
        assert [line["ready"] for line in one.lines("connection")] == [False, True]


async def test_what_cannot_be_used_is_counted_and_logged_once_for_each_kind() -> None:
    async with desk(rules()) as one:
        for _ in range(50):
            one.inbox.add(Malformed(at=one.clock.now(), connection="office", kind="notJson", sample="{"))
        await settle()
        assert len(one.log.said) == 1


async def test_draining_lets_nothing_begin_and_has_every_answer_on_disk() -> None:
    async with desk(AT_ONCE) as one:
        await one.connect()
        one.phone.hold()
        await one.see("Ringing", "s1")
        drained = asyncio.ensure_future(one.reactor.drain(0.05))
        await settle()
        await one.see("Ringing", "s2")
        await drained
        assert [command.session.session_id for command in one.phone.ledger] == ["s1"]
        assert [line["outcome"] for line in one.lines("outcome")] == ["unknown"]


async def test_a_full_inbox_makes_the_connector_wait() -> None:
    inbox = Inbox(limit=3)
    loop = asyncio.get_running_loop()

    async def write() -> None:
        for _ in range(10):
            await inbox.put(Pulse(loop.create_future()))

    async with asyncio.TaskGroup() as group:
        writer = group.create_task(write())
        await settle()
        assert len(inbox) == 3
        taken = 0
        while taken < 10:
            taken += len(await inbox.take())
            await settle()
            assert len(inbox) <= 3
        assert writer.done()


async def test_a_rule_that_hangs_up_is_proven_by_what_is_seen() -> None:
    async with desk(rules(rule("blocked", enters("Ringing"), plain("hangup")))) as one:
        await one.connect()
        await one.see("Ringing")
        await one.see("Cancelled")
        assert [line["outcome"] for line in one.lines("outcome")] == ["confirmed"]
