"""A journal that is slow and forgets: what was not synced when the daemon was killed is lost, or some of it is not.

`Disk` is what lies on it, `SimJournal` the Journal port as one life of the daemon has it open. The contract of every
journal (tests/ports/test_journal.py) holds for this one too; the real one is proven against the real disk elsewhere.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

from ozrules.engine.effects import Command, Decision, Effect, Forget, Outcome, Post, Remember, Send, Tally
from ozrules.engine.identity import SessionKey
from ozrules.rules.model import RuleSet
from ozrules.runtime.ports import Clock, JournalFailed, Record, Saved


class Disk:
    """What is safe. `synced` is told of every batch as it becomes so."""

    def __init__(self) -> None:
        self.next_seq = 1
        self.next_decision = 1
        self.memories: dict[SessionKey, bytes] = {}
        self.intents: dict[str, Command] = {}
        self.open: dict[str, Command] = {}
        self.posts: dict[str, tuple[Post, float]] = {}
        self.pending: dict[str, tuple[Post, float]] = {}
        self.rules: RuleSet | None = None
        self.earlier: dict[str, RuleSet] = {}
        self.shift: float | None = None  # what ozrules.store.boot keeps
        self.full = False
        self.broken = False
        self.synced: Callable[[Sequence[Effect], Sequence[Record]], None] = _nobody
        self._ids: dict[int, str] = {}
        self._fired: dict[int, SessionKey] = {}
        self.tallies: list[Tally] = []

    def write(self, effects: Sequence[Effect], records: Sequence[Record], wall: float) -> None:
        """All of it, or JournalFailed and nothing of it."""
        self._check(effects, records)
        for record in records:
            self.next_seq = record.seq + 1
            if record.type == "decision" and record.decision is not None and record.decision_id is not None:
                self._ids[record.decision] = record.decision_id
        for effect in effects:
            match effect:
                case Remember(key, memory):
                    self.memories[key] = memory
                case Forget(key):
                    self.memories.pop(key, None)
                    self._fired = {number: of for number, of in self._fired.items() if of != key}
                case Send(command):
                    self.intents[command.id] = self.open[command.id] = command
                case Post():
                    self.posts[effect.id] = self.pending[effect.id] = effect, wall
                case Outcome():
                    self.open.pop(effect.command, None)
                    self.pending.pop(effect.command, None)
                case Decision():
                    self.next_decision = effect.number + 1
                    if effect.session_key is not None and effect.reason == "fired":
                        self._fired[effect.number] = effect.session_key
                case Tally():
                    self.tallies.append(effect)
                case _:
                    pass
        self.synced(effects, records)

    def _check(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        number, seen = self.next_decision, set()
        for effect in effects:
            if isinstance(effect, Send | Post):
                name = effect.command.id if isinstance(effect, Send) else effect.id
                if name in self.intents or name in self.posts or name in seen:
                    raise JournalFailed(f"{name} comes again", lasting=True)
                seen.add(name)
            if isinstance(effect, Decision):
                if effect.number < number:
                    raise JournalFailed(f"decision {effect.number} comes again; the next is {number}", lasting=True)
                number = effect.number + 1
        for place, record in enumerate(records, self.next_seq):
            if record.seq != place:
                raise JournalFailed(f"record {record.seq} was given; the next is {place}", lasting=True)

    def load(self, now: float) -> Saved:
        """What a start finds."""
        wanted = set(self._fired) | {command.decision for command in self.open.values()}
        wanted |= {post.decision for post, _ in self.pending.values()}
        self.tallies = [one for one in self.tallies if one.until > now]
        return Saved(
            next_decision=self.next_decision,
            next_seq=self.next_seq,
            decision_ids=tuple((number, self._ids[number]) for number in sorted(wanted) if number in self._ids),
            memories=tuple(sorted(self.memories.items())),
            open_commands=tuple(sorted(self.open.values(), key=lambda one: one.decision)),
            tallies=tuple(self.tallies),
        )


def _nobody(effects: Sequence[Effect], records: Sequence[Record]) -> None: ...


class _Job:
    def __init__(self, work: Callable[[], None], acts: bool) -> None:
        self.work = work
        self.acts = acts
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class SimJournal:
    """`ozrules.runtime.ports.Journal` until `crash`. ``latency`` is seconds for a sync."""

    def __init__(self, disk: Disk, clock: Clock, latency: Callable[[], float]) -> None:
        self._disk = disk
        self._clock = clock
        self._latency = latency
        self._waiting: list[_Job] = []
        self._under_way: list[_Job] = []
        self._crashed = False

    def load(self) -> Saved:
        return self._disk.load(self._clock.now())

    async def commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        effects, records, wall = tuple(effects), tuple(records), self._wall()
        acts = any(isinstance(effect, Send | Post) for effect in effects)
        await self._sync(_Job(lambda: self._disk.write(effects, records, wall), acts))

    async def keep_rules(self, rules: RuleSet) -> None:
        """These hold now, and those that did are kept as earlier ones. Fails where the disk is full."""
        disk = self._disk

        def work() -> None:
            if disk.rules is not None:
                disk.earlier[disk.rules.revision] = disk.rules
            disk.rules = rules

        await self._sync(_Job(work, acts=True))

    async def drop_rules(self, but: frozenset[str]) -> None:
        """Forgets the earlier ones but these."""
        disk = self._disk

        def work() -> None:
            disk.earlier = {revision: each for revision, each in disk.earlier.items() if revision in but}

        await self._sync(_Job(work, acts=False))

    def pending_posts(self) -> list[tuple[Post, float]]:
        return list(self._disk.pending.values())

    def crash(self, chance: random.Random) -> tuple[int, int]:
        """Killed: of what was asked for and never acknowledged, the first few may be on the disk. How many, of all."""
        self._crashed = True
        tail = [job for job in [*self._under_way, *self._waiting] if not job.done.done()]
        kept = chance.randint(0, len(tail))
        for job in tail[:kept]:
            try:
                job.work()
            except JournalFailed:
                break
        return kept, len(tail)

    async def _sync(self, job: _Job) -> None:
        self._waiting.append(job)
        if not self._under_way:
            await self._flush()
        await job.done

    async def _flush(self) -> None:
        try:
            while self._waiting:
                self._under_way, self._waiting = self._waiting, []
                await self._clock.sleep_until(self._clock.now() + self._latency())
                for job in self._under_way:
                    if not self._crashed and not job.done.done():
                        self._finish(job)
        finally:
            self._under_way = []

    def _finish(self, job: _Job) -> None:
        if self._disk.broken:
            job.done.set_exception(JournalFailed("the journal cannot be written: disk I/O error", lasting=True))
        elif self._disk.full and job.acts:
            job.done.set_exception(JournalFailed("the disk is full"))
        else:
            try:
                job.work()
            except JournalFailed as failed:
                job.done.set_exception(failed)
            else:
                job.done.set_result(None)

    def _wall(self) -> float:
        return self._clock.now() + self._clock.wall_offset()
