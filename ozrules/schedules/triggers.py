"""Calendar triggers (``at:``) of the rules that hold, brought to the engine at the right wall-clock moment.

The only importer of APScheduler, which keeps the jobs. Three things are ours. *When* is said by `rules.calendar`, the
same code that `check` and the rule tests use. *Now* is the program's clock, so that accelerated time, a host that
slept and a clock that was set are all one case: we look again at least every half minute. *Whether it is too late* is
for the engine to decide: no moment is dropped here (``misfire_grace_time=None``), of several that passed only the last
is posted (``coalesce``), and a job does nothing but post (``max_instances=1``).
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.base import BaseTrigger

from ozrules.engine.events import CalendarDue
from ozrules.rules.calendar import Cron
from ozrules.rules.model import CalendarTrigger, RuleSet
from ozrules.runtime.ports import Clock, Handle

LOOK_AGAIN: Final = 30.0  # seconds until a wall clock that was set is noticed
CAUGHT_UP: Final = 86400.0  # what passed longer ago is not looked through moment by moment


class Unwatched(NamedTuple):
    """A time in which nobody looked: from ``since``, wall clock, until now, and the rules that held when it began."""

    since: float
    rules: RuleSet


class CalendarTriggers:
    """Posts `CalendarDue` for each moment of the rules given last. Belongs to the event loop that it is made in."""

    def __init__(self, clock: Clock, post: Callable[[CalendarDue], None]) -> None:
        self._clock = clock
        self._post = post
        self._handle: Handle | None = None
        self._unwatched_until = 0.0
        self._scheduler = _Scheduler(
            executors={"default": _AtOnce()},
            timezone=_ClockAsZone(self._wall),
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.start()

    def replace(self, rules: RuleSet, *, unwatched: Unwatched | None = None) -> None:
        """From now on the calendar triggers of ``rules`` hold, and no others.

        The last moment of each trigger that was ``unwatched`` is posted at once. Of others, nothing that has passed is.
        """
        self._look()  # what is due by now belongs to the rules before
        self._scheduler.remove_all_jobs()
        now = self._wall()
        since, before = (now, {}) if unwatched is None else (unwatched.since, _crons(unwatched.rules))
        self._unwatched_until = now
        for number, ((rule, trigger), cron) in enumerate(_crons(rules).items()):
            moments = _Moments(cron)
            first = moments.missed(since, now) if before.get((rule, trigger)) == cron else moments.after(now)
            if first is not None:
                # what comes at the same moment comes in the order of the rules: APScheduler goes by the ids of its jobs
                self._scheduler.add_job(self._due, moments, (rule, trigger), id=f"{number:09}", next_run_time=first)
        self._look()

    def next_due(self) -> float | None:
        """The next moment of any trigger, seconds since 1970 UTC by the wall clock."""
        return min((job.next_run_time.timestamp() for job in self._scheduler.get_jobs()), default=None)

    def close(self) -> None:
        """No more moments are posted."""
        if self._handle is not None:
            self._handle.cancel()
        self._scheduler.shutdown()

    def _wall(self) -> float:
        return self._clock.now() + self._clock.wall_offset()

    def _look(self) -> None:
        """Posts what is due, and says when to look again."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._scheduler.do_what_is_due()
        due = self.next_due()
        if due is not None:
            wait = min(max(0.0, due - self._wall()), LOOK_AGAIN)
            self._handle = self._clock.call_at(self._clock.now() + wait, self._look)

    def _due(self, rule: str, trigger: str, *moments: datetime) -> None:
        now = self._clock.now()
        for moment in moments:
            due = moment.timestamp()
            missed = due <= self._unwatched_until
            self._post(CalendarDue(at=now, rule=rule, trigger=trigger, due=due, missed=missed))


def _crons(rules: RuleSet) -> dict[tuple[str, str], Cron]:
    return {
        (rule.id, trigger.id): trigger.cron
        for rule in rules.rules
        for trigger in rule.triggers
        if isinstance(trigger, CalendarTrigger)
    }


class _Scheduler(BaseScheduler):  # type: ignore[misc]  # APScheduler ships no types
    """Driven from outside: it neither waits nor has a thread."""

    def wakeup(self) -> None:
        """Nothing: whoever adds jobs adds all of them and looks then."""

    def shutdown(self, wait: bool = True) -> None:
        super().shutdown(wait)

    def do_what_is_due(self) -> None:
        self._process_jobs()


class _AtOnce(BaseExecutor):  # type: ignore[misc]  # APScheduler ships no types
    """Runs a job there and then, and tells it for which moments."""

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:
        job.func(*job.args, *run_times)
        self._run_job_success(job.id, [])


class _Moments(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """A `Cron` as APScheduler asks for it."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron

    def after(self, moment: float) -> datetime | None:
        due = self._cron.next_after(moment)
        return None if due == math.inf else datetime.fromtimestamp(due, UTC)

    def missed(self, since: float, now: float) -> datetime | None:
        """A moment between the two from which on few others are left, or the first one to come."""
        for back in (CAUGHT_UP, 8 * CAUGHT_UP, 32 * CAUGHT_UP, 366 * CAUGHT_UP):
            found = self.after(max(since, now - back))
            if since >= now - back or (found is not None and found.timestamp() <= now):
                break
        return found

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        start = now.timestamp()
        if previous_fire_time is not None:
            # a clock that was decades behind must not be caught up minute by minute
            start = max(previous_fire_time.timestamp(), start - CAUGHT_UP)
        return self.after(start)


class _ClockAsZone(tzinfo):
    """How APScheduler is given our clock: it asks ``datetime.now(timezone)``, and this is that timezone."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall

    def fromutc(self, host_time: datetime) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, moment: datetime | None) -> str:
        return "ozrules"
