"""One run of headless Chromium: found, started quiet, and surely ended.

Nothing secret is on the command line or in the environment: the browser gets a fresh one that names a throw-away
profile. It runs in a process group of its own, so that its helpers end with it; and it ends with us, however we end,
because the kernel is told to kill it (and because its remote control closes).
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ozrules.connectors.webclient.devtools import DevTools

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_LAST_WORDS: Final = 400  # characters
_SCRIPT: Final = 16_384  # bytes of a script that are looked at

_FLAGS: Final = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-domain-reliability",
    "--disable-breakpad",  # a dump would hold the token
    "--disable-dev-shm-usage",  # /dev/shm is too small in many containers
    # a page that nobody looks at must keep its clock
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication,DialMediaRouteProvider",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--password-store=basic",
)

# Runs between fork and exec, in an interpreter of its own: puts the socket where Chromium expects it (3: to read, 4: to
# write) and asks the kernel to kill the browser when its parent dies (1 is PR_SET_PDEATHSIG, 9 is SIGKILL).
_LAUNCHER: Final = (
    "import ctypes, fcntl, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "end = fcntl.fcntl(int(sys.argv[1]), fcntl.F_DUPFD, 10)\n"
    "os.dup2(end, 3); os.dup2(end, 4)\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)


class NoBrowser(Exception):
    """No Chromium is installed, or the configured one is not there. The text says what to do."""


def find_browser(path: str | None = None) -> str:
    """The browser to start: ``path`` (a name or a path), else the first of `NAMES` that is installed and is no snap.

    Raises NoBrowser.
    """
    if path is not None:
        found = shutil.which(path)
        if found is None:
            raise NoBrowser(f"the browser {path!r} is not there or may not be started")
        return found
    snap = False
    for name in NAMES:
        found = shutil.which(name)
        if found is not None and not _is_snap(Path(found)):
            return found
        snap = snap or found is not None
    if snap:
        raise NoBrowser(
            "the only browser is a snap, which can neither use a profile outside its own folders nor run in a unit;"
            " install Google Chrome's .deb package, as docs/ozeki.md says for Ubuntu"
        )
    raise NoBrowser(
        f"no browser is installed (looked for {', '.join(NAMES)}); on Debian: apt install chromium, on Ubuntu: Google"
        " Chrome's .deb package, as its chromium is a snap"
    )


def _is_snap(program: Path) -> bool:
    """Whether this starts a browser in a snap: it lies among them, or is the script that Ubuntu has in its place."""
    if "snap" in program.parts or program.resolve().name == "snap":
        return True
    try:
        with program.open("rb") as file:
            return file.read(2) == b"#!" and b"/snap/bin/chromium" in file.read(_SCRIPT)
    except OSError:
        return False


class Browser:
    """A running browser: its remote control, and the last that it wrote to its standard error."""

    def __init__(self, devtools: DevTools) -> None:
        self.devtools = devtools
        self.last_words = ""

    async def listen(self, stderr: asyncio.StreamReader) -> None:
        """Until the browser ends."""
        while chunk := await stderr.read(4096):
            self.last_words = (self.last_words + chunk.decode("utf-8", "replace"))[-_LAST_WORDS:]


@contextlib.asynccontextmanager
async def browser(executable: str, hosts: Mapping[str, str]) -> AsyncIterator[Browser]:
    """A running browser that finds each name of ``hosts`` at the address and port given for it.

    At the end it and its profile are gone.
    """
    profile = Path(tempfile.mkdtemp(prefix="ozrules-webclient-"))
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _LAUNCHER, str(theirs.fileno())),
                *_command(executable, hosts, profile),
                pass_fds=[theirs.fileno()],
                env=_environment(profile),
                cwd=profile,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        assert process.stderr is not None
        running = Browser(await DevTools.over(ours))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(running.listen(process.stderr))
            try:
                yield running
            finally:
                running.devtools.close()
                await _end(process)
    finally:
        ours.close()
        shutil.rmtree(profile, ignore_errors=True)


def _command(executable: str, hosts: Mapping[str, str], profile: Path) -> Sequence[str]:
    rules = ", ".join(f"MAP {name} {address}" for name, address in hosts.items())
    # Chromium's sandbox refuses to run as root; anyone else keeps it
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return (executable, *_FLAGS, *root, f"--host-resolver-rules={rules}", f"--user-data-dir={profile}", "about:blank")


def _environment(profile: Path) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return inherited | {
        "HOME": str(profile),
        "TMPDIR": str(profile),
        "XDG_CONFIG_HOME": str(profile / "config"),
        "XDG_CACHE_HOME": str(profile / "cache"),
    }


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends the whole process group. A browser whose control socket has closed mostly ends by itself in no time."""
    try:
        async with asyncio.timeout(2):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
