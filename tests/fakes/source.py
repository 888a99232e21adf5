"""A daemon to be looked at: it stands as a test has put it."""

import asyncio
from collections.abc import Sequence

from ozrules.engine.identity import SessionKey
from ozrules.runtime.measures import FAST, Histogram, Measures
from ozrules.web.live import key_text
from ozrules.web.source import Gauges, Json, NotFound, Search


class FakeSource:
    """`ozrules.web.source.Source`. ``calls`` are the live sessions; ``touch`` says that one has changed."""

    def __init__(self) -> None:
        self.measures = Measures()
        self.syncs = Histogram(FAST)
        self.at = 1_000_000.0
        self.wrong: list[str] = []
        self.calls: dict[SessionKey, dict[str, object]] = {}
        self.watched = False
        self.unwatched = asyncio.Event()
        self.asked: list[object] = []
        self.lines: list[str] = []
        self._changed: set[SessionKey] = set()

    def call_of(self, name: str, **more: object) -> SessionKey:
        """A session comes, or changes."""
        key = SessionKey("office", "", name, "2026-11-23T10:00:00Z")
        self.calls[key] = {"key": key_text(key), "sessionId": name, "state": "Ringing"} | more
        self.touch(key)
        return key

    def touch(self, key: SessionKey) -> None:
        if self.watched:
            self._changed.add(key)

    def end(self, key: SessionKey) -> None:
        del self.calls[key]
        self.touch(key)

    def now(self) -> float:
        return self.at

    def clock(self) -> Json:
        return {"now": self.at, "utcOffset": 3600.0, "pace": 1.0}

    def problems(self) -> list[str]:
        return self.wrong

    def gauges(self) -> Gauges:
        return Gauges(
            version="1",
            mode="enforce",
            ready=not self.wrong,
            sessions=len(self.calls),
            timers_waiting=2,
            timers_late=1,
            rules=3,
            paused=0,
            queues={"inbox": 0, "commands": 0, "webhooks": 0},
            webhooks={"waiting": 0, "delivered": 0, "dead": 0, "refused": 0},
            connections={"office": not self.wrong},
            tolerated={"duplicate": 2},
            journal_log=4096,
        )

    def status(self) -> Json:
        none = {"p50": None, "p99": None, "count": 0}
        return {
            "version": "1",
            "ready": not self.wrong,
            "problems": self.wrong,
            "mode": "enforce",
            "revision": "sha256:0123456789ab",
            "rules": 3,
            "paused": [],
            "overrides": [],
            "sessions": len(self.calls),
            "uptime": 60,
            "connections": [{"name": "office", "ready": not self.wrong, "detail": "made up"}],
            "timers": {"waiting": 2, "late": 1},
            "queues": {"inbox": 0, "commands": 0, "webhooks": 0},
            "webhooks": {"waiting": 0, "delivered": 0, "dead": 0, "refused": 0},
            "latency": dict.fromkeys(("eventToDecision", "decisionToCommand", "commandToProof", "journalSync"), none),
            "reload": {"holds": True, "at": None},
            "gaps": 0,
            "tolerated": {"duplicate": 2},
        }

    def watch(self, on: bool) -> None:
        self.watched = on
        if on:
            self.unwatched.clear()
        else:
            self.unwatched.set()
        self._changed = set()

    def changed(self) -> set[SessionKey]:
        changed, self._changed = self._changed, set()
        return changed

    def keys(self) -> Sequence[SessionKey]:
        return tuple(self.calls)

    def session(self, key: SessionKey) -> Json | None:
        return self.calls.get(key)

    def rules(self) -> Sequence[Json]:
        return ({"id": "sales-no-answer"},)

    async def rule(self, name: str) -> Json:
        self.asked.append(name)
        if name != "sales-no-answer":
            raise NotFound(f"there is no rule {name!r} in force")
        return {"id": name}

    async def records(self, search: Search) -> Sequence[str]:
        self.asked.append(search)
        return self.lines

    async def call(self, connection: str, session: str, start: str) -> bytes:
        self.asked.append((connection, session, start))
        return b"{}"

    async def week(self, caller: str, callee: str) -> bytes:
        self.asked.append((caller, callee))
        return b"{}"
