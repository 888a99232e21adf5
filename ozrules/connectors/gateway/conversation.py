"""What a gateway's messages mean, as items for the runtime. No I/O: frames and moments go in, items come out.

A list of sessions is one moment of the phone system, even where it comes in parts. So changes that arrive while a list
is awaited or under way are held. When it is whole, those that it shows already go before it; the others go with it, and
follow it before anything is done. So whoever reads the items never sees a list that is older than a change before it,
nor a change that is older than the list before it. Changes of one session that carry ``seq`` are let through only in
rising order.
"""

from typing import Final, assert_never
from zoneinfo import ZoneInfo

from ozrules.connectors.gateway.ordering import Drawn, contained
from ozrules.connectors.session_messages import (
    VERSION,
    ConnectionNews,
    ErrorResponse,
    Hello,
    RequestId,
    Response,
    SessionNews,
    SnapshotPart,
    WireError,
)
from ozrules.connectors.session_protocol import decode
from ozrules.engine.events import ConnectionOpened, Gap, SessionSeen, SessionsListed
from ozrules.runtime.ports import ConnectionState, FromPhoneSystem, Malformed

MAX_HELD: Final = 20_000  # changes that wait for a list
MAX_LISTED: Final = 200_000  # sessions of a list in parts
MAX_ASKED: Final = 16  # lists that we asked for and have not got
MAX_NUMBERED: Final = 10_000  # sessions whose last number is known, before those that are gone are forgotten
SAMPLE: Final = 120  # characters of a bad message that are shown


class Unusable(Exception):
    """Talking on makes no sense: the link is to be closed. The message says why."""


