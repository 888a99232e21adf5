"""The journal: one connection that writes in one thread, and one fsync for all that waits.

While one commit syncs, the next batch gathers: a storm costs as many syncs as the disk can do, never as many as there
are decisions. The connection stands inside a write transaction at all times, also between commits, so that no other
program can slip a write or a checkpoint in between. Readers are not disturbed (write-ahead log).

Where the disk is full the batch fails, and the reserve is given back: outcomes can still be written, intents are
refused until there is room for the reserve again. After any other failure nothing more is written: what a failed
fsync left behind is known only after a restart. Files that were removed, moved or replaced are such a failure too:
SQLite would go on writing to what nobody finds again. A fault of our own ends the thread, and whoever waits is told so.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import apsw
import msgspec

from ozrules.engine.effects import Command, Effect, Post, Send, Tally
from ozrules.engine.identity import SessionKey
from ozrules.rules.document import Source
from ozrules.rules.loader import revision_of
from ozrules.runtime.clock import stopwatch
from ozrules.runtime.measures import FAST, Histogram
from ozrules.runtime.ports import Clock, JournalFailed, Record, Saved
from ozrules.store import forgetting, opening, retention, rows
from ozrules.store.kept import keep
from ozrules.store.rows import Counters
from ozrules.store.schema import checksum
from ozrules.store.state_directory import StateDirectory

_LOOK_FOR_ROOM: Final = 1.0  # seconds between looks at a disk that is full


class _Gone(Exception):
    """The journal is no longer where it was opened; the text says which."""


class _Job:
    """What one caller asked to be written, and where to say that it is on disk."""

    __slots__ = ("acts", "done", "loop", "tidy", "work")

    def __init__(self, work: Callable[[apsw.Cursor], object], acts: bool, tidy: bool) -> None:
        self.work = work
        self.acts = acts
        self.tidy = tidy
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()


class SqliteJournal:
    """`ozrules.runtime.ports.Journal` on a file, and the place of what else must survive: webhooks, rule files.

    Opening it takes the state directory for this process. Raises StateUnusable where that cannot be.
    """

    def __init__(self, path: Path, clock: Clock, *, new_state: bool = False) -> None:
        self._clock = clock
        self._directory = StateDirectory(path)
        try:
            self._db = opening.open_journal(self._directory, clock.now() + clock.wall_offset(), new_state=new_state)
            # a connection that one thread is busy with refuses every other, and what it wrote would be lost
            self._reader = opening.open_beside(self._directory)
            self._whole = self._directory.journal.stat().st_size <= opening.SMALL
            self._looking = threading.Lock()
        except BaseException:
            self._directory.close()
            raise
        self._counters = Counters(**dict(self._db.execute("SELECT name, value FROM counters").get))
        self.newest = rows.newest(self._db.cursor())
        """When something was last recorded before this start, wall clock; None where nothing ever was."""
        self._reserved = False
        self._failure: JournalFailed | None = None
        self._make_room()
        self._jobs: list[_Job] = []
        self._closed: JournalFailed | None = None
        self.syncs = Histogram(FAST)
        """Seconds until what was written is on disk; written by the journal's thread alone."""
        self._wanted = threading.Condition()
        self._db.execute("BEGIN IMMEDIATE")
        self._files = self._directory.files()
        self._thread = threading.Thread(target=self._run, name="journal")
        self._thread.start()

    # --- what was on disk -------------------------------------------------------------------------------------------

    def load(self) -> Saved:
        """What was on disk when the daemon stopped. An open command is one whose outcome is not known at all: where
        `unknown` was recorded, the session's memory says what is still watched for.
        """
        db = self._reader
        unanswered = "FROM intents WHERE id NOT IN (SELECT id FROM outcomes)"
        posted = msgspec.json.encode([post.decision for post, _ in self.pending_posts()]).decode()
        return Saved(
            next_decision=self._counters.decision,
            next_seq=self._counters.seq,
            decision_ids=tuple(
                db.execute(
                    "SELECT number, decision_id FROM decisions WHERE decision_id IS NOT NULL"  # noqa: S608  # ours
                    f" AND (open OR number IN (SELECT decision {unanswered})"
                    " OR number IN (SELECT value FROM json_each(?))) ORDER BY number",
                    (posted,),
                )
            ),
            memories=tuple(
                (SessionKey(connection, epoch, session_id, start), memory)
                for connection, epoch, session_id, start, memory, _ in db.execute("SELECT * FROM memories")
            ),
            open_commands=tuple(
                msgspec.json.decode(command, type=Command)
                for (command,) in db.execute(f"SELECT command {unanswered} ORDER BY decision, at")
            ),
            tallies=tuple(
                Tally(name=name, group=group, member=member, at=at, until=until)
                for name, group, member, at, until, _ in db.execute(
                    "SELECT * FROM tallies WHERE until > ? ORDER BY rowid", (self._clock.now(),)
                )
            ),
        )

    def rule_files(self) -> dict[str, bytes]:
        """The rule files that held last; empty where none ever did."""
        return {name: data for name, data, _ in self._reader.execute("SELECT * FROM rule_files")}

    def earlier_rule_files(self) -> dict[str, dict[str, bytes]]:
        """The rule files that held before and that something may still refer to, by their revision."""
        found: dict[str, dict[str, bytes]] = {}
        for revision, name, data, _ in self._reader.execute("SELECT * FROM earlier_rule_files"):
            found.setdefault(revision, {})[name] = data
        return found

    def moment(self, name: Literal["alive", "rules"]) -> float | None:
        """When something was last written, or since when the rule files hold; wall clock. None where none ever was."""
        found = self._reader.execute("SELECT at FROM moments WHERE name = ?", (name,)).get
        return None if found is None else float(found)

    def pending_posts(self) -> list[tuple[Post, float]]:
        """Webhooks that were taken over and neither delivered nor given up, with when, wall clock."""
        found = self._reader.execute("SELECT request, at FROM webhooks WHERE state = 'pending' ORDER BY at")
        return [(msgspec.json.decode(request, type=Post), at) for request, at in found]

    def find_damage(self) -> str | None:
        """Looks through all that was not checked at the start, for as long as that takes, in another thread. What it
        finds is kept for the next start, too. None where all is well, or the journal is closed meanwhile.
        """
        with self._looking:
            if self._whole or self._closed is not None:
                return None
            db = opening.open_beside(self._directory)
            db.set_progress_handler(lambda: self._closed is not None, 10_000)
            try:
                damage = opening.find_damage(db)
            except apsw.InterruptError:
                return None
            finally:
                db.close()
        if damage is not None:
            keep(self._directory.damaged, damage.encode())
        return damage

    def short_of_room(self) -> str | None:
        """Why nothing new may be done although what has happened can still be written down; None where all is well."""
        return None if self._reserved else "the disk is full; nothing new is done until there is room"

    def log_bytes(self) -> int:
        """How large the write-ahead log is: it grows while somebody reads in an old state, and shrinks by itself."""
        return self._directory.log_bytes()

    # --- writing ----------------------------------------------------------------------------------------------------

    async def commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        """Returns when all of it is on disk. Raises JournalFailed: then nothing of it is, and it may be tried again."""
        offset = self._clock.wall_offset()
        now = self._clock.now() + offset
        acts = any(isinstance(effect, Send | Post) for effect in effects)
        await self._write(lambda db: rows.write(db, self._counters, effects, records, offset, now), acts=acts)

    async def keep_rule_files(self, files: Mapping[str, bytes]) -> None:
        """These files hold now: the last good set. Those that held until now are kept as earlier ones."""
        wall = self._clock.now() + self._clock.wall_offset()

        def work(db: apsw.Cursor) -> None:
            before: dict[str, bytes] = dict(db.execute("SELECT name, data FROM rule_files"))
            if before == files:
                return
            revision = revision_of(Source(name, data) for name, data in before.items())
            for name, data in before.items():
                row = (revision, name, data)
                db.execute("INSERT OR REPLACE INTO earlier_rule_files VALUES (?, ?, ?, ?)", (*row, checksum(*row)))
            rows.write_moment(db, "rules", wall)
            db.execute("DELETE FROM rule_files")
            for name, data in files.items():
                db.execute("INSERT INTO rule_files VALUES (?, ?, ?)", (name, data, checksum(name, data)))

        await self._write(work)

    async def drop_rule_files(self, but: Collection[str]) -> None:
        """Forgets the earlier rule files, but those of these revisions."""
        kept = msgspec.json.encode(sorted(but)).decode()
        statement = "DELETE FROM earlier_rule_files WHERE revision NOT IN (SELECT value FROM json_each(?))"
        await self._write(lambda db: db.execute(statement, (kept,)))

    async def retain(self, *, decisions: float, sessions: float) -> int:
        """Removes what is older than these wall clock moments, and counts that have run out, in batches between which
        others write. How many rows.
        """
        removed = 0
        for step in retention.steps(decisions=decisions, sessions=sessions, now=self._clock.now()):
            changed = retention.BATCH
            while changed == retention.BATCH:
                changed = await self._remove(step)
                removed += changed
        return removed

    async def _remove(self, step: retention.Step) -> int:
        changed = 0

        def work(db: apsw.Cursor) -> None:
            nonlocal changed
            changed = retention.remove(db, step)

        await self._write(work)
        return changed

    async def forget(self, is_it: Callable[[str], bool]) -> int:
        """Takes a number, and whose it is, out of all that is kept, in batches. How many rows were changed.

        ``is_it`` says whether a text is that number; it is called in the journal's thread.
        """
        changed = 0
        for batch in (forgetting.forget_records, forgetting.forget_recording):
            after: int | None = 0
            while after is not None:
                after, count = await self._batch(batch, after, is_it)
                changed += count
        rest = 0

        def work(db: apsw.Cursor) -> None:
            nonlocal rest
            rest = forgetting.forget_rest(db, is_it)

        await self._write(work, tidy=True)
        return changed + rest

    async def _batch(
        self,
        batch: Callable[[apsw.Cursor, int, Callable[[str], bool]], tuple[int | None, int]],
        after: int,
        is_it: Callable[[str], bool],
    ) -> tuple[int | None, int]:
        found: tuple[int | None, int] = (None, 0)

        def work(db: apsw.Cursor) -> None:
            nonlocal found
            found = batch(db, after, is_it)

        await self._write(work)
        return found

    def close(self) -> None:
        """Writes what still waits, and lets another daemon in."""
        with self._wanted:
            self._closed = self._closed or JournalFailed("the journal is closed", lasting=True)
            self._wanted.notify()
        self._thread.join()
        self._reader.close()
        with self._looking:
            pass  # it sees that nobody wants to know any more
        with contextlib.suppress(apsw.Error):  # after a failed write the rest is up to the next start
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        self._db.close()
        with contextlib.suppress(OSError):  # likewise
            self._directory.free_reserve()
        self._directory.close()

    async def _write(self, work: Callable[[apsw.Cursor], object], *, acts: bool = False, tidy: bool = False) -> None:
        job = _Job(work, acts, tidy)
        with self._wanted:
            if self._closed is not None:
                raise self._closed
            self._jobs.append(job)
            self._wanted.notify()
        await job.done

    # --- the writer's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        jobs: list[_Job] = []
        try:
            while jobs := self._next():
                self._write_all(jobs)
        except BaseException as fault:
            failure = JournalFailed(f"a fault in ozrules: {type(fault).__name__} while writing", lasting=True)
            with self._wanted:
                self._closed = failure
                jobs, self._jobs = jobs + self._jobs, []
            _tell(jobs, failure)
            raise

    def _next(self) -> list[_Job]:
        with self._wanted:
            while not self._jobs and self._closed is None:
                if not self._wanted.wait(None if self._reserved else _LOOK_FOR_ROOM):
                    self._make_room()
            jobs, self._jobs = self._jobs, []
            return jobs

    def _make_room(self) -> None:
        try:
            self._reserved = self._directory.keep_reserve()
        except OSError as error:
            self._failure = _cannot_be_written(error)

    def _write_all(self, jobs: list[_Job]) -> None:
        if not self._reserved and self._failure is None and any(job.acts for job in jobs):
            self._make_room()
            if not self._reserved and self._failure is None:
                _tell([job for job in jobs if job.acts], JournalFailed("the disk is full"))
                jobs = [job for job in jobs if not job.acts]
        if jobs:
            _tell(jobs, self._failure or self._transact(jobs))

    def _transact(self, jobs: list[_Job]) -> JournalFailed | None:
        before = msgspec.structs.replace(self._counters)
        try:
            cursor = self._db.cursor()
            for job in jobs:
                job.work(cursor)
            self._counters.commits += 1
            rows.write_counters(cursor, self._counters)
            rows.write_moment(cursor, "alive", self._clock.now() + self._clock.wall_offset())
            if self._directory.files() != self._files:
                raise _Gone(f"{self._directory.journal} was removed, moved or replaced while it was in use")
            began = stopwatch()
            self._db.execute("COMMIT")
            self.syncs.observe(stopwatch() - began)
            with contextlib.suppress(OSError):  # it then says less than it could
                self._directory.write_mark(self._counters.commits)
            if any(job.tidy for job in jobs):
                # nothing of what was taken out stays in the write-ahead log; a reader, or a full disk, keeps it a while
                with contextlib.suppress(apsw.BusyError, apsw.LockedError, apsw.FullError):
                    self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._db.execute("BEGIN IMMEDIATE")
        except apsw.FullError:
            self._counters = before
            self._reserved = False
            try:
                self._directory.free_reserve()
            except OSError as error:
                self._failure = _cannot_be_written(error)
                return self._failure
            return self._start_over()
        except (apsw.Error, OSError, _Gone, rows.OutOfOrder) as error:  # the last of ours: trying again cannot mend it
            self._counters = before
            self._failure = _cannot_be_written(error)
            return self._failure
        return None

    def _start_over(self) -> JournalFailed:
        try:
            if self._db.in_transaction:  # SQLite itself may have rolled back
                self._db.execute("ROLLBACK")
            self._db.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            self._failure = _cannot_be_written(error)
            return self._failure
        return JournalFailed("the disk is full")


def _cannot_be_written(error: Exception) -> JournalFailed:
    return JournalFailed(f"the journal cannot be written: {error}", lasting=True)


def _tell(jobs: list[_Job], failure: JournalFailed | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job.done)
    for loop, waiting in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended; nobody waits any more
            loop.call_soon_threadsafe(_answer, waiting, failure)


def _answer(waiting: list[asyncio.Future[None]], failure: JournalFailed | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
