"""From one list of calls to the next: what has changed, and how a call ended that is not on the list any more.

The list is the truth. What a notification said of a call is only a word on how it ended, once the list shows that it
did; what HTTP does not tell is derived, and marked so. A call counts as ended when two lists in a row lack it or say
so: one may come between two phones that are tried. A call that was just sent elsewhere may be missing longer before it
appears at its new place: its end is told when it does.
No I/O, no clock: lists and moments go in, items come out.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from ozrules.connectors.ozeki_http.notifications import CallHint
from ozrules.connectors.ozeki_http.rows import Listed, Row
from ozrules.engine.effects import Command
from ozrules.engine.events import SessionSeen, SessionsListed
from ozrules.session.durations import moment_from
from ozrules.session.methods import Operation
from ozrules.session.session import Session
from ozrules.session.state import (
    ABORTED,
    BUSY,
    CANCELLED,
    COMPLETED,
    ENDED,
    HELD,
    IN_CALL,
    NOT_ANSWERED,
    ON_HOLD,
    REDIRECTED,
    RINGING,
    TRANSFER_COMPLETED,
    State,
)

MOVING: Final = 8.0
"""Seconds after a command of ours in which a call that is gone may come up elsewhere (the vendor's own history shows
six after a transfer: ozekiphone.com p_4804)."""

HINTED: Final = 15.0  # seconds for which a hint is remembered
MAX_HINTS: Final = 10_000
ROUNDING: Final = 1.0  # seconds by which a phone system's whole seconds may be short
RING_TIME: Final = 20.0
"""Seconds of ringing from which on Busy means that nobody answered, where the phone system's own time is not known."""

_UNCERTAIN: Final = frozenset({ON_HOLD, BUSY, COMPLETED})
"""HTTP says less than these states do: not who holds, not whether it was refused or left ringing, not who hung up."""

_ONWARD: Final[dict[Operation, State]] = {
    "forward": REDIRECTED,
    "blindTransfer": TRANSFER_COMPLETED,
    "attendedTransfer": TRANSFER_COMPLETED,
}
"""What sends a call elsewhere, and how it ends here then."""
_TALKING: Final = HELD | {IN_CALL}


class _Sent(msgspec.Struct, frozen=True):
    method: Operation
    to: str | None
    at: float


class _Call(msgspec.Struct, kw_only=True):
    """A call as last told. ``missing``: since when it is not listed. ``derived``: its state is not all told by HTTP.
    ``ending``: the last list, and no earlier one, said that it ended so.
    """

    session: Session
    derived: bool
    rang: float | None
    ringing_since: float | None
    first_seen: float
    last_seen: float
    missing: float | None = None
    ending: State | None = None
    sent: _Sent | None = None


