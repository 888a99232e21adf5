"""The journal as plain Python: what the one on disk must do, in forty lines that can be read at a glance."""

from collections.abc import Sequence

from ozrules.engine.effects import Command, Decision, Effect, Forget, Outcome, Post, Remember, Send, Tally
from ozrules.engine.identity import SessionKey
from ozrules.runtime.ports import Clock, JournalFailed, Record, Saved


class MemoryJournal:
    """`ozrules.runtime.ports.Journal` without a disk. ``failure`` is raised for as long as it is set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failure: JournalFailed | None = None
        self.effects: list[Effect] = []
        self.records: list[Record] = []

    def load(self) -> Saved:
        memories: dict[SessionKey, bytes] = {}
        commands: dict[str, Command] = {}
        decisions: dict[int, SessionKey | None] = {}
        open_decisions: set[int] = set()
        tallies: list[Tally] = []
        posts: dict[str, int] = {}
        for effect in self.effects:
            match effect:
                case Remember(key, memory):
                    memories[key] = memory
                case Forget(key):
                    memories.pop(key, None)
                    open_decisions -= {number for number, of in decisions.items() if of == key}
                case Send(command):
                    commands[command.id] = command
                case Outcome():
                    commands.pop(effect.command, None)
                    posts.pop(effect.command, None)
                case Post():
                    posts[effect.id] = effect.decision
                case Decision():
                    decisions[effect.number] = effect.session_key
                    if effect.session_key is not None and effect.reason == "fired":
                        open_decisions.add(effect.number)
                case Tally():
                    tallies.append(effect)
                case _:
                    pass
        ids = {record.decision: record.decision_id for record in self.records if record.type == "decision"}
        wanted = open_decisions | {command.decision for command in commands.values()} | set(posts.values())
        return Saved(
            next_decision=max(decisions, default=0) + 1,
            next_seq=len(self.records) + 1,
            decision_ids=tuple((number, name) for number in sorted(wanted) if (name := ids.get(number)) is not None),
            memories=tuple(sorted(memories.items())),
            open_commands=tuple(sorted(commands.values(), key=lambda one: one.decision)),
            tallies=tuple(one for one in tallies if one.until > self._clock.now()),
        )

    async def commit(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        if self.failure is not None:
            raise self.failure
        seen = {one.command.id for one in self.effects if isinstance(one, Send)}
        seen |= {one.id for one in self.effects if isinstance(one, Post)}
        numbers = [one.number for one in self.effects if isinstance(one, Decision)]
        for effect in effects:
            if isinstance(effect, Send | Post):
                name = effect.command.id if isinstance(effect, Send) else effect.id
                if name in seen:
                    raise JournalFailed(f"{name} comes again", lasting=True)
                seen.add(name)
            if isinstance(effect, Decision):
                if numbers and effect.number <= numbers[-1]:
                    raise JournalFailed(f"decision {effect.number} comes again", lasting=True)
                numbers.append(effect.number)
        for place, record in enumerate(records, len(self.records) + 1):
            if record.seq != place:
                raise JournalFailed(f"record {record.seq} was given; the next is {place}", lasting=True)
        self.effects += effects
        self.records += records
