"""All scenes, several at once, each on a floor of its own."""

import asyncio
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.e2e.asterisk.freepbx.building import Floor, Told, building
from tests.e2e.asterisk.freepbx.laboratory import Laboratory
from tests.e2e.asterisk.freepbx.scenes import SCENES


@dataclass
class Played:
    """How a scene went: what was told, what is right, what the manager said, and what went wrong in playing it."""

    told: list[Told] = field(default_factory=list)
    right: list[Told] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    fault: str = ""


async def play(lab: Laboratory, names: Iterable[str], *, at_once: bool = True) -> dict[str, Played]:
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
    return played


async def _one(floor: Floor, name: str) -> Played:
    one = Played()
    floor.begin()
    try:
        one.right = sorted(await SCENES[name](floor), key=repr)
    except (AssertionError, TimeoutError):
        one.fault = traceback.format_exc(limit=-3)
        await asyncio.to_thread(floor.end_all)
    await floor.quiet()
    one.told = floor.told()
    one.texts = floor.building.recorder.texts[floor.began :]
    return one
