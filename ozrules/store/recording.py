"""The lines of a recording, one for each thing that happened: what `ozrules export` prints and `ozrules replay` reads.

Our own commands and their outcomes are among them, so that a replay does not take their effects for the callers' acts.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast

import msgspec

from ozrules.engine.effects import Chosen, Command, Observed, Outcome
from ozrules.runtime.ports import Record
from ozrules.session.session import Session

_OF_THE_SESSION = frozenset({"created", "closed", "snapshot"})


def rfc3339(at: float) -> str:
    """Wall clock seconds as a recording writes them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def session_object(session: Session) -> dict[str, object]:
    """The session with the vendor's property names; what else the phone system sent stands beside them."""
    body: dict[str, object] = msgspec.to_builtins(session)
    extra = body.pop("extra", None)
    return {**extra, **body} if isinstance(extra, dict) else body


def observed(effect: Observed, at: float) -> dict[str, object]:
    """A session as it was seen. One that came out of a list of sessions says nothing of the others."""
    kind = effect.event.kind
    session = session_object(effect.session)
    line: dict[str, object] = {"at": rfc3339(at), "connection": effect.key.connection}
    if effect.event.routing is not None:  # all questions about one call bear one id
        told = session_object(msgspec.structs.replace(effect.session, session_id=effect.key.session_id))
        return {**line, "event": "routing", "routing": effect.event.routing, "session": told}
    if kind == "snapshot":
        return {**line, "event": kind, "sessions": [session], "complete": False}
    return {**line, "event": kind if kind in _OF_THE_SESSION else "stateChanged", "session": session}


def gap(record: Record) -> dict[str, object]:
    """A time in which changes may have been missed."""
    line: dict[str, object] = {"at": rfc3339(record.time), "connection": record.connection, "event": "gap"}
    return {**line, "reason": record.body.get("reason")}


def override(record: Record) -> dict[str, object]:
    """An admin switched a schedule by hand; of no connection, for it holds for all."""
    line: dict[str, object] = {"at": rfc3339(record.time), "connection": "", "event": "override"}
    return line | cast("dict[str, object]", record.body["args"])


def command(one: Command, at: float, counted: Mapping[str, object] = MappingProxyType({})) -> dict[str, object]:
    """A command that was about to be sent, with what counted for it: ``values`` read and ways ``chosen`` just before.

    Names are left out of the values: nothing beside them here would say whose they are, were they to be forgotten.
    """
    arguments = msgspec.to_builtins({"to": one.to, "party": one.party, "key": one.key})
    return {
        "at": rfc3339(at),
        "connection": one.session.connection,
        "event": "command",
        "session": _named(one.session.session_id, one.session.start),
        "command_id": one.id,
        "action": one.action,
        "args": {**one.arguments, **{name: value for name, value in arguments.items() if value is not None}},
        "rule": one.rule,
        **counted,
    }


def counted(values: Mapping[str, str | None], ways: Sequence[Chosen]) -> dict[str, object]:
    """What a command line says of why, where there is anything to say."""
    read = {path: value for path, value in values.items() if not path.endswith("DisplayName")}
    chosen = [{"at": str(way.place), "branch": way.branch} for way in ways]
    return ({"values": read} if read else {}) | ({"chosen": chosen} if chosen else {})


def outcome(one: Outcome, at: float) -> dict[str, object]:
    """What became of a command."""
    return {
        "at": rfc3339(at),
        "connection": one.session.connection,
        "event": "outcome",
        "session": _named(one.session.session_id, one.session.start),
        "command_id": one.command,
        "action": one.action,
        "outcome": one.outcome,
    }


def _named(session_id: str, start: str) -> dict[str, object]:
    return {"sessionId": session_id, "startTime": start} if start else {"sessionId": session_id}
