"""The phone system of a scenario: it has the sessions that the timeline gives it, and does nothing by itself.

A command has no consequence here unless the test scripts one. What a call would do next is the phone system's affair,
and a test that relied on our guess of it would prove our guess.
"""

from datetime import UTC, datetime

from ozrules.engine.events import RoutingAsked, SessionSeen, SessionsListed
from ozrules.scenario.model import Asked, Happens, Participant
from ozrules.session.session import Session, session_from
from ozrules.session.state import ENDED, IN_CALL, SETUP, State


class _Call:
    """One session as the phone system has it."""

    def __init__(self, start: float) -> None:
        self.start = start
        self.values: dict[str, str] = {}
        self.state: State | None = None
        self.since = start
        self.talked = 0.0


class Phone:
    """The sessions of all connections that a scenario names."""

    def __init__(self, sessions: tuple[Participant, ...]) -> None:
        self._participants = {each.session: each for each in sessions}
        self._calls: dict[str, _Call] = {}
        self._sent: dict[str, str] = {}
        self._questions = 0

    def change(self, happens: Happens, at: float) -> SessionSeen:
        """Lets a session change; returns what is reported of it."""
        call = self._calls.get(happens.session)
        began = call is None or call.state in ENDED
        if call is None or began:
            call = self._calls[happens.session] = _Call(at)
            call.values |= self._participants[happens.session].values
        call.values |= happens.values
        if happens.state is not None and happens.state != call.state:
            if call.state == IN_CALL:
                call.talked += at - call.since
            call.state, call.since = happens.state, at
        ended = call.state in ENDED
        return SessionSeen(
            at=at,
            connection=self._participants[happens.session].connection,
            kind="created" if began else "closed" if ended else "stateChanged",
            session=self._session(happens.session, call, at=None),
        )

    def ask(self, asked: Asked, at: float) -> RoutingAsked:
        """Asks where a call goes. After an answer the number that was answered is the one that was tried."""
        self._questions += 1
        participant = self._participants[asked.session]
        call = self._calls.get(asked.session)
        values = participant.values | (call.values if call is not None else {})
        if asked.session in self._sent:
            values = values | {"callee": self._sent[asked.session]}
        return RoutingAsked(
            at=at,
            connection=participant.connection,
            question=f"q{self._questions}",
            kind=asked.kind,
            session=session_from(values | asked.values | {"sessionId": asked.session, "sessionState": SETUP}),
        )

    def route(self, session: str, to: str) -> None:
        """The call that was asked about goes to a number."""
        self._sent[session] = to

    def listing(self, connection: str, at: float) -> SessionsListed:
        """The full list of live sessions, with how long each has been in its state and has talked."""
        return SessionsListed(
            at=at,
            connection=connection,
            sessions=tuple(
                self._session(name, call, at)
                for name, call in self._calls.items()
                if call.state not in ENDED and self._participants[name].connection == connection
            ),
        )

    def _session(self, name: str, call: _Call, at: float | None) -> Session:
        measured = {"startTime": datetime.fromtimestamp(call.start, UTC).isoformat()}
        if at is not None:
            talking = at - call.since if call.state == IN_CALL else 0.0
            measured |= {"stateDuration": f"{at - call.since}", "talkDuration": f"{call.talked + talking}"}
        return session_from(measured | call.values | {"sessionId": name, "sessionState": call.state})
