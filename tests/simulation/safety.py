"""What must hold at every step, I1 to I15: checked where the daemon's parts meet, by our own reckoning.

It is told of every event before the engine takes it, of every effect, of every command that a connector is given, of
every frame that leaves, of every batch that is on the disk, and of every request that reaches the phone system. Its
own knowledge of a session is the last report, no more. Those that cannot be seen here stand in docs/simulation.md.

It is long because the checks share one account of what was told, asked and done, which would otherwise be kept twice.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from ozrules.engine.effects import Command, Decision, Effect, Outcome, Remember, Send, Tally, Unrouted, WriteLog
from ozrules.engine.engine import Engine
from ozrules.engine.events import (
    CalendarDue,
    ConnectionOpened,
    Event,
    Gap,
    ModeChanged,
    RoutingAsked,
    RulePaused,
    RulesReplaced,
    SessionSeen,
    SessionsListed,
)
from ozrules.engine.identity import SessionKey
from ozrules.engine.live import LiveSession
from ozrules.engine.memory import remember
from ozrules.rules.model import Rule, RuleSet, StateTrigger
from ozrules.runtime.ports import Record, Saved
from ozrules.session.methods import EXCLUSIVE, REPEATABLE, is_legal
from ozrules.session.session import Session
from ozrules.session.state import CREATED, ENDED, IN_CALL, RINGING, SETUP
from tests.simulation import office
from tests.simulation.recovery import not_the_same
from tests.simulation.telling import RUNNING, Durations
from tests.simulation.truth import NEAR, UNHEARD, Asked, Call, Stay, Truth

HOUR: Final = 3600.0
LAG: Final = 9.0
"""Seconds by which a stay may seem to have begun later: five at the gateway, three on the way, and one."""
UNSEEN: Final = frozenset({"sendDtmf", "startListen", "stopListen"})
"""What the simulated phone system does without showing anything of it."""
APART: Final = 3.0
"""Seconds between two lists that show whether a duration runs."""
ON_DISK: Final = 6.0
"""Seconds after which what was learned from a list is on disk, whatever happens."""
LATELY: Final = 20.0
YOUNG: Final = 6.0
"""Seconds by which a call is older than the link and may still be taken for one that begins: clocks differ."""
FOLLOWS_UNKNOWN: Final = frozenset({"confirmed", "unconfirmed", "targetGone"})
_SECRET: Final = office.SECRET.encode()
_encode: Final = msgspec.json.Encoder().encode
_EARLY: Final = {CREATED: 0, SETUP: 1, RINGING: 2}


class Safety:
    """``fail`` is called with what was broken; ``true`` says how many seconds have truly passed."""

    def __init__(
        self,
        truth: Truth,
        fail: Callable[[str], None],
        happened: Counter[str],
        *,
        true: Callable[[], float],
        numbered: bool,
        durations: Durations,
    ) -> None:
        self.truth = truth
        self._true = true
        self.records = 0
        self.decisions: list[tuple[Decision, Call | None, float]] = []
        """Those on disk: with the call that each is about, and when it was made, in true seconds."""
        self.outcomes: dict[str, str] = {}
        self.sent: dict[tuple[str, int], float] = {}
        self.merged = False
        self.whole = False
        """Whether a list that is complete has come since the last gap."""
        self._named: set[str] = set()
        """Whom a list or a report has named since the last gap."""
        self.observing = False
        self.shift = 0.0
        """What the engine's clock shows at true 0."""
        self._fail = fail
        self._happened = happened
        self._numbered = numbered
        self._runs = durations in RUNNING
        """Whether the phone system says, to a second, how long a state has lasted."""
        self._near = NEAR + (1.0 if durations == "ceil" else 0.0)
        self._linked = 0.0
        """Since when changes are told, in true seconds."""
        self.proved = self.proved_talk = math.inf
        """Since when the daemon must know that the durations of states, and of talk, run, in true seconds."""
        self._proofs: dict[str, float] = {}
        self._listed: dict[str, tuple[float, Session]] = {}
        """What the last list since the last gap said of whom nothing was told since then, and when it came."""
        self._woke = False
        """Whether the host has slept since the last list."""
        self._paused: set[str | None] = set()
        self._listing = False
        """Whether the engine is being told a list."""
        self._meanwhile: set[tuple[str, str]] = set()
        """States that were reported between a gap and its list."""
        self._pending: list[SessionSeen] = []
        """The reports themselves: what a list lacks that is not complete, they tell."""
        self._rules: RuleSet | None = None
        self._rule_sets: dict[str, RuleSet] = {}
        self._epoch = ""
        self._known: dict[str, Session] = {}
        self._doubtful: set[str] = set()
        self._heard: dict[str, float] = {}
        self._apart: dict[str, list[float]] = {}
        """When something was last told of a session."""
        self._reported: dict[str, float] = {}
        self._open: dict[SessionKey, set[str]] = {}
        self._given: dict[SessionKey, str] = {}
        self._fired: set[tuple[str, str, int, int]] = set()
        self._commands: dict[str, Command] = {}
        self._number = 0
        self._external: list[tuple[float, int]] = []
        self._looked_at: dict[SessionKey, tuple[bytes, object]] = {}
        self._came: dict[str, float] = {}
        self.owed_moments: dict[str, float] = {}
        """Moments that came while no list was known and that are on the disk: their mark, and when, in true seconds."""
        self._throttled: dict[str | None, float] = {}
        """When the throttled rule last fired for each caller."""

    # --- a life of the daemon -----------------------------------------------------------------------------------------

    def begins(self, rules: RuleSet, shift: float, *, observing: bool) -> None:
        """The daemon starts: it knows nothing but its journal."""
        self._use(rules)
        now = self._true()
        self._proofs = {what: at for what, at in self._proofs.items() if now - at >= ON_DISK}
        self._listed.clear()
        self.shift = shift
        self.observing = observing
        self.merged = self.whole = self._woke = False
        self._named.clear()
        self._paused.clear()
        self._meanwhile.clear()
        self._pending.clear()
        self._epoch = ""
        self._known.clear()
        self._doubtful.clear()
        self._reported.clear()
        self._open.clear()
        self._given.clear()
        self._looked_at.clear()

    def slept(self) -> None:
        """The host wakes: what has changed meanwhile is not known."""
        self._woke = True

    def _use(self, rules: RuleSet) -> None:
        self._rules = rules
        self._rule_sets[rules.revision] = rules

    def before(self, event: Event) -> None:
        """The engine is about to be told this."""
        self._listing = isinstance(event, SessionsListed)
        match event:
            case ConnectionOpened(epoch=epoch):
                if epoch != self._epoch:
                    self._known.clear()
                self._epoch, self.merged, self.whole = epoch, False, False
                self._named.clear()
                self._listed.clear()
                self._reported.clear()
                self._meanwhile.clear()
                self._pending.clear()
            case Gap():
                self.merged = self.whole = False
                self._named.clear()
                self._linked = self._true()
                self._listed.clear()
                self._meanwhile.clear()
                self._pending.clear()
            case SessionsListed(sessions=sessions, complete=complete):
                if complete:
                    self._known.clear()
                self._proves(sessions or ())
                for session in sessions or ():
                    self._known[session.session_id] = session
                    self._heard_of(session, event.at)
                self._doubtful.clear()
                self.merged, self._woke = True, False
                listed = {session.session_id for session in sessions or ()}
                self.whole = self.whole or complete
                self._named |= listed
                pending, self._pending = self._pending, []
                for report in pending:
                    if not complete and report.session.session_id not in listed:
                        self._takes(report)
                for report in event.follow:
                    self._meanwhile.add((report.session.session_id, report.session.session_state))
                    self._seen(report)
            case SessionSeen():
                self._seen(event)
            case RulesReplaced(rules=rules):
                self._use(rules)
            case RulePaused(rule=rule, paused=paused):
                (self._paused.add if paused else self._paused.discard)(rule)
            case ModeChanged(mode=mode):
                self.observing = mode == "observe"
            case _:
                pass

    def connected(self) -> None:
        """A connection is made, just now."""
        self._linked = self._true()

    def _proves(self, sessions: Sequence[Session]) -> None:
        """Whether two lists, with nothing told between them, show a duration that has run."""
        now, before = self._true(), self._listed
        for each in sessions:
            then, known = before.get(each.session_id, (now, each))
            same = (known.start_time, known.session_state) == (each.start_time, each.session_state)
            if not self._runs or not same or now - then < APART:
                continue
            if known.state_duration != each.state_duration:
                self._proofs.setdefault("state", now)
            if known.talk_duration != each.talk_duration and each.session_state == IN_CALL:
                self._proofs.setdefault("talk", now)
        if now - self._proofs.get("state", now) >= ON_DISK:
            self.proved = min(self.proved, now)
        if now - self._proofs.get("talk", now) >= ON_DISK:
            self.proved_talk = min(self.proved_talk, now)
        self._listed = {each.session_id: (now, each) for each in sessions}

    def _seen(self, event: SessionSeen) -> None:
        session, id = event.session, event.session.session_id
        self._listed.pop(id, None)
        self._named.add(id)
        if event.reported_at is not None and self._numbered:
            before = self._reported.get(id, 0.0)
            if event.reported_at < before and event.kind != "created":
                self._fail(f"I6: a change of {id} was handled after a later one")
            self._reported[id] = event.reported_at
        if event.kind == "closed":
            self._reported.pop(id, None)  # what comes after it is about nobody, and is dropped
        if not self.merged:
            self._meanwhile.add((id, session.session_state))
            self._pending.append(event)
            return
        self._takes(event)

    def _takes(self, event: SessionSeen) -> None:
        """From now on a session is what a report says."""
        session, id = event.session, event.session.session_id
        known = self._known.get(id)
        if event.kind == "closed" or session.session_state in ENDED:
            if known is None or known.start_time == session.start_time:
                self._known.pop(id, None)
            return
        if known is not None and _EARLY.get(session.session_state, 3) < _EARLY.get(known.session_state, 3):
            self._doubtful.add(id)  # it went back: the daemon may ask for the list first
        self._known[id] = session
        self._heard_of(session, event.at)

    def _heard_of(self, session: Session, at: float) -> None:
        self._heard[session.session_id] = at - self.shift
        if session.session_state != IN_CALL:
            self._apart.setdefault(session.session_id, []).append(at - self.shift)

    def after(self, event: Event, effects: Sequence[Effect], engine: Engine) -> None:
        """The engine has answered with these."""
        for effect in effects:
            match effect:
                case Decision():
                    self._decided(effect)
                case Send(command):
                    self._commands[command.id] = command
                    if command.action in EXCLUSIVE:
                        waiting = self._open.setdefault(command.session, set())
                        waiting.add(command.id)
                        if len(waiting) > 1:
                            self._fail(f"I6: {sorted(waiting)} are under way at once on {command.session.session_id}")
                case Outcome():
                    if effect.outcome != "unknown":
                        self._open.get(effect.session, set()).discard(effect.command)
                case WriteLog():
                    self._logged(effect, effects)
                case _:
                    pass
        if isinstance(event, RoutingAsked):
            self._answered_once(event, effects)
        if isinstance(event, CalendarDue) and event.rule == office.MOMENTS and not self.merged:
            self._came.update({each.member: self._true() for each in effects if isinstance(each, Tally)})
        if isinstance(event, SessionsListed) and event.complete and event.sessions is not None:
            listed = {session.session_id for session in event.sessions}
            listed |= {report.session.session_id for report in event.follow}
            alive = [view.key for view in engine.sessions() if not view.key.session_id.startswith("calendar:")]
            stale = [key.session_id for key in alive if key.session_id not in listed]
            if stale:
                self._fail(f"I9: {stale} are still alive after a list without them")
            earlier = [key.session_id for key in alive if key.epoch != self._epoch]
            if earlier:
                self._fail(f"I9: {earlier} of an earlier epoch are still alive after a list of this one")

    def _logged(self, line: WriteLog, effects: Sequence[Effect]) -> None:
        """What a rule says of what it has found: the schedules are always so, and counted twice is counted the same."""
        if line.rule in office.RIGHT and line.text != "yes":
            self._fail(f"I16: {line.rule} found something that is never so on {line.session.session_id}")
        twin = office.TWINS.get(line.rule)
        if twin is None:
            return
        for decision in effects:
            if isinstance(decision, Decision) and (decision.rule, decision.session_key) == (twin, line.session):
                self._happened[f"{line.rule} said {line.text}"] += 1
                if decision.reason in ("fired", "conditionFalse") and (decision.reason == "fired") != (
                    line.text == "yes"
                ):
                    self._fail(f"I16: {line.rule} said {line.text} when {twin} was {decision.reason}")

    def _answered_once(self, asked: RoutingAsked, effects: Sequence[Effect]) -> None:
        """A question is answered in the step in which it comes, or left to the dial plan; never twice."""
        sent = [each.command for each in effects if isinstance(each, Send) and each.command.question is not None]
        left = [each for each in effects if isinstance(each, Unrouted)]
        if len(sent) + len(left) != 1:
            self._fail(f"I17: a question was answered {len(sent)} times, and left alone {len(left)} times")
        number = asked.session.dialed_number or ""
        for command in sent:
            self._happened["a question was answered"] += 1
            if command.to not in office.ROUTED.get(number, ()):
                self._fail(f"I17: a call to {number} was sent to {command.to} by an answer")

    def _decided(self, decision: Decision) -> None:
        assert self._rules is not None, "a daemon begins with rules"
        if decision.revision != self._rules.revision:
            self._fail(f"I7: decision {decision.number} names {decision.revision[:14]}, which is not in force")
        call = None if decision.session_key is None else self.truth.call_of(decision.session_key)
        if decision.reason != "fired":
            return
        if decision.rule == "emergency":
            self._fail(f"I8: {decision.rule} is about to touch an emergency call")
        if decision.rule == office.IN_SHADOW:
            self._fail(f"I8: {decision.rule} fired although it is in shadow")
        if decision.rule in self._paused:
            self._fail(f"I8: {decision.rule} fired although it is paused")
        if decision.event.kind == "timer" and self._woke:
            self._fail(f"I5: {decision.rule} fired after the host had slept, and before a list")
        if decision.event.kind == "timer" and call is not None and not self.whole and call.id not in self._named:
            self._fail(f"I5: {decision.rule} fired on {call.id}, which nothing has named since a gap")
        if decision.event.kind == "timer" and call is not None:
            self._not_early(decision, call)
        if self._listing and call is not None:
            self._seen_to_happen(decision, call)
        if decision.event.kind != "timer" and call is not None:
            self._told_to_somebody(decision, call)

    def _seen_to_happen(self, decision: Decision, call: Call) -> None:
        trigger = self._trigger(decision)
        if trigger is None or trigger.hold is not None or self._rule(decision).on_resync:
            return
        if (call.id, decision.event.state) not in self._meanwhile:
            self._fail(f"I1: {decision.rule} fired on {call.id} for what a list says and nobody saw happen")

    def _told_to_somebody(self, decision: Decision, call: Call) -> None:
        """What fires at once fires on a change that the phone system told, not on what was so before it was asked."""
        trigger = self._trigger(decision)
        if trigger is None or trigger.hold is not None or self._rule(decision).on_resync:
            return
        now = self._true()
        stays = [stay for stay in call.stays if stay.state == decision.event.state]
        recent = [stay for stay in stays if stay.ended is None or stay.ended > now - LATELY]
        if recent and not any(stay.told for stay in recent) and call.began < self._linked - YOUNG:
            self._fail(f"I1: {decision.rule} fired on {call.id}, and nobody was told that it became {stays[-1].state}")

    # --- timers ---------------------------------------------------------------------------------------------------

    def _trigger(self, decision: Decision) -> StateTrigger | None:
        trigger = next(each for each in self._rule(decision).triggers if each.id == decision.trigger)
        return trigger if isinstance(trigger, StateTrigger) else None

    def _rule(self, decision: Decision) -> Rule:
        return next(rule for rule in self._rule_sets[decision.revision].rules if rule.id == decision.rule)

    def _not_early(self, decision: Decision, call: Call) -> None:
        trigger = self._trigger(decision)
        assert trigger is not None
        assert trigger.hold is not None, "only a `for` makes a timer"
        now = min(decision.at - self.shift, self._true())  # whatever time the engine was told
        match trigger.clock:
            case "session":
                lasted = now - call.began
            case "talk":
                if max(stay.began for stay in call.stays if stay.state == IN_CALL) < self.proved_talk:
                    return  # it was counted as reports came, and they take time
                lasted = call.talked(now, self._heard.get(call.id, now), self._apart.get(call.id, ()))
            case "state":
                self._still_there(decision, trigger, call)
                stays = self._stays(call, trigger, decision)
                if not stays:
                    self._fail(f"I3: {decision.rule} fired on {call.id}, which never was in its states by then")
                    return
                lasted = now - stays[0][1]
                rule = self._rule(decision)
                if (
                    self.proved <= self._true()
                    and rule.on_missed != "fire"
                    and lasted - trigger.hold > rule.missed_grace + LAG
                ):
                    self._fail(f"I3: {decision.rule} fired on {call.id} {lasted - trigger.hold:.1f} s too late")
        if lasted < trigger.hold - self._near:
            self._fail(f"I3: {decision.rule} fired on {call.id} after {lasted:.3f} s instead of {trigger.hold:g} s")

    def _still_there(self, decision: Decision, trigger: StateTrigger, call: Call) -> None:
        known = self._known.get(call.id)
        if known is None or known.start_time != call.session.start_time or call.id in self._doubtful:
            return
        if known.session_state not in trigger.states:
            self._fail(f"I3: {decision.rule} fired on {call.id}, last reported in {known.session_state}")

    def _stays(self, call: Call, trigger: StateTrigger, decision: Decision) -> list[tuple[int, float]]:
        """Which entries into the trigger's states a decision may be about, and when they were: the last one first, then
        those of which the end cannot have been heard of by then.
        """
        at = decision.event.since if decision.event.due is None else decision.event.due - (trigger.hold or 0.0)
        at -= self.shift
        stays = [stay for run in call.runs(trigger.states) for stay in run]
        found = [
            (number, stay) for number, stay in enumerate(stays) if self._counts_from(call, stay) <= at + self._near
        ]
        return [
            (number, self._counts_from(call, stay))
            for number, stay in reversed(found)
            if (number, stay) == found[-1] or stay.ended is None or stay.ended > at - UNHEARD
        ]

    def _counts_from(self, call: Call, stay: Stay) -> float:
        """When a stay began, as far as the phone system says it: where it says only when the call began, a phone seems
        to have rung since then.
        """
        return call.began if not self._runs and stay.state == RINGING else stay.began

    # --- commands on their way ----------------------------------------------------------------------------------------

    def leaving(self, command: Command, durable: bool) -> None:
        """A connector is given a command: it is about to leave."""
        session = command.session
        if command.session in self._given:
            self._fail(f"I6: {command.id} leaves while {self._given[session]} is not answered")
        self._given[session] = command.id
        if self.observing:
            self._fail(f"I2: {command.id} leaves although nothing may be sent")
        if not durable:
            self._fail(f"I2: {command.id} leaves, and its intent is not on disk")
        if not self.merged:
            self._fail(f"I5: {command.id} leaves between a gap and the list that ends it")
        elif not self.whole and session.session_id not in self._named:
            self._fail(f"I5: {command.id} leaves for {session.session_id}, which nothing has named since a gap")
        known = self._known.get(session.session_id)
        if known is None:
            self._fail(f"I4: {command.id} leaves for {session.session_id}, of which the last word was that it ended")
        elif known.start_time is not None and known.start_time != session.start:
            self._fail(f"I4: {command.id} leaves for another call than the one that bears {session.session_id} now")
        elif not is_legal(command.action, known.session_state) and session.session_id not in self._doubtful:
            self._fail(f"I4: {command.action} leaves for {session.session_id} in {known.session_state}")
        elif office.UNTOUCHABLE in (known.callee, known.dialed_number):
            self._fail(f"I8: {command.id} leaves for an emergency call")
        if session.epoch != self._epoch:
            self._fail(f"I4: {command.id} leaves for a call of an earlier epoch")

    def answered(self, command: Command) -> None:
        """The connector has come back."""
        self._given.pop(command.session, None)

    def left(self, command: Command, place: int, now: float) -> None:
        """A frame leaves that carries a command; ``place`` counts the keys of one."""
        if (command.id, place) in self.sent:
            self._fail(f"I1: {command.id} was sent twice, at {self.sent[command.id, place]:.3f} and {now:.3f}")
        self.sent[command.id, place] = now
        if isinstance(command.key, str) and command.key != office.SECRET[place : place + 1]:
            self._fail(f"I1: {command.id} presses a key at place {place} that stands elsewhere in its row")
        if self.outcomes.get(command.id) is not None:
            self._fail(f"I10: {command.id} is sent although it is {self.outcomes[command.id]}")
        if command.to is not None and command.to not in office.MAY_GO:
            self._fail(f"I8: {command.id} sends a call to {command.to}")

    def arrived(self, asked: Asked) -> None:
        """A request has reached the phone system."""
        command = self._commands.get(asked.command)
        if command is None:
            self._fail(f"I1: {asked.command} arrives, and nobody asked for it")
            return
        call = asked.call
        same = [each for each in self.truth.ledger if each.call is call]
        if call is not None and asked.method not in REPEATABLE:
            alike = [each for each in same if (each.method, each.to) == (asked.method, asked.to)]
            if {each.command for each in alike if _decision(each.command) == _decision(asked.command)} != {
                asked.command
            }:
                self._fail(f"I1: {asked.command} does again what its decision has done before")
        if call is None or not asked.performed:
            return
        if not self._reached(asked, call):
            self._happened["a request met the next bearer of the id"] += 1
            return
        chain = [each for each in self.truth.ledger if each.call is not None and each.call.chain == call.chain]
        hops = [
            each
            for each in chain
            if each.method in ("forward", "blindTransfer")
            and each.performed
            and each.call is not None
            and self._reached(each, each.call)
            and self.outcomes.get(each.command) != "rejected"  # done all the same, perhaps where nobody saw it
        ]
        if len(hops) > office.MOST_HOPS:
            self._fail(f"I13: the call of {call.id} was sent on {len(hops)} times")
        meant = {each.command for each in same if self._reached(each, call)}
        if len(meant) > office.MOST_ACTIONS:
            self._fail(f"I8: {call.id} was touched more than {office.MOST_ACTIONS} times")
        if asked.to in office.EXTERNAL:
            self._sent_outside(asked, call)

    def _reached(self, asked: Asked, call: Call) -> bool:
        """Whether a request came to the call that it was sent to, not to the next bearer of its id."""
        start = self._commands[asked.command].session.start
        if start.startswith("@"):
            return self.sent.get((asked.command, 0), asked.at) >= call.began
        return start == call.session.start_time

    def _sent_outside(self, asked: Asked, call: Call) -> None:
        alive = {each.chain for each in self.truth.alive.values()}
        self._external = [each for each in self._external if asked.at - each[0] < HOUR]
        now = {chain for _, chain in self._external if chain in alive} | {call.chain}
        self._external.append((asked.at, call.chain))
        if len(now) > office.MOST_EXTERNAL_AT_ONCE:
            self._fail(f"I8: {len(now)} calls were sent outside at once")
        if len(self._external) > office.MOST_EXTERNAL_AN_HOUR:
            self._fail(f"I8: {len(self._external)} calls were sent outside within an hour")

    # --- what is on disk ----------------------------------------------------------------------------------------------

    def synced(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        """A batch is on disk."""
        told = {record.decision: record for record in records if record.type == "decision"}
        for record in records:
            self.records += 1
            if record.seq != self.records:
                self._fail(f"I7: record {record.seq} is the {self.records}th")
        for effect in effects:
            match effect:
                case Decision():
                    self._number += 1
                    if effect.number != self._number:
                        self._fail(f"I7: decision {effect.number} is the {self._number}th")
                    if effect.number not in told:
                        self._fail(f"I7: decision {effect.number} has no record")
                    self._on_record(effect)
                case Outcome():
                    before = self.outcomes.get(effect.command)
                    if before is not None and not (before == "unknown" and effect.outcome in FOLLOWS_UNKNOWN):
                        self._fail(f"I10: {effect.command} was {before}, and became {effect.outcome}")
                    self.outcomes[effect.command] = effect.outcome
                    if effect.outcome == ("confirmed" if effect.action in UNSEEN else "accepted"):
                        self._fail(f"I10: {effect.command} is {effect.outcome}, which is no word for it")
                    if effect.outcome == "confirmed" and effect.action == "forward" and self._nothing_moved(effect):
                        self._fail(f"I10: {effect.command} moved nothing, and is on record as confirmed")
                    if effect.outcome == "rejected" and self._was_done(effect.command):
                        self._fail(f"I10: {effect.command} was done, and is on record as rejected")
                case Tally() if effect.member in self._came:
                    self.owed_moments[effect.member] = self._came[effect.member]
                case _:
                    pass
        written = [effect.memory if isinstance(effect, Remember) else _encode(effect) for effect in effects]
        if any(_SECRET in each for each in (_encode([record.body for record in records]), *written)):
            self._fail("I14: a secret is on the record")

    def _nothing_moved(self, outcome: Outcome) -> bool:
        """Whether a forward was not done, and nothing happened either that looks as if it was."""
        call, left = self.truth.call_of(outcome.session), self.sent.get((outcome.command, 0), 0.0)
        done = [each for each in self.truth.ledger if each.performed and each.method in ("forward", "blindTransfer")]
        return (
            call is not None
            and not any(each.call is not None and each.call.chain == call.chain for each in done)
            and call.stays[-1].began < left
            and (call.ended is None or call.ended < left)
            and not any(
                each.chain == call.chain or each.session.caller == call.session.caller
                for each in self.truth.calls
                if each.began >= left - LAG  # it was heard of later
            )
            and not self._named_again(call)
        )

    def _named_again(self, call: Call) -> bool:
        """Whether the phone system has called two calls by the same name, so that nobody can tell them apart."""
        name = call.session.master_session_id
        return any(
            each.chain != call.chain and name in (each.id, each.session.master_session_id) for each in self.truth.calls
        )

    def _was_done(self, command: str) -> bool:
        """Whether the phone system did it and said so. Of a row of keys some may be pressed and one rejected."""
        return any(
            each.command == command and each.performed and each.result == "done" and each.method != "sendDtmf"
            for each in self.truth.ledger
        )

    def _on_record(self, decision: Decision) -> None:
        call = None if decision.session_key is None else self.truth.call_of(decision.session_key)
        self.decisions.append((decision, call, decision.at - self.shift))
        self._happened[f"reason {decision.reason}"] += 1
        if decision.rule == office.THROTTLED and decision.reason == "fired" and call is not None:
            self._seldom(call, decision.at - self.shift)
        trigger = self._trigger(decision) if call is not None and decision.reason == "fired" else None
        if call is None or trigger is None:
            return
        if trigger.clock != "state":
            entry = 0  # once a session
        elif trigger.states <= ENDED:
            entry = 0  # a call ends once
        elif trigger.hold is None:
            return  # its moment is when it was heard of, which may be long after
        else:
            numbers = [number for number, _ in self._stays(call, trigger, decision)] or [-1]
            names = [(decision.rule, decision.trigger, id(call), number) for number in numbers]
            entry = next((name[-1] for name in names if name not in self._fired), numbers[0])
        name = (decision.rule, decision.trigger, id(call), entry)
        if name in self._fired:
            self._fail(f"I1: {decision.rule} fired twice on {call.id} in one stay")
        self._fired.add(name)

    def _seldom(self, call: Call, at: float) -> None:
        caller = call.session.caller
        before = self._throttled.get(caller)
        if before is not None and at - before < office.ONCE_WITHIN - NEAR:
            self._fail(f"I8: {office.THROTTLED} fired again for {caller} after {at - before:.1f} s")
        self._throttled[caller] = at

    # --- what a crash would leave -------------------------------------------------------------------------------------

    def starts(self, start: Callable[[Saved], Engine], saved: Saved) -> None:
        """A daemon is about to start from this."""
        for what in not_the_same(start, saved):
            self._fail(f"I11: {what}")

    def kept(self, engine: Engine, memories: dict[SessionKey, bytes], tallies: Sequence[Tally]) -> None:
        """All that the engine knows of a session and must not lose is on disk, right after a commit."""
        for (name, group), members in engine._world.tallies._groups.items():
            if not name.startswith("moves:"):
                continue
            written = [tally.member for tally in tallies if (tally.name, tally.group) == (name, group)]
            if written[-1:] != list(members)[-1:]:
                self._fail(f"I11: of {name} the journal knows {written[-1:]}, and the daemon {list(members)[-1:]}")
        for key, live in engine._world.live.items():
            stored, shape = memories.get(key, b"{}"), _shape(live)
            if shape is not None and self._looked_at.get(key) == (stored, shape):
                continue
            self._looked_at[key] = stored, shape
            said = remember(live)
            if said is None or said == stored or not key.connection:
                continue
            kept = _essence(stored)
            lost = {name: value for name, value in _essence(said).items() if value != kept[name]}
            if lost:
                was = {name: kept[name] for name in lost}
                self._fail(f"I11: of {key.session_id} the journal knows {was}, and the daemon {lost}")


@lru_cache(1024)
def _essence(memory: bytes) -> dict[str, object]:
    """What of a memory would be lost for good: not what the next list tells anyway."""
    kept: dict[str, object] = msgspec.json.decode(memory)
    return {name: kept.get(name) for name in ("holds", "done", "runs", "actions", "variables")}


def _shape(live: LiveSession) -> object:
    """What is the same as long as `remember` would say the same of it; None where only itself can tell."""
    if live.runs:
        return None
    holds = [(hold.entry.name, hold.due) for hold in live.holds or ()]
    return holds, len(live.done or ()), live.actions, live.chain.hops, dict(live.variables or {})


def _decision(command: str) -> str:
    return command.partition("-")[0]
