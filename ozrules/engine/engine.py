"""The engine: `step(event)` is its only entrance.

Synchronous, total, deterministic: the same events from the same beginning give the same effects. It is told the time
with every event and asks for everything it wants done; the shell (`ozrules.runtime`) does it.

A step is always the same: track what changed, let what is under way see it, end the holds that it ends, ask the index
which rules answer to it, let the arbiter decide, and say when to be woken next. It stands in one file although it is
long, because what waits, what ends a wait and what wakes it are one story.
"""

from collections.abc import Collection, Iterable
from typing import Literal, assert_never

import msgspec

from ozrules.engine.arbiter import Arbiter
from ozrules.engine.effects import (
    Command,
    Effect,
    EventView,
    Forget,
    Observed,
    Reason,
    Remember,
    Tally,
    Wake,
)
from ozrules.engine.events import (
    CalendarDue,
    ClockAdjusted,
    CommandAnswered,
    CommandShown,
    ConnectionOpened,
    Event,
    Gap,
    ModeChanged,
    PostSettled,
    RoutingAsked,
    RulePaused,
    RulesReplaced,
    ScheduleSwitched,
    SessionSeen,
    SessionsListed,
    TimerCancelled,
    TimersDue,
    Withheld,
)
from ozrules.engine.identity import SessionKey
from ozrules.engine.index import EXPLAIN_ALL, Entry
from ozrules.engine.live import Hold, LiveSession
from ozrules.engine.memory import Programs, base_of, held_from, recall, remember, waits_in
from ozrules.engine.moments import Moments, missed_reason
from ozrules.engine.planning import may_send
from ozrules.engine.program import Program
from ozrules.engine.routing import Questions
from ozrules.engine.sequence import Sequencer
from ozrules.engine.tracker import Change, Tracker
from ozrules.engine.view import SessionView, view_of
from ozrules.engine.world import World
from ozrules.rules.condition import YES
from ozrules.rules.model import RuleSet, StateTrigger
from ozrules.session.methods import APART
from ozrules.session.session import Session
from ozrules.session.state import IN_CALL, State


