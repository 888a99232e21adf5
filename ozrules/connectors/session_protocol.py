"""The session protocol: JSON-RPC 2.0 in WebSocket text frames, between the daemon and a gateway. A codec, no I/O.

`decode` is what the daemon reads, `decode_request` what a gateway reads, `encode` writes both directions. Whatever
arrives, the answer is a message or WireError, never another exception.

The frame that a busy phone system sends most, a session in the vendor's own spelling, is decoded in one pass straight
into a Session. Every other spelling takes the tolerant way through `session_from`; both ways give the same Session.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final, Literal, TypeVar, assert_never

import msgspec
from msgspec.structs import astuple, replace

from ozrules.connectors.session_messages import (
    CODES,
    MAX_FRAME,
    Call,
    ConnectionNews,
    ErrorResponse,
    FromDaemon,
    FromGateway,
    Hello,
    ListSessions,
    RequestId,
    Response,
    SessionNews,
    SnapshotPart,
    WireError,
)
from ozrules.engine.events import RefusalKind
from ozrules.session.durations import moment_from
from ozrules.session.methods import METHODS, Method
from ozrules.session.session import MAX_TEXT, NotASession, Session, session_from
from ozrules.session.state import state_from
from ozrules.session.unicode import read_json

_T = TypeVar("_T")

_KINDS: Final[dict[int, RefusalKind]] = {code: kind for kind, code in CODES.items()} | {
    -32600: "invalid",
    -32601: "denied",  # a gateway that does not know the method cannot do it, now or later
    -32602: "invalid",
}
_KIND_NAMES: Final[dict[str, RefusalKind]] = {str(kind): kind for kind in CODES}
_METHODS: Final[dict[str, Method]] = {f"session.{method}": method for method in METHODS}
_NEEDED: Final[dict[Method, tuple[str, ...]]] = {
    "forward": ("phoneNumber",),
    "blindTransfer": ("transferor", "phoneNumber"),
    "sendDtmf": ("key", "phoneNumber"),
}


class _Change(msgspec.Struct):
    session: Session
    at: float | str | None = None
    seq: int | None = None
    announced: bool = False


class _Created(msgspec.Struct, tag_field="method", tag="session.created"):
    jsonrpc: Literal["2.0"]
    params: _Change


class _StateChanged(msgspec.Struct, tag_field="method", tag="session.stateChanged"):
    jsonrpc: Literal["2.0"]
    params: _Change


class _Closed(msgspec.Struct, tag_field="method", tag="session.closed"):
    jsonrpc: Literal["2.0"]
    params: _Change


class _PartShape(msgspec.Struct):
    complete: bool = True
    part: int | None = None
    last: bool | None = None
    answers: RequestId | None = None


_SHAPE: Final = frozenset(_PartShape.__struct_fields__)


class _Arguments(msgspec.Struct, rename="camel"):
    session_id: str
    phone_number: str | None = None
    transferor: str | None = None
    key: str | None = None


_NEWS: Final = msgspec.json.Decoder(_StateChanged | _Created | _Closed)
_ANY: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()
_OWN_WORDS: Final = ("name", "version", "epoch")


# --- what a gateway says ----------------------------------------------------------------------------------------------


def decode(frame: str | bytes, zone: tzinfo = UTC) -> FromGateway:
    """The message in a frame that a gateway sent. A time of it without a zone is read in ``zone``.

    Raises WireError, and nothing else.
    """
    frame = _measured(frame)
    try:
        news = _NEWS.decode(frame)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _decode_tolerantly(frame, zone)
    change = news.params
    session, at = change.session, change.at
    # no property of a frame this short can be too long
    if len(frame) > MAX_TEXT or "" in astuple(session) or session.extra is not None:
        session = _session(msgspec.to_builtins(session))
    elif (state := state_from(session.session_state)) != session.session_state:
        session = replace(session, session_state=state)
    moment = moment_from(at, zone) if isinstance(at, str) else at
    match news:
        case _StateChanged():
            return SessionNews("stateChanged", session, moment, change.seq, change.announced)
        case _Created():
            return SessionNews("created", session, moment, change.seq, change.announced)
        case _Closed():
            return SessionNews("closed", session, moment, change.seq, change.announced)
        case _:
            assert_never(news)


def _measured(frame: str | bytes) -> bytes:
    if isinstance(frame, str):
        frame = frame.encode("utf-8", "surrogatepass")
    if len(frame) > MAX_FRAME:
        raise WireError("oversize", f"a frame of {len(frame)} bytes; {MAX_FRAME} are allowed")
    return frame


def _session(received: object) -> Session:
    try:
        return session_from(received)
    except NotASession as error:
        raise WireError("notASession", str(error)) from None


def _decode_tolerantly(frame: bytes, zone: tzinfo) -> FromGateway:
    match _object(frame):
        case {"method": str(method), **rest}:
            params = rest.get("params", {})
            if not isinstance(params, dict):
                raise WireError("wrongShape", "params is an object with named members")
            return _notification(method, params, zone)
        case {"id": int() | str() as id, "error": dict(error)} if not isinstance(id, bool):
            return _error(id, error)
        case {"id": int() | str() as id, "result": result} if not isinstance(id, bool):
            return Response(id, _part(result, zone) if isinstance(result, dict) and "sessions" in result else None)
        case _:
            raise WireError("notJsonRpc", "neither a notification nor a response")


def _object(frame: bytes) -> dict[str, Any]:
    try:
        message = read_json(_ANY, frame)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise WireError("notJson", str(error)) from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise WireError("notJsonRpc", 'a message is an object with "jsonrpc": "2.0"')
    return message


def _notification(method: str, params: dict[str, Any], zone: tzinfo) -> FromGateway:
    match method:
        case "session.created":
            return _news("created", params, zone)
        case "session.stateChanged":
            return _news("stateChanged", params, zone)
        case "session.closed":
            return _news("closed", params, zone)
        case "sessions.snapshot":
            return _part(params, zone)
        case "gateway.hello":
            return _hello(params)
        case "gateway.connection":
            return _converted(params, ConnectionNews)
        case _:
            raise WireError("unknownMethod", f"no such notification: {method[:64]!a}")


def _hello(params: dict[str, Any]) -> Hello:
    """A gateway's own words. A moment or a counter makes a good epoch, as a number too."""
    texts = {name: str(params[name]) for name in _OWN_WORDS if isinstance(params.get(name), int | float)}
    return _converted(params | texts, Hello)


