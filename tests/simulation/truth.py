"""What really happened to every call, as the phone system says it, and what it was asked to do: nobody else's word."""

from collections.abc import Iterable, Sequence

import msgspec

from ozrules.connectors.session_messages import SessionNews
from ozrules.engine.identity import SessionKey
from ozrules.engine.stays import NEW_STAY
from ozrules.session.methods import Method
from ozrules.session.session import Session
from ozrules.session.state import ENDED, IN_CALL, State

NEAR = 0.002
"""Seconds within which two moments are one: the phone system writes milliseconds."""
UNHEARD = 4.0
"""Seconds in which a change may not have been heard of: one at the gateway, three on the way."""


class Stay(msgspec.Struct):
    """One state of a call, from ``began`` to ``ended`` (true seconds; None: it goes on)."""

    state: State
    began: float
    ended: float | None = None
    told: bool = False
    """Whether somebody was connected who was told when it began."""


class Call(msgspec.Struct, eq=False):
    """One session at the phone system: an id that comes back is another call."""

    epoch: str
    session: Session
    began: float
    stays: list[Stay]
    chain: int
    """Which whole call it is a part of."""
    ended: float | None = None

    @property
    def id(self) -> str:
        return self.session.session_id

    def runs(self, states: Iterable[State]) -> list[list[Stay]]:
        """The stays in ``states``, those that follow each other together."""
        wanted = frozenset(states)
        found: list[list[Stay]] = []
        together = False
        for stay in self.stays:
            if stay.state in wanted:
                if together:
                    found[-1].append(stay)
                else:
                    found.append([stay])
            together = stay.state in wanted
        return found

    def talked(self, until: float, heard: float, apart: Sequence[float]) -> float:
        """Seconds of talk up to ``until``, for somebody who was told nothing after ``heard``, and at the moments
        ``apart`` that there is no talk. A hold that nobody told, so short that a list cannot show it, counts as talk.
        """
        known = [stay for stay in self.stays if stay.began <= heard]
        first = next((stay.began for stay in known if stay.state == IN_CALL), until)
        return sum(
            max(0.0, (until if stay is known[-1] or stay.ended is None else min(until, stay.ended)) - stay.began)
            for stay in known
            if stay.state == IN_CALL or (stay.began > first and _unnoticed(stay, apart))
        )


def _unnoticed(stay: Stay, told: Sequence[float]) -> bool:
    return (
        stay.ended is not None
        and stay.ended - stay.began < NEW_STAY
        and not any(stay.began <= at < stay.ended + UNHEARD for at in told)
    )


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger: a request that reached the phone system. ``call`` is what bore that id just then."""

    at: float
    command: str
    place: int
    method: Method
    to: str | None
    session_id: str
    call: Call | None
    result: str
    performed: bool


class Truth:
    """All calls of all epochs, and the ledger."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.alive: dict[str, Call] = {}
        self.ledger: list[Asked] = []
        self._by_name: dict[tuple[str, str], list[Call]] = {}

    def note(self, news: SessionNews, epoch: str, at: float) -> bool:
        """A change, at true time ``at``. Whether the id was borne by another call before."""
        session, reused = news.session, False
        call = self.alive.get(session.session_id)
        if news.kind == "created":
            same_name = self._by_name.setdefault((epoch, session.session_id), [])
            reused = bool(same_name)
            call = Call(epoch, session, at, [Stay(session.session_state, at)], self._chain_of(epoch, session))
            same_name.append(call)
            self.calls.append(call)
            self.alive[session.session_id] = call
        elif call is not None and news.kind == "stateChanged":
            call.session = session
            call.stays[-1].ended = at
            if session.session_state in ENDED:
                self._end(call, at)
            else:
                call.stays.append(Stay(session.session_state, at))
        return reused

    def told(self, news: SessionNews) -> None:
        """A change that was noted is told to somebody."""
        call = self.alive.get(news.session.session_id)
        if call is not None and news.kind != "closed":
            call.stays[-1].told = True

    def _chain_of(self, epoch: str, session: Session) -> int:
        master = session.master_session_id
        bearers = self._by_name.get((epoch, master or ""), ())
        first = [call for call in bearers if call.session.master_session_id == master]
        return first[-1].chain if first and master != session.session_id else len(self.calls)

    def all_gone(self, at: float) -> None:
        """The phone system crashed."""
        for call in list(self.alive.values()):
            call.stays[-1].ended = at
            self._end(call, at)

    def _end(self, call: Call, at: float) -> None:
        call.ended = at
        self.alive.pop(call.id, None)

    def call_of(self, key: SessionKey) -> Call | None:
        """The call that the daemon means by ``key``; None where there is none, or several could be meant."""
        found: Sequence[Call] = self._by_name.get((key.epoch, key.session_id), ())
        if not key.start.startswith("@"):
            found = [call for call in found if call.session.start_time == key.start]
        return found[0] if len(found) == 1 else None