class Engine:
    """The rules at work on all sessions of all connections.

    ``next_decision``, ``memories``, ``tallies`` and ``open_commands`` are what a journal kept of the engine before, and
    ``earlier`` the rule sets that its memories may refer to beside ``rules``; what is remembered acts again once the
    connection's list has been merged. Where more than ``explain`` rules answer to a state, those whose conditions do
    not hold are not written down.
    """

    def __init__(
        self,
        rules: RuleSet,
        *,
        mode: Literal["enforce", "observe"] = "enforce",
        next_decision: int = 1,
        at: float = 0.0,
        memories: Iterable[tuple[SessionKey, bytes]] = (),
        tallies: Iterable[Tally] = (),
        open_commands: Iterable[Command] = (),
        earlier: Iterable[RuleSet] = (),
        explain: int = EXPLAIN_ALL,
    ) -> None:
        self._explain = explain
        self._world = World(Program(rules, explain), mode, next_decision)
        self._tracker = Tracker(self._world)
        self._sequencer = Sequencer(self._world)
        self._arbiter = Arbiter(self._world, self._sequencer)
        self._moments = Moments(self._world, self._arbiter)
        self._questions = Questions(self._world, self._sequencer, self._arbiter)
        for tally in tallies:
            self._world.tallies.add(tally)
        programs = Programs(self._world.program, earlier)
        for key, memory in memories:
            lost = recall(key, memory, self._world, programs)
            self._sequencer.give_up(lost, at)
        self._world.recount()
        for live in self._world.live.values():
            self._world.count_alive(live, at)
        self._sequencer.recover(open_commands, at)
        for live in list(self._world.live.values()):
            self._after(live)

    def step(self, event: Event) -> list[Effect]:
        """Everything that ``event`` makes ozrules want to be done, in order."""
        match event:
            case SessionSeen():
                named = self._unseen(event)
                for change in self._tracker.seen(event):
                    self._changed(change, event.at)
                if named is not None:
                    self._due(named, event.at)
            case TimersDue(at=at, sessions=sessions):
                for key in sessions:
                    live = self._world.live.get(key)
                    if live is not None:
                        live.wake = None
                        self._due(live, at)
            case CommandAnswered():
                answered = self._sequencer.answered(event)
                if answered is not None:
                    self._after(answered)
            case CommandShown():
                shown = self._sequencer.shown(event)
                if shown is not None:
                    self._after(shown)
            case PostSettled():
                self._sequencer.settled(event)
            case SessionsListed(at=at, connection=connection):
                for change in self._tracker.listed(event):
                    self._changed(change, at)
                for report in event.follow:
                    for change in self._tracker.seen(report):
                        self._changed(change, at)
                for live in [each for each in self._world.live.values() if each.key.connection == connection]:
                    self._due(live, at)
                for live in self._moments.merged(connection, at):
                    self._after(live)
            case ConnectionOpened():
                for change in self._tracker.opened(event):
                    self._changed(change, event.at)
            case RoutingAsked():
                self._after(self._questions.asked(event))
            case Gap():
                self._tracker.lost(event)
            case CalendarDue():
                for live in self._moments.come(event):
                    self._after(live)
            case RulesReplaced(rules=rules, program=program):
                if program is None:
                    same = rules is self._world.program.rules
                    program = self._world.program if same else Program(rules, self._explain)
                self._replace(program, event.at)
            case RulePaused(rule=rule, paused=paused):
                (self._world.paused.add if paused else self._world.paused.discard)(rule)
            case ScheduleSwitched():
                self._world.switch(event)
            case TimerCancelled():
                self._cancel(event)
            case ClockAdjusted(offset=offset):
                self._world.wall_offset = offset
            case ModeChanged(mode=mode):
                self._world.mode = mode
            case _:
                assert_never(event)
        world = self._world
        touched, world.touched = world.touched, []
        for live in touched:
            if world.live.get(live.key) is live:
                self._after(live)
        out, world.out = world.out, []
        return out

    def revisions(self) -> frozenset[str]:
        """The rule sets that are in force or that something under way refers to: these must be kept."""
        world = self._world
        return frozenset({world.program.revision, *(each.revision for each in world.begun_with())})

    def gate(self, command: Command, at: float) -> Withheld | None:
        """Asked at the moment of sending: whether this command may still leave, and if not, what becomes of it.

        Looks and changes nothing.
        """
        live = self._world.live.get(command.session)
        if live is None or (live.ended and command.action not in APART):
            return Withheld("targetGone", "the session has ended")
        if at > command.deadline:
            return Withheld("expired", f"{at - command.deadline:.1f} s after its time")
        if not self._world.line(command.connection).merged:
            return Withheld("expired", "the list of calls had to be read anew before it could be sent")
        if live.unseen:
            return Withheld("expired", "since the connection was lost nothing has said that the call still is there")
        return may_send(command, live, self._world)

    def session(self, key: SessionKey) -> Session | None:
        """The session as last seen, while it lives."""
        live = self._world.live.get(key)
        return None if live is None else live.session

    @property
    def alive(self) -> int:
        """How many sessions live."""
        return len(self._world.live)

    def sessions(self) -> tuple[SessionView, ...]:
        """All live sessions, with what waits on them."""
        return tuple(view_of(live) for live in self._world.live.values() if not live.ended and live.asks is None)

    def keys(self) -> tuple[SessionKey, ...]:
        """Whoever lives, to be looked at one by one with `view`."""
        return tuple(self._world.live)

    def view(self, key: SessionKey) -> SessionView | None:
        """One live session, with what waits on it."""
        live = self._world.live.get(key)
        return None if live is None or live.ended else view_of(live)

    def _unseen(self, event: SessionSeen) -> LiveSession | None:
        """The session that a report is about, where it is the first to name it since a gap."""
        line = self._world.line(event.connection)
        live = line.sessions.get(event.session.session_id) if line.merged else None
        return live if live is not None and live.unseen else None

    # --- one change -------------------------------------------------------------------------------------------------

    def _changed(self, change: Change, at: float) -> None:
        live = change.live
        world = self._world
        origins, caused = self._sequencer.observe(live, at) if live.chain.runs else ([], set())
        view = EventView(kind=change.kind, state=live.state, from_state=change.origin, since=live.entered)
        fired = 0
        if change.entered:
            if live.holds or live.done:
                self._end_holds(live, change, view, at)
            bucket = world.index.entering.get(live.state)
            if bucket is not None:
                entries = bucket.answering(live, change.origin, seen=change.seen)
                if entries:
                    fired = self._arbiter.decide(entries, live, view, at, explained=bucket.whole, caused=caused)
        if change.recounted:
            self._count_again(live, at)
        if live.state in world.index.holding:
            own = caused if change.entered else ()
            for entry, due in self._arm(live, change.origin if change.entered else None, at, own):
                if entry.test(live, at, world) == YES:
                    self._arbiter.own_doing(entry, live, msgspec.structs.replace(view, due=due), at)
        world.out.append(
            Observed(at=at, key=live.key, event=view, session=live.session, certainty=live.certainty, matched=fired)
        )
        world.touched += [origin for origin in origins if origin is not live]  # later: its own end may be yet to come
        met = live.state in world.index.resyncing
        if met or live.ended or live.holds or live.runs or live.wake is not None or live.remembered or live.variables:
            self._after(live)

    def _after(self, live: LiveSession) -> None:
        """Says when the session wants to be woken and what must survive a restart; lets it go when it is over."""
        world = self._world
        due: float | None = None
        for hold in live.holds or ():
            if due is None or hold.due < due:
                due = hold.due
        if live.asks is not None and not live.ended:
            due = live.asks.expires
        if live.look_again is not None and (due is None or live.look_again < due):
            due = live.look_again
        for run in live.runs or ():
            wanted = self._sequencer.due(run)
            if wanted is not None and (due is None or wanted < due):
                due = wanted
        if due != live.wake:
            live.wake = due
            world.out.append(Wake(live.key, due))
        over = live.ended and not live.runs
        met = live.state in world.index.resyncing or self._moments.owes(live)
        memory = None if over else remember(live, met=met)
        if memory is not None:
            world.out.append(Remember(live.key, memory))
        elif live.remembered:
            world.out.append(Forget(live.key))
        live.remembered = memory is not None
        if over:
            world.drop(live)

    def _due(self, live: LiveSession, at: float) -> None:
        """Does what is due on a session, unless its connection is in a gap, or nothing has named it since: then that
        comes first.
        """
        if live.unseen or (live.key.connection and not self._world.line(live.key.connection).merged):
            return
        if live.asks is not None and live.asks.expires <= at:
            live.ended = True
        if live.look_again is not None and live.look_again <= at:
            self._tracker.look_again(live)
        for run in tuple(live.runs or ()):
            due = self._sequencer.due(run)
            if due is not None and due <= at and not run.queued:
                self._sequencer.woken(run, at)
        self._holds_due(live, at)
        self._after(live)

    # --- holds ------------------------------------------------------------------------------------------------------

    def _arm(
        self, live: LiveSession, origin: State | None, at: float, caused: Collection[str] = ()
    ) -> list[tuple[Entry, float]]:
        """Begins the holds that the session's state calls for and that neither run nor have run in this stay. Returns
        those, with when they would be due, that do not begin because the rule itself, one of ``caused``, brought the
        stay about.
        """
        own = []
        waiting = {hold.entry.name for hold in live.holds or ()}
        for entry in self._world.index.holding[live.state].candidates(live):
            if entry.name in waiting or (live.done is not None and entry.name in live.done):
                continue
            trigger = entry.trigger
            assert isinstance(trigger, StateTrigger)
            if trigger.origins is not None and origin not in trigger.origins:
                continue
            due = self._due_of(trigger, live, at)
            if due is not None and entry.rule.id in caused:
                live.done = (live.done or set()) | {entry.name}
                own.append((entry, due))
            elif due is not None:
                if live.holds is None:
                    live.holds = []
                live.holds.append(Hold(entry, due))
        return own

    def _due_of(self, trigger: StateTrigger, live: LiveSession, at: float) -> float | None:
        assert trigger.hold is not None
        match trigger.clock:
            case "state":
                return live.entered + trigger.hold
            case "session":
                return max(live.started + trigger.hold, live.entered)
            case "talk":
                return at + trigger.hold - live.talk(at) if live.state == IN_CALL else None
            case _:
                assert_never(trigger.clock)

    def _end_holds(self, live: LiveSession, change: Change, view: EventView, at: float) -> None:
        """Ends the waits whose states the session has left, and forgets what fired only for the stay that is over."""
        kept = []
        back = change.origin == live.state  # it left and came back while nobody watched: another stay
        for hold in live.holds or ():
            trigger = hold.entry.trigger
            assert isinstance(trigger, StateTrigger)
            stays = live.state in trigger.states and not (back and trigger.clock == "state")
            if stays and (trigger.clock != "talk" or (live.state == IN_CALL and not back)):
                kept.append(hold)
                continue
            pauses = trigger.clock != "state" and not live.ended
            if not pauses and hold.entry.test(live, at, self._world) == YES:
                reason: Reason = "stateLeftBeforeFor" if change.seen or not live.ended else "callGone"
                self._arbiter.record(hold.entry, reason, live, msgspec.structs.replace(view, due=hold.due), at)
        live.holds = kept or None
        if live.done:
            holds, retired = self._world.index.holds, self._world.retired
            kept_done = {name for name in live.done if _stays(holds.get(name) or retired.get(name), live, back)}
            live.done = kept_done | (live.done & change.fired) or None

    def _count_again(self, live: LiveSession, at: float) -> None:
        """The stay counts from another moment: so do the waits that measure it."""
        for hold in live.holds or ():
            trigger = hold.entry.trigger
            assert isinstance(trigger, StateTrigger)
            hold.due = self._due_of(trigger, live, at) or hold.due

    def _holds_due(self, live: LiveSession, at: float) -> None:
        while live.holds:
            due = min(hold.due for hold in live.holds)
            if due > at:
                return
            entries = [hold.entry for hold in live.holds if hold.due == due]
            live.holds = [hold for hold in live.holds if hold.due != due] or None
            live.done = (live.done or set()) | {entry.name for entry in entries}
            late = at - due
            view = EventView(
                kind="timer", state=live.state, from_state=live.previous, since=live.entered, due=due, late_by=late
            )
            entries.sort(key=lambda entry: entry.rank)
            timely = []
            for entry in entries:
                reason = missed_reason(entry.rule, late, missed=due < live.watched_from)
                if (
                    reason is None or entry.test(live, at, self._world) != YES
                ):  # of a rule that is not about this call, say that
                    timely.append(entry)
                else:
                    self._arbiter.record(entry, reason, live, view, at)
            if timely:
                self._arbiter.decide(timely, live, view, at)

    def _cancel(self, event: TimerCancelled) -> None:
        live = self._world.live.get(event.session)
        name = (event.rule, event.trigger)
        for hold in (live.holds if live is not None else None) or ():
            if live is not None and hold.entry.name == name:
                live.holds = [each for each in live.holds or () if each is not hold] or None
                live.done = (live.done or set()) | {name}
                view = EventView(
                    kind="timer", state=live.state, from_state=live.previous, since=live.entered, due=hold.due
                )
                self._arbiter.record(hold.entry, "cancelled", live, view, event.at)
                self._after(live)

    # --- rules -----------------------------------------------------------------------------------------

    def _replace(self, program: Program, at: float) -> None:
        """Another rule set: waits of rules that stay are kept, or due anew from the same start; the others end, judged
        by the rules that they began with.
        """
        world = self._world
        removed = {live.key: self._swap_holds(live, program, at) for live in world.live.values()}
        known = world.retired | world.index.holds
        fired = {name for live in world.live.values() for name in live.done or ()}
        world.retired = {name: known[name] for name in fired - program.index.holds.keys() if name in known}
        world.install(program)
        for live in list(world.live.values()):
            for hold in removed[live.key]:
                view = EventView(
                    kind="timer", state=live.state, from_state=live.previous, since=live.entered, due=hold.due
                )
                self._arbiter.record(hold.entry, "ruleRemoved", live, view, at)
            if not live.ended and live.asks is None and live.state in program.index.holding:
                self._arm(live, live.previous, at)
            self._after(live)  # in a gap, too, where nothing is done yet
            self._due(live, at)

    def _swap_holds(self, live: LiveSession, program: Program, at: float) -> list[Hold]:
        """Lets the waits of a session be those of another program. Returns those that it does not have and whose own
        conditions hold.
        """
        kept, removed = [], []
        for hold in live.holds or ():
            entry = program.index.holds.get(hold.entry.name)
            if entry is not None and waits_in(entry, live):
                kept.append(held_from(entry, base_of(hold)))
            elif hold.entry.test(live, at, self._world) == YES:
                removed.append(hold)
        live.holds = kept or None
        return removed


def _stays(entry: Entry | None, live: LiveSession, back: bool) -> bool:
    """Whether what fired for a stay still counts as fired: the stay goes on, or it counts once a session.

    None is a rule of an earlier life of the daemon that is not in force: it may come back, and must not fire again.
    """
    if entry is None:
        return True
    trigger = entry.trigger
    assert isinstance(trigger, StateTrigger), "only a `for` is marked as fired"
    return trigger.clock != "state" or (live.state in trigger.states and not back)