def _news(kind: Literal["created", "stateChanged", "closed"], params: dict[str, Any], zone: tzinfo) -> SessionNews:
    return SessionNews(
        kind,
        _session(params.get("session")),
        _moment(params.get("at"), zone),
        _count(params.get("seq")),
        params.get("announced") is True,
    )


def _moment(given: object, zone: tzinfo) -> float | None:
    """What an odd gateway writes here is no reason to lose a change of a call, or a list."""
    match given:
        case str(text):
            return moment_from(text, zone)
        case bool():
            return None
        case int() | float() as number:
            return float(number)
        case _:
            return None


def _count(given: object) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _part(params: dict[str, Any], zone: tzinfo) -> SnapshotPart:
    received = params.get("sessions")
    if not isinstance(received, list):
        raise WireError("wrongShape", "sessions is a list")
    sessions: list[Session] = []
    for entry in received:
        try:
            sessions.append(session_from(entry))
        except NotASession:
            continue
    unreadable = len(received) - len(sessions)
    shape = _converted({name: value for name, value in params.items() if name in _SHAPE}, _PartShape)
    return SnapshotPart(
        sessions=tuple(sessions),
        complete=shape.complete and not unreadable,
        part=shape.part,
        last=shape.last if shape.last is not None else shape.part is None,
        unreadable=unreadable,
        seq=_count(params.get("seq")),
        at=_moment(params.get("at"), zone),
        answers=shape.answers,
    )


def _error(id: RequestId, error: dict[str, Any]) -> ErrorResponse:
    message = error.get("message")
    text = message[:MAX_TEXT] if isinstance(message, str) and message else "no reason given"
    match error:
        case {"data": {"kind": str(name)}} if name in _KIND_NAMES:
            return ErrorResponse(id, _KIND_NAMES[name], text)
        case {"code": int(code)}:
            return ErrorResponse(id, _KINDS.get(code), text)
        case _:
            return ErrorResponse(id, None, text)


def _converted(params: object, shape: type[_T]) -> _T:
    """Params in their shape; null is as good as absent."""
    if isinstance(params, dict):
        params = {name: value for name, value in params.items() if value is not None}
    try:
        return msgspec.convert(params, shape)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise WireError("wrongShape", str(error)) from None


# --- what the daemon asks ---------------------------------------------------------------------------------------------


