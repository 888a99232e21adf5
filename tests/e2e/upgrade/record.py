"""Records state directories with the ozrules of this checkout: ``python -m tests.e2e.upgrade.record FOLDER``.

Run once for each release whose state must be readable later; tests/data/upgrade/README.md says what is in them.
"""

import asyncio
import json
import lzma
import shutil
import signal
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ozrules.session.state import CANCELLED, IN_CALL
from tests.e2e.stage import configure, daemon, ozrules
from tests.e2e.upgrade.office import RULES, SETTINGS, Office, call
from tests.fakes.gateway import gateway
from tests.torture.clocks import WallClock
from tests.torture.office import simulator
from tests.torture.test_kills import RULES as BUSY_RULES

ANOTHER_BOOT: Final = "00000000-0000-0000-0000-000000000000"
"""No host's: whoever opens the directory has booted since."""
YEAR_AGO: Final = "@2025-12-01 09:00:00"
TODAY: Final = "@2026-11-23 10:00:00"
BUSY: Final = 15.0
"""Seconds of load."""


async def _small(folder: Path) -> None:
    """A year-old day, a reboot, and a present day that ends with kill -9 in the middle of everything."""
    office = Office()
    async with gateway(office.play) as port:
        configure(folder, f"ws://127.0.0.1:{port}/", RULES, **SETTINGS)
        async with daemon(folder, **WallClock(folder, YEAR_AGO).environment) as old:
            await old.ready()
            for number in range(20):
                await office.begin(call(f"old{number}", "2008", caller=f"+3620000{number:04}"))
                await old.saw("decision", number + 1, rule="seldom", reason="fired")
                await office.change(f"old{number}", CANCELLED)
                del office.calls[f"old{number}"]
            assert await old.stop() == 0
        _reboot(folder)
        async with daemon(folder, **WallClock(folder, TODAY).environment) as one:
            await one.ready()
            assert (await ozrules(folder, "pause", "stopped"))[0] == 0
            assert (await ozrules(folder, "override", "desk", "open"))[0] == 0
            for number in range(2):
                await office.begin(call(f"first{number}", "2008"))
                await one.saw("decision", number + 1, rule="by-hand", reason="fired")
            for callee in ("2001", "2002", "2003", "2004", "2005", "2006", "2009"):
                await office.begin(call(f"s{callee}", callee))
            for callee in ("2005", "2006"):
                await office.change(f"s{callee}", IN_CALL)
            await one.saw("outcome", rule="holds")
            await one.saw("decision", rule="chooses")
            await one.saw("decision", rule="told")
            await office.begin(call("s2007", "2007"))
            await office.heard(2)  # the hold, and the forward that nobody answers
            assert await one.stop(signal.SIGKILL) == -signal.SIGKILL
    await _accounts(folder, "rules.yaml", since="2025-11-01")


async def _busy(folder: Path, how: signal.Signals) -> None:
    async with simulator(folder, rate=6.0, seed=7, speed=20.0, habits=("letRing", "answer")) as office:
        configure(folder, office.url, BUSY_RULES % "http://127.0.0.1:9/", webhooks={"allow": ["http://127.0.0.1:9/"]})
        async with daemon(folder) as one:
            await one.ready()
            await asyncio.sleep(BUSY)
            await one.stop(how)
        await office.stop()
    await _accounts(folder, "rules.yaml", since="2025-11-01")


async def _accounts(folder: Path, rules: str, since: str) -> None:
    """What this ozrules says about its own state, to be compared with what later ones say."""
    code, exported = await ozrules(folder, "export", "--since", since)
    assert code == 0, exported
    (folder / "export.jsonl").write_text(exported)
    code, replayed = await ozrules(
        folder, "replay", str(folder / "export.jsonl"), "--rules", str(folder / rules), "--format", "json"
    )
    assert code == 0, replayed
    (folder / "replay.jsonl").write_text(replayed)
    code, decisions = await ozrules(folder, "decisions", "--since", since, "--format", "json")
    assert code == 0, decisions
    (folder / "decisions.jsonl").write_text(decisions)


def _reboot(folder: Path) -> None:
    """The clock that goes on over restarts does not go on over this."""
    path = folder / "state" / "clock.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"boot": ANOTHER_BOOT}))


def _pack(folder: Path, to: Path) -> None:
    """The folder without what any daemon makes anew; sockets, and zeros kept for a full disk."""
    _reboot(folder)
    for name in ("reserve", "lock", "control.sock"):
        (folder / "state" / name).unlink(missing_ok=True)
    with lzma.open(to, "wb", preset=9) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != "ozrules.yaml":
                archive.add(path, str(path.relative_to(folder)))


async def record(to: Path) -> None:
    """All of them."""
    if shutil.which("faketime") is None:
        raise SystemExit("libfaketime is not installed")
    for name in ("small", "busy", "killed"):
        with TemporaryDirectory() as made:
            folder = Path(made)
            match name:
                case "small":
                    await _small(folder)
                case "busy":
                    await _busy(folder, signal.SIGTERM)
                case _:
                    await _busy(folder, signal.SIGKILL)
            _pack(folder, to / f"{name}.tar.xz")


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
