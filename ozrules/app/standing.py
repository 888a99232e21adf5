"""How the daemon stands, as data: one account for `status` and `sessions`, for the metrics and for the dashboard."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import ozrules
from ozrules.app.in_force import InForce
from ozrules.app.keeping import Keeping
from ozrules.app.overrides import Overrides
from ozrules.app.paused import PausedRules
from ozrules.app.switching import shown
from ozrules.engine.engine import Engine
from ozrules.engine.view import SessionView, WaitingTimer
from ozrules.runtime.dispatcher import Dispatcher
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Inbox
from ozrules.runtime.measures import Histogram, Measures
from ozrules.runtime.notices import Notices
from ozrules.runtime.ports import Clock, WebhookQueue
from ozrules.runtime.timers import Timers

LATE: Final = 0.5
"""Seconds after its moment from which a waiting timer counts as late."""


class Standing:
    """Looks at the parts of the running daemon, and changes nothing."""

    def __init__(
        self,
        *,
        core: Engine,
        inbox: Inbox,
        dispatcher: Dispatcher,
        timers: Timers,
        webhooks: WebhookQueue,
        in_force: InForce,
        health: Health,
        notices: Notices,
        paused: PausedRules,
        overrides: Overrides,
        keeping: Keeping,
        measures: Measures,
        syncs: Histogram,
        journal_log: Callable[[], int],
        clock: Clock,
    ) -> None:
        self.measures = measures
        self.syncs = syncs
        self.journal_log = journal_log
        self._core = core
        self._inbox = inbox
        self._dispatcher = dispatcher
        self._timers = timers
        self._webhooks = webhooks
        self._in_force = in_force
        self._health = health
        self._notices = notices
        self._paused = paused
        self._keeping = keeping
        self._overrides = overrides
        self._clock = clock
        self._began = clock.now()

    def status(self) -> dict[str, object]:
        """Health, and what is wrong; texts may quote what a phone system said."""
        rules = self._in_force.rules
        problems = self._health.problems()
        measures = self.measures
        return {
            "version": ozrules.__version__,
            "ready": not problems,
            "problems": problems,
            "mode": self._in_force.settings.mode,
            "revision": rules.revision,
            "rules": len(rules.rules),
            "paused": self._paused.names(),
            "overrides": shown(self._overrides),
            "sessions": self._core.alive,
            "uptime": round(self._clock.now() - self._began),
            "connections": [
                {"name": one.connection, "ready": one.ready, "detail": one.detail}
                for one in self._health.connections.values()
            ],
            "timers": self.timers(),
            "queues": self.queues(),
            "webhooks": self.webhooks(),
            "latency": {
                "eventToDecision": _latency(measures.event_to_decision),
                "decisionToCommand": _latency(measures.decision_to_command),
                "commandToProof": _latency(measures.command_to_proof),
                "journalSync": _latency(self.syncs),
            },
            "reload": {
                "holds": measures.reload_holds,
                "at": None if measures.reloaded_at is None else _rfc3339(measures.reloaded_at),
            },
            "retentionHeld": self._keeping.held,
            "gaps": sum(measures.gaps.values()),
            "tolerated": self.tolerated(),
        }

    def queues(self) -> dict[str, int]:
        """How much waits where."""
        return {
            "inbox": len(self._inbox),
            "commands": self._dispatcher.waiting,
            "webhooks": self.webhooks()["waiting"],
        }

    def timers(self) -> dict[str, int]:
        """How many moments are waited for, and how many of them have passed already."""
        return {"waiting": len(self._timers), "late": self._timers.overdue(self._clock.now() - LATE)}

    def webhooks(self) -> dict[str, int]:
        """How many wait, and what became of the others since the start."""
        return self._webhooks.figures()

    def tolerated(self) -> dict[str, int]:
        """What was odd and was tolerated, by kind."""
        return dict(self._notices.counts)

    def sessions(self) -> list[dict[str, object]]:
        """Every live session."""
        return [self.session(view) for view in self._core.sessions()]

    def session(self, view: SessionView) -> dict[str, object]:
        """One live session."""
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
                {"timer": timer_name(view, timer), "rule": timer.rule, "due": self._shown(timer.due)}
                for timer in view.timers
            ],
            "running": list(view.running),
        }

    def _shown(self, at: float) -> str:
        return _rfc3339(at + self._clock.wall_offset())


def timer_name(view: SessionView, timer: WaitingTimer) -> str:
    """What `ozrules cancel` is told."""
    return f"{view.key.connection}/{view.key.session_id}/{timer.rule}/{timer.trigger}"


def _latency(histogram: Histogram) -> dict[str, float | int | None]:
    """Upper bounds in seconds of half and of 99 of 100, and how many there were."""
    return {"p50": histogram.quantile(0.5), "p99": histogram.quantile(0.99), "count": sum(histogram.counts)}


def _rfc3339(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).astimezone().isoformat(timespec="seconds")
