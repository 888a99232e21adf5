"""How fast the engine decides, and what a live session costs.

Tracking, guards, the decisions with their explanations and the commands are all on: every event goes through
`Engine.step`, and what it asks for is done by a shell as small as can be. The matches are compared with `brute_force`.
Each run begins with the day before, untimed: the same people call, so that nobody's number is seen for the first time.
The growth exponent is the slope of log(time for an event) over log(rules) at a constant number of matches.
"""

import argparse
import gc
import math
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from bench import brute_force
from bench.workload import (
    CONNECTION,
    START,
    PlainEvent,
    PlainRule,
    day_events,
    day_rules,
    growing_rules,
    rule_files,
    seen,
    the_day_before,
)
from ozrules.engine.effects import Decision, Effect, Send, Wake
from ozrules.engine.engine import Engine
from ozrules.engine.events import (
    Accepted,
    CommandAnswered,
    ConnectionOpened,
    SessionSeen,
    SessionsListed,
    TimersDue,
)
from ozrules.engine.identity import SessionKey
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.runtime.timers import Timers
from ozrules.session.session import Session

BEGIN = START.timestamp() - 86_400
MATCHED = frozenset({"fired", "outrankedBy", "throttled", "modeBusy", "guard", "protected", "budget", "hops"})
"""The reasons of a rule whose trigger, conditions and exceptions all said yes."""

WAITING = Source(
    "bench-wait.yaml",
    b"ozrules: 1\nrules:\n  - {id: waiting, trigger: {state: Ringing, for: 2h}, actions: [{log: waited}]}\n",
)


class Shell:
    """The least that an engine needs around it: timers, and a phone system that accepts every command at once."""

    def __init__(self, rules: RuleSet) -> None:
        self.decisions: list[Decision] = []
        self.timers = Timers()
        self._engine = Engine(rules)
        self._engine.step(ConnectionOpened(at=BEGIN, connection=CONNECTION))
        self._engine.step(SessionsListed(at=BEGIN, connection=CONNECTION, sessions=()))

    def tell(self, events: Iterable[SessionSeen]) -> None:
        step, timers = self._engine.step, self.timers
        for event in events:
            while (due := timers.next()) is not None and due <= event.at:
                self._do(step(TimersDue(at=due, sessions=timers.take(due))), due)
            self._do(step(event), event.at)

    def _do(self, effects: list[Effect], at: float) -> None:
        for effect in effects:
            if isinstance(effect, Decision):
                self.decisions.append(effect)
            elif isinstance(effect, Wake):
                self.timers.set(effect.session, effect.due)
            elif isinstance(effect, Send):
                accepted = CommandAnswered(at=at, command=effect.command.id, receipt=Accepted())
                self._do(self._engine.step(accepted), at)


def matched(events: Sequence[PlainEvent], rules: RuleSet) -> list[frozenset[str]]:
    """For each event the rules that the engine found to match."""
    shell = Shell(rules)
    found = []
    for event in seen(events):
        shell.decisions.clear()
        shell.tell([event])
        found.append(
            frozenset(
                decision.rule
                for decision in shell.decisions
                if decision.reason in MATCHED and decision.event.kind in ("created", "stateChanged")
            )
        )
    return found


def events_per_second(events: Sequence[PlainEvent], rules: RuleSet) -> float:
    """One run over all events, with a fresh engine that knows the people."""
    shell = Shell(rules)
    shell.tell(seen(the_day_before(events)))
    shell.decisions.clear()
    told = seen(events)
    gc.collect()
    gc.freeze()
    begun = time.perf_counter()
    shell.tell(told)
    spent = time.perf_counter() - begun
    gc.unfreeze()
    return len(events) / spent


def bytes_per_session(rules: RuleSet, sessions: int) -> float:
    """What one ringing session with 17 properties and a waiting timer keeps in memory, all in."""
    shell = Shell(rules)
    ringing = [event for event in day_events(sessions * 4) if event.first and event.talked == 0]
    ringing = [event for event in ringing if event.properties["sessionState"] == "Ringing"][:sessions]
    gc.collect()
    tracemalloc.start()
    try:
        for event in ringing:
            fresh = PlainEvent(
                event.at, True, None, 0.0, {key: f"{value} "[:-1] for key, value in event.properties.items()}
            )
            shell.tell(seen([fresh]))
        shell.decisions.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / len(ringing)
    finally:
        tracemalloc.stop()