def decode_request(frame: str | bytes) -> FromDaemon:
    """The request in a frame that the daemon sent. Raises WireError, with the request's id where it has one."""
    message = _object(_measured(frame))
    match message:
        case {"id": int() | str() as id, "method": str(method)} if not isinstance(id, bool):
            if method == "sessions.list":
                return ListSessions(id)
            if method not in _METHODS:
                raise WireError("unknownMethod", f"no such method: {method[:64]!a}", id)
            return _call(id, _METHODS[method], message.get("params", {}))
        case _:
            raise WireError("notJsonRpc", "a request has an id and a method")


def _call(id: RequestId, method: Method, params: object) -> Call:
    try:
        given = _converted(params, _Arguments)
    except WireError as error:
        raise WireError(error.kind, str(error), id) from None
    values = {"phoneNumber": given.phone_number, "transferor": given.transferor, "key": given.key}
    for name in _NEEDED.get(method, ()):
        if not values[name]:
            raise WireError("wrongShape", f"{method} needs {name}", id)
    return Call(
        id=id,
        method=method,
        session_id=given.session_id,
        phone_number=given.phone_number,
        transferor=given.transferor,
        key=given.key,
    )


# --- writing ----------------------------------------------------------------------------------------------------------


def encode(message: FromGateway | FromDaemon) -> bytes:
    """The frame of a message, of either direction."""
    match message:
        case Hello():
            return _notify("gateway.hello", message)
        case ConnectionNews():
            return _notify("gateway.connection", message)
        case SnapshotPart():
            return _notify("sessions.snapshot", _part_body(message))
        case SessionNews(kind=kind, session=session, at=at, seq=seq, announced=announced):
            params = {"session": _session_body(session), "at": at, "seq": seq, "announced": announced or None}
            return _notify(f"session.{kind}", {name: value for name, value in params.items() if value is not None})
        case Response(id=id, listed=listed):
            return _ENCODER.encode({"jsonrpc": "2.0", "id": id, "result": _part_body(listed) if listed else {}})
        case ErrorResponse(id=id, kind=kind, message=text):
            error: dict[str, object] = {"code": CODES[kind] if kind else -32603, "message": text}
            return _ENCODER.encode(
                {"jsonrpc": "2.0", "id": id, "error": error | ({"data": {"kind": kind}} if kind else {})}
            )
        case ListSessions(id=id):
            return _ENCODER.encode({"jsonrpc": "2.0", "id": id, "method": "sessions.list", "params": {}})
        case Call(id=id, method=method):
            arguments = _Arguments(
                session_id=message.session_id,
                phone_number=message.phone_number,
                transferor=message.transferor,
                key=message.key,
            )
            body = {name: value for name, value in msgspec.to_builtins(arguments).items() if value is not None}
            return _ENCODER.encode({"jsonrpc": "2.0", "id": id, "method": f"session.{method}", "params": body})
        case _:
            assert_never(message)


def snapshot_parts(
    sessions: Sequence[Session],
    complete: bool = True,
    *,
    seq: int | None = None,
    at: float | None = None,
    answers: RequestId | None = None,
) -> Iterator[SnapshotPart]:
    """All of ``sessions`` in parts that fit into frames; one part, the last, where they are few."""
    room = MAX_FRAME - 1024
    parts: list[list[Session]] = [[]]
    size = 0
    for session in sessions:
        length = len(_ENCODER.encode(_session_body(session))) + 1
        if size + length > room and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(session)
        size += length
    for number, part in enumerate(parts, start=1):
        yield SnapshotPart(
            sessions=tuple(part),
            complete=complete,
            part=number if len(parts) > 1 else None,
            last=number == len(parts),
            seq=seq,
            at=at,
            answers=answers if len(parts) > 1 else None,
        )


def _notify(method: str, params: object) -> bytes:
    return _ENCODER.encode({"jsonrpc": "2.0", "method": method, "params": params})


def _part_body(part: SnapshotPart) -> dict[str, object]:
    body: dict[str, object] = {
        "sessions": [_session_body(session) for session in part.sessions],
        "complete": part.complete,
    }
    if part.part is not None:
        body |= {"part": part.part, "last": part.last}
    told = {"seq": part.seq, "at": part.at, "answers": part.answers}
    return body | {name: value for name, value in told.items() if value is not None}


def _session_body(session: Session) -> Session | dict[str, object]:
    """What a session looks like on the wire: its extra keys stand among the others."""
    if session.extra is None:
        return session
    body: dict[str, object] = msgspec.to_builtins(session)
    del body["extra"]
    return dict(session.extra) | body
