"""The running daemon as the dashboard and the metrics see it; and the dashboard itself, where the settings want one."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final, Protocol, TypeVar, assert_never

import ozrules
from ozrules.app.in_force import InForce
from ozrules.app.paused import PausedRules
from ozrules.app.standing import Standing
from ozrules.engine.engine import Engine
from ozrules.engine.identity import SessionKey
from ozrules.rules.model import (
    CalendarTrigger,
    RoutingTrigger,
    Rule,
    StateTrigger,
    Trigger,
    Webhook,
)
from ozrules.runtime.health import Health
from ozrules.runtime.measures import Histogram, Measures
from ozrules.runtime.ports import Clock
from ozrules.runtime.watch import Watch
from ozrules.session.state import GROUPS, State
from ozrules.settings.model import Settings, WebSettings
from ozrules.store.figures import Figures, TooDear
from ozrules.store.state_directory import StateUnusable
from ozrules.web.live import Hub, key_text
from ozrules.web.metrics import WebFigures
from ozrules.web.server import Listening, open_listener, serve
from ozrules.web.source import Busy, Gauges, Json, NotFound, Search, Source

SHOWN: Final = 7 * 86_400.0
"""Seconds of the record that a rule's figures are taken from."""
AT_ONCE: Final = 2
"""Readers of the record at the same time."""

T = TypeVar("T")


class Explains(Protocol):
    """Who answers what takes computing, as JSON. ``now`` is wall clock. Raises NotFound, Busy."""

    async def call(self, settings: Settings, *, connection: str, session: str, start: str, now: float) -> bytes: ...

    async def week(self, settings: Settings, *, caller: str, callee: str, now: float) -> bytes: ...


class Page:
    """The web server of a daemon, from the socket on. Raises OSError with a clear text where it cannot listen."""

    def __init__(self, settings: WebSettings) -> None:
        self._at = Listening(
            host=settings.listen.host, port=settings.listen.port, token=settings.token, hosts=settings.hosts
        )
        self._figures = WebFigures()
        self.hub = Hub(self._figures)
        self._listener: socket.socket = open_listener(self._at)

    async def serve(self, source: Source) -> None:
        """Answers whoever asks, for ever."""
        await serve(self._listener, self._at, source, self.hub, self._figures)

    def close(self) -> None:
        """Listens no more."""
        self._listener.close()