def timer_pairs_per_second(waiting: int, pairs: int) -> float:
    """Timers that are started and cancelled again while others wait."""
    timers = Timers()
    keys = [SessionKey(CONNECTION, "", str(number), "") for number in range(waiting + pairs)]
    for number, key in enumerate(keys[:waiting]):
        timers.set(key, 1000.0 + number % 997)
    begun = time.perf_counter()
    for number, key in enumerate(keys[waiting:]):
        timers.set(key, 500.0 + number % 991)
        timers.set(key, None)
    return pairs / (time.perf_counter() - begun)


def decodes_per_second(events: Sequence[PlainEvent]) -> float:
    """How fast this machine decodes the same events into typed values, and does nothing else: the scale of the rest."""
    decode = msgspec.json.Decoder(Session).decode
    texts = [msgspec.json.encode(event.properties) for event in events]
    begun = time.perf_counter()
    for text in texts:
        decode(text)
    return len(texts) / (time.perf_counter() - begun)


@dataclass(frozen=True, slots=True)
class Growth:
    """The time for an event by number of rules, the matches for an event, and the slope of the one over the other."""

    microseconds: dict[int, float]
    matches: float
    exponent: float


def growth(sizes: Sequence[int], events: Sequence[PlainEvent], rounds: int) -> Growth:
    """The best of some rounds for each size, the sizes taking turns, so that a busy machine slows them all alike."""
    sets = {size: load(rule_files(growing_rules(size))) for size in sizes}
    expected = brute_force.matches(events, growing_rules(sizes[0]))
    for size, rules in sets.items():
        agree(matched(events, rules), expected, events, size)
    best = dict.fromkeys(sizes, 0.0)
    for _ in range(rounds):
        for size, rules in sets.items():
            best[size] = max(best[size], events_per_second(events, rules))
    times = {size: 1e6 / rate for size, rate in best.items()}
    return Growth(times, sum(map(len, expected)) / len(expected), slope(times))


def slope(times: dict[int, float]) -> float:
    """The exponent by which the times grow: a line through their logarithms."""
    points = [(math.log(size), math.log(taken)) for size, taken in times.items()]
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum((x - x_mean) ** 2 for x, _ in points)


class Disagreement(Exception):
    """The engine and brute force do not agree on what matches."""


def agree(
    found: Sequence[frozenset[str]], expected: Sequence[frozenset[str]], events: Sequence[PlainEvent], rules: int
) -> None:
    """Raises Disagreement with the first event on which they differ."""
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if ours != theirs:
            raise Disagreement(
                f"{rules} rules, event {number}: only the engine {sorted(ours - theirs)}, "
                f"only brute force {sorted(theirs - ours)}\n{events[number]}"
            )


def measure(rules: Sequence[PlainRule], events: Sequence[PlainEvent], rounds: int, sessions: int) -> str:
    """One line of the table."""
    files = rule_files(rules)
    begun = time.perf_counter()
    loaded = load(files)
    took = time.perf_counter() - begun
    expected = brute_force.matches(events, rules)
    agree(matched(events, loaded), expected, events, len(rules))
    rate = sorted(events_per_second(events, loaded) for _ in range(rounds))[rounds // 2]
    size = bytes_per_session(load([*files, WAITING]), sessions)
    matches = sum(map(len, expected)) / len(expected)
    return f"{len(rules):>7,} {rate:>10,.0f} {matches:>15.3f} {size:>14,.0f} {took:>8.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer events and rounds")
    short = parser.parse_args().short
    count, rounds, sessions = (4_000, 3, 1_000) if short else (20_000, 5, 10_000)
    events = day_events(count)
    print(f"{count:,} events of calls, median of {rounds} runs; every match agrees with brute force\n")
    print(f"{'rules':>7} {'events/s':>10} {'matches/event':>15} {'bytes/session':>14} {'load s':>8}")
    for size in (10, 100, 1_000, 10_000):
        print(measure(day_rules(size), events, rounds, sessions), flush=True)
    grown = growth((100, 300, 1_000, 3_000, 10_000), events, rounds)
    print(f"\nThe same {grown.matches:.3f} matches an event at every size\n")
    print(f"{'rules':>7} {'µs/event':>10}")
    for size, taken in grown.microseconds.items():
        print(f"{size:>7,} {taken:>10.2f}")
    print(f"\ngrowth exponent, 100 to 10,000 rules: {grown.exponent:.3f}")
    pairs = timer_pairs_per_second(100_000, 50_000 if short else 500_000)
    print(
        f"for scale, decoding the events alone: {max(decodes_per_second(events) for _ in range(rounds)):,.0f} events/s"
    )
    print(f"timers, start and cancel, 100,000 waiting: {pairs:,.0f} pairs/s")


if __name__ == "__main__":
    main()