class Watch:
    """All calls of one connection, from list to list."""

    def __init__(self, connection: str, *, ring_time: float | None) -> None:
        self._connection = connection
        self._ring_time = RING_TIME if ring_time is None else max(0.0, ring_time - ROUNDING)
        self._calls: dict[str, _Call] = {}
        self._hints: dict[str, tuple[State, float]] = {}

    @property
    def alive(self) -> bool:
        """Whether there is any call that has not ended."""
        return any(call.session.session_state not in ENDED for call in self._calls.values())

    @property
    def pressing(self) -> bool:
        """Whether something is about to happen: a call rings, or one seems to have ended."""
        return any(
            call.missing is not None or call.ending is not None or call.session.session_state not in _TALKING | ENDED
            for call in self._calls.values()
        )

    def begin(self, listed: Listed, at: float) -> SessionsListed:
        """The first list of a connection: what was known before is not compared with it."""
        self._calls = {}
        for row in listed.rows:
            self._take(row, at)
        return self.whole(listed, at)

    def whole(self, listed: Listed, at: float) -> SessionsListed:
        """All calls that are not known to have ended."""
        sessions = tuple(call.session for call in self._calls.values())
        return SessionsListed(at=at, connection=self._connection, sessions=sessions, complete=not listed.unreadable)

    def look(self, listed: Listed, at: float) -> list[SessionSeen]:
        """What has changed since the list before: what is new first, what is gone last."""
        before = dict(self._calls)
        replaced: list[SessionSeen] = []
        for row in listed.rows:
            known = before.get(row.session.session_id)
            self._take(row, at)
            if known is not None and _is_another(known.session, row.session):
                del before[row.session.session_id]
                if known.session.session_state not in ENDED:
                    replaced.append(self._ended(known, at))
        present = [row.session.session_id for row in listed.rows]
        begun = [self._seen("created", self._calls[id], at) for id in present if id not in before]
        changed: list[SessionSeen] = []
        for id in present:
            call = self._calls[id]
            if id not in before or before[id].session.session_state in ENDED:
                continue
            self._read_onward(call)
            if _lasting(call.session) != _lasting(before[id].session):
                changed.append(self._seen("stateChanged", call, at))
        gone = [] if listed.unreadable else list(self._gone(frozenset(present), at))
        return replaced + begun + changed + gone

    def hint(self, hint: CallHint, at: float) -> None:
        """A notification: how it says that a call ended is remembered for a while."""
        if hint.call_id is None or hint.state not in ENDED or hint.call_id not in self._calls:
            return
        self._hints = {id: (state, seen) for id, (state, seen) in self._hints.items() if at - seen < HINTED}
        if len(self._hints) < MAX_HINTS:
            self._hints[hint.call_id] = (hint.state, at)

    def sent(self, command: Command, call_id: str, at: float) -> None:
        """A command leaves for a call."""
        if command.action not in _ONWARD:
            return
        for id in (call_id, command.other.session_id if command.other is not None else call_id):
            if id in self._calls:
                self._calls[id].sent = _Sent(command.action, command.to, at)

    def is_held(self, call_id: str) -> bool:
        """Whether this call is on hold, as far as the last list says."""
        call = self._calls.get(call_id)
        return call is not None and call.session.session_state in HELD

    # --- inside -----------------------------------------------------------------------------------------------------

    def _take(self, row: Row, at: float) -> None:
        """Remembers a row, and reads its state with what is known of the call."""
        id = row.session.session_id
        known = self._calls.get(id)
        if known is not None and _is_another(known.session, row.session):
            known = None
        session, state = row.session, row.session.session_state
        call = _Call(
            session=session,
            derived=state in _UNCERTAIN,
            rang=row.rang,
            ringing_since=at if state == RINGING else None,
            first_seen=at,
            last_seen=at,
        )
        if known is not None:
            call.first_seen = known.first_seen
            call.ringing_since = call.ringing_since if known.ringing_since is None else known.ringing_since
            if known.sent is not None and at - known.sent.at < MOVING:
                call.sent = known.sent
        if state == BUSY and self._rang(call, at) >= self._ring_time:
            call.session = replace(session, session_state=NOT_ANSWERED)
        if known is not None and known.session.session_state in ENDED:
            call.session, call.derived = known.session, known.derived  # it has been told, once
        elif known is not None and state in ENDED and known.ending is None:
            call.ending = call.session.session_state
            call.session, call.derived = known.session, known.derived
        self._calls[id] = call

    def _read_onward(self, call: _Call) -> None:
        """A call that we sent elsewhere, and that is listed as ended: HTTP has one word less for it than sessions."""
        state = call.session.session_state
        if state in (CANCELLED, COMPLETED, TRANSFER_COMPLETED) and self._has_moved(call, state):
            assert call.sent is not None, "only what we sent can have moved"
            call.session, call.derived = replace(call.session, session_state=_ONWARD[call.sent.method]), True

    def _gone(self, present: frozenset[str], at: float) -> Iterator[SessionSeen]:
        self._hints = {id: (state, seen) for id, (state, seen) in self._hints.items() if at - seen < HINTED}
        for id, call in list(self._calls.items()):
            if id in present:
                continue
            if call.session.session_state in ENDED:
                del self._calls[id]  # its end has been told
            elif call.missing is None and call.ending is None and id not in self._hints:
                call.missing = at
            elif not self._may_come_up(call, at):
                del self._calls[id]
                yield self._ended(call, at)

    def _may_come_up(self, call: _Call, at: float) -> bool:
        """Whether a call that we sent elsewhere may still be on its way."""
        sent = call.sent
        if sent is None or at - sent.at >= MOVING:
            return False
        hinted, _ = self._hints.get(call.session.session_id, (None, 0.0))
        return not self._has_moved(call, call.ending or hinted)

    def _has_moved(self, call: _Call, said: State | None) -> bool:
        """Whether a call that we sent elsewhere is there: the phone system says so, or there is a call that began after
        our command with its target, or with the party that moves.
        """
        sent, session = call.sent, call.session
        if sent is None:
            return False
        moving = {session.caller} if sent.method == "forward" else {session.caller, session.callee}
        return said == TRANSFER_COMPLETED or any(
            other.session.callee in {sent.to} - {None} or other.session.caller in moving - {None}
            for other in self._calls.values()
            if other is not call and other.first_seen >= sent.at
        )

    def _ended(self, call: _Call, at: float) -> SessionSeen:
        call.session, call.derived = replace(call.session, session_state=self._end(call, at)), True
        return self._seen("closed", call, at)

    def _end(self, call: _Call, at: float) -> State:
        """How a call ended that is gone."""
        state = call.session.session_state
        hinted, _ = self._hints.pop(call.session.session_id, (None, 0.0))
        hinted = call.ending or hinted
        if call.sent is not None and self._has_moved(call, hinted):
            return _ONWARD[call.sent.method]
        if hinted is not None and hinted != BUSY:
            return hinted
        if state == RINGING or hinted == BUSY:
            unanswered = self._rang(call, call.last_seen) >= self._ring_time
            return NOT_ANSWERED if unanswered else hinted or CANCELLED
        return COMPLETED if state in _TALKING else ABORTED

    @staticmethod
    def _rang(call: _Call, at: float) -> float:
        """For how many seconds a call has rung: as the phone system says, or as long as we saw it ring."""
        if call.rang is not None:
            return call.rang
        return 0.0 if call.ringing_since is None else at - call.ringing_since

    def _seen(self, kind: Literal["created", "stateChanged", "closed"], call: _Call, at: float) -> SessionSeen:
        return SessionSeen(at=at, connection=self._connection, kind=kind, session=call.session, derived=call.derived)


def _is_another(known: Session, session: Session) -> bool:
    """Whether a row under a known id is another call."""
    if known.start_time is not None and known.start_time == session.start_time:
        return False
    before, after = moment_from(known.start_time), moment_from(session.start_time)
    if before is not None and after is not None:
        return abs(before - after) > ROUNDING
    return known.session_state in _TALKING | ENDED and session.session_state == RINGING


def _lasting(session: Session) -> Session:
    """A session without what changes by itself from second to second."""
    return replace(session, talk_duration=None, state_duration=None)
