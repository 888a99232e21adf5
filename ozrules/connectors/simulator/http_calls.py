"""Calls as the HTTP API shows them: nine states, rings and talk in seconds, ended calls for a little while. No I/O."""

from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

import msgspec

from ozrules.connectors.session_messages import SessionNews
from ozrules.connectors.simulator.http_manners import HttpManners
from ozrules.session.durations import moment_from, seconds_from
from ozrules.session.session import Session
from ozrules.session.state import (
    BUSY,
    CANCELLED,
    ENDED,
    ERROR,
    HELD,
    IN_CALL,
    NOT_ANSWERED,
    NOT_FOUND,
    REDIRECTED,
    RINGING,
    TRANSFER_COMPLETED,
    TRANSFER_FAILED,
    TRANSFER_REQUESTED,
    TRANSFERRING,
    State,
)

_WORDS: Final[dict[State, str]] = {
    RINGING: "Ringing",
    IN_CALL: "InCall",
    TRANSFER_REQUESTED: "InCall",
    TRANSFERRING: "InCall",
    TRANSFER_FAILED: "InCall",
    BUSY: "Busy",
    NOT_ANSWERED: "Busy",
    CANCELLED: "Cancelled",
    NOT_FOUND: "Error",
    ERROR: "Error",
    TRANSFER_COMPLETED: "Transferred",
    REDIRECTED: "Transferred",
} | dict.fromkeys(HELD, "Hold")


def word_for(state: State) -> str | None:
    """CallState for a state of the Session class; None where HTTP has no word yet: the call is being set up."""
    word = _WORDS.get(state)
    return word if word is not None else "Completed" if state in ENDED else None


class HttpCall(msgspec.Struct, frozen=True):
    """A call on the list."""

    session: Session
    word: str
    rang: float


class HttpCalls:
    """What the changes of the phone system add up to for somebody who asks by HTTP."""

    def __init__(self, manners: HttpManners) -> None:
        self._manners = manners
        self._rings: dict[str, float] = {}
        self._rang: dict[str, float] = {}
        self._ended: dict[str, tuple[float, Session]] = {}

    def note(self, news: SessionNews, at: float) -> list[HttpCall]:
        """What a change is in the words of HTTP. Answered comes once for each call, before InCall."""
        session, state = news.session, news.session.session_state
        id = session.session_id
        if news.kind == "closed":
            self._rings.pop(id, None)
            return []
        word = word_for(state)
        if word is None:
            return []
        answered = state == IN_CALL and id in self._rings
        if state == RINGING:
            self._rings.setdefault(id, at)
        elif id in self._rings:
            self._rang[id] = self._rang.get(id, 0.0) + at - self._rings.pop(id)
        if state in ENDED:
            self._ended[id] = (at, session)
        call = HttpCall(session, word, self._rang_of(session, at))
        return [HttpCall(session, "Answered", call.rang), call] if answered else [call]

    def listed(self, live: tuple[Session, ...], at: float) -> list[HttpCall]:
        """The list of this moment."""
        for id, (ended, _) in list(self._ended.items()):
            if at - ended > self._manners.lingers:
                del self._ended[id]
                self._rang.pop(id, None)
        present = {session.session_id for session in live}
        sessions = [*live, *(session for id, (_, session) in self._ended.items() if id not in present)]
        calls = ((session, word_for(session.session_state)) for session in sessions)
        return [HttpCall(session, word, self._rang_of(session, at)) for session, word in calls if word is not None]

    def forget(self) -> None:
        """The phone system was started anew."""
        self._rings.clear()
        self._rang.clear()
        self._ended.clear()

    def _rang_of(self, session: Session, at: float) -> float:
        since = self._rings.get(session.session_id)
        return self._rang.get(session.session_id, 0.0) + (0.0 if since is None else at - since)


def row(call: HttpCall, manners: HttpManners) -> str:
    """One row of ListActiveCalls."""
    session = call.session
    name = session.caller_display_name if manners.caller_id == "name" else None
    started = moment_from(session.start_time) or 0.0
    talked = seconds_from(session.talk_duration) or 0.0
    moment = datetime.fromtimestamp(started, UTC)
    cells = {"CallId": session.session_id, "Source": session.caller, "CallerId": name or session.caller}
    if manners.generation == "classic":
        cells = {"CallState": call.word} | cells | {"Destination": session.callee}
        cells["StartTime"] = moment.strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
        cells |= {"RingDuration": str(int(call.rang)), "TalkDuration": str(int(talked))}
        return _element("CallInfo", cells)
    cells |= {"Destination": session.callee, "CallerDialed": session.dialed_number, "CalleeDialed": session.callee}
    cells["StartTime"] = moment.strftime("%Y-%m-%d %H:%M:%S")
    cells |= {"RingDuration": f"{call.rang:.3f}", "TalkDuration": f"{talked:.3f}", "CallState": call.word}
    return _element("Call", cells)


def _element(name: str, cells: dict[str, str | None]) -> str:
    inside = "".join(f"<{key}>{escape(value or '')}</{key}>" for key, value in cells.items())
    return f"<{name}>{inside}</{name}>"