class Dashboard:
    """`ozrules.web.source.Source` on the parts of the daemon."""

    def __init__(
        self,
        *,
        core: Engine,
        in_force: InForce,
        health: Health,
        standing: Standing,
        paused: PausedRules,
        watch: Watch,
        clock: Clock,
        explains: Explains,
        pace: float,
        zone: tzinfo | None,
    ) -> None:
        self._pace = pace
        self._zone = zone
        self._core = core
        self._in_force = in_force
        self._health = health
        self._standing = standing
        self._paused = paused
        self._watch = watch
        self._clock = clock
        self._explains = explains
        self._readers = asyncio.Semaphore(AT_ONCE)

    @property
    def measures(self) -> Measures:
        return self._standing.measures

    @property
    def syncs(self) -> Histogram:
        return self._standing.syncs

    def now(self) -> float:
        return self._clock.now() + self._clock.wall_offset()

    def clock(self) -> Json:
        now = self.now()
        offset = datetime.fromtimestamp(now, UTC).astimezone(self._zone).utcoffset()
        return {"now": now, "utcOffset": offset.total_seconds() if offset else 0.0, "pace": self._pace}

    def problems(self) -> list[str]:
        return self._health.problems()

    def status(self) -> Json:
        return self._standing.status()

    def gauges(self) -> Gauges:
        status = self._standing
        timers = status.timers()
        return Gauges(
            version=ozrules.__version__,
            mode=self._in_force.settings.mode,
            ready=self._health.ready,
            sessions=self._core.alive,
            timers_waiting=timers["waiting"],
            timers_late=timers["late"],
            rules=len(self._in_force.rules.rules),
            paused=len(self._paused.rules),
            queues=status.queues(),
            webhooks=status.webhooks(),
            connections={one.connection: one.ready for one in self._health.connections.values()},
            tolerated=status.tolerated(),
            journal_log=status.journal_log(),
        )

    # --- sessions ---------------------------------------------------------------------------------------------------

    def watch(self, on: bool) -> None:
        self._watch.watching = on
        if not on:
            self._watch.take()

    def changed(self) -> set[SessionKey]:
        return self._watch.take()

    def keys(self) -> Sequence[SessionKey]:
        return self._core.keys()

    def session(self, key: SessionKey) -> Json | None:
        view = self._core.view(key)
        if view is None:
            return None
        session, offset = view.session, self._clock.wall_offset()
        return {
            "key": key_text(key),
            "connection": key.connection,
            "sessionId": key.session_id,
            "start": key.start,
            "state": session.session_state,
            "since": view.since + offset,
            "caller": session.caller,
            "callerDisplayName": session.caller_display_name,
            "callee": session.callee,
            "calleeDisplayName": session.callee_display_name,
            "direction": session.direction,
            "hops": view.hops,
            "timers": [{"rule": timer.rule, "due": timer.due + offset} for timer in view.timers],
            "running": view.running,
        }

    # --- rules ------------------------------------------------------------------------------------------------------

    def rules(self) -> Sequence[Json]:
        fired = self.measures.decisions
        ranked = sorted(self._in_force.rules.rules, key=lambda rule: (-rule.priority, rule.order))
        return [self._rule(rule) | {"fired": fired[rule.id, "fired"]} for rule in ranked]

    async def rule(self, name: str) -> Json:
        rules = self._in_force.rules
        found = next((rule for rule in rules.rules if rule.id == name), None)
        if found is None:
            raise NotFound(f"there is no rule {name!r} in force")
        rule, since = found, self.now() - SHOWN

        def look(figures: Figures) -> dict[str, object]:
            reasons = figures.reasons(name, since)
            triggers = figures.triggers(name, since, rules.revision)
            hits = [
                {"line": trigger.place.line, "what": "matched", "count": triggers.get(trigger.id, 0)}
                for trigger in rule.triggers
            ]
            hits += [
                {"line": int(each.place.rsplit(":", 2)[1]), "what": each.what, "count": each.count}
                for each in figures.places(name, since, rules.revision)
            ]
            first, lines = self._source(rule, figures.rule_files())
            return {"reasons": reasons, "hits": hits, "firstLine": first, "lines": lines}

        return self._rule(rule) | {"since": since} | await self._read(look)

    def _rule(self, rule: Rule) -> dict[str, object]:
        return {
            "id": rule.id,
            "description": rule.description,
            "tags": rule.tags,
            "status": rule.status if isinstance(rule.status, str) else f"canary {rule.status.percent:g} %",
            "priority": rule.priority,
            "file": rule.place.file,
            "line": rule.place.line,
            "triggers": [_shown(trigger) for trigger in rule.triggers],
            "paused": rule.id in self._paused.rules or None in self._paused.rules,
        }

    def _source(self, rule: Rule, files: dict[str, bytes]) -> tuple[int, list[str]]:
        """The rule as it is written, with stars where headers of webhooks stand: they may carry a password."""
        text = files.get(rule.place.file, b"").decode("utf-8", "replace")
        others = [
            each.place.line
            for each in self._in_force.rules.rules
            if each.place.file == rule.place.file and each.place.line > rule.place.line
        ]
        lines = text.split("\n")[rule.place.line - 1 : min(others, default=0) - 1 if others else None]
        ends = next((n for n, line in enumerate(lines) if n and line[:1] not in ("", " ", "-", "#")), len(lines))
        lines = lines[:ends]
        while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
            lines.pop()
        for action in rule.actions:
            if isinstance(action, Webhook):
                for value in action.headers.values():
                    lines = [line.replace(value, "***") for line in lines]
        return rule.place.line, [line.removesuffix("\r") for line in lines]

    # --- the record -------------------------------------------------------------------------------------------------

    async def records(self, search: Search) -> Sequence[str]:
        return await self._read(
            lambda figures: figures.search(
                text=search.text,
                rule=search.rule,
                reason=search.reason,
                before=search.before,
                limit=search.limit,
            )
        )

    async def call(self, connection: str, session: str, start: str) -> bytes:
        settings = self._in_force.settings
        return await self._explains.call(settings, connection=connection, session=session, start=start, now=self.now())

    async def week(self, caller: str, callee: str) -> bytes:
        return await self._explains.week(self._in_force.settings, caller=caller, callee=callee, now=self.now())

    async def _read(self, look: Callable[[Figures], T]) -> T:
        state = self._in_force.settings.state

        def read() -> T:
            figures = Figures(state)
            try:
                return look(figures)
            finally:
                figures.close()

        try:
            async with self._readers:
                return await asyncio.to_thread(read)
        except (TooDear, StateUnusable) as problem:
            raise Busy(str(problem)) from problem


def _shown(trigger: Trigger) -> dict[str, object]:
    match trigger:
        case StateTrigger():
            origins = None if trigger.origins is None else _named(trigger.origins)
            return {"kind": "state", "states": _named(trigger.states), "from": origins, "for": trigger.hold}
        case CalendarTrigger():
            return {"kind": "calendar"}
        case RoutingTrigger():
            return {"kind": "routing", "states": [trigger.kind]}
        case _:
            assert_never(trigger)


def _named(states: frozenset[State]) -> list[str]:
    """As a rule names them: the group where it is one."""
    group = next((name for name, members in GROUPS.items() if members == states), None)
    return sorted(states) if group is None else [group]
