"""Questions of a phone system: where does this call go? It waits, so the answer must come in the same step.

A question names no session, and there may be none yet. So each call that is asked about is a conversation of its own:
a `LiveSession` that no list knows, in the state Setup, which rules look at like any other. It joins the call whose
session it resembles, so that hops count once for both, and it stays until the call has surely been taken or given up:
a hunt goes on with the next question, and rules that send a call round meet their maxHops.

Whoever hands an answer over is the connector; see `ozrules.runtime.routes`.
"""

from typing import Final

import msgspec

from ozrules.engine.arbiter import Arbiter
from ozrules.engine.effects import EventView, Observed, Unrouted
from ozrules.engine.events import RoutingAsked
from ozrules.engine.identity import SessionKey
from ozrules.engine.live import Asks, Chain, LiveSession
from ozrules.engine.sequence import Sequencer
from ozrules.engine.state import Line
from ozrules.engine.world import World
from ozrules.rules.condition import YES
from ozrules.rules.model import Routing
from ozrules.session.session import Session
from ozrules.session.state import BUSY, CREATED, NOT_ANSWERED, NOT_FOUND, RINGING, SETUP, State

ASKED: Final = "?"
"""Begins the start of a conversation's key; then comes the moment of its first question."""

TRIED: Final[dict[Routing, State | None]] = {
    "Calling": None,
    "NoAnswer": NOT_ANSWERED,
    "Busy": BUSY,
    "NotFound": NOT_FOUND,
}
"""What became of the number that was tried last, as the state that its session ended in."""

_BEGINNINGS: Final = frozenset({CREATED, SETUP, RINGING})


class Questions:
    """Answers what phone systems ask."""

    def __init__(self, world: World, sequencer: Sequencer, arbiter: Arbiter) -> None:
        self._world = world
        self._sequencer = sequencer
        self._arbiter = arbiter

    def asked(self, event: RoutingAsked) -> LiveSession:
        """Answers one question, or leaves it to the dial plan. Returns the conversation."""
        world, at = self._world, event.at
        line = world.line(event.connection)
        live = self._conversation(line, event)
        asks = live.asks
        assert asks is not None, "a conversation"
        asks.question = event.question
        live.previous = TRIED[event.kind]
        view = EventView(kind="routing", state=SETUP, from_state=live.previous, since=at, routing=event.kind)
        bucket = world.index.routing.get(event.kind)
        fired = 0
        if line.merged:
            live.certainty = "complete"
            self._sequencer.asked_again(live, at)
            if bucket is not None:
                fired = self._arbiter.decide(bucket.candidates(live), live, view, at, explained=bucket.whole)
        elif bucket is not None:
            live.certainty = "degraded"
            for entry in bucket.candidates(live):
                if entry.test(live, at, world) == YES:
                    self._arbiter.record(entry, "degraded", live, view, at)
        world.out.append(
            Observed(at=at, key=live.key, event=view, session=live.session, certainty=live.certainty, matched=fired)
        )
        if asks.question is not None:
            asks.question = None
            world.out.append(Unrouted(event.question))
        if asks.answered is None and not live.runs:
            live.ended = True  # nothing was sent anywhere, so there is nothing to remember
        return live

    # --- which call it is about -------------------------------------------------------------------------------------

    def _conversation(self, line: Line, event: RoutingAsked) -> LiveSession:
        """The conversation that the question goes on with, else a new one."""
        for live in line.asking.values():
            if self._goes_on(live, event.session):
                live.session = _in_setup(event.session)
                live.direction = None
                return live
        return self._begin(line, event)

    def _goes_on(self, live: LiveSession, session: Session) -> bool:
        """Whether the question is about the same call: by its id, else because it was sent where it was tried."""
        if live.session.session_id == session.session_id:
            return True
        assert live.asks is not None, "a conversation"
        same = self._same
        return (
            live.asks.answered is not None
            and same(live.asks.answered, session.callee)
            and same(live.session.caller, session.caller)
            and same(live.session.dialed_number, session.dialed_number)
        )

    def _begin(self, line: Line, event: RoutingAsked) -> LiveSession:
        world, at, session = self._world, event.at, event.session
        key = SessionKey(line.name, line.epoch, session.session_id, f"{ASKED}{at}")
        while key in world.live:
            key = SessionKey(line.name, line.epoch, session.session_id, key.start + ASKED)
        chain = self._call(line, session) or Chain(f"{line.name}\x1f{ASKED}{session.session_id}\x1f{at}")
        for name in chain.keys:
            world.chains.setdefault(name, chain)
        live = LiveSession(key, _in_setup(session), chain, at, at)
        live.zone = self._world.line(key.connection).zone
        live.asks = Asks(at)
        chain.sessions.append(live)
        world.live[key] = line.asking[key] = live
        return live

    def _call(self, line: Line, session: Session) -> Chain | None:
        """The call that the question is about, where one session shows it and no other could."""
        known = line.sessions.get(session.session_id)
        if known is not None:
            return known.chain
        wanted = [each for each in (session.callee, session.dialed_number) if each is not None]
        found = [
            live
            for live in line.sessions.values()
            if live.state in _BEGINNINGS
            and session.caller is not None
            and self._same(live.session.caller, session.caller)
            and any(self._same(live.session.callee, each) for each in wanted)
        ]
        return found[0].chain if len(found) == 1 else None

    def _same(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None:
            return one is other
        return self._world.numbers.normal(one) == self._world.numbers.normal(other)


def _in_setup(session: Session) -> Session:
    return msgspec.structs.replace(session, session_state=SETUP)
