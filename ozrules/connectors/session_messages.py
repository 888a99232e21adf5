"""What the daemon and a gateway say to each other, as data. `session_protocol` reads and writes it."""

from typing import Final, Literal, TypeAlias

import msgspec

from ozrules.engine.events import RefusalKind
from ozrules.session.methods import Method
from ozrules.session.session import Session

MAX_FRAME: Final = 256 * 1024
VERSION: Final = 1
SUBPROTOCOL: Final = "ozrules.v1"
BEARER: Final = "bearer."  # before the token, where a browser offers it as a subprotocol

CODES: Final[dict[RefusalKind, int]] = {
    "denied": -32001,
    "invalid": -32002,
    "notFound": -32003,
    "wrongState": -32004,
    "unavailable": -32005,
}
WireFault = Literal["oversize", "notJson", "notJsonRpc", "unknownMethod", "wrongShape", "notASession"]
LinkState = Literal["ACCESS_GRANTED", "ACCESS_DENIED", "CONNECTION_FAILED", "CONNECTION_CLOSED"]
RequestId: TypeAlias = int | str


class WireError(ValueError):
    """A frame that is no message of this protocol. ``id`` is the request's, where it could be read."""

    def __init__(self, kind: WireFault, detail: str, id: RequestId | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.id = id


# --- what a gateway says ----------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first message of a gateway. ``privileges`` None: it does not know what it may do."""

    protocol: int
    name: str = ""
    version: str = ""
    epoch: str = ""
    privileges: frozenset[str] | None = None
    snapshot: bool = True


class ConnectionNews(msgspec.Struct, frozen=True, kw_only=True):
    """How the gateway's own connection to the phone system stands."""

    state: LinkState
    detail: str = ""


class SnapshotPart(msgspec.Struct, frozen=True, kw_only=True):
    """Live sessions; the list is whole where ``last`` is True. ``unreadable`` sessions of it could not be used.

    It shows the phone system after change ``seq``, at its time ``at``, in seconds since 1970 UTC. ``answers`` is the
    request that asked for it, where it does not come as the answer itself.
    """

    sessions: tuple[Session, ...]
    complete: bool = True
    part: int | None = None
    last: bool = True
    unreadable: int = 0
    seq: int | None = None
    at: float | None = None
    answers: RequestId | None = None


class SessionNews(msgspec.Struct, frozen=True):
    """A session was created, changed or closed. ``at`` is the phone system's time for it, seconds since 1970 UTC.

    ``announced``: it was so before, and is told now because the gateway has just come to know of it.
    """

    kind: Literal["created", "stateChanged", "closed"]
    session: Session
    at: float | None = None
    seq: int | None = None
    announced: bool = False


class Response(msgspec.Struct, frozen=True):
    """The method was handed over; or, after `ListSessions`, the list."""

    id: RequestId
    listed: SnapshotPart | None = None


class ErrorResponse(msgspec.Struct, frozen=True):
    """The method was refused. ``kind`` None: an error that this protocol does not know, so it proves nothing."""

    id: RequestId
    kind: RefusalKind | None
    message: str


FromGateway: TypeAlias = Hello | ConnectionNews | SnapshotPart | SessionNews | Response | ErrorResponse


# --- what the daemon asks ---------------------------------------------------------------------------------------------


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A method of the Session class with its own arguments."""

    id: RequestId
    method: Method
    session_id: str
    phone_number: str | None = None
    transferor: str | None = None
    key: str | None = None


class ListSessions(msgspec.Struct, frozen=True):
    """Wanted: all sessions that live now."""

    id: RequestId


FromDaemon: TypeAlias = Call | ListSessions
