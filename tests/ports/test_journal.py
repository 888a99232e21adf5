"""What every journal must do, whoever implements the port."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ozrules.engine.effects import Effect, Forget, Remember, Send, Tally
from ozrules.engine.identity import SessionKey
from ozrules.runtime.ports import Journal, JournalFailed, Record
from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import KEY, command, decision, outcome, post, record
from tests.fakes.journal import MemoryJournal
from tests.simulation.disk import Disk, SimJournal

Reopen = Callable[[], Journal]
"""The journal as it is found by the next start."""


@pytest.fixture(params=["memory", "sqlite", "simulated"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    clock = StandingClock()
    memory = MemoryJournal(clock)
    disk = Disk()
    open_now: list[SqliteJournal] = []

    def start() -> Journal:
        if request.param == "memory":
            return memory
        if request.param == "simulated":
            return SimJournal(disk, clock, lambda: 0.01)
        while open_now:
            open_now.pop().close()
        open_now.append(SqliteJournal(tmp_path, clock))
        return open_now[0]

    yield start
    while open_now:
        open_now.pop().close()


def test_a_new_journal_counts_from_one_and_holds_nothing(reopen: Reopen) -> None:
    saved = reopen().load()
    assert (saved.next_seq, saved.next_decision) == (1, 1)
    assert (saved.memories, saved.open_commands, saved.tallies, saved.decision_ids) == ((), (), (), ())


async def _commit(journal: Journal, effects: list[Effect], records: list[Record] | None = None) -> None:
    await journal.commit(effects, records or [])


def test_a_command_is_open_until_its_outcome(reopen: Reopen) -> None:
    one, two = command(1), command(2)
    asyncio.run(_commit(reopen(), [decision(1), Send(one), decision(2), Send(two)]))
    journal = reopen()
    assert journal.load().open_commands == (one, two)
    asyncio.run(_commit(journal, [outcome(one)]))
    assert reopen().load().open_commands == (two,)


@pytest.mark.fault(59)
def test_the_same_command_is_never_taken_twice(reopen: Reopen) -> None:
    journal = reopen()
    asyncio.run(_commit(journal, [decision(1), Send(command(1)), outcome(command(1))]))
    with pytest.raises(JournalFailed):
        asyncio.run(_commit(journal, [Send(command(1))]))


@pytest.mark.fault(59)
def test_a_webhook_is_never_taken_twice(reopen: Reopen) -> None:
    journal = reopen()
    asyncio.run(_commit(journal, [post(1)]))
    with pytest.raises(JournalFailed):
        asyncio.run(_commit(journal, [post(1)]))


def test_the_id_of_a_decision_is_kept_while_a_webhook_of_it_is_on_its_way(reopen: Reopen) -> None:
    asyncio.run(_commit(reopen(), [decision(1), post(1)], [record(1, 1)]))
    asyncio.run(_commit(reopen(), [Forget(KEY)]))
    journal = reopen()
    assert journal.load().decision_ids == ((1, "01D1"),)
    done = msgspec.structs.replace(outcome(command(1)), action="webhook")
    asyncio.run(_commit(journal, [done]))
    assert reopen().load().decision_ids == ()


@pytest.mark.fault(59)
def test_numbers_go_on_where_they_stopped_and_never_back(reopen: Reopen) -> None:
    asyncio.run(_commit(reopen(), [decision(1), decision(2)], [record(1, 1), record(2, 2)]))
    journal = reopen()
    saved = journal.load()
    assert (saved.next_seq, saved.next_decision) == (3, 3)
    asyncio.run(_commit(journal, [decision(3)], [record(3, 3)]))
    assert reopen().load().next_seq == 4


@pytest.mark.fault(59)
@pytest.mark.parametrize(("effects", "seq"), [([decision(2)], 3), ([], 2), ([], 4)])
def test_a_number_that_comes_again_or_leaves_a_hole_is_final(reopen: Reopen, effects: list[Effect], seq: int) -> None:
    """It is a fault of ours, which trying again does not mend: whoever asked must end, and begin anew from the disk."""
    asyncio.run(_commit(reopen(), [decision(1), decision(2)], [record(1, 1), record(2, 2)]))
    with pytest.raises(JournalFailed) as failed:
        asyncio.run(_commit(reopen(), effects, [record(seq, 3)]))
    assert failed.value.lasting
    assert reopen().load().next_seq == 3


def test_the_last_memory_of_a_session_is_kept_until_it_is_forgotten(reopen: Reopen) -> None:
    other = SessionKey("office", "1", "s2", "")
    asyncio.run(_commit(reopen(), [Remember(KEY, b"{}"), Remember(other, b"[1]"), Remember(KEY, b'{"a":1}')]))
    journal = reopen()
    assert set(journal.load().memories) == {(KEY, b'{"a":1}'), (other, b"[1]")}
    asyncio.run(_commit(journal, [Forget(KEY)]))
    assert reopen().load().memories == ((other, b"[1]"),)


def test_decision_ids_come_back_while_outcomes_may_follow(reopen: Reopen) -> None:
    other = SessionKey("office", "1", "s2", "")
    of_other = command(2, key=other)
    effects: list[Effect] = [decision(1), decision(2, key=other), Send(of_other), decision(3, key=None)]
    asyncio.run(_commit(reopen(), effects, [record(1, 1), record(2, 2), record(3, 3)]))
    journal = reopen()
    assert journal.load().decision_ids == ((1, "01D1"), (2, "01D2"))
    asyncio.run(_commit(journal, [Forget(KEY), Forget(other)]))
    assert journal.load().decision_ids == ((2, "01D2"),), "its command is still open"
    asyncio.run(_commit(journal, [outcome(of_other, "unknown")]))
    assert reopen().load().decision_ids == ()


def test_tallies_are_kept_until_their_end(reopen: Reopen) -> None:
    gone = Tally(name="fired", group="r", member="s1", at=999_000.0, until=1_000_000.0)
    stays = Tally(name="fired", group="r", member="s1", at=999_999.0, until=1_000_001.0)
    asyncio.run(_commit(reopen(), [gone, stays, stays]))
    assert reopen().load().tallies == (stays, stays)


def test_a_commit_that_fails_leaves_nothing(reopen: Reopen) -> None:
    journal = reopen()
    with pytest.raises(JournalFailed):
        asyncio.run(_commit(journal, [Remember(KEY, b"{}"), decision(1)], [record(7, 1)]))
    saved = reopen().load()
    assert (saved.memories, saved.next_decision, saved.next_seq) == ((), 1, 1)


_KEYS = st.builds(SessionKey, st.just("office"), st.sampled_from(["1", "2"]), st.sampled_from("abc"), st.just(""))
_STEPS = st.lists(
    st.tuples(st.sampled_from(["remember", "forget", "send", "settle", "tally"]), _KEYS, st.binary(max_size=8)),
    max_size=30,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(_STEPS, max_size=5))
def test_the_journal_on_disk_gives_back_what_the_plain_one_does(
    tmp_path_factory: pytest.TempPathFactory, turns: list[list[tuple[str, SessionKey, bytes]]]
) -> None:
    clock = StandingClock()
    path = tmp_path_factory.mktemp("state")
    plain = MemoryJournal(clock)
    number = seq = 0
    for turn in turns:
        effects: list[Effect] = []
        records: list[Record] = []
        for step, key, text in turn:
            match step:
                case "remember":
                    effects.append(Remember(key, text))
                case "forget":
                    effects.append(Forget(key))
                case "send":
                    number, seq = number + 1, seq + 1
                    effects += [decision(number, key=key), Send(command(number, key=key))]
                    records.append(record(seq, number))
                case "settle" if number:
                    effects.append(outcome(command(number, key=key), "unknown" if text else "confirmed"))
                case _:
                    effects.append(Tally(name="n", group="g", member=key.session_id, at=0.0, until=1e9 + len(text)))
        disk = SqliteJournal(path, clock)
        asyncio.run(_commit(disk, effects, records))
        disk.close()
        asyncio.run(_commit(plain, effects, records))
        disk = SqliteJournal(path, clock)
        try:
            assert disk.load() == plain.load()
        finally:
            disk.close()
