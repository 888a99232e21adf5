"""Questions of the dashboard that take computing: why of a call, and the week of a number. Answered in a child process.

Playing recorded calls again would hold up the daemon, so it is done beside it, at a lower priority and with limits, one
question at a time. The child reads the journal as any other reader does, and the rules that the journal says are in
force. The why is that of `ozrules why`: the same functions.
"""

import asyncio
import contextlib
import os
import resource
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

import ozrules
from ozrules.cli.told import MOST_CHANGES, Told, told
from ozrules.engine.identity import SessionKey
from ozrules.engine.tracker import OURS
from ozrules.replay.recording import Entry, NotARecording, read
from ozrules.replay.smallest import changes
from ozrules.replay.week import week
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.runtime.clock import stopwatch
from ozrules.settings.model import Settings
from ozrules.store.figures import Figures
from ozrules.web.source import Busy, NotFound

CHILD: Final = ["-m", "ozrules.cli.explaining"]
CPU_SECONDS: Final = 40
MEMORY: Final = 192 << 20
"""Bytes of data, so that daemon and child together stay below what the unit allows."""
WALL_SECONDS: Final = 50.0
MOST_WAITING: Final = 8
SEARCHED: Final = 5.0
"""Seconds after which no further smallest change is looked for."""
NICE: Final = 10


