"""Schedules that are switched by hand stay so over a restart, and are given back when their time is over."""

import asyncio
from pathlib import Path

import pytest

from ozrules.app.overrides import Override, Overrides
from ozrules.runtime.inbox import Who
from ozrules.store.kept import NotKept
from tests.fakes.clock import StandingClock

CLOSED = Override(open=False, until=None, by="anna", at=5.0)


def test_they_are_there_again_after_a_restart(tmp_path: Path) -> None:
    one = Overrides(tmp_path)
    one.put("officeHours", CLOSED)
    one.put("night", CLOSED)
    one.put("night", None)
    assert Overrides(tmp_path).switched == {"officeHours": CLOSED}


def test_at_first_none_is_switched(tmp_path: Path) -> None:
    assert Overrides(tmp_path).switched == {}


async def test_each_is_lifted_when_its_time_is_over_and_not_before(tmp_path: Path) -> None:
    clock = StandingClock(1_000.0, offset=500.0)
    overrides = Overrides(tmp_path)
    overrides.put("over", Override(open=True, until=1_400.0, by="anna", at=0.0))
    overrides.put("never", CLOSED)
    lifted: list[tuple[float, str, str]] = []

    async def lift(schedule: str, who: Who) -> None:
        lifted.append((clock.now(), schedule, who.by))
        overrides.put(schedule, None)

    running = asyncio.ensure_future(overrides.run(clock, lift))
    await clock.advance(5.0)
    overrides.put("later", Override(open=True, until=1_600.0, by="anna", at=0.0))
    await clock.advance(94.0)
    assert [name for _, name, _ in lifted] == ["over"]
    await clock.advance(2.0)
    running.cancel()
    assert lifted == [(1_000.0, "over", "its time is over"), (1_100.0, "later", "its time is over")]
    assert list(overrides.switched) == ["never"]


async def test_where_the_end_of_a_switch_finds_no_room_it_is_tried_again(tmp_path: Path) -> None:
    clock = StandingClock(1_000.0)
    overrides = Overrides(tmp_path)
    overrides.put("over", Override(open=True, until=900.0, by="anna", at=0.0))
    (tmp_path / "overrides.new").mkdir()
    tried: list[float] = []

    async def lift(schedule: str, who: Who) -> None:
        tried.append(clock.now())
        overrides.put(schedule, None)

    running = asyncio.ensure_future(overrides.run(clock, lift))
    await clock.advance(59.0)
    assert tried == [1_000.0, 1_030.0]
    assert list(overrides.switched) == ["over"]
    (tmp_path / "overrides.new").rmdir()
    await clock.advance(60.0)
    assert tried == [1_000.0, 1_030.0, 1_060.0]
    assert not running.done()
    running.cancel()
    assert Overrides(tmp_path).switched == {}


async def test_what_cannot_be_kept_does_not_hold(tmp_path: Path) -> None:
    overrides = Overrides(tmp_path)
    (tmp_path / "overrides.new").mkdir()
    with pytest.raises(NotKept, match=r"overrides\.json: "):
        overrides.put("night", CLOSED)
    assert overrides.switched == {}
