"""What must come in the end, L1 to L6: watched all the time, judged once the faults have stopped."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from ozrules.engine.effects import Effect, Send
from ozrules.engine.engine import Engine
from ozrules.session.state import IN_CALL
from tests.simulation import office
from tests.simulation.bounds import left
from tests.simulation.disk import Disk
from tests.simulation.office import Owed, Setting
from tests.simulation.safety import Safety
from tests.simulation.truth import Call, Stay, Truth

if TYPE_CHECKING:
    from tests.simulation.life import Life

SOON: Final = 10.0
"""Seconds after it is due by which a timer has been attempted."""
MERGE_WITHIN: Final = 5.0
KNOWN_WITHIN: Final = 6.0
"""Seconds by which a daemon that was not disturbed knows of every change: reports are late by less."""
SILENT: Final = frozenset({"missedTooLate", "missedSkip", "stateLeftBeforeFor", "callGone", "ruleRemoved", "cancelled"})
"""Reasons that are no attempt."""


class Spell(msgspec.Struct):
    """A time in which something held."""

    began: float
    ended: float


class Liveness:
    """Knows when the daemon stood (connected, merged, free to act) and under which rules."""

    def __init__(
        self, truth: Truth, safety: Safety, fail: Callable[[str], None], happened: Counter[str], *, named: bool
    ) -> None:
        self._truth = truth
        self._named = named
        """Whether the phone system tells starts, so that it is known which call is meant."""
        self._safety = safety
        self._fail = fail
        self._happened = happened
        self._stood: list[Spell] = []
        self._standing = False
        self._rules: list[tuple[float, Setting]] = []
        self._before_calm: set[str] = set()
        self._asked: set[str] = set()
        self._calm_at: float | None = None
        self._connected: float | None = None

    # --- what is seen -------------------------------------------------------------------------------------------------

    def standing(self, now: float, stands: bool) -> None:
        """Whether the daemon could act just now."""
        if self._standing and self._stood:
            self._stood[-1].ended = now
        if stands and not self._standing:
            self._stood.append(Spell(now, now))
        self._standing = stands

    def up_to_date(self, now: float, engine: Engine) -> None:
        """L3: what an undisturbed daemon takes a call to be, it was not long ago; no call is missing, none is left."""
        if not self._standing or now - self._stood[-1].began < KNOWN_WITHIN:
            return
        since = now - KNOWN_WITHIN
        known = set()
        for key, live in engine._world.live.items():
            call = self._truth.call_of(key)
            if live.ended or live.asks is not None or call is None:
                continue
            known.add(id(call))
            states = {stay.state for stay in call.stays if stay.ended is None or stay.ended > since}
            if live.state not in states:
                self._fail(f"L3: {call.id} counts as {live.state}, and has not been so for {KNOWN_WITHIN:.0f} s")
        for call in self._truth.alive.values():
            if call.began < since and id(call) not in known and self._named:
                self._fail(f"L3: {call.id} lives since {call.began:.1f}, and is not known")

    def rules(self, now: float, setting: Setting) -> None:
        self._rules.append((now, setting))

    def synced(self, effects: Sequence[Effect]) -> None:
        self._asked |= {effect.command.id for effect in effects if isinstance(effect, Send)}

    def connected(self, now: float) -> None:
        if self._connected is None:
            self._connected = now

    def disconnected(self) -> None:
        self._connected = None

    def merged(self, now: float) -> None:
        if self._calm_at is not None and self._connected is not None:
            waited = now - max(self._connected, self._calm_at)
            if waited > MERGE_WITHIN:
                self._fail(f"L3: the list was merged {waited:.1f} s after the connection was up")
        self._connected = None

    def calm(self, now: float) -> None:
        self._calm_at = now
        self._before_calm = set(self._asked)

    def settled(self, now: float, disk: Disk) -> None:
        """Half a minute after the last fault."""
        if self._connected is not None and self._calm_at is not None:
            waited = now - max(self._connected, self._calm_at)
            if waited > MERGE_WITHIN:
                self._fail(f"L3: no list was merged in {waited:.1f} s since the connection was up")
        late = [command for command in sorted(self._before_calm) if command in disk.open or self._unknown(command)]
        if late:
            self._fail(f"L2: {', '.join(late)} still without an outcome half a minute after the last fault")

    def _unknown(self, command: str) -> bool:
        return self._safety.outcomes.get(command) == "unknown"

    # --- the end ------------------------------------------------------------------------------------------------------

    def ended(self, now: float, disk: Disk, life: "Life | None", quiet: bool) -> None:
        """Everything is over: nothing may be left."""
        self.standing(now, self._standing)
        if not quiet:
            self._fail("the calls of this simulation do not end in time")
            return
        assert life is not None
        assert life.engine is not None
        open_ = [command for command in sorted(self._asked) if command in disk.open or self._unknown(command)]
        if open_:
            self._fail(f"L2: {', '.join(open_)} never came to an outcome")
        if len(life.inbox) or life.engine.alive:
            self._fail(f"L4: {len(life.inbox)} in the inbox, {life.engine.alive} sessions alive, and no call is left")
        if life.dispatcher is not None and life.dispatcher.waiting:
            self._fail("L4: commands wait, and no call is left")
        for what in left(life):
            self._fail(f"L4: {what}, and no call is left")
        if disk.memories:
            self._fail(f"L4: {sorted(key.session_id for key in disk.memories)} are remembered, and no call is left")
        if disk.pending:
            self._fail(f"L5: {len(disk.pending)} webhooks are neither delivered nor dead")
        self._attempted()
        self._moments_came()

    def _moments_came(self) -> None:
        """L7: a moment that came in a gap is brought to whoever was in a call then, once the list is known again."""
        done = [(id(call), at) for decision, call, at in self._safety.decisions if decision.rule == office.MOMENTS]
        for came in self._safety.owed_moments.values():
            for call in self._truth.calls:
                for stay in call.stays:
                    if stay.state == IN_CALL and self._seen_before(stay.began, came):
                        self._brought(call, stay, came, [at for of, at in done if of == id(call)])

    def _seen_before(self, began: float, came: float) -> bool:
        """Whether somebody who watched has seen it begin, before the moment came."""
        return any(spell.began <= began and began + KNOWN_WITHIN < min(spell.ended, came) for spell in self._stood)

    def _brought(self, call: Call, stay: Stay, came: float, done: list[float]) -> None:
        for spell in self._stood:
            ended = spell.ended if stay.ended is None else min(stay.ended, spell.ended)
            if spell.began > came and ended > spell.began + SOON:
                self._happened["a moment was owed"] += 1
                if not any(came - 1.0 < at < spell.began + SOON for at in done):
                    self._fail(f"L7: the moment at {came:.1f} never came to {call.id}, known since {spell.began:.1f}")
                return

    def _attempted(self) -> None:
        """L1: whoever stayed long enough while the daemon stood is on the record with an attempt."""
        made: dict[tuple[int, str], list[tuple[float, str]]] = {}
        for decision, call, at in self._safety.decisions:
            if call is not None:
                made.setdefault((id(call), decision.rule), []).append((at, decision.reason))
        owed = self._owed_to()
        for call in self._truth.calls:
            for rule, each, force in owed.get(call.session.callee, ()):
                self._owed(call, rule, each, force, made.get((id(call), rule), []))

    def _owed_to(self) -> dict[str | None, list[tuple[str, Owed, tuple[float, float]]]]:
        """By whom is called: the rule, what it owes, and from when to when it was in force."""
        found: dict[str | None, list[tuple[str, Owed, tuple[float, float]]]] = {}
        ends = [*(since for since, _ in self._rules[1:]), float("inf")]
        for (since, setting), until in zip(self._rules, ends, strict=True):
            for rule, owed in office.owed(setting).items():
                for callee in sorted(owed.callees):
                    found.setdefault(callee, []).append((rule, owed, (since, until)))
        return found

    def _owed(
        self, call: Call, rule: str, owed: Owed, force: tuple[float, float], made: list[tuple[float, str]]
    ) -> None:
        for run in call.runs(owed.states):
            if len(run) > 1:
                continue  # it rang here and there: when its time began depends on who watched
            began, ended = run[0].began, run[-1].ended
            due = began + owed.seconds
            for spell in self._stood:
                first = max(due, spell.began, force[0])
                late = first - due
                if late > owed.grace - 1.0 or not self._knows(began, spell):
                    continue
                if min(spell.ended, force[1], ended if ended is not None else spell.ended) < first + SOON:
                    continue
                self._happened["a timer was owed"] += 1
                if not [at for at, reason in made if reason not in SILENT and began - 1 < at < first + SOON]:
                    said = ", ".join(f"{reason} at {at:.1f}" for at, reason in made) or "nothing"
                    self._fail(
                        f"L1: {rule} was due on {call.id} at {due:.1f}, rang until {ended}, the daemon stood from"
                        f" {spell.began:.1f} to {spell.ended:.1f}; on record: {said}"
                    )

    def _knows(self, began: float, spell: Spell) -> bool:
        """Whether the daemon can tell when a stay began: where it has seen it begin, in this spell or in one before, or
        where it must know that what it is told of durations is true.
        """
        seen = any(each.began <= began and each.ended >= began + KNOWN_WITHIN for each in self._stood)
        return seen or spell.began <= began or spell.began >= self._safety.proved