class AskCall(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One call, by its id and its start where that is known. ``now`` is wall clock."""

    state: str
    secrets: frozenset[str]
    connection: str
    session: str
    start: str
    now: float


class AskWeek(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The seven days from ``now`` on of calls between these numbers; either may be left open."""

    state: str
    secrets: frozenset[str]
    caller: str | None
    callee: str | None
    now: float


Question: TypeAlias = AskCall | AskWeek


class _Answer(msgspec.Struct):
    body: msgspec.Raw = msgspec.Raw(b"null")
    missing: str | None = None


class Explainer:
    """`ozrules.app.dashboard.Explains`: asks a child, one question after the other."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def call(self, settings: Settings, *, connection: str, session: str, start: str, now: float) -> bytes:
        """One call as a timeline, with every rule's why."""
        return await self._explain(
            AskCall(
                state=str(settings.state),
                secrets=frozenset(settings.secrets),
                connection=connection,
                session=session,
                start=start,
                now=now,
            )
        )

    async def week(self, settings: Settings, *, caller: str, callee: str, now: float) -> bytes:
        """What would become of a call between these numbers; an empty one is left open."""
        return await self._explain(
            AskWeek(
                state=str(settings.state),
                secrets=frozenset(settings.secrets),
                caller=caller or None,
                callee=callee or None,
                now=now,
            )
        )

    async def _explain(self, question: Question) -> bytes:
        if self._waiting >= MOST_WAITING:
            raise Busy("others are asking already; try again in a moment")
        self._waiting += 1
        try:
            async with self._turn:
                return await _ask(question)
        finally:
            self._waiting -= 1


async def _ask(question: Question) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            "PYTHONPATH": str(Path(ozrules.__file__).parent.parent),
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C.UTF-8",
        },
    )
    try:
        async with asyncio.timeout(WALL_SECONDS):
            said, _ = await child.communicate(msgspec.json.encode(question))
    except TimeoutError:
        raise Busy(f"the answer took longer than {WALL_SECONDS:.0f} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise Busy("the answer takes more computing than a page is worth; `ozrules why` has no such limit")
    answer = msgspec.json.decode(said, type=_Answer)
    if answer.missing is not None:
        raise NotFound(answer.missing)
    return bytes(answer.body)


# --- in the child ---------------------------------------------------------------------------------------------------


def answer(question: Question) -> bytes:
    """What the child writes: the JSON, or what is missing."""
    figures = Figures(Path(question.state))
    try:
        sources = [Source(name, data) for name, data in figures.rule_files().items()]
        rules = load(sources, question.secrets)
        match question:
            case AskWeek():
                found: object = week(rules, now=question.now, caller=question.caller, callee=question.callee)
            case AskCall():
                found = _call(figures, rules, question)
    except (NotFound, NotARecording) as missing:
        return msgspec.json.encode(_Answer(missing=str(missing)))
    finally:
        figures.close()
    return msgspec.json.encode(_Answer(body=msgspec.Raw(msgspec.json.encode(found))))


def _call(figures: Figures, rules: RuleSet, question: AskCall) -> dict[str, object]:
    found = told(
        figures,
        rules,
        connection=question.connection,
        session=question.session,
        start="" if question.start.startswith(OURS) else question.start,  # made up anew whenever it is played
        until=question.now,
    )
    if found is None:
        raise NotFound(f"no call {question.connection}/{question.session} is in the recording")
    call = found.call
    since, until = found.story.span_of(call)
    until = min(until, question.now + 1.0)
    lines = figures.recording(since=since, until=until)
    entries = [
        entry for entry in read(line.body for line in lines if line.intact) if entry.connection == call.connection
    ]
    legs = _legs(entries, call)
    names = sorted({leg["sessionId"] for leg in legs})
    return {
        "call": call,
        "now": question.now,
        "legs": legs,
        "gaps": [{"at": entry.at, "reason": entry.reason} for entry in entries if entry.event == "gap"],
        "records": [
            msgspec.Raw(line.body.encode())
            for name in names
            for line in figures.records(session=f"{call.connection}/{name}", since=since, until=until)
        ],
        "why": list(_explained(found, rules, question.now)),
        "rules": {rule.id: rule.description for rule in rules.rules},
    }


def _explained(found: Told, rules: RuleSet, now: float) -> Iterator[dict[str, object]]:
    """Every answer, and with the nearest misses the smallest change that would have made them fire."""
    began = stopwatch()
    for number, each in enumerate(found.answers):
        answered: dict[str, object] = {
            "rule": each.rule,
            "place": str(each.place),
            "reason": each.reason,
            "at": each.at,
            "failed": each.failed,
            "by": each.by,
            "seen": each.seen,
            "values": each.values,
            "ways": each.ways,
        }
        if each.reason != "fired" and number < MOST_CHANGES and stopwatch() - began < SEARCHED:
            change = changes(found.story, rules, found.call, each.rule, until=now)
            answered["change"] = {
                "call": None if change.call is None else [edit.text for edit in change.call],
                "rule": None if change.rule is None else [edit.text for edit in change.rule],
            }
        yield answered


def _legs(entries: Iterable[Entry], call: SessionKey) -> list[dict[str, Any]]:
    """The call and the sessions of the same master: each with its parties and its states."""
    seen = [(entry, session) for entry in entries for session in entry.sessions]
    mine = {
        session.master_session_id or session.session_id for _, session in seen if session.session_id == call.session_id
    }
    legs: dict[tuple[str, str], dict[str, Any]] = {}
    for entry, session in seen:
        if session.session_id != call.session_id and (session.master_session_id or session.session_id) not in mine:
            continue
        key = (session.session_id, session.start_time or "")
        if session.session_id == call.session_id and not call.start.startswith("@") and key[1] not in ("", call.start):
            continue
        leg = legs.setdefault(key, {"sessionId": session.session_id, "states": []})
        for name, value in (
            ("caller", session.caller),
            ("callee", session.callee),
            ("callerDisplayName", session.caller_display_name),
            ("direction", session.direction),
        ):
            if value is not None:
                leg[name] = value
        if not leg["states"] or leg["states"][-1]["state"] != session.session_state:
            leg["states"].append({"at": entry.at, "state": session.session_state})
    return list(legs.values())


def _in_child() -> None:
    with contextlib.suppress(OSError):  # the unit's sandbox forbids it, in both directions
        os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    sys.stdout.buffer.write(answer(question))


if __name__ == "__main__":
    _in_child()
