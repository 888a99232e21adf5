"""A real systemd as PID 1, in a container over this machine's own files, and a phone system on its network.

The files are a throw-away overlay: what the container writes is gone with it. It has a network of its own with
nothing but loopback, so that addresses may be tried that nobody owns. The traps that shape this file:

* nspawn forks a child that is not PID 1 and soon ends; PID 1 inside is the child whose last NSpid is 1.
* Killing nspawn would orphan PID 1, so it is PID 1 that is ended, and each boot has a cgroup of its own.
* Without ``--system-call-filter=bpf`` the firewall of IPAddressDeny= would be silently without effect.
* Of the host's services none may start: the boot ends at a target of its own.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from tests.e2e.stage import TOKEN

PATIENCE: Final = 60.0
LOOK_EVERY: Final = 0.05
PORT: Final = 8791
"""Of the phone system; the container's network has nobody else on it."""
ROOT: Final = Path(__file__).parent.parent.parent
_TARGET: Final = "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n"
_NSPAWN: Final = (
    "systemd-nspawn",
    "--quiet",
    "--boot",
    "--register=no",
    "--keep-unit",
    "--private-network",
    "--console=pipe",
    "--system-call-filter=bpf",
)


def until(condition: Callable[[], bool], what: str) -> None:
    """Waits for it to become true; that it does is asserted."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"{what}: not within {PATIENCE:g} s"
        time.sleep(LOOK_EVERY)


class Container:
    """A machine that has booted."""

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self.leader = leader

    def run(self, *command: str, check: bool = True, **settings: Any) -> subprocess.CompletedProcess[str]:
        """A command inside, as root."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--", *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
            **settings,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", unit, "-p", name, "--value").stdout.strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file inside."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def journal(self, unit: str, *matches: str) -> list[dict[str, Any]]:
        """What a unit has said to the journal, entry by entry."""
        self.run("journalctl", "--sync")
        said = self.run("journalctl", "-u", unit, "-o", "json", "--all", "--no-pager", *matches, check=False)
        return [json.loads(line) for line in said.stdout.splitlines()]


@contextmanager
def booted(work: Path) -> Iterator[Container]:
    """Boots it under ``work``, an empty folder, and ends it."""
    name = f"ozrules-{os.getpid()}"
    _mount("-t", "tmpfs", "-o", "size=1g,mode=755", "ozrules", work)
    try:
        for folder in ("upper", "work", "root"):
            (work / folder).mkdir()
        root = work / "root"
        layers = f"lowerdir=/,upperdir={work / 'upper'},workdir={work / 'work'}"
        _mount("-t", "overlay", "-o", layers, "ozrules", root)
        try:
            _furnish(root)
            with _machine(name, root) as leader:
                yield Container(root, leader)
        finally:
            subprocess.run(["umount", "--lazy", root], check=True)
    finally:
        subprocess.run(["umount", "--lazy", work], check=True)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _furnish(root: Path) -> None:
    units = root / "etc/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    (units / "test.target").write_text(_TARGET)
    for wanted in ("timers", "sockets", "sysinit", "getty"):
        shutil.rmtree(units / f"{wanted}.target.wants", ignore_errors=True)
    (root / "etc/machine-id").write_text("")  # a machine of its own
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)  # which forbids packages to start services
    shutil.rmtree(root / "var/log/journal", ignore_errors=True)
    volatile = root / "etc/systemd/journald.conf.d/test.conf"
    volatile.parent.mkdir(parents=True, exist_ok=True)
    volatile.write_text("[Journal]\nStorage=volatile\n")


@contextmanager
def _machine(name: str, root: Path) -> Iterator[int]:
    groups = [
        group / name for group in map(Path, ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")) if group.is_dir()
    ]

    def into_a_group_of_its_own() -> None:
        for group in groups:
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text("0")

    console = (root.parent / "console").open("w+")
    nspawn = subprocess.Popen(
        [*_NSPAWN, f"--machine={name}", "-D", root, "systemd.unit=test.target"],
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=subprocess.STDOUT,
        preexec_fn=into_a_group_of_its_own,
    )
    leader: int | None = None
    try:
        leader = _leader(nspawn, console)
        container = Container(root, leader)
        until(lambda: _is_running(container), "systemd is running")
        yield leader
        container.run("systemctl", "poweroff", check=False)
        nspawn.wait(PATIENCE)
    finally:
        if nspawn.poll() is None and leader is not None:
            with suppress(ProcessLookupError):
                os.kill(leader, 9)
        nspawn.wait(PATIENCE)
        console.close()
        for group in groups:
            _remove(group)


def _leader(nspawn: subprocess.Popen[bytes], console: IO[str]) -> int:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up and nspawn.poll() is None:
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text().split()
        for child in children:
            with suppress(FileNotFoundError, ProcessLookupError):
                status = dict(
                    line.split(":\t", 1)
                    for line in Path(f"/proc/{child}/status").read_text().splitlines()
                    if ":\t" in line
                )
                if status["Name"] == "systemd" and status["NSpid"].split()[-1] == "1":
                    return int(child)
        time.sleep(LOOK_EVERY)
    console.seek(0)
    raise AssertionError(f"nothing booted:\n{console.read()}")


def _is_running(container: Container) -> bool:
    return container.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")


def _remove(group: Path) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):  # a group that is still being emptied goes with the machine
            Path(folder).rmdir()


class Standin:
    """A phone system on the container's network: a module of this folder, in a process of its own."""

    def __init__(self, container: Container, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            ["nsenter", "-t", str(container.leader), "-n", "--", sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TOKEN": TOKEN},
        )
        self.port = int(self._answer()["port"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the phone system has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, **question: object) -> dict[str, Any]:
        """One question, one answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def call(self, caller: str, callee: str) -> None:
        """A call that rings until something ends it."""
        self.ask(call={"caller": caller, "callee": callee})

    def commands(self) -> list[tuple[str, str | None]]:
        """What it was told to do, in order."""
        return [(method, number) for method, number in self.ask(ledger=True)["ledger"]]

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)


class Phones(Standin):
    """The simulated phone system, behind the session protocol."""

    def __init__(self, container: Container) -> None:
        super().__init__(container, "tests.systemd.phones", str(PORT))
