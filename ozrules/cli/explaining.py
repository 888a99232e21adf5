"""Questions of the dashboard that take computing: why of a call, and the week of a number. Answered in a child process.

Playing recorded calls again would hold up the daemon, so it is done beside it, at a lower priority and with limits, one
question at a time. The child reads the journal as any other reader does, and the rules that the journal says are in
force. The why is that of `ozrules why`: the same function.
"""

import asyncio
import os
import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

import ozrules
from ozrules.engine.identity import SessionKey
from ozrules.replay.recording import Entry, events, read
from ozrules.replay.week import week
from ozrules.replay.why import calls_of, why
from ozrules.rules.condition import leaves
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import History, RuleSet
from ozrules.settings.model import Settings
from ozrules.store.figures import Figures
from ozrules.web.source import Busy, NotFound

CHILD: Final = ["-m", "ozrules.cli.explaining"]
CPU_SECONDS: Final = 40
MEMORY: Final = 1 << 30
WALL_SECONDS: Final = 50.0
MOST_WAITING: Final = 8
BEFORE: Final = 3600.0
"""Seconds of the recording before a call that are played too, at the least."""
AFTER: Final = 3600.0
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
    except NotFound as missing:
        return msgspec.json.encode(_Answer(missing=str(missing)))
    finally:
        figures.close()
    return msgspec.json.encode(_Answer(body=msgspec.Raw(msgspec.json.encode(found))))


def _call(figures: Figures, rules: RuleSet, question: AskCall) -> dict[str, object]:
    first, last = _when(figures, question)
    windows = (leaf.within for rule in rules.rules for leaf in leaves(rule.condition) if isinstance(leaf, History))
    since = first - max([BEFORE, *windows])
    entries = read(_lines(figures, since, last + AFTER))
    told = tuple(events(entries, with_ours=True))
    calls = calls_of(told, rules, question.session, question.connection)
    call = next((key for key in reversed(calls) if question.start in ("", key.start)), calls[-1] if calls else None)
    if call is None:
        raise NotFound(f"no call {question.connection}/{question.session} is in the recording")
    mine = [entry for entry in entries if entry.connection == call.connection]
    legs = _legs(mine, call)
    begins = min((state["at"] for leg in legs for state in leg["states"]), default=first)
    names = {leg["sessionId"] for leg in legs}
    records = [
        msgspec.Raw(line.body.encode())
        for name in sorted(names)
        for line in figures.records(session=f"{call.connection}/{name}", since=begins - 1.0, until=last + AFTER)
    ]
    return {
        "call": call,
        "now": question.now,
        "legs": legs,
        "gaps": [
            {"at": entry.at, "reason": entry.reason} for entry in mine if entry.event == "gap" and entry.at >= begins
        ],
        "records": records,
        "why": why(told, rules, call, until=question.now),
        "rules": {rule.id: rule.description for rule in rules.rules},
    }


def _when(figures: Figures, question: AskCall) -> tuple[float, float]:
    """The first and the last moment, wall clock, at which the call may be in the recording."""
    moments = figures.mentions(question.connection, question.session)
    if not moments:
        raise NotFound(f"no call {question.connection}/{question.session} is in the recording")
    try:
        began = datetime.fromisoformat(question.start).timestamp()
    except ValueError:
        began = moments[-1] - AFTER
    near = [moment for moment in moments if moment >= began - BEFORE] or moments
    return near[0], near[-1]


def _lines(figures: Figures, since: float, until: float) -> Iterator[str]:
    for line in figures.recording(since=since, until=until):
        if line.intact:
            yield line.body


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
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    sys.stdout.buffer.write(answer(question))


if __name__ == "__main__":
    _in_child()
