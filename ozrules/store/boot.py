"""The daemon's clock over restarts: on the same boot of the host it goes on as it was.

Moments in the journal are on that clock. If every start took the wall clock anew, a wall clock that was set between
two starts would make waiting timers fire early, or never, and calls look as if they had begun again. After a reboot
of the host there is only the wall clock.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from ozrules.runtime.clock import SystemClock
from ozrules.store.kept import fresh_file
from ozrules.store.state_directory import unwritable

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class _Kept(msgspec.Struct, frozen=True):
    boot: str
    shift: float


def steady_clock(state: Path) -> SystemClock:
    """The clock for a daemon on this state directory. Raises StateUnusable where that cannot be written."""
    path = state / "clock.json"
    boot = BOOT_ID.read_text(encoding="ascii").strip()
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        kept = None
    if kept is not None and kept.boot == boot:
        return SystemClock(kept.shift)
    clock = SystemClock()
    fresh = path.with_suffix(".new")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(fresh_file(fresh), "wb") as file:
            file.write(msgspec.json.encode(_Kept(boot, clock.shift)))
        fresh.replace(path)
    except OSError as error:
        raise unwritable(state, error) from error
    return clock
