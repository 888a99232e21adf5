"""Answers the commands that come over the control socket."""

from collections.abc import Awaitable, Callable
from typing import Final, assert_never

from ozrules.app.control import Answer, Asked
from ozrules.app.in_force import InForce
from ozrules.app.keeping import Keeping
from ozrules.app.paused import PausedRules
from ozrules.app.standing import Standing, timer_name
from ozrules.app.switching import Switching
from ozrules.engine.events import RulePaused, TimerCancelled
from ozrules.rules.numbers import compact
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Controlled, Inbox, Who
from ozrules.runtime.ports import Clock, Core, JournalFailed
from ozrules.store.journal import SqliteJournal
from ozrules.store.kept import NotKept

ALL_RULES: Final = "all rules"


class Admin:
    """What an admin may ask of the running daemon."""

    def __init__(
        self,
        *,
        core: Core,
        inbox: Inbox,
        in_force: InForce,
        health: Health,
        standing: Standing,
        paused: PausedRules,
        switching: Switching,
        keeping: Keeping,
        journal: SqliteJournal,
        reload: Callable[[Who], Awaitable[tuple[bool, str]]],
        clock: Clock,
    ) -> None:
        self._core = core
        self._inbox = inbox
        self._in_force = in_force
        self._health = health
        self._standing = standing
        self._reload = reload
        self._clock = clock
        self._paused = paused
        self._switching = switching
        self._keeping = keeping
        self._journal = journal

    async def answer(self, asked: Asked, who: Who) -> Answer:
        """Does what is asked, and returns when it holds and is on the record."""
        try:
            return await self._do(asked, who)
        except NotKept as failed:
            return Answer(False, f"{failed}; nothing has changed")

    async def _do(self, asked: Asked, who: Who) -> Answer:
        match asked.command:
            case "status":
                return self._status()
            case "sessions":
                return self._sessions()
            case "reload":
                done, text = await self._reload(who)
                return Answer(done, text)
            case "pause" | "resume":
                return await self._pause(asked.target, who, paused=asked.command == "pause")
            case "cancel":
                return await self._cancel(asked.target or "", who)
            case "override":
                return await self._switching.answer(asked, who)
            case "forget":
                return await self._forget(asked.target or "", who)
            case "trust-clock":
                return await self._trust_clock(who)
            case _:
                assert_never(asked.command)

    def _status(self) -> Answer:
        data = self._standing.status()
        problems = self._health.problems()
        return Answer(not problems, "ready" if not problems else "not ready: " + "; ".join(problems), data)

    def _sessions(self) -> Answer:
        data = self._standing.sessions()
        return Answer(True, f"{len(data)} sessions", data)

    async def _pause(self, rule: str | None, who: Who, *, paused: bool) -> Answer:
        command = "pause" if paused else "resume"
        known = rule is None or rule in self._paused.rules
        known = known or any(one.id == rule for one in self._in_force.rules.rules)
        refused = None if known else f"there is no rule {rule!r}"
        if known:
            self._paused.put(rule, paused=paused)
        event = RulePaused(at=self._clock.now(), rule=rule, paused=paused) if known else None
        await self._record(who, command, {} if rule is None else {"rule": rule}, event, refused)
        if refused is not None:
            return Answer(False, refused)
        return Answer(True, f"{rule or ALL_RULES}: {'paused' if paused else 'resumed'}")

    async def _forget(self, number: str, who: Who) -> Answer:
        """The number itself is not on the record of this: only that one was forgotten, by whom and when."""
        plan = self._in_force.rules.numbers
        if compact(number) is None:
            await self._record(who, "forget", {}, None, "what was given is no number")
            return Answer(False, "that is no phone number")
        wanted = plan.normal(number)

        def is_it(text: str) -> bool:
            return compact(text) is not None and plan.normal(text) == wanted

        try:
            changed = await self._journal.forget(is_it)
        except JournalFailed as failed:
            return Answer(False, f"not all of it could be forgotten: {failed}; say it again then")
        alive = sum(
            any(is_it(party) for party in (view.session.caller, view.session.callee) if party)
            for view in self._core.sessions()
        )
        await self._record(who, "forget", {"rows": str(changed)}, None, None)
        still = f"; {alive} calls with it are still going on: forget it again when they have ended" if alive else ""
        return Answer(True, f"forgotten in {changed} rows{still}")

    async def _trust_clock(self, who: Who) -> Answer:
        held = self._keeping.held
        if held is not None:
            self._keeping.trust()
        refused = "nothing is held: the clock is believed" if held is None else None
        await self._record(who, "trust-clock", {}, None, refused)
        return Answer(refused is None, refused or "the clock is right; what is old is removed again")

    async def _cancel(self, timer: str, who: Who) -> Answer:
        found = [
            (view, waiting)
            for view in self._core.sessions()
            for waiting in view.timers
            if timer_name(view, waiting) == timer
        ]
        event, refused = None, f"no timer {timer!r} is waiting; see: ozrules sessions"
        if found:
            view, waiting = found[0]
            now = self._clock.now()
            event = TimerCancelled(at=now, session=view.key, rule=waiting.rule, trigger=waiting.trigger)
        await self._record(who, "cancel", {"timer": timer}, event, None if found else refused)
        return Answer(True, f"{timer}: cancelled") if found else Answer(False, refused)

    async def _record(
        self,
        who: Who,
        command: str,
        args: dict[str, str],
        event: RulePaused | TimerCancelled | None,
        refused: str | None,
    ) -> None:
        await self._inbox.ask(
            lambda done: Controlled(
                at=self._clock.now(), who=who, command=command, args=args, event=event, refused=refused, done=done
            )
        )
