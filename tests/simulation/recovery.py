"""A start from the journal, looked at for itself: done again it comes to the same, wherever the first was cut off.

A crash in the middle of a start leaves the journal as it was, or with what the start has written down of each session.
From both, the next start must come to what the first would have come to.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ozrules.engine.engine import Engine
from ozrules.engine.memory import remember
from ozrules.runtime.ports import Saved

_json: Final = msgspec.json.Encoder(order="deterministic").encode


def not_the_same(start: Callable[[Saved], Engine], saved: Saved) -> list[str]:
    """What differs where a start is done again; nothing where all is well."""
    first, found = start(saved), []
    if _all(start(saved)) != _all(first):
        found.append("two starts from one journal come to different ends")
    live = first._world.live
    kept = {key: memory for key, each in live.items() if (memory := remember(each)) is not None}
    lost = [key.session_id for key, _ in saved.memories if key not in kept and key in live]
    if lost:
        found.append(f"a start forgets {lost}")
    again = start(msgspec.structs.replace(saved, memories=tuple(sorted(kept.items()))))
    changed = [key.session_id for key, memory in kept.items() if remember(again._world.live[key]) != memory]
    if changed:
        found.append(f"a start from what a start has left comes to something else of {changed}")
    return found


def _all(engine: Engine) -> tuple[list[object], bytes]:
    world = engine._world
    return [(key, remember(live), live.wake) for key, live in world.live.items()], _json(world.out)
