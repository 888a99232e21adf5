"""Programs that strace disturbs at one of their system calls."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

WRITES: Final = "pwrite64,fdatasync,fsync,ftruncate,fallocate,unlink"

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed (tests/system-packages)"
)


class Run(NamedTuple):
    """How it went: the exit code, negative for a signal, what was said, and whether the disturbance was met at all."""

    code: int
    said: list[str]
    met: bool


def disturbed(
    module: str, *arguments: str, inject: str, at: int, calls: str = WRITES, paths: Sequence[Path] = ()
) -> Run:
    """Runs ``python -m MODULE`` with ``inject`` (``error=EIO``, ``signal=SIGKILL``) at the ``at``-th call of each kind.

    Counted for each thread; with ``paths`` only calls on these files count.
    """
    journal = [word for path in paths for word in ("-P", str(path))]
    run = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", "/dev/stderr", "-e", f"trace={calls}"),
            *("-e", f"inject={calls}:{inject}:when={at}", *journal),
            *(sys.executable, "-m", module, *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Run(run.returncode, run.stdout.split("\n")[:-1], "INJECTED" in run.stderr or "SIGKILL" in run.stderr)
