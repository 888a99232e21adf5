"""Recordings as the engine's events, by the line: what a phone system reported, without what ozrules itself did.

A rule of today must meet the call as its caller and callee made it. So after a command of ours that was confirmed the
changes of its session are left out, and the sessions that a forward or a transfer began: nobody knows how the call
would have gone on without it. After a hold the parties still end the call themselves, so that is kept.
"""

import math
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from ozrules.engine.effects import DONE, OutcomeName
from ozrules.engine.events import (
    ConnectionOpened,
    Event,
    Gap,
    RoutingAsked,
    ScheduleSwitched,
    SessionSeen,
    SessionsListed,
)
from ozrules.engine.identity import SessionKey
from ozrules.engine.routing import ASKED
from ozrules.engine.state import CHAIN_LINK
from ozrules.engine.tracker import OURS
from ozrules.replay.drive import Answers
from ozrules.rules.model import Routing
from ozrules.session.session import MAX_TEXT, NotASession, Session, session_from
from ozrules.session.state import ENDED, is_known
from ozrules.session.unicode import read_json

_ENDING: Final = frozenset({"forward", "blindTransfer", "attendedTransfer", "close", "closeWithHangup", "hangup"})
_HOLDING: Final = frozenset({"hold", "unhold"})
_OUTCOMES: Final[dict[str, OutcomeName]] = {name: name for name in get_args(OutcomeName)}
_ROUTING: Final[dict[str, Routing]] = {name: name for name in get_args(Routing)}
Line: TypeAlias = str | bytes
_Call: TypeAlias = tuple[str, str, str]
"""The connection, the session's id and its start."""


class NotARecording(ValueError):
    """A line is no line of a recording. The text says which and why."""


class Entry(msgspec.Struct, frozen=True):
    """One line of a recording."""

    number: int
    at: float
    connection: str
    event: str
    sessions: tuple[Session, ...] = ()
    complete: bool = False
    reason: str = ""
    command: str = ""
    action: str = ""
    outcome: str = ""
    session_id: str = ""
    start: str = ""
    routing: Routing = "Calling"
    to: str = ""
    schedule: str = ""
    open: bool | None = None
    until: float | None = None

    @property
    def call(self) -> _Call:
        """The call that a line on one session is about."""
        return self.connection, self.session_id, self.start


class _Report(msgspec.Struct):
    """A line on one session as ozrules itself writes it: read in one go."""

    at: datetime
    connection: str
    event: Literal["created", "stateChanged", "closed"]
    session: Session


class _Head(msgspec.Struct):
    """What of a line is looked at before all lines are read."""

    at: datetime
    event: str = ""
    command_id: str = ""
    outcome: str = ""


_REPORT: Final = msgspec.json.Decoder(_Report)
_HEAD: Final = msgspec.json.Decoder(_Head)
_BODY: Final = msgspec.json.Decoder()


class Survey(msgspec.Struct, frozen=True):
    """What must be known of a recording before it can be read line by line.

    ``confirmed`` are our commands that did what they should; ``ordered`` is False where lines must be sorted by time.
    """

    confirmed: frozenset[str]
    ordered: bool


def survey(lines: Iterable[Line]) -> Survey:
    """A first look at all lines. Lines that are none are left to the reading, which says which and why."""
    confirmed = set()
    ordered, latest = True, None
    for line in lines:
        try:
            head = read_json(_HEAD, line)
            ordered = ordered and (latest is None or latest <= head.at)
        except (ValueError, TypeError):  # no JSON; or a time without a zone, which cannot be compared with others
            continue
        latest = head.at
        if head.event == "outcome" and head.outcome in DONE:
            confirmed.add(head.command_id)
    return Survey(frozenset(confirmed), ordered)


def read(lines: Iterable[Line]) -> tuple[Entry, ...]:
    """All lines, by time. Raises NotARecording at the first that is none."""
    return tuple(sorted(entries(lines), key=lambda entry: entry.at))


