"""All scenes, several at once, each on a floor of its own, with the oracle beside."""

import asyncio
import re
import traceback
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.asterisk.freepbx.acted import ACTED
from tests.e2e.asterisk.freepbx.building import Floor, building
from tests.e2e.asterisk.freepbx.laboratory import Laboratory
from tests.e2e.asterisk.freepbx.more_scenes import MORE
from tests.e2e.asterisk.freepbx.scenes import SCENES
from tests.e2e.asterisk.freepbx.told import Told
from tests.e2e.asterisk.judged import GRACE, reports
from tests.oracle.history import History
from tests.oracle.laws import Breach, breaches
from tests.oracle.wire import events

_IDS: Final = re.compile(r"[^\s/\[\]',]+\.[0-9]+")
ALL: Final = SCENES | MORE | ACTED


@dataclass
class Played:
    """How a scene went: what was told, what is right, what the manager said, and what went wrong in playing it."""

    told: list[Told] = field(default_factory=list)
    right: list[Told] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)
    fault: str = ""


@dataclass
class Evening:
    """All that was played, and each law that was broken meanwhile."""

    played: dict[str, Played]
    broken: list[Breach]

    def broken_in(self, name: str) -> list[str]:
        """The laws that were broken by the sessions or the channels of this scene."""
        names = self.played[name].sessions | self.played[name].channels
        return [str(breach) for breach in self.broken if not names.isdisjoint(_IDS.findall(str(breach)))]

    def broken_nowhere(self) -> list[str]:
        """The laws that were broken by what belongs to no scene."""
        somewhere = {breach for name in self.played for breach in self.broken_in(name)}
        return [str(breach) for breach in self.broken if str(breach) not in somewhere]


async def play(lab: Laboratory, names: Iterable[str], *, at_once: bool = True) -> Evening:
    """Plays these scenes, on all floors at once or one after the other."""
    left = list(names)
    played: dict[str, Played] = {}

    async def on(floor: Floor) -> None:
        while left:
            name = left.pop(0)
            played[name] = await _one(floor, name)

    async with building(lab) as office:
        floors = list(office.floors.values()) if at_once else [office.floors["1"]]
        async with asyncio.TaskGroup() as group:
            for floor in floors:
                group.create_task(on(floor))
        told, until = reports(office.watching.items)
        history = History(events("".join(office.recorder.texts).encode()))
    return Evening(played, breaches(history, told, until=until, grace=GRACE))


async def _one(floor: Floor, name: str) -> Played:
    one = Played()
    floor.begin()
    try:
        one.right = sorted(await ALL[name](floor), key=str)
        await floor.quiet()
    except (AssertionError, TimeoutError, ValueError):  # of this scene alone: the others are played all the same
        one.fault = traceback.format_exc(limit=-3)
        await asyncio.to_thread(floor.end_all)
        with suppress(TimeoutError):
            await floor.quiet()
    one.told = floor.told()
    one.sessions = {seen.session.session_id for seen in floor.seen()}
    one.channels = {event["Uniqueid"] for event in floor.events() if "Uniqueid" in event}
    one.texts = floor.building.recorder.texts[floor.began :]
    return one
