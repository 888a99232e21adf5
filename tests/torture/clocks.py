"""Wall clocks that are set while the program runs: libfaketime, told by a file."""

import shutil
from pathlib import Path

import pytest

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)

needs_faketime = pytest.mark.skipif(
    LIBRARY is None or shutil.which("faketime") is None, reason="libfaketime is not installed (tests/system-packages)"
)


class WallClock:
    """The wall clock of the processes that get its ``environment``; the clocks that never jump stay as they are."""

    def __init__(self, folder: Path, begins: str) -> None:
        self._file = folder / "wall-clock"
        self.set(begins)

    def set(self, to: str) -> None:
        """``@2026-11-23 09:59:30`` is that moment at the start of a process, ``+1h`` is that far from the truth."""
        self._file.write_text(to + "\n")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
