"""The journal on disk, beyond what every journal does: group commit, full disks, retention, webhooks, rule files.

Long, because each of them is shown on one whole journal with its thread, its files and its log.
"""

import asyncio
import errno
import json
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import msgspec
import pytest

from ozrules.engine.effects import Effect, Forget, Outcome, OutcomeName, Remember, Send, Tally
from ozrules.engine.identity import SessionKey
from ozrules.rules.document import Source
from ozrules.rules.loader import revision_of
from ozrules.runtime.ports import JournalFailed, Record
from ozrules.store.journal import SqliteJournal
from ozrules.store.opening import LOG_KEPT
from ozrules.store.reading import Reader
from tests.fakes.clock import StandingClock
from tests.fakes.effects import KEY, command, decision, observed, outcome, post, record
from tests.fakes.gateway import until

DAY = 86_400.0


@asynccontextmanager
async def _journal(path: Path, clock: StandingClock | None = None) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(path, clock or StandingClock())
    try:
        yield journal
    finally:
        journal.close()


def test_many_commits_at_once_are_all_on_disk_when_they_return(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            async with asyncio.TaskGroup() as group:
                for number in range(1, 501):
                    group.create_task(journal.commit([decision(number)], [record(number, number)]))
            with_them = Reader(tmp_path)
            assert [line.number for line in with_them.records()] == list(range(1, 501))
            with_them.close()

    asyncio.run(scene())


class Held(list[Record]):
    """Records that the journal's thread reads only when it may."""

    def __init__(self, *records: Record) -> None:
        super().__init__(records)
        self.reached, self.may = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[Record]:
        self.reached.set()
        self.may.wait()
        return super().__iter__()


class Poisoned(list[Record]):
    """Records at which the journal's thread meets a fault of ours."""

    def __iter__(self) -> Iterator[Record]:
        raise TypeError("a fault of ours")


@pytest.mark.fault(53)
def test_one_sync_serves_all_that_gathered_meanwhile(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            first = Held(record(1, 1))
            async with asyncio.TaskGroup() as group:
                group.create_task(journal.commit([decision(1)], first))
                await asyncio.to_thread(first.reached.wait)
                waiting = [
                    group.create_task(journal.commit([decision(number)], [record(number, number)]))
                    for number in range(2, 1001)
                ]
                await asyncio.sleep(0)  # all of them have asked
                assert not any(task.done() for task in waiting)
                first.may.set()
            assert sum(journal.syncs.counts) == 2

    asyncio.run(scene())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_our_own_in_the_writer_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            await journal.commit([Remember(KEY, b"1")], [])
            first = Held()
            waiting = [asyncio.ensure_future(journal.commit([], first))]
            await asyncio.to_thread(first.reached.wait)
            waiting.append(asyncio.ensure_future(journal.commit([Remember(KEY, b"2")], Poisoned())))
            await asyncio.sleep(0)
            first.may.set()
            faults = await asyncio.gather(*waiting, return_exceptions=True)
            assert faults[0] is None
            with pytest.raises(JournalFailed, match="TypeError") as later:
                await journal.commit([Forget(KEY)], [])
            assert [str(fault) for fault in faults[1:]] == [str(later.value)]
            assert later.value.lasting
        async with _journal(tmp_path) as journal:
            assert journal.load().memories == ((KEY, b"1"),)

    asyncio.run(scene())


def test_the_record_keeps_its_times_and_its_whole_text(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            long = "Anna\r\n\u202e" + "x" * 5000
            await journal.commit([decision(1)], [record(1, 1, text=long)])
        reader = Reader(tmp_path)
        (line,) = reader.records()
        reader.close()
        assert line.intact
        assert len(line.body) > 5000

    asyncio.run(scene())


def test_sessions_commands_and_gaps_become_a_recording(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = StandingClock(offset=3600.0)
        async with _journal(tmp_path, clock) as journal:
            sent = command(1)
            gap = Record(seq=1, type="gap", time=clock.at, body={"reason": "link"}, connection="office")
            await journal.commit([observed(), decision(1), Send(sent)], [gap])
            await journal.commit([outcome(sent)], [])
        reader = Reader(tmp_path)
        lines = [line.body for line in reader.recording(since=0.0)]
        later = list(reader.recording(since=clock.at + 3601.0))
        reader.close()
        assert [json.loads(line)["event"] for line in lines] == ["stateChanged", "command", "gap", "outcome"]
        assert '"at":"1970-01-12T14:46:40.000Z"' in lines[0], "the wall clock's time"
        assert '"caller":"+36201234567"' in lines[0]
        assert later == []

    asyncio.run(scene())


@pytest.mark.fault(22)
@pytest.mark.parametrize("set_by", [-DAY, DAY])
def test_counts_outlive_a_wall_clock_that_was_set_and_go_when_their_time_is_over(tmp_path: Path, set_by: float) -> None:
    async def scene() -> None:
        clock = StandingClock()
        counted = Tally(name="external", group="", member="s1", at=clock.at, until=clock.at + 3600.0)
        async with _journal(tmp_path, clock) as journal:
            await journal.commit([counted], [])
        clock = StandingClock(clock.at + 3599.0, set_by)
        async with _journal(tmp_path, clock) as journal:
            await journal.retain(decisions=0.0, sessions=0.0)
            assert journal.load().tallies == (counted,)
        clock = StandingClock(clock.at + 2.0, set_by)
        async with _journal(tmp_path, clock) as journal:
            assert journal.load().tallies == ()
            assert await journal.retain(decisions=0.0, sessions=0.0) == 1

    asyncio.run(scene())


@pytest.mark.fault(58)
def test_retention_removes_the_old_in_order_and_keeps_the_counters(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = StandingClock()
        old, new = clock.at - 100 * DAY, clock.at
        async with _journal(tmp_path, clock) as journal:
            for number in range(1, 1202):
                at = old if number <= 1200 else new
                sent = command(number)
                effects: list[Effect] = [decision(number, at=at), observed(at=at)]
                if number > 1190:
                    effects += [Send(sent), outcome(sent, at=at)]
                await journal.commit(effects, [record(number, number, time=at)])
            await journal.commit([Tally(name="n", group="g", member="m", at=old, until=old)], [])
            await journal.retain(decisions=clock.at - 90 * DAY, sessions=clock.at - 30 * DAY)
        async with _journal(tmp_path, clock) as journal:
            assert journal.load().next_decision == 1202
            assert journal.load().next_seq == 1202
        reader = Reader(tmp_path)
        assert [line.number for line in reader.records()] == [1201]
        reader.close()

    asyncio.run(scene())


@pytest.mark.fault(58)
def test_an_old_record_behind_a_young_one_stays_until_its_turn(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = StandingClock()
        async with _journal(tmp_path, clock) as journal:
            times = [clock.at, clock.at - 100 * DAY, clock.at]
            await journal.commit([], [record(number, number, time=at) for number, at in enumerate(times, 1)])
            await journal.retain(decisions=clock.at - DAY, sessions=clock.at)
        async with _journal(tmp_path, clock):
            pass  # a hole in the numbers would be damage

    asyncio.run(scene())


@pytest.mark.fault(43)
def test_webhooks_wait_until_their_outcome_is_on_disk(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            await journal.commit([post(1), post(2), post(3), post(4)], [])
            await journal.commit([_of_webhook(1), _of_webhook(2, "expired", "status 500")], [])
        async with _journal(tmp_path) as journal:
            assert [one.id for one, _ in journal.pending_posts()] == ["3-0", "4-0"]
        reader = Reader(tmp_path)
        assert [(name, why) for name, _, why in reader.dead_posts()] == [("2-0", "status 500")]
        reader.close()

    asyncio.run(scene())


def _of_webhook(number: int, name: OutcomeName = "confirmed", error: str | None = None) -> Outcome:
    return msgspec.structs.replace(outcome(command(number), name), action="webhook", error=error)


def test_webhooks_can_be_read_while_the_journal_writes(tmp_path: Path) -> None:
    async def scene() -> None:
        asked = 300
        async with _journal(tmp_path) as journal:

            async def write() -> None:
                for number in range(1, asked + 1):
                    await journal.commit([decision(number), post(number)], [record(number, number)])

            writing, seen = asyncio.ensure_future(write()), [0]
            while not writing.done():
                waiting = [one.decision for one, _ in journal.pending_posts()]
                assert sorted(waiting) == list(range(1, len(waiting) + 1))
                seen.append(len(waiting))
                await asyncio.sleep(0)
            await writing
            assert seen == sorted(seen)
            assert len(set(seen)) > 10
            assert len(journal.pending_posts()) == asked

    asyncio.run(scene())


def test_the_last_good_rule_files_come_back(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            assert journal.rule_files() == {}
            await journal.keep_rule_files({"a.yaml": b"1", "b.yaml": b"2"})
            await journal.keep_rule_files({"b.yaml": b"3"})
        async with _journal(tmp_path) as journal:
            assert journal.rule_files() == {"b.yaml": b"3"}

    asyncio.run(scene())


def test_rule_files_of_before_are_kept_by_their_revision_until_nothing_refers_to_them(tmp_path: Path) -> None:
    first, second, third = ({"a.yaml": text} for text in (b"1", b"2", b"3"))
    names = [revision_of([Source("a.yaml", text)]) for text in (b"1", b"2")]

    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            for files in (first, second, second, third):
                await journal.keep_rule_files(files)
        async with _journal(tmp_path) as journal:
            assert journal.earlier_rule_files() == dict(zip(names, (first, second), strict=True))
            await journal.drop_rule_files({names[1], "another"})
            assert journal.earlier_rule_files() == {names[1]: second}
            await journal.drop_rule_files(())
            assert journal.earlier_rule_files() == {}
            assert journal.rule_files() == third

    asyncio.run(scene())


@pytest.mark.fault(55)
def test_no_other_program_can_write_while_it_runs(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            await journal.commit([decision(1)], [record(1, 1)])
            with apsw.Connection(str(tmp_path / "journal.db")) as other:
                other.set_busy_timeout(0)
                with pytest.raises(apsw.BusyError):
                    other.execute("DELETE FROM records")
                assert other.execute("SELECT count(*) FROM records").get == 1
            await journal.commit([decision(2)], [record(2, 2)])

    asyncio.run(scene())


@pytest.mark.fault(54)
def test_a_reader_that_stays_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            await journal.commit([], [record(1, 1)])
            reader = Reader(tmp_path)
            lines = reader.records()
            next(lines)
            for number in range(2, 300):
                await journal.commit([], [record(number, number, text="x" * 2000)])
            assert len(list(lines)) == 298
            reader.close()

    asyncio.run(scene())


@pytest.mark.fault(54)
def test_the_log_that_grew_under_a_reader_is_measured_and_shrinks_when_it_has_gone(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            assert 0 < journal.log_bytes() < LOG_KEPT
            await journal.commit([], [record(1, 1)])
            somebody = apsw.Connection(str(tmp_path / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
            somebody.execute("BEGIN")
            assert somebody.execute("SELECT count(*) FROM records").get == 1
            for number in range(2, 12):
                await journal.commit([], [record(number, number, text="x" * 2_000_000)])
            assert journal.log_bytes() > 2 * LOG_KEPT
            assert somebody.execute("SELECT count(*) FROM records").get == 1
            somebody.close()
            for number in range(12, 15):
                await journal.commit([], [record(number, number)])
            assert journal.log_bytes() <= LOG_KEPT

    asyncio.run(scene())


def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            pass
        with pytest.raises(JournalFailed):
            await journal.commit([], [])

    asyncio.run(scene())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path = tmp_path / "small"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.fault(47)
def test_a_full_disk_stops_commands_keeps_outcomes_and_ends_with_the_fullness(small_disk: Path) -> None:
    async def scene() -> None:
        state = small_disk / "state"
        async with _journal(state) as journal:
            first = command(1)
            await journal.commit([decision(1), Send(first)], [record(1, 1)])
            ballast = small_disk / "ballast"
            free = os.statvfs(small_disk)
            ballast.write_bytes(bytes(free.f_bavail * free.f_frsize))
            with pytest.raises(JournalFailed) as caught:
                await journal.commit([Remember(KEY, bytes(2_000_000))], [])
            assert not caught.value.lasting
            assert journal.short_of_room() is not None
            with pytest.raises(JournalFailed, match="full"):
                await journal.commit([Send(command(2))], [])
            await journal.commit([outcome(first)], [record(2, type_="outcome")])
            ballast.unlink()
            await until(lambda: journal.short_of_room() is None)  # it looks again by itself
            await journal.commit([decision(2), Send(command(2))], [record(3, 2)])
        async with _journal(state) as journal:
            saved = journal.load()
            assert [one.id for one in saved.open_commands] == ["2-0"]
            assert saved.next_seq == 4

    asyncio.run(scene())


def _fill(disk: Path) -> Path:
    free, ballast = os.statvfs(disk), disk / f"ballast{len(list(disk.iterdir()))}"
    ballast.write_bytes(bytes(free.f_bavail * free.f_frsize))
    return ballast


@pytest.mark.fault(47, 58)
def test_rule_files_that_find_no_room_are_kept_later_and_old_records_go_once_there_is_some(small_disk: Path) -> None:
    async def scene() -> None:
        clock = StandingClock()
        async with _journal(small_disk / "state", clock) as journal:
            old = [record(number, number, time=clock.at - 100 * DAY) for number in range(1, 1001)]
            await journal.commit([decision(number) for number in range(1, 1001)], old)
            ballast = [_fill(small_disk)]
            with pytest.raises(JournalFailed):
                await journal.commit([Remember(KEY, bytes(2_000_000))], [])
            ballast.append(_fill(small_disk))  # what was kept for last words has gone, too
            with pytest.raises(JournalFailed, match="full") as caught:
                await journal.keep_rule_files({"rules.yaml": bytes(500_000)})
            assert not caught.value.lasting
            for each in ballast:
                each.unlink()
            await journal.retain(decisions=clock.at - DAY, sessions=clock.at)
            await journal.keep_rule_files({"rules.yaml": b"1"})
            await journal.commit([Remember(KEY, b"1")], [record(1001, type_="reload")])
        async with _journal(small_disk / "state", clock) as journal:
            assert journal.load().memories == ((KEY, b"1"),)
            assert journal.rule_files() == {"rules.yaml": b"1"}
            with_them = Reader(small_disk / "state")
            assert [line.number for line in with_them.records()] == [1001]
            with_them.close()

    asyncio.run(scene())


@pytest.mark.fault(48)
@pytest.mark.parametrize("how", ["taking", "giving"])
def test_a_reserve_that_cannot_be_kept_ends_writing_with_an_answer(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    async def scene() -> None:
        async with _journal(small_disk / "state") as journal:
            _fill(small_disk)
            if how == "giving":
                monkeypatch.setattr(Path, "unlink", broken)
            with pytest.raises(JournalFailed) as caught:
                await journal.commit([Remember(KEY, bytes(2_000_000))], [])
            if how == "taking":
                assert not caught.value.lasting
                monkeypatch.setattr(os, "posix_fallocate", broken)
                with pytest.raises(JournalFailed) as caught:
                    await journal.commit([Send(command(1))], [])
            assert caught.value.lasting
            assert "Input/output error" in str(caught.value)
            with pytest.raises(JournalFailed):
                await journal.commit([Forget(KEY)], [])

    asyncio.run(scene())


@pytest.mark.fault(48)
def test_an_odd_file_where_the_reserve_belongs_is_named_at_the_first_write(tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / "reserve").mkdir()
        async with _journal(tmp_path) as journal:
            with pytest.raises(JournalFailed, match="reserve") as caught:
                await journal.commit([Remember(KEY, b"1")], [])
            assert caught.value.lasting

    asyncio.run(scene())


@pytest.mark.fault(48)
def test_after_a_failed_write_nothing_more_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            await journal.commit([Remember(KEY, b"1")], [])
            # a bug that asks twice for the same command is as final as a disk that fails
            await journal.commit([Send(command(1))], [])
            with pytest.raises(JournalFailed) as caught:
                await journal.commit([Remember(KEY, b"2"), Send(command(1))], [])
            assert caught.value.lasting
            with pytest.raises(JournalFailed):
                await journal.commit([Forget(KEY)], [])
        async with _journal(tmp_path) as journal:
            assert journal.load().memories == ((KEY, b"1"),)

    asyncio.run(scene())


@pytest.mark.fault(48, 56)
@pytest.mark.parametrize(
    "what", ["journal.db removed", "journal.db-wal removed", "directory moved", "copy put in place"]
)
def test_nothing_is_written_to_what_is_no_longer_in_its_place(tmp_path: Path, what: str) -> None:
    state = tmp_path / "state"

    async def scene() -> None:
        async with _journal(state) as journal:
            await journal.commit([decision(1)], [record(1, 1)])
            match what.split():
                case [name, "removed"]:
                    (state / name).unlink()
                case ["copy", *_]:
                    copy = tmp_path / "copy.db"
                    copy.write_bytes((state / "journal.db").read_bytes())
                    copy.replace(state / "journal.db")
                case _:
                    state.rename(tmp_path / "elsewhere")
            for _ in range(2):
                with pytest.raises(JournalFailed, match="removed, moved or replaced") as failed:
                    await journal.commit([decision(2), Send(command(2))], [record(2, 2)])
                assert failed.value.lasting

    asyncio.run(scene())


def test_a_key_with_odd_letters_comes_back(tmp_path: Path) -> None:
    odd = SessionKey("Büro", "", "s'1\x00\n", "ő")

    async def scene() -> None:
        async with _journal(tmp_path) as journal:
            await journal.commit([Remember(odd, b"\x00")], [])
        async with _journal(tmp_path) as journal:
            assert journal.load().memories == ((odd, b"\x00"),)

    asyncio.run(scene())


@pytest.mark.fault(58)
def test_old_records_go_in_small_batches_between_which_others_write(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = StandingClock()
        async with _journal(tmp_path, clock) as journal:
            old = [record(number, number, time=clock.at - 100 * DAY) for number in range(1, 10_001)]
            await journal.commit([decision(number) for number in range(1, 10_001)], old)
            other = apsw.Connection(str(tmp_path / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
            retaining = asyncio.ensure_future(journal.retain(decisions=clock.at - DAY, sessions=clock.at))
            left = []
            for number in range(10_001, 10_041):
                await journal.commit([decision(number)], [record(number, number)])
                left += [int(n) for (n,) in other.execute("SELECT count(*) FROM records WHERE seq <= 10000")]
            await retaining
            other.close()
            assert left == sorted(left, reverse=True)
            assert len({*left} - {0, 10_000}) >= 3, left

    asyncio.run(scene())
