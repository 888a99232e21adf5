"""Alerts: a message of its own when a connection, the journal or the rules fail, and one when all is well again.

It goes past the journal and the queue of webhooks, because those may be what has failed. What is short is not worth a
call at night: only what has lasted ``after`` seconds is told, and what recovers before it could be told is not told.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, Literal

import msgspec

import ozrules
from ozrules.actions.delivery import Message, deliver
from ozrules.actions.targets import Targets
from ozrules.runtime.health import Health
from ozrules.runtime.lookups import Lookups
from ozrules.runtime.ports import Clock, Log
from ozrules.runtime.secret import Secret

LOOK_EVERY: Final = 1.0
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 60.0
TIMEOUT: Final = 10.0


class Alerts:
    """Tells one URL how the daemon fares. ``after`` is in seconds."""

    def __init__(
        self, url: str, *, after: float, targets: Targets, secret: Secret | None, clock: Clock, log: Log
    ) -> None:
        self._url = url
        self._after = after
        self._targets = targets
        self._secret = secret
        self._clock = clock
        self._log = log
        self._names = Lookups(1)
        self._since: dict[str, float] = {}
        self._told: frozenset[str] = frozenset()

    async def run(self, health: Health) -> None:
        """Watches, for ever."""
        pause, not_before = FIRST_PAUSE, 0.0
        while True:
            now = self._clock.now()
            failing = self._lasting(health, now)
            if failing != self._told and now >= not_before and self._worth_telling(failing):
                if await self._tell("failing" if failing else "recovered", health.problems()):
                    self._told = failing
                    pause = FIRST_PAUSE
                else:
                    not_before = now + pause
                    pause = min(pause * 2, LONGEST_PAUSE)
            await self._clock.sleep_until(now + LOOK_EVERY)

    def _lasting(self, health: Health, now: float) -> frozenset[str]:
        """What has failed for long enough; what fails on counts as failing until it is well."""
        parts = {problem.partition(": ")[0] for problem in health.problems() if problem != "stopping"}
        self._since = {part: self._since.get(part, now) for part in parts}
        return frozenset(part for part, since in self._since.items() if now - since >= self._after)

    def _worth_telling(self, failing: frozenset[str]) -> bool:
        return bool(failing - self._told) or not failing

    async def _tell(self, state: Literal["failing", "recovered"], problems: list[str]) -> bool:
        wall = self._clock.now() + self._clock.wall_offset()
        identity = "msg_" + blake2b(f"{state} {wall}".encode(), digest_size=16).hexdigest()
        body = msgspec.json.encode(
            {
                "specversion": "1.0",
                "id": identity,
                "source": "/ozrules",
                "type": "ozrules.alert",
                "time": datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "datacontenttype": "application/json",
                "data": {"state": state, "problems": problems, "version": ozrules.__version__},
            }
        )
        message = Message(url=self._url, method="POST", headers={}, body=body, identity=identity, at=int(wall))
        tried = await deliver(message, self._targets, self._secret, names=self._names, within=TIMEOUT)
        if tried.verdict != "confirmed":
            self._log.error("an alert was not delivered", state=state, why=tried.detail)
        return tried.verdict == "confirmed"