def entries(lines: Iterable[Line]) -> Iterator[Entry]:
    """The lines as they come. Raises NotARecording at the first that is none."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _report(number, line) or _entry(number, line)


class Story(msgspec.Struct, frozen=True):
    """What really happened, our own commands with it: what the engine was told, and what became of the commands."""

    events: tuple[Event, ...]
    answers: Answers

    def only(self, call: SessionKey) -> "Story":
        """The same without the calls that have nothing to do with this one."""

        def of(session: Session) -> str:
            return session.master_session_id or session.session_id

        reports = [each for each in self.events if isinstance(each, SessionSeen)]
        masters = {of(each.session) for each in reports if each.session.session_id == call.session_id}
        kept = (each for each in self.events if not isinstance(each, SessionSeen) or of(each.session) in masters)
        return msgspec.structs.replace(self, events=tuple(kept))

    def span_of(self, call: SessionKey) -> tuple[float, float]:
        """From when to when the call's decisions are: before its first report, and until another takes its id."""
        since = math.inf
        for each in self.events:
            if isinstance(each, SessionSeen | RoutingAsked) and each.connection == call.connection:
                session = each.session
                if session.session_id == call.session_id:
                    if session.start_time in (None, call.start):
                        since = min(since, each.at)
                    elif since < each.at:
                        return since - 1.0, each.at
        return (since if since < math.inf else 0.0) - 1.0, math.inf


def story(entries: Iterable[Entry]) -> Story:
    """All that a recording tells, to explain it."""
    entries = tuple(entries)
    last = {entry.command: entry for entry in entries if entry.event == "outcome"}
    answers: dict[tuple[str, str, str], tuple[OutcomeName, ...]] = {}
    for entry in last.values():
        outcome = _OUTCOMES.get(entry.outcome)
        if outcome is not None:
            name = (entry.connection, entry.session_id, entry.action)
            answers[name] = (*answers.get(name, ()), outcome)
    return Story(tuple(events(entries, with_ours=True)), answers)


def events(
    entries: Iterable[Entry], *, confirmed: Collection[str] | None = None, with_ours: bool = False
) -> Iterator[Event]:
    """What the engine is told: each connection is opened once, empty, before the first line about it.

    ``confirmed``: our commands that did what they should; without it all entries are looked at first. ``with_ours``:
    what our own commands changed too, to explain what really happened.
    """
    if confirmed is None:
        entries = tuple(entries)
        confirmed = {entry.command for entry in entries if entry.event == "outcome" and entry.outcome in DONE}
    ours = _Ours()
    merged: dict[str, bool] = {}
    for entry in entries:
        at, connection = entry.at, entry.connection
        if entry.event == "override":
            yield ScheduleSwitched(at=at, schedule=entry.schedule, open=entry.open, until=entry.until)
            continue
        if connection not in merged:
            yield ConnectionOpened(at=at, connection=connection)
            yield SessionsListed(at=at, connection=connection, sessions=())
            merged[connection] = True
        match entry.event:
            case "command" if entry.command in confirmed and not with_ours:
                ours.sent(entry)
            case "created" | "stateChanged" | "closed":
                if not merged[connection]:  # who reports single changes again has seen the list
                    yield SessionsListed(at=at, connection=connection, sessions=(), complete=False)
                    merged[connection] = True
                session = entry.sessions[0]
                if not ours.made(connection, session, at):
                    yield SessionSeen(at=at, connection=connection, kind=entry.event, session=session)
            case "routing":
                session = entry.sessions[0]
                if not ours.asked(entry):
                    yield RoutingAsked(
                        at=at,
                        connection=connection,
                        question=f"line {entry.number}",
                        kind=entry.routing,
                        session=session,
                    )
            case "snapshot":
                theirs = tuple(each for each in entry.sessions if not ours.made(connection, each, at))
                complete = entry.complete and len(theirs) == len(entry.sessions)
                yield SessionsListed(at=at, connection=connection, sessions=theirs, complete=complete)
                merged[connection] = True
            case "gap":
                yield Gap(at=at, connection=connection, why=entry.reason)
                merged[connection] = False
            case _:
                pass  # an outcome was looked at with its command


