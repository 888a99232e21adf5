import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from ozrules.engine.events import CalendarDue
from ozrules.rules.calendar import Cron, parse_cron
from ozrules.rules.model import All, CalendarTrigger, Log, Place, Rule, RuleSet, StateTrigger
from ozrules.schedules.triggers import CalendarTriggers, Unwatched
from ozrules.session.state import RINGING

HERE = Place("test.yaml", 1, 1)
ZONE = "Europe/Budapest"


class VirtualClock:
    """Time passes when it is told to."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.offset = 0.0
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._made = 0
        self._cancelled: set[int] = set()

    def now(self) -> float:
        return self.at

    def wall_offset(self) -> float:
        return self.offset

    async def sleep_until(self, at: float) -> None:
        raise AssertionError("nothing here sleeps")

    def call_at(self, at: float, callback: Callable[[], None]) -> "Cancel":
        self._made += 1
        heapq.heappush(self._calls, (at, self._made, callback))
        return Cancel(self._cancelled, self._made)

    def pass_until(self, at: float) -> None:
        while self._calls and self._calls[0][0] <= at:
            due, number, callback = heapq.heappop(self._calls)
            if number not in self._cancelled:
                self.at = max(self.at, due)
                callback()
        self.at = at


class Cancel:
    def __init__(self, cancelled: set[int], number: int) -> None:
        self._cancelled = cancelled
        self._number = number

    def cancel(self) -> None:
        self._cancelled.add(self._number)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def rules(**crons: Cron) -> RuleSet:
    return RuleSet(
        rules=tuple(
            Rule(
                id=name,
                order=order,
                triggers=(
                    StateTrigger(id="0", states=frozenset({RINGING}), place=HERE),
                    CalendarTrigger(id="at", cron=cron, place=HERE),
                ),
                condition=All(of=(), path="conditions", place=HERE),
                actions=(Log(text=("x",), place=HERE),),
                place=HERE,
            )
            for order, (name, cron) in enumerate(crons.items())
        )
    )


@contextmanager
def running(start: str) -> Iterator[tuple[VirtualClock, CalendarTriggers, list[CalendarDue]]]:
    clock = VirtualClock(moment(start))
    posted: list[CalendarDue] = []
    triggers = CalendarTriggers(clock, posted.append)
    yield clock, triggers, posted
    triggers.close()


def test_each_moment_is_posted_once_when_it_comes() -> None:
    with running("2026-11-23T17:59:00+01:00") as (clock, triggers, posted):
        triggers.replace(rules(close=Cron.daily(18 * 60, timezone=ZONE), never=parse_cron("0 3 29 2 *", ZONE)))
        assert triggers.next_due() == moment("2026-11-23T18:00+01:00")
        clock.pass_until(moment("2026-11-23T17:59:59+01:00"))
        assert posted == []
        clock.pass_until(moment("2026-11-25T17:59:59+01:00"))
        assert [(due.rule, due.trigger, due.due, due.at) for due in posted] == [
            ("close", "at", at, at) for at in (moment("2026-11-23T18:00+01:00"), moment("2026-11-24T18:00+01:00"))
        ]


@pytest.mark.fault(24)
def test_a_moment_that_the_clock_leaves_out_comes_right_after_it() -> None:
    with running("2026-03-28T12:00:00+01:00") as (clock, triggers, posted):
        triggers.replace(rules(night=Cron.daily(150, timezone=ZONE)))
        clock.pass_until(moment("2026-03-31T00:00+02:00"))
        assert [due.due for due in posted] == [moment("2026-03-29T03:00+02:00"), moment("2026-03-30T02:30+02:00")]


def test_other_rules_replace_all_triggers() -> None:
    with running("2026-11-23T17:00:00+01:00") as (clock, triggers, posted):
        triggers.replace(rules(before=Cron.daily(18 * 60, timezone=ZONE)))
        triggers.replace(rules(after=Cron.daily(18 * 60 + 1, timezone=ZONE)))
        clock.pass_until(moment("2026-11-23T20:00+01:00"))
        assert [due.rule for due in posted] == ["after"]
        triggers.replace(RuleSet())
        assert triggers.next_due() is None


def test_what_is_due_at_the_moment_of_a_reload_is_not_lost() -> None:
    with running("2026-11-23T17:59:59+01:00") as (clock, triggers, posted):
        same = rules(close=Cron.daily(18 * 60, timezone=ZONE))
        triggers.replace(same)
        clock.at = moment("2026-11-23T18:00+01:00")
        triggers.replace(same)
        clock.pass_until(moment("2026-11-23T19:00+01:00"))
        assert [due.rule for due in posted] == ["close"]


def test_only_the_last_moment_that_passed_unwatched_is_posted_with_its_own_time() -> None:
    with running("2026-11-23T18:00:10+01:00") as (clock, triggers, posted):
        same = rules(close=parse_cron("*/5 * * * *", ZONE), noon=Cron.daily(720, timezone=ZONE))
        triggers.replace(same, unwatched=Unwatched(moment("2026-11-23T17:00+01:00"), same))
        due = moment("2026-11-23T18:00+01:00")
        assert posted == [CalendarDue(at=clock.now(), rule="close", trigger="at", due=due, missed=True)]
        clock.pass_until(moment("2026-11-23T18:05+01:00"))
        assert not posted[-1].missed


@pytest.mark.parametrize("away", ["2026-11-23T17:00+01:00", "2026-11-20T17:00+01:00", "2025-01-01T00:00+01:00"])
def test_a_rare_moment_that_passed_unwatched_is_found_however_long_ago(away: str) -> None:
    with running("2026-11-23T18:00:10+01:00") as (_, triggers, posted):
        same = rules(friday=parse_cron("30 17 * * fri", ZONE), yearly=parse_cron("0 9 2 1 *", ZONE))
        triggers.replace(same, unwatched=Unwatched(moment(away), same))
        passed = {"friday": "2026-11-20T17:30+01:00", "yearly": "2026-01-02T09:00+01:00"}
        assert [(due.rule, due.due) for due in posted] == [
            (name, moment(at)) for name, at in reversed(passed.items()) if moment(at) > moment(away)
        ]


def test_a_rule_that_was_not_there_or_had_another_time_has_missed_nothing() -> None:
    with running("2026-11-23T18:00:10+01:00") as (_, triggers, posted):
        before = rules(moved=Cron.daily(16 * 60, timezone=ZONE), gone=Cron.daily(17 * 60, timezone=ZONE))
        after = rules(moved=Cron.daily(18 * 60, timezone=ZONE), new=Cron.daily(18 * 60, timezone=ZONE))
        triggers.replace(after, unwatched=Unwatched(moment("2026-11-23T12:00+01:00"), before))
        assert posted == []


def test_what_passed_before_a_rule_was_known_is_not_posted() -> None:
    with running("2026-11-23T18:00:10+01:00") as (_, triggers, posted):
        triggers.replace(rules(close=Cron.daily(18 * 60, timezone=ZONE)))
        assert posted == []


@pytest.mark.fault(22)
def test_a_wall_clock_that_is_set_ahead_is_noticed() -> None:
    with running("2026-11-23T17:00:00+01:00") as (clock, triggers, posted):
        triggers.replace(rules(close=Cron.daily(18 * 60, timezone=ZONE)))
        clock.offset = 3600.0
        clock.pass_until(clock.at + 31)
        assert [due.due for due in posted] == [moment("2026-11-23T18:00+01:00")]


@pytest.mark.fault(22)
def test_a_wall_clock_that_is_set_back_does_not_repeat_a_moment() -> None:
    with running("2026-11-23T17:59:00+01:00") as (clock, triggers, posted):
        triggers.replace(rules(close=Cron.daily(18 * 60, timezone=ZONE)))
        clock.pass_until(moment("2026-11-23T18:30+01:00"))
        clock.offset = -3600.0
        clock.pass_until(moment("2026-11-23T20:30+01:00"))
        assert len(posted) == 1


@pytest.mark.fault(25)
def test_a_clock_that_was_dead_at_boot_is_caught_up_at_once() -> None:
    with running("1970-01-01T00:00:00+00:00") as (clock, triggers, posted):
        triggers.replace(rules(often=parse_cron("* * * * *", "UTC")))
        clock.offset = moment("2026-11-23T18:00:30+00:00")
        clock.pass_until(31.0)
        assert [due.due for due in posted] == [moment("2026-11-23T18:01+00:00")]


def test_after_close_nothing_is_posted() -> None:
    with running("2026-11-23T17:00:00+01:00") as (clock, triggers, posted):
        triggers.replace(rules(close=Cron.daily(18 * 60, timezone=ZONE)))
    clock.pass_until(moment("2026-11-23T20:30+01:00"))
    assert posted == []


def test_what_comes_at_the_same_moment_comes_in_the_order_of_the_rules() -> None:
    names = [f"rule{number}" for number in range(12)]
    with running("2026-11-23T17:59:00+01:00") as (clock, triggers, posted):
        triggers.replace(rules(**dict.fromkeys(names, Cron.daily(18 * 60, timezone=ZONE))))
        clock.pass_until(moment("2026-11-23T18:00:01+01:00"))
        assert [due.rule for due in posted] == names
