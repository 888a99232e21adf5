"""Answers the commands that come over the control socket."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, assert_never

import ozrules
from ozrules.app.control import Answer, Asked
from ozrules.app.in_force import InForce
from ozrules.app.paused import PausedRules
from ozrules.engine.events import RulePaused, TimerCancelled
from ozrules.engine.view import SessionView, WaitingTimer
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Controlled, Inbox, Who
from ozrules.runtime.notices import Notices
from ozrules.runtime.ports import Clock, Core

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
        notices: Notices,
        paused: PausedRules,
        reload: Callable[[Who], Awaitable[tuple[bool, str]]],
        clock: Clock,
    ) -> None:
        self._core = core
        self._inbox = inbox
        self._in_force = in_force
        self._health = health
        self._notices = notices
        self._reload = reload
        self._clock = clock
        self._began = clock.now()
        self._paused = paused

    async def answer(self, asked: Asked, who: Who) -> Answer:
        """Does what is asked, and returns when it holds and is on the record."""
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
            case _:
                assert_never(asked.command)

    def _status(self) -> Answer:
        rules = self._in_force.rules
        problems = self._health.problems()
        data = {
            "version": ozrules.__version__,
            "ready": not problems,
            "problems": problems,
            "mode": self._in_force.settings.mode,
            "revision": rules.revision,
            "rules": len(rules.rules),
            "paused": self._paused.names(),
            "sessions": self._core.alive,
            "uptime": round(self._clock.now() - self._began),
            "connections": [
                {"name": one.connection, "ready": one.ready, "detail": one.detail}
                for one in self._health.connections.values()
            ],
            "tolerated": dict(self._notices.counts),
        }
        return Answer(not problems, "ready" if not problems else "not ready: " + "; ".join(problems), data)

    def _sessions(self) -> Answer:
        data = [self._session(view) for view in self._core.sessions()]
        return Answer(True, f"{len(data)} sessions", data)

    def _session(self, view: SessionView) -> dict[str, object]:
        session = view.session
        return {
            "connection": view.key.connection,
            "sessionId": session.session_id,
            "state": session.session_state,
            "since": self._shown(view.since),
            "seconds": round(self._clock.now() - view.since, 1),
            "caller": session.caller,
            "callee": session.callee,
            "hops": view.hops,
            "timers": [
                {"timer": _name_of(view, timer), "rule": timer.rule, "due": self._shown(timer.due)}
                for timer in view.timers
            ],
            "running": list(view.running),
        }

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

    async def _cancel(self, timer: str, who: Who) -> Answer:
        found = [
            (view, waiting)
            for view in self._core.sessions()
            for waiting in view.timers
            if _name_of(view, waiting) == timer
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

    def _shown(self, at: float) -> str:
        moment = datetime.fromtimestamp(at + self._clock.wall_offset(), UTC)
        return moment.astimezone().isoformat(timespec="seconds")


def _name_of(view: SessionView, timer: WaitingTimer) -> str:
    return f"{view.key.connection}/{view.key.session_id}/{timer.rule}/{timer.trigger}"
