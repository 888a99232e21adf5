"""Recordings of real Asterisks, played through the product; and what is wrong with the outcome today.

`tests/data/asterisk-16` and `-22` are what the reducer's own tests know the sessions of. `tests/data/conversations`
holds more: what nobody wrote sessions down for, because the laws are enough. There the events are slimmed to those
of the classes that the daemon's user reads, without the bulk that tells of no call, and without fields that say the
same in each event.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from ozrules.connectors.asterisk.ami import Decoder
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.events import SessionSeen
from ozrules.session.session import Session
from tests.oracle.history import History
from tests.oracle.laws import Told
from tests.oracle.wire import Event, events

DATA: Final = Path(__file__).parents[1] / "data"
RECORDINGS: Final = {
    str(path.relative_to(DATA)).removesuffix(".ami.txt"): path for path in sorted(DATA.rglob("*.ami.txt"))
}
TRUNKS: Final = Outside.of(["PJSIP/trunk-*"])


A_WHILE: Final = 5.0
"""Seconds."""


@cache
def recorded(name: str) -> list[Event]:
    """The events of a recording, as the oracle reads them."""
    return events(RECORDINGS[name].read_bytes())


@cache
def happened(name: str) -> History:
    """What was the case in a recording, as the oracle sees it."""
    return History(recorded(name))


def new_reducer() -> Reducer:
    """One that has heard nothing yet."""
    return Reducer("open", TRUNKS)


@cache
def decoded(name: str) -> list[Event]:
    """The events, as the product's decoder reads them."""
    messages = Decoder().feed(RECORDINGS[name].read_bytes())
    return [message for message in messages if isinstance(message, dict) and "Event" in message]


def hear(reducer: Reducer, heard: Iterable[Event], began: float = 0.0) -> list[Told]:
    """What the product tells when it hears these, and when nothing comes for a while after the last."""
    reports: list[Told] = []
    at = began
    for event in heard:
        at = max(at, float(event.get("Timestamp") or 0))
        reports += [of_seen(seen) for seen in reducer.hear(event, at)]
    return reports + [of_seen(seen) for seen in reducer.settle(at + A_WHILE)]


def of_seen(seen: SessionSeen) -> Told:
    """A change of a session as the oracle reads it."""
    return of_session(seen.session, seen.at, over=seen.kind == "closed")


def of_session(session: Session, at: float, *, over: bool = False) -> Told:
    """A session as it stands at a moment."""
    legs = session.caller_call_leg_id, session.callee_call_leg_id
    return Told(at, session.session_id, session.session_state, *legs, over)
