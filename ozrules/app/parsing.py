"""Rule files are read in a child process, so that a file made to hurt hurts only the child.

The reader has limits of its own; this is the wall behind them. A child that eats too much, takes too long or crashes
in a C library ends, the rules are refused with a clear line, and the daemon goes on with those it has.
"""

import asyncio
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

import ozrules
from ozrules.rules.diagnostics import Diagnostic
from ozrules.rules.document import Source
from ozrules.rules.model import RuleSet

CPU_SECONDS: Final = 30
MEMORY: Final = 1 << 30
WALL_SECONDS: Final = 60.0
CHILD: Final = ["-m", "ozrules.app.parsing"]


class Good(msgspec.Struct, frozen=True, tag=True):
    """The rules, whole, and what is legal but worth a word."""

    rules: RuleSet
    warnings: tuple[Diagnostic, ...] = ()


class Bad(msgspec.Struct, frozen=True, tag=True):
    """Everything that is wrong with them; ``lines`` where it is not a finding at a place."""

    diagnostics: tuple[Diagnostic, ...] = ()
    lines: tuple[str, ...] = ()

    def problems(self) -> tuple[str, ...]:
        """One line for each error."""
        return self.lines + tuple(str(one) for one in self.diagnostics if one.severity == "error")


Parsed: TypeAlias = Good | Bad


class _Task(msgspec.Struct, frozen=True):
    sources: tuple[Source, ...]
    secrets: frozenset[str] | None


async def parse(sources: tuple[Source, ...], secrets: frozenset[str] | None) -> Parsed:
    """The rule set in ``sources``, or why there is none. ``secrets`` are the names that rules may use; None leaves that
    unchecked, of rules that were in force once.
    """
    package = str(Path(ozrules.__file__).parent.parent)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": package, "PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(WALL_SECONDS):
            answer, _ = await child.communicate(msgspec.msgpack.encode(_Task(sources, secrets)))
    except TimeoutError:
        return Bad(lines=(f"reading the rules took longer than {WALL_SECONDS:.0f} s",))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        return Bad(lines=(f"the rules were refused: reading them {_how(child.returncode)}",))
    parsed: Parsed = msgspec.msgpack.decode(answer, type=Parsed)
    return parsed


def _how(code: int) -> str:
    if code == -signal.SIGXCPU:
        return f"took more than {CPU_SECONDS} s of computing"
    return f"crashed ({signal.Signals(-code).name})" if code < 0 else f"failed (exit {code})"


def _in_child() -> None:
    from ozrules.proofs.checking import check
    from ozrules.runtime.clock import computing

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Task)
    parsed: Parsed
    try:
        rules, findings = check(task.sources, task.secrets, stopwatch=computing)
        parsed = Bad(findings) if rules is None else Good(rules, findings)
        answer = msgspec.msgpack.encode(parsed)
    except MemoryError:
        answer = msgspec.msgpack.encode(Bad(lines=(f"reading the rules took more than {MEMORY >> 20} MiB",)))
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    _in_child()
