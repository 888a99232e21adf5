"""What all scenes need: how they are listed, how two are seen to talk, and how what is right is written down."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tests.e2e.asterisk.freepbx.building import Floor
from tests.e2e.asterisk.freepbx.told import Told
from tests.e2e.asterisk.phone import PhoneCall

Scene: TypeAlias = Callable[[Floor], Awaitable[list[Told]]]
"""Plays on one floor, and gives back the sessions that must have been told."""


def listed_in(scenes: dict[str, Scene]) -> Callable[[Scene], Scene]:
    """Puts what it decorates on this list."""

    def put(scene: Scene) -> Scene:
        scenes[getattr(scene, "__name__")] = scene  # noqa: B009 - a Callable has no name for the type checker
        return scene

    return put


async def talk(calling: PhoneCall, called: PhoneCall) -> None:
    """Both are connected and hear each other."""
    await calling.until("answered")
    assert await calling.hears(called.sound.tone, calling.sound.tone)
    assert await called.hears(calling.sound.tone, called.sound.tone)


async def asks_by_code(here: Floor, asking: PhoneCall, desk: str, other: str) -> None:
    """Who talks at this desk presses the code for an attended transfer, and dials the other."""
    await asking.press("*2")
    await here.building.recorder.until(here.began, "Hold", lambda one: here.number(desk) in one["Channel"])
    await asking.press(here.number(other))


def internal(here: Floor, caller: str, callee: str, states: str) -> Told:
    """A session between two phones of the floor."""
    return Told(here.number(caller), here.number(callee), "internal", states)


def inbound(here: Floor, callee: str, states: str) -> Told:
    """A session of the caller from outside with a phone of the floor."""
    return Told(here.caller, here.number(callee), "inbound", states)


def to_the_pbx(here: Floor, caller: str, dialled: str, states: str) -> Told:
    """A session of a caller whom no phone rang for."""
    return Told(here.number(caller), dialled, None, states)


def set_by_code(here: Floor, desk: str, code: str) -> Told:
    """The session of a code that was dialled, confirmed and over."""
    return to_the_pbx(here, desk, code, "Completed")
