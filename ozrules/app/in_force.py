"""The rules and settings in force: where they come from at the start, and how others take their place.

All or nothing. Whatever fails leaves all that is in force as it is, and readiness says so: everything that can fail is
done before anything changes. The last good files are kept in the state, so that a daemon that must start while the
files are wrong starts with those; files that held before are kept for as long as something under way began with them.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from ozrules.app.notify import ServiceManager
from ozrules.app.parsing import Bad, Good, Parsed, parse
from ozrules.app.reload import FILES_CHANGED, Ready, prepare
from ozrules.app.rule_files import Fingerprint
from ozrules.engine.events import ModeChanged, RulesReplaced
from ozrules.engine.program import Program
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.rules.document import Source
from ozrules.rules.model import RuleSet
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Inbox, Reloaded, Who
from ozrules.runtime.ports import Clock, JournalFailed, Log
from ozrules.schedules.triggers import CalendarTriggers, Unwatched
from ozrules.settings.changes import needs_restart
from ozrules.settings.model import Settings
from ozrules.store.journal import SqliteJournal

LAST_WORDS: Final = 60.0
"""Seconds before its last write in which a daemon may have come to a moment without having written it down. What it
did write down is not done again."""
MOST_SHOWN: Final = 20
"""Problems that the log and the record show; `ozrules check` shows them all."""


class RulesInvalid(Exception):
    """There are no rules to run with: those on disk are wrong, and no good set was ever in force on this state."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon starts with. ``problems`` say why it is the last good set; ``files`` is None then.

    ``before`` is what the last daemon ran with, and what waits was begun by: ``rules`` replace it like in a reload.
    ``earlier`` are sets that held before it, with which something under way may have begun. ``unwatched`` is the time
    since the last daemon stopped; None where there was none.
    """

    rules: RuleSet
    before: RuleSet
    earlier: tuple[RuleSet, ...]
    files: tuple[Source, ...] | None
    problems: tuple[str, ...]
    seen: Fingerprint
    unwatched: Unwatched | None


async def begin(settings: Settings, journal: SqliteJournal, log: Log) -> Beginning:
    """The rules on disk, or the last good ones. Raises RulesInvalid where there are neither."""
    prepared = await prepare(settings)
    kept = tuple(Source(name, data) for name, data in journal.rule_files().items())
    if isinstance(prepared, Ready):
        rules, files = prepared.good.rules, prepared.files
        for warning in prepared.good.warnings[:MOST_SHOWN]:
            log.warning("rules", finding=str(warning))
        before: Parsed | None = prepared.good
        if by_name(files) != by_name(kept):
            before = await parse(kept, frozenset(settings.secrets)) if kept else None
        problems: tuple[str, ...] = ()
    else:
        before = await parse(kept, frozenset(settings.secrets)) if kept else None
        if not isinstance(before, Good):
            raise RulesInvalid(prepared.problems)
        rules, files, problems = before.rules, None, prepared.problems
        for problem in problems[:MOST_SHOWN]:
            log.error("the rules are wrong; starting with the last good ones", problem=problem)
    known = before.rules if isinstance(before, Good) else None
    return Beginning(
        rules=rules,
        before=known or rules,
        earlier=await _earlier(journal, log),
        files=files,
        problems=problems,
        seen=prepared.seen,
        unwatched=None if known is None else _unwatched(journal, known),
    )


async def _earlier(journal: SqliteJournal, log: Log) -> tuple[RuleSet, ...]:
    """The rule sets that something under way began with. What cannot be read any more ends what began with it."""
    found = []
    for revision, files in journal.earlier_rule_files().items():
        match await parse(tuple(Source(name, data) for name, data in files.items()), None):
            case Good(rules=rules):
                found.append(rules)
            case Bad() as bad:
                why = next(iter(bad.problems()), "")
                log.error("rules that were in force before cannot be read any more", revision=revision, why=why)
    return tuple(found)


def by_name(files: Iterable[Source]) -> dict[str, bytes]:
    """Rule files as the journal keeps them."""
    return {str(Path(file.name)): file.data for file in files}


def _unwatched(journal: SqliteJournal, rules: RuleSet) -> Unwatched | None:
    alive, held = journal.moment("alive"), journal.moment("rules")
    return None if alive is None or held is None else Unwatched(max(held, alive - LAST_WORDS), rules)


class InForce:
    """The settings and the rules that hold now. `reload` may put others in their place."""

    def __init__(
        self,
        settings: Settings,
        beginning: Beginning,
        *,
        reread: Callable[[], Settings],
        apply: Callable[[Settings], None],
        referred_to: Callable[[], frozenset[str]],
        journal: SqliteJournal,
        inbox: Inbox,
        calendar: CalendarTriggers,
        health: Health,
        manager: ServiceManager,
        clock: Clock,
        log: Log,
    ) -> None:
        self.settings = settings
        self.rules = beginning.rules
        self.seen = beginning.seen
        self._reread = reread
        self._apply = apply
        self._referred_to = referred_to
        self._journal = journal
        self._inbox = inbox
        self._calendar = calendar
        self._health = health
        self._manager = manager
        self._clock = clock
        self._log = log

    def secret(self, name: str) -> str | None:
        """The value of a secret that rules may use."""
        found = self.settings.secrets.get(name)
        return None if found is None else found.reveal()

    async def reload(self, who: Who) -> tuple[bool, str]:
        """Reads configuration and rules again. Whether they hold now, and one sentence for an admin."""
        self._manager.reloading()
        done, text = await self._reload(who)
        self._manager.reloaded(" ".join(text.split("\n")[:2]))  # what came of it, and the first thing that is wrong
        return done, text

    async def _reload(self, who: Who) -> tuple[bool, str]:
        try:
            wanted = self._reread()
        except DocumentInvalid as invalid:
            errors = tuple(str(one) for one in invalid.diagnostics if one.severity == "error")
            return await self._refuse(who, errors)
        except OSError as error:
            return await self._refuse(who, (f"{error.filename}: {error.strerror}",))
        prepared = await prepare(wanted)
        self.seen = prepared.seen
        if not isinstance(prepared, Ready):
            return await self._refuse(who, prepared.problems)
        rules = prepared.good.rules
        if who == FILES_CHANGED and rules.revision == self.rules.revision and self._health.rules is None:
            return True, "nothing has changed"
        for warning in prepared.good.warnings[:MOST_SHOWN]:
            self._log.warning("rules", finding=str(warning))
        refused = needs_restart(self.settings, wanted)
        changed = msgspec.structs.replace(
            self.settings,
            rules=wanted.rules,
            mode=wanted.mode,
            webhooks=wanted.webhooks,
            secrets=wanted.secrets,
            retention=wanted.retention,
            log=wanted.log,
        )
        try:
            program = await asyncio.to_thread(Program, rules)
            self._apply(changed)
            await self._journal.keep_rule_files(by_name(prepared.files))
        except Exception as fault:  # whatever it is: nothing has changed yet, and nothing does
            if isinstance(fault, JournalFailed) and fault.lasting:
                raise
            self._apply(self.settings)
            return await self._refuse(who, (f"the rules cannot be put in force: {fault}",))
        now = self._clock.now()
        if changed.mode != self.settings.mode:
            self._inbox.add(ModeChanged(at=now, mode=changed.mode))
        self.settings, self.rules = changed, rules
        replaced = RulesReplaced(at=now, rules=rules, program=program)
        await self._inbox.ask(lambda done: Reloaded(at=now, who=who, event=replaced, done=done))
        self._calendar.replace(rules)
        self._health.rules = None
        await self.tidy()
        text = f"{len(rules.rules)} rules from {len(prepared.files)} files are in force, revision {rules.revision[:19]}"
        for key in refused:
            self._log.warning("a changed setting holds only after a restart", setting=key)
            text += f"\n{key} has changed: it holds only after a restart"
        return True, text

    async def keep(self, files: tuple[Source, ...]) -> None:
        """The daemon starts with these files: they are the last good set."""
        try:
            await self._journal.keep_rule_files(by_name(files))
        except JournalFailed as failed:
            if failed.lasting:
                raise
            self._log.error("the rules in force could not be kept for the next start", why=str(failed))
        await self.tidy()

    async def tidy(self) -> None:
        """Forgets the rule files of before with which nothing under way began."""
        try:
            await self._journal.drop_rule_files(self._referred_to())
        except JournalFailed as failed:
            if failed.lasting:
                raise  # else they are forgotten after the next reload

    async def _refuse(self, who: Who, problems: tuple[str, ...]) -> tuple[bool, str]:
        shown = problems[:MOST_SHOWN]
        if len(problems) > MOST_SHOWN:
            shown = (*shown, f"and {len(problems) - MOST_SHOWN} more; see: ozrules check")
        self._health.rules = shown[0] if shown else "refused"
        for problem in shown:
            self._log.error("the rules in force stay: a reload was refused", problem=problem)
        now = self._clock.now()
        await self._inbox.ask(lambda done: Reloaded(at=now, who=who, event=None, errors=shown, done=done))
        return False, "refused; the rules in force stay:\n" + "\n".join(shown)
