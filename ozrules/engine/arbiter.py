"""The arbiter: of the rules that answer to an event, which acts, and why each of the others does not.

Every stage that stops a rule is a reason on the record: conditions, exceptions, status, throttle, guards, who else
controls the call, how often the rule is under way on it. At most one rule takes control of a call at a time.
"""

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from ozrules.engine.consulted import Values
from ozrules.engine.effects import Chosen, Decision, EventView, PlannedAction, Reason
from ozrules.engine.index import Entry
from ozrules.engine.live import LiveSession
from ozrules.engine.planning import planned, stopped_by_guard
from ozrules.engine.run import Attempt, Run
from ozrules.engine.sequence import Sequencer
from ozrules.engine.world import World
from ozrules.rules import spans
from ozrules.rules.condition import YES, FailedLeaf
from ozrules.rules.model import Canary

THROTTLE: Final = "throttle:"


class Judged(NamedTuple):
    """What became of one entry, and what its conditions read then."""

    entry: Entry
    reason: Reason
    failed: tuple[FailedLeaf, ...] = ()
    by: str | None = None
    values: Values = {}  # noqa: RUF012  # written nowhere


class Arbiter:
    """Decides on the entries that one event brings up for one session."""

    def __init__(self, world: World, sequencer: Sequencer) -> None:
        self._world = world
        self._sequencer = sequencer

    def decide(
        self,
        entries: Iterable[Entry],
        live: LiveSession,
        view: EventView,
        at: float,
        *,
        explained: bool = True,
        caused: Collection[str] = (),
    ) -> int:
        """Judges all entries on the event, in order, then lets those fire that may. Returns how many fired.

        ``explained``: those whose conditions do not hold are written down too. ``caused``: the rules whose own commands
        brought the event about; what a rule does never sets it off again.
        """
        judged = []
        for entry in entries:
            if entry.test(live, at, self._world) == YES:
                values = entry.values(live, at, self._world, held=True)
                each = self._judge(entry, live, at, values)
                each = each._replace(values=values)
                again = each.reason == "fired" and entry.rule.id in caused
                judged.append(each._replace(reason="modeBusy", by=entry.rule.id) if again else each)
            elif explained:
                judged.append(_unmet(entry, live, self._world, at))
        if not judged:
            return 0
        controller = self._controller(live)
        outranked: list[str] = []
        for number, each in enumerate(judged):
            if each.reason != "fired" or not each.entry.controls:
                continue
            if controller is None:
                controller = each.entry.rule.id
            else:
                judged[number] = each._replace(reason="outrankedBy", by=controller)
                outranked.append(each.entry.rule.id)
        fired = 0
        for each in judged:
            if each.reason == "fired":
                each = self._mode(each, live)
            if each.reason == "fired":
                fired += 1
                self._fire(each, live, view, at, tuple(outranked) if each.entry.controls else ())
            else:
                self._record(each, live, view, at)
        return fired

    def record(self, entry: Entry, reason: Reason, live: LiveSession, view: EventView, at: float) -> None:
        """Writes down that a rule did not act, and why."""
        self._record(Judged(entry, reason), live, view, at)

    def own_doing(self, entry: Entry, live: LiveSession, view: EventView, at: float) -> None:
        """Writes down that a rule does not wait in a stay that its own command brought about."""
        self._record(Judged(entry, "modeBusy", by=entry.rule.id), live, view, at)

    def _record(self, judged: Judged, live: LiveSession, view: EventView, at: float) -> None:
        world = self._world
        number = world.next_decision
        world.next_decision += 1
        shows = judged.reason == "shadow"
        actions = planned(judged.entry.rule.actions, number, live, world, at, sent=False) if shows else ()
        world.out.append(self._decision(number, judged, live, view, at, actions, ()))

    # --- the stages -------------------------------------------------------------------------------------------------

    def _judge(self, entry: Entry, live: LiveSession, at: float, values: Values) -> Judged:
        """What stops an entry whose conditions hold, if anything does. What it counts is put among the values."""
        rule = entry.rule
        for name, test in entry.exceptions:
            if test(live, at, self._world) == YES:
                return Judged(entry, "exception", entry.excepted(name, live, at, self._world), by=name)
        if rule.status == "disabled" or rule.id in self._world.paused or None in self._world.paused:
            return Judged(entry, "disabled")
        if isinstance(rule.status, Canary) and not self._in_canary(entry, rule.status, live, at):
            return Judged(entry, "notInCanary")
        if rule.throttle is not None:
            group = entry.program.group(rule.throttle.group_by)(live, at)
            if group is None:
                return Judged(entry, "fieldMissing")
            last = self._world.tallies.latest(THROTTLE + rule.id, group)
            values["throttle.onceWithin"] = None if last is None else f"last fired {spans.written(at - last)} before"
            if last is not None and at - last < rule.throttle.once_within:
                return Judged(entry, "throttled")
        stopped = stopped_by_guard(rule.actions, live, self._world, at)
        if stopped is not None:
            return Judged(entry, stopped[0], by=stopped[1])
        return Judged(entry, "shadow" if rule.status == "shadow" else "fired")

    def _in_canary(self, entry: Entry, canary: Canary, live: LiveSession, at: float) -> bool:
        if canary.group_by:
            group = entry.program.group(canary.group_by)(live, at)
        else:
            group = live.session.master_session_id or live.session.session_id
        digest = sha256(f"{entry.rule.id}{group or ''}".encode()).digest()
        return int.from_bytes(digest, "big") % 100 < canary.percent

    def _controller(self, live: LiveSession) -> str | None:
        """The rule whose command or sequence is in flight on this session."""
        for run in live.chain.runs:
            if run.controls and (run.origin is live or run.session is live or run.origin.asks is not None):
                return run.rule.id
            if run.controls and isinstance(run.waiting, Attempt) and run.waiting.session is live:
                return run.rule.id  # the run has moved on with the call, and its command has not been heard of
        return None

    def _mode(self, judged: Judged, live: LiveSession) -> Judged:
        rule = judged.entry.rule
        mine = [run for run in live.runs or () if run.rule.id == rule.id]
        busy = judged._replace(reason="modeBusy")
        match rule.mode:
            case "single":
                return busy if mine else judged
            case "queued" | "parallel":
                return busy if len(mine) >= rule.max else judged
            case "restart":
                return judged

    # --- firing -----------------------------------------------------------------------------------------------------

    def _fire(self, judged: Judged, live: LiveSession, view: EventView, at: float, outranked: tuple[str, ...]) -> None:
        world, entry, rule = self._world, judged.entry, judged.entry.rule
        number = world.next_decision
        world.next_decision += 1
        sends = world.mode == "enforce"
        actions = planned(rule.actions, number, live, world, at, sent=sends)
        place = len(world.out)
        world.out.append(self._decision(number, judged, live, view, at, actions, outranked))
        live.remembered = True  # record and journal wait for what comes of it, until they are told that nothing does
        if rule.throttle is not None:
            group = entry.program.group(rule.throttle.group_by)(live, at) or ""
            world.tally(THROTTLE + rule.id, group, "", at, at + rule.throttle.once_within)
        if not sends:
            return
        if rule.mode == "restart":
            for run in [run for run in live.runs or () if run.rule.id == rule.id]:
                self._sequencer.cancel(run, at, "the rule began anew")
        run = Run(number, entry.program, rule, entry.trigger.id, live, controls=entry.controls)
        if rule.mode == "queued" and any(each.rule.id == rule.id for each in live.runs or ()):
            self._sequencer.enqueue(run)
        else:
            self._sequencer.begin(run, at)
            self._with_ways(place)

    def _with_ways(self, place: int) -> None:
        """What the actions have chosen already stands in their decision; what they choose later, on its own."""
        out = self._world.out
        decision = out[place]
        assert isinstance(decision, Decision), "it was put there before its actions began"
        mine = tuple(each for each in out[place:] if isinstance(each, Chosen) and each.decision == decision.number)
        if mine:
            out[place] = msgspec.structs.replace(decision, chosen=mine)
            out[place:] = [each for each in out[place:] if each not in mine]

    def _decision(
        self,
        number: int,
        judged: Judged,
        live: LiveSession,
        view: EventView,
        at: float,
        actions: tuple[PlannedAction, ...],
        outranked: tuple[str, ...],
    ) -> Decision:
        rule = judged.entry.rule
        world = self._world
        return Decision(
            number=number,
            at=at,
            session_key=live.key,
            session=live.session,
            event=view,
            hops=live.chain.hops,
            rule=rule.id,
            reason=judged.reason,
            status=rule.status if isinstance(rule.status, str) else "canary",
            trigger=judged.entry.trigger.id,
            actions=actions,
            values=judged.values,
            failed=judged.failed,
            by=judged.by,
            outranked=outranked,
            certainty=live.certainty,
            revision=world.program.revision,
            mode=world.mode,
        )


def _unmet(entry: Entry, live: LiveSession, world: World, at: float) -> Judged:
    failed = entry.failed(live, at, world)
    values = entry.values(live, at, world, held=False)
    if any(leaf.missing for leaf in failed):
        return Judged(entry, "fieldMissing", failed, values=values)
    if failed and all(leaf.schedule for leaf in failed):
        return Judged(entry, "outsideSchedule", failed, values=values)
    return Judged(entry, "conditionFalse", failed, values=values)
