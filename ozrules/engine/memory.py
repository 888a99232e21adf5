"""What must be known of a session to go on after a restart: its holds, what fired on it, what is under way.

The full list that a phone system gives after a connect says the rest. Waits and sequences name the rule set that they
began with by its revision; the journal keeps that set as long as they do. Written as JSON, so that a later version can
read it and a person can look at it.
"""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from ozrules.engine.effects import Command
from ozrules.engine.events import Refused
from ozrules.engine.identity import SessionKey
from ozrules.engine.index import Entry
from ozrules.engine.live import Asks, Hold, LiveSession
from ozrules.engine.program import Program
from ozrules.engine.run import (
    Attempt,
    Baseline,
    Delivery,
    Frame,
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
    RuleSet,
    SessionAction,
    StateTrigger,
    WaitFor,
    Webhook,
)
from ozrules.rules.nesting import Path
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


class _Run(msgspec.Struct, omit_defaults=True):
    number: int
    rule: str | Rule  # the rule itself is what versions before this one wrote, and no revision
    trigger: str
    controls: bool
    frames: list[tuple[Path, int]]
    steps: int
    hunted: int
    follows: bool
    queued: bool
    waiting: _Waiting | None
    turn: int = 0
    revision: str = ""


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
    revision: str = ""
    """The rule set of the holds. Empty: the one in force when this was written, as before revisions were kept."""
    unsettled: bool = False


_encoder = msgspec.json.Encoder(order="deterministic")  # of a set, too: equal events give equal bytes
_decoder = msgspec.json.Decoder(_Memory)


def remember(live: LiveSession, *, met: bool = False) -> bytes | None:
    """The session as bytes, or None where the phone system's own list tells all there is to know.

    ``met``: it must be known again as one that has been met in its state before, and since when.
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
            revision=live.holds[0].entry.program.revision if live.holds else "",
            unsettled=live.unsettled,
        )
    )


def base_of(hold: Hold) -> float:
    """The moment from which a hold counts."""
    return hold.due - _seconds(hold.entry)


def held_from(entry: Entry, base: float) -> Hold:
    """A hold that counts from that moment."""
    return Hold(entry, base + _seconds(entry))


def waits_in(entry: Entry, live: LiveSession) -> bool:
    """Whether a hold of it may wait in the state of the session."""
    return isinstance(entry.trigger, StateTrigger) and live.state in entry.trigger.states


def _seconds(entry: Entry) -> float:
    trigger = entry.trigger
    assert isinstance(trigger, StateTrigger)
    assert trigger.hold is not None
    return trigger.hold


class Programs:
    """The rule sets that memories may refer to, each compiled when it is first needed. ``last`` was in force last."""

    def __init__(self, last: Program, earlier: Iterable[RuleSet]) -> None:
        self._last = last
        self._sets = {rules.revision: rules for rules in earlier}
        self._compiled = {last.revision: last}

    def of(self, revision: str) -> Program | None:
        """The program of a revision, if it is known. The empty one is the last."""
        found = self._compiled.get(revision or self._last.revision)
        if found is None and revision in self._sets:
            found = self._compiled[revision] = Program(self._sets[revision])
        return found

    def with_rule(self, rule: Rule) -> Program:
        """A program that has this very rule: versions before this one kept the rule, and not the set that it is of."""
        if self._last.rule(rule.id) == rule:
            return self._last
        return Program(msgspec.structs.replace(self._last.rules, rules=(rule,), revision=""))


class Lost(msgspec.Struct, frozen=True):
    """A sequence that cannot go on, because its rules cannot be read any more. ``unknown``: its command of which
    nobody knew yet what became of it.
    """

    rule: str
    session: SessionKey
    unknown: Command | None


def recall(key: SessionKey, memory: bytes, world: World, programs: Programs) -> list[Lost]:
    """Puts the session back into the world as it was, not yet confirmed by any list. Returns what of it is lost.

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
    live.remembered = True
    chain.sessions.append(live)
    world.live[key] = live
    if kept.asks is not None:
        live.asks = Asks(kept.asks.expires, kept.asks.answered)
        line.asking[key] = live
    elif not live.ended:
        line.sessions[key.session_id] = live
    began = (programs.of(kept.revision) or world.program).index.holds
    for hold in kept.holds:
        entry = began.get((hold.rule, hold.trigger))
        if entry is not None and waits_in(entry, live):
            live.holds = [*(live.holds or ()), held_from(entry, hold.base)]
    lost = []
    for each in kept.runs:
        run = _resumed(each, live, programs)
        if run is None:
            waiting = each.waiting
            unknown = waiting.command if isinstance(waiting, _Attempt) and waiting.phase == "unknown" else None
            lost.append(Lost(str(each.rule), key, unknown))
        else:
            chain.runs.append(run)
            live.runs = [*(live.runs or ()), run]
    return lost


def _resumed(kept: _Run, live: LiveSession, programs: Programs) -> Run | None:
    if isinstance(kept.rule, Rule):
        program: Program | None = programs.with_rule(kept.rule)
        rule: Rule | None = kept.rule
    else:
        program = programs.of(kept.revision)
        rule = None if program is None else program.rule(kept.rule)
    if program is None or rule is None:
        return None
    run = Run(kept.number, program, rule, kept.trigger, live, controls=kept.controls)
    run.frames = [Frame(actions_at(rule, path), path, index) for path, index in kept.frames]
    run.steps, run.hunted, run.follows, run.queued = kept.steps, kept.hunted, kept.follows, kept.queued
    run.turn = kept.turn
    run.waiting = _waiting(kept.waiting, run)
    return run


def _run(run: Run) -> _Run:
    return _Run(
        number=run.number,
        rule=run.rule if not run.program.revision else run.rule.id,
        trigger=run.trigger,
        controls=run.controls,
        frames=[(frame.path, frame.index) for frame in run.frames],
        steps=run.steps,
        hunted=run.hunted,
        follows=run.follows,
        queued=run.queued,
        waiting=_kept(run.waiting),
        turn=run.turn,
        revision=run.program.revision,
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
