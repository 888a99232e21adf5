"""A look at what the engine knows, for people: `ozrules sessions`, the dashboard. Copies, never the engine's own."""

import msgspec

from ozrules.engine.identity import SessionKey
from ozrules.engine.live import LiveSession
from ozrules.rules.model import StateTrigger
from ozrules.session.session import Session


class WaitingTimer(msgspec.Struct, frozen=True):
    """A ``for:`` that has begun: which trigger of which rule, and when it comes due (engine's clock)."""

    rule: str
    trigger: str
    due: float


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A live session, since when it is in its state, what waits on it, and the rules whose actions are under way."""

    key: SessionKey
    session: Session
    since: float
    hops: int
    timers: tuple[WaitingTimer, ...]
    running: tuple[str, ...]


def view_of(live: LiveSession) -> SessionView:
    """The session as it is now."""
    return SessionView(
        key=live.key,
        session=live.session,
        since=live.entered,
        hops=live.chain.hops,
        timers=tuple(
            WaitingTimer(*hold.entry.name, hold.due)
            for hold in live.holds or ()
            if isinstance(hold.entry.trigger, StateTrigger)
        ),
        running=tuple(run.rule.id for run in live.runs or ()),
    )
