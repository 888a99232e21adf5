"""What must be known of a session to go on after a restart: its holds, what fired on it, what is under way.

The full list that a phone system gives after a connect says the rest. A running sequence is kept with the rule that
it began with. Written as JSON, so that a later version can read it and a person can look at it.
"""

from typing import TypeAlias

import msgspec

from ozrules.engine.effects import Command
from ozrules.engine.events import Refused
from ozrules.engine.identity import SessionKey
from ozrules.engine.live import Asks, Hold, LiveSession
from ozrules.engine.run import (
    Attempt,
    Baseline,
    Delivery,
    Frame,
    Path,
    Pause,
    Phase,
    Ring,
    Run,
    Waiting,
    Watch,
    actions_at,
)
from ozrules.engine.stays import Doubt
from ozrules.engine.world import World
from ozrules.rules.model import (
    Hunt,
    Rule,
    SessionAction,
    StateTrigger,
    WaitFor,
    Webhook,
)
from ozrules.session.session import Session
from ozrules.session.state import State


class _Attempt(msgspec.Struct, tag="attempt"):
    command: Command
    sent: float
    until: float
    tries: int
    phase: Phase
    baseline: Baseline
    refusal: Refused | None
    proven: State | None


class _Delivery(msgspec.Struct, tag="delivery"):
    command: str


class _Pause(msgspec.Struct, tag="pause"):
    until: float
    again: int | None


class _Watch(msgspec.Struct, tag="watch"):
    until: float


class _Ring(msgspec.Struct, tag="ring"):
    until: float


_Waiting: TypeAlias = _Attempt | _Delivery | _Pause | _Watch | _Ring


class _Run(msgspec.Struct):
    number: int
    rule: Rule
    trigger: str
    controls: bool
    frames: list[tuple[Path, int]]
    steps: int
    hunted: int
    follows: bool
    queued: bool
    waiting: _Waiting | None
    turn: int = 0


class _Hold(msgspec.Struct):
    rule: str
    trigger: str
    base: float


class _Asks(msgspec.Struct):
    expires: float
    answered: str | None


class _Memory(msgspec.Struct):
    session: Session
    entered: float
    started: float
    previous: State | None
    previous_duration: float | None
    rang: float
    talked: float
    actions: int
    calls: list[str]
    hops: int
    done: list[tuple[str, str]]
    holds: list[_Hold]
    variables: dict[str, str] | None
    runs: list[_Run]
    asks: _Asks | None = None
    outside: str | None = None
    doubt: Doubt | None = None
    unsettled: bool = False


_encoder = msgspec.json.Encoder(order="deterministic")  # of a set, too: equal events give equal bytes
_decoder = msgspec.json.Decoder(_Memory)


def remember(live: LiveSession, *, met: bool = False) -> bytes | None:
    """The session as bytes, or None where the phone system's own list tells all there is to know.

    ``met``: it must be known again as one that has been met in its state before.
    """
    if not (met or live.holds or live.done or live.runs or live.variables or live.actions or live.chain.hops):
        return None
    return _encoder.encode(
        _Memory(
            session=live.session,
            entered=live.entered,
            started=live.started,
            previous=live.previous,
            previous_duration=live.previous_duration,
            rang=live.rang,
            talked=live.talked,
            actions=live.actions,
            calls=live.chain.keys,
            hops=live.chain.hops,
            done=sorted(live.done or ()),
            holds=[_Hold(*hold.entry.name, base_of(hold)) for hold in live.holds or ()],
            variables=live.variables,
            runs=[_run(run) for run in live.runs or ()],
            asks=None if live.asks is None else _Asks(live.asks.expires, live.asks.answered),
            outside=live.chain.outside,
            doubt=live.doubt,
            unsettled=live.unsettled,
        )
    )


def base_of(hold: Hold) -> float:
    """The moment from which a hold counts."""
    trigger = hold.entry.trigger
    assert isinstance(trigger, StateTrigger)
    assert trigger.hold is not None
    return hold.due - trigger.hold


def recall(key: SessionKey, memory: bytes, world: World) -> tuple[LiveSession, dict[tuple[str, str], float]]:
    """The session as it was, put back into the world but not yet confirmed by any list, and where its holds began.

    Raises msgspec.DecodeError (or ValidationError) where the bytes are not what `remember` wrote.
    """
    kept = _decoder.decode(memory)
    line = world.line(key.connection)
    line.epoch = key.epoch
    chain = world.chain_called(kept.calls)
    chain.hops = max(chain.hops, kept.hops)
    if kept.outside is not None:
        world.leaves_outside(chain, kept.outside)
    live = LiveSession(key, kept.session, chain, kept.entered, kept.started)
    live.previous, live.previous_duration = kept.previous, kept.previous_duration
    live.rang, live.talked, live.actions = kept.rang, kept.talked, kept.actions
    live.done = set(kept.done) or None
    live.doubt, live.unsettled = kept.doubt, kept.unsettled
    live.variables = kept.variables
    live.certainty, live.unseen = "degraded", not live.ended and kept.asks is None
    chain.sessions.append(live)
    world.live[key] = live
    if kept.asks is not None:
        live.asks = Asks(kept.asks.expires, kept.asks.answered)
        line.asking[key] = live
    elif not live.ended:
        line.sessions[key.session_id] = live
    for each in kept.runs:
        run = Run(each.number, each.rule, each.trigger, live, controls=each.controls)
        run.frames = [Frame(actions_at(each.rule, path), path, index) for path, index in each.frames]
        run.steps, run.hunted, run.follows, run.queued = each.steps, each.hunted, each.follows, each.queued
        run.turn = each.turn
        run.waiting = _waiting(each.waiting, run)
        chain.runs.append(run)
        live.runs = [*(live.runs or ()), run]
    return live, {(hold.rule, hold.trigger): hold.base for hold in kept.holds}


def _run(run: Run) -> _Run:
    return _Run(
        number=run.number,
        rule=run.rule,
        trigger=run.trigger,
        controls=run.controls,
        frames=[(frame.path, frame.index) for frame in run.frames],
        steps=run.steps,
        hunted=run.hunted,
        follows=run.follows,
        queued=run.queued,
        waiting=_kept(run.waiting),
        turn=run.turn,
    )


def _kept(waiting: Waiting | None) -> _Waiting | None:
    match waiting:
        case None:
            return None
        case Attempt():
            return _Attempt(
                waiting.command,
                waiting.sent,
                waiting.until,
                waiting.tries,
                waiting.phase,
                waiting.baseline,
                waiting.refusal,
                waiting.proven,
            )
        case Delivery():
            return _Delivery(waiting.command)
        case Pause():
            return _Pause(waiting.until, waiting.again)
        case Watch():
            return _Watch(waiting.until)
        case Ring():
            return _Ring(waiting.until)


def _waiting(kept: _Waiting | None, run: Run) -> Waiting | None:
    if kept is None:
        return None
    frame = run.frames[-1]
    action = frame.actions[frame.index - 1]
    match kept:
        case _Attempt():
            assert isinstance(action, SessionAction | Hunt)
            attempt = Attempt(action, kept.command, run.origin, kept.sent, kept.until, kept.tries)
            attempt.baseline = kept.baseline
            attempt.phase, attempt.refusal, attempt.proven = kept.phase, kept.refusal, kept.proven
            return attempt
        case _Delivery():
            assert isinstance(action, Webhook)
            return Delivery(action, kept.command)
        case _Pause():
            return Pause(kept.until, kept.again)
        case _Watch():
            assert isinstance(action, WaitFor)
            return Watch(action, kept.until)
        case _Ring():
            return Ring(kept.until)