class Conversation:
    """One gateway on one open link, from its hello on.

    ``since`` is the moment before which the link was surely not open: no list on it is older.
    """

    def __init__(self, connection: str, timezone: str, *, since: float) -> None:
        self.hello: Hello | None = None
        self.dropped = False  # whether a message was lost since this was last looked at
        self.away: str | None = None  # why the gateway cannot reach the phone system, where it said so
        self._connection = connection
        self._zone = ZoneInfo(timezone)
        self._listed = False
        self._parts: list[SnapshotPart] | None = None
        self._held: list[tuple[SessionNews, float]] = []
        self._last_seq: dict[str, int] = {}
        self._shown_seq: int | None = None
        """All changes up to this one are in the last list."""
        self._since = since
        self._asked: dict[RequestId, float] = {}
        """When we asked for a list: its answer is of a moment after that."""

    @property
    def awaited_part(self) -> int | None:
        """Which part of a list of sessions must come before anything else is said, from 1; None where no list must."""
        if self.hello is None or self.away is not None or (self._listed and self._parts is None):
            return None
        return len(self._parts or ()) + 1

    def asks(self, id: RequestId, at: float) -> None:
        """All sessions are about to be asked for."""
        if len(self._asked) >= MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[id] = at

    def was_asked(self, id: RequestId) -> bool:
        """Whether this is the number of a request for the list, which has not come yet."""
        return id in self._asked

    def hear(self, frame: bytes, at: float) -> tuple[list[FromPhoneSystem], Response | ErrorResponse | None]:
        """The items that a frame gives, and the answer to a request where it is one. Raises Unusable."""
        try:
            message = decode(frame, self._zone)
        except WireError as error:
            self.dropped = True  # it may have told of a call
            return [self._malformed(error.kind, frame, at)], None
        if isinstance(message, Hello):
            return self._greeted(message, at), None
        if self.hello is None:
            return [self._malformed("beforeHello", frame, at)], None
        match message:
            case SessionNews():
                return self._changed(message, frame, at), None
            case SnapshotPart():
                return self._part(message, message.answers, frame, at), None
            case ConnectionNews():
                return self._news(message, at), None
            case Response(listed=SnapshotPart(sessions=(), complete=False)):
                return [], message  # the list does not fit into an answer: it follows in parts, and nothing acts before
            case Response(id=id, listed=SnapshotPart() as listed):
                return self._part(listed, id, frame, at), message
            case Response() | ErrorResponse():
                return [], message
            case _:
                assert_never(message)

    def _greeted(self, hello: Hello, at: float) -> list[FromPhoneSystem]:
        if hello.protocol != VERSION:
            raise Unusable(f"the gateway speaks version {hello.protocol} of the session protocol, not {VERSION}")
        self.hello, self.away = hello, None
        self._forget_list()
        self._last_seq.clear()
        self._shown_seq = None
        opened = ConnectionOpened(
            at=at,
            connection=self._connection,
            epoch=hello.epoch,
            privileges=hello.privileges,
            zone=self._zone.key,
            since=self._since if self._since < at else None,
        )
        return [opened, *self._listless(at)]

    def _listless(self, at: float) -> list[FromPhoneSystem]:
        """A gateway that cannot list its sessions: what is seen from now on counts."""
        if self.hello is None or self.hello.snapshot:
            return []
        self._listed = True
        listed = SessionsListed(at=at, connection=self._connection, sessions=None, complete=False)
        return [listed, self._state(at, ready=True, detail="connected; the phone system cannot list its sessions")]

    def _news(self, news: ConnectionNews, at: float) -> list[FromPhoneSystem]:
        if news.state == "ACCESS_GRANTED":
            if self.away is None:
                return []
            self.away = None
            return self._listless(at)
        detail = f"{news.state}: {_shown(news.detail)}" if news.detail else news.state
        known, self.away = self.away, detail
        if known == detail:
            return []
        self._forget_list()
        gap = [] if known is not None else [Gap(at=at, connection=self._connection, why=detail)]
        return [*gap, self._state(at, ready=False, detail=detail)]

    def _forget_list(self) -> None:
        self._listed = False
        self._parts = None
        self._held.clear()

    def _part(self, part: SnapshotPart, asked: RequestId | None, frame: bytes, at: float) -> list[FromPhoneSystem]:
        parts = self._parts or []
        items: list[FromPhoneSystem] = []
        if part.unreadable:
            items.append(self._malformed("notASession", frame, at))
        if part.part is not None and part.part != len(parts) + 1:
            # a part is missing or comes twice; the first of a list starts it anew
            items.append(self._malformed("outOfOrder", frame, at))
            parts = []
            if part.part != 1:
                self._parts = parts
                return items
        elif part.part is None and parts and parts[-1].part is not None:
            parts = []  # a whole list overtakes one in parts
        parts = [*parts, part]
        if sum(len(each.sessions) for each in parts) > MAX_LISTED:
            raise Unusable(f"a list of more than {MAX_LISTED} sessions")
        if not part.last:
            self._parts = parts
            return items
        drawn = Drawn(
            sessions={session.session_id: session for each in parts for session in each.sessions},
            complete=all(each.complete for each in parts),
            seq=min((each.seq for each in parts if each.seq is not None), default=None),
            at=min((each.at for each in parts if each.at is not None), default=None),
        )
        since = self._since if asked is None else self._asked.pop(asked, self._since)
        return items + self._whole(drawn, at - since, at)

    def _whole(self, drawn: Drawn, late: float, at: float) -> list[FromPhoneSystem]:
        sessions = tuple(drawn.sessions.values())
        ready = [] if self._listed else [self._state(at, ready=True, detail=f"connected, {len(sessions)} sessions")]
        shown = contained([news for news, _ in self._held], drawn)
        # what was held while an earlier list was in force is not older than what has been told since
        before = [
            self._seen(news, at if self._listed else heard)
            for (news, heard), is_shown in zip(self._held, shown, strict=True)
            if is_shown
        ]
        after = tuple(
            self._seen(news, at) for (news, _), is_shown in zip(self._held, shown, strict=True) if not is_shown
        )
        listed = SessionsListed(
            at=at,
            connection=self._connection,
            sessions=sessions,
            complete=drawn.complete,
            late=max(0.0, late),
            reported_at=drawn.at,
            follow=after,
        )
        self._forget_list()
        self._shown_seq = drawn.seq
        if drawn.complete and len(self._last_seq) > MAX_NUMBERED:
            live = {*drawn.sessions, *(seen.session.session_id for seen in after)}
            self._last_seq = {id: seq for id, seq in self._last_seq.items() if id in live}
        self._listed = True
        return [*before, listed, *ready]

    def _seen(self, news: SessionNews, at: float) -> SessionSeen:
        return SessionSeen(
            at=at,
            connection=self._connection,
            kind=news.kind,
            session=news.session,
            reported_at=news.at,
            announced=news.announced,
        )

    def _changed(self, news: SessionNews, frame: bytes, at: float) -> list[FromPhoneSystem]:
        id = news.session.session_id
        if news.seq is not None:
            if self._shown_seq is not None and news.seq <= self._shown_seq:
                return [self._malformed("outOfOrder", frame, at)]
            last = self._last_seq.get(id)
            if last is not None and news.seq <= last and news.kind != "created":
                return [self._malformed("duplicate" if news.seq == last else "outOfOrder", frame, at)]
            if news.kind == "closed":
                self._last_seq.pop(id, None)
            else:
                self._last_seq[id] = news.seq
        if self._listed and self._parts is None:
            return [self._seen(news, at)]
        if len(self._held) >= MAX_HELD:
            raise Unusable(f"{MAX_HELD} changes, and still no list of sessions")
        self._held.append((news, at))
        return []

    def _state(self, at: float, *, ready: bool, detail: str) -> ConnectionState:
        return ConnectionState(at=at, connection=self._connection, ready=ready, detail=detail)

    def _malformed(self, kind: str, frame: bytes, at: float) -> Malformed:
        sample = _shown(frame[:SAMPLE].decode("utf-8", "replace"))
        return Malformed(at=at, connection=self._connection, kind=kind, sample=sample)


def _shown(text: str) -> str:
    """A text from outside, safe for logs and terminals: ASCII without control characters, and short."""
    return text[:SAMPLE].encode("unicode_escape").decode("ascii")