class _Ours:
    """What our own commands have changed."""

    def __init__(self) -> None:
        self._touched: dict[_Call, str] = {}
        self._masters: dict[_Call, str] = {}
        self._moved: set[tuple[str, str]] = set()
        self._asked: set[_Call] = set()
        self._routed: list[tuple[str, float]] = []

    def asked(self, question: Entry) -> bool:
        """The phone system asked where a call goes. Whether it asked on because of an answer of ours."""
        self._asked.add(question.call)
        return question.call in self._touched

    def sent(self, command: Entry) -> None:
        """A command that was carried out."""
        call = command.call
        if command.action in _ENDING or (command.action in _HOLDING and call not in self._touched):
            self._touched[call] = command.action
        if call in self._asked and command.action == "forward":
            self._routed.append((command.to, command.at))
        if command.action in ("forward", "blindTransfer") and call in self._masters:
            self._moved.add((command.connection, self._masters[call]))

    def made(self, connection: str, session: Session, at: float) -> bool:
        """Whether this change came of a command of ours."""
        call = (connection, session.session_id, session.start_time or "")
        master = session.master_session_id or session.session_id
        if call not in self._masters and ((connection, master) in self._moved or self._is_routed(session, at)):
            self._touched[call] = "forward"
        self._masters[call] = master
        action = self._touched.get(call)
        if session.session_state in ENDED:
            self._touched.pop(call, None)
            self._masters.pop(call, None)
            return action in _ENDING
        return action is not None

    def _is_routed(self, session: Session, at: float) -> bool:
        """Whether a call rings where we answered that it goes; whichever connection shows it."""
        self._routed = [each for each in self._routed if at - each[1] <= CHAIN_LINK]
        for each in self._routed:
            if each[0] == session.callee:
                self._routed.remove(each)
                return True
        return False


def _report(number: int, line: Line) -> Entry | None:
    """The entry, where the line is what is mostly there and needs no second look: short texts, none of them empty."""
    if len(line) > MAX_TEXT or (b'""' in line if isinstance(line, bytes) else '""' in line):
        return None
    try:
        report = _REPORT.decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return None
    session = report.session
    if session.extra is not None or not is_known(session.session_state) or report.at.tzinfo is None:
        return None
    return Entry(
        number,
        report.at.timestamp(),
        report.connection,
        report.event,
        sessions=(session,),
        session_id=session.session_id,
        start=session.start_time or "",
    )


def _entry(number: int, line: Line) -> Entry:
    try:
        body = read_json(_BODY, line)
        if not isinstance(body, dict):
            raise NotARecording("it is no object")
        kind = _text(body, "event")
        at = datetime.fromisoformat(_text(body, "at"))
        if at.tzinfo is None:
            raise NotARecording("`at` has no zone")
        entry = Entry(number, at.timestamp(), _text(body, "connection"), kind)
        match kind:
            case "created" | "stateChanged" | "closed":
                session = session_from(body.get("session"))
                return msgspec.structs.replace(
                    entry, sessions=(session,), session_id=session.session_id, start=session.start_time or ""
                )
            case "routing":
                session = session_from(body.get("session"))
                asked = _ROUTING.get(_text(body, "routing"))
                if asked is None:
                    raise NotARecording(f"there is no routing event {body['routing']!r}")
                return msgspec.structs.replace(entry, sessions=(session,), session_id=session.session_id, routing=asked)
            case "snapshot":
                listed = body.get("sessions")
                if not isinstance(listed, list):
                    raise NotARecording("`sessions` is no list")
                sessions = tuple(session_from(each) for each in listed)
                return msgspec.structs.replace(entry, sessions=sessions, complete=body.get("complete") is True)
            case "gap":
                return msgspec.structs.replace(entry, reason=str(body.get("reason") or ""))
            case "override":
                return _override(entry, body)
            case "command" | "outcome":
                named = body.get("session")
                if not isinstance(named, dict):
                    raise NotARecording("`session` is no object")
                start = named.get("startTime")
                return msgspec.structs.replace(
                    entry,
                    command=_text(body, "command_id"),
                    action=_text(body, "action"),
                    outcome=_text(body, "outcome") if kind == "outcome" else "",
                    to=_to(body.get("args")),
                    session_id=_text(named, "sessionId"),
                    start=start if isinstance(start, str) and not start.startswith((OURS, ASKED)) else "",
                )
            case _:
                raise NotARecording(f"there is no event {kind!r}")
    except (NotASession, NotARecording, ValueError, OverflowError) as error:
        raise NotARecording(f"line {number} is no line of a recording: {error}") from error


def _override(entry: Entry, body: dict[str, object]) -> Entry:
    to = _text(body, "to")
    if to not in ("open", "closed", "off"):
        raise NotARecording("`to` is none of open, closed, off")
    until = body.get("until")
    return msgspec.structs.replace(
        entry,
        schedule=_text(body, "schedule"),
        open=None if to == "off" else to == "open",
        until=datetime.fromisoformat(until).timestamp() if isinstance(until, str) else None,
    )


def _to(arguments: object) -> str:
    to = arguments.get("to") if isinstance(arguments, dict) else None
    return to if isinstance(to, str) else ""


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise NotARecording(f"`{name}` is no text")
    return value
