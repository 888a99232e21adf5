"""A seeded day of an office: events of calls with all 17 properties, and rules of which few match.

Rules are made as plain data first. `brute_force` judges that data over plain dicts; `rule_files` writes it in the rule
language. So a fault in the loader, the index or the engine cannot hide in a shared mistake.

`day_rules` is a rule set as an office might grow it: some rules for most called numbers. `growing_rules` keeps the
number of matches constant: the same few rules match, all further ones ask for callers and numbers that never call.
"""

import json
import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final, Literal

from ozrules.engine.events import SessionSeen
from ozrules.rules.document import Source
from ozrules.session.session import session_from

CONNECTION: Final = "bench"
START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CALLS_A_SECOND: Final = 0.9

GIVEN: Final = [
    "Ada",
    "Bela",
    "Csaba",
    "Dora",
    "Emese",
    "Ferenc",
    "Gabor",
    "Hanna",
    "Istvan",
    "Judit",
    "Kata",
    "Laszlo",
    "Marta",
    "Noemi",
    "Otto",
    "Péter",
    "Réka",
    "Sára",
    "Tamás",
    "Zsófia",
]
FAMILY: Final = [
    "Ács",
    "Bíró",
    "Csonka",
    "Dudás",
    "Erdei",
    "Fodor",
    "Gál",
    "Halász",
    "Illés",
    "Juhász",
    "Kerekes",
    "Lakatos",
    "Molnár",
    "Nemes",
    "Orbán",
    "Pásztor",
    "Rácz",
    "Szabó",
    "Takács",
    "Varga",
]
TRADES: Final = [
    "Alfa",
    "Beta",
    "Delta",
    "Duna",
    "Forrás",
    "Gamma",
    "Kelet",
    "Liget",
    "Mátra",
    "Nyugat",
    "Omega",
    "Park",
    "Rába",
    "Tisza",
]

CALLEES: Final = tuple(f"+361555{number:04}" for number in range(8000))
_AREAS: Final = ("+3620", "+3630", "+3670", "+361", "+3652", "+3662", "+4366", "+4915", "+4420", "+1212")

Kind = Literal["callee", "callees", "caller", "name", "extra"]
_SHARES: Final[tuple[Kind, ...]] = (
    *("callee",) * 12,
    *("callees",) * 3,
    *("caller",) * 2,
    "name",
    *("extra",) * 2,
)
_STATES: Final = (
    ("Ringing", 36),
    ("InCall", 30),
    ("CallerHungUp", 13),
    ("CalleeHungUp", 7),
    ("NotAnswered", 5),
    ("Busy", 4),
    ("OnHold", 3),
    ("TransferCompleted", 2),
)
_ORIGINS: Final = {
    "InCall": ("Ringing", "OnHold"),
    "CallerHungUp": ("InCall", "Ringing"),
    "CalleeHungUp": ("InCall",),
    "NotAnswered": ("Ringing",),
    "OnHold": ("InCall",),
    "TransferCompleted": ("Transferring",),
}
SCHEDULES: Final = {"morning": ("08:00", "10:00"), "noon": ("11:00", "13:30"), "afternoon": ("13:00", "17:30")}

Op = Literal["eq", "in", "startsWith", "matches", "regex", "gte", "during"]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a rule asks of one field."""

    field: str
    op: Op
    value: str | tuple[str, ...] | int


@dataclass(frozen=True, slots=True)
class PlainRule:
    """A rule as plain data: the state entered, the state left where that matters, and demands that must all hold."""

    id: str
    state: str
    origin: str | None
    demands: tuple[Demand, ...]


@dataclass(frozen=True, slots=True)
class PlainEvent:
    """A change of a session as plain data: the properties as a phone system sends them, and what went before."""

    at: float
    first: bool
    previous: str | None
    talked: float
    properties: dict[str, str]


# --- events ---------------------------------------------------------------------------------------------------------


def day_events(count: int, seed: int = 7) -> list[PlainEvent]:
    """``count`` changes of calls as they follow each other, some fifty calls at a time."""
    rng = random.Random(seed)
    callees = _Popular(CALLEES, 0.7, rng)
    callers = _Popular(_callers(rng), 0.6, rng)
    made: list[PlainEvent] = []
    moment = START.timestamp()
    while len(made) < count * 1.25 + 2000:
        moment += rng.expovariate(CALLS_A_SECOND)
        made += _call(rng, round(moment, 3), callers.pick(), callees, master=None)
    made.sort(key=lambda event: event.at)
    return made[:count]


def seen(events: Sequence[PlainEvent]) -> list[SessionSeen]:
    """The events as the engine is told them."""
    return [
        SessionSeen(
            at=event.at,
            connection=CONNECTION,
            kind="created" if event.first else "stateChanged",
            session=session_from(event.properties),
        )
        for event in events
    ]


def the_day_before(events: Sequence[PlainEvent]) -> list[PlainEvent]:
    """The same people calling each other at the same times, one day earlier."""
    return [
        replace(
            event,
            at=event.at - 86_400,
            properties=event.properties
            | {name: f"y{event.properties[name]}" for name in ("sessionId", "masterSessionId")}
            | {"startTime": event.properties["startTime"].replace("-03-02T", "-03-01T")},
        )
        for event in events
    ]


class _Popular:
    """Picks from ``values``, the first ones more often: weight 1 / rank ** steepness."""

    def __init__(self, values: Sequence[str], steepness: float, rng: random.Random) -> None:
        self._values = values
        self._weights = list(accumulate((rank + 1) ** -steepness for rank in range(len(values))))
        self._rng = rng

    def pick(self) -> str:
        return self._values[bisect(self._weights, self._rng.random() * self._weights[-1])]


def _callers(rng: random.Random) -> list[str]:
    return [rng.choice(_AREAS) + f"{rng.randrange(10**7):07}" for _ in range(30_000)]


def caller_name(number: str) -> str:
    """The name that belongs to a caller's number, always the same."""
    digits = int(number[-7:])
    if digits % 7 == 0:
        return f"{TRADES[digits // 7 % len(TRADES)]} Kft."
    return f"{FAMILY[digits // len(GIVEN) % len(FAMILY)]} {GIVEN[digits % len(GIVEN)]}"


def _call(
    rng: random.Random, begun: float, caller: str, callees: _Popular, master: str | None, depth: int = 0
) -> Iterator[PlainEvent]:
    session_id = f"{rng.getrandbits(128):032x}"
    callee = callees.pick()
    source_type = rng.choices(("OutsideLine", "Extension", "Queue"), (7, 2, 1))[0]
    fixed = {
        "masterSessionId": master or session_id,
        "sessionId": session_id,
        "startTime": _written(begun),
        "caller": caller,
        "callee": callee,
        "callerDisplayName": caller_name(caller),
        "calleeDisplayName": f"Desk {callee[-4:]}",
        "callerCallLegId": f"{rng.getrandbits(64):016x}",
        "calleeCallLegId": f"{rng.getrandbits(64):016x}",
        "source": caller,
        "sourceType": source_type,
        "destination": callee,
        "destinationType": rng.choice(("Extension", "Extension", "Queue", "IVR")),
        "dialedNumber": callee,
    }
    now, talked, previous = begun, 0.0, None
    for state, lasts in _course(rng, depth):
        yield PlainEvent(
            now,
            previous is None,
            previous,
            talked,
            fixed | {"sessionState": state, "talkDuration": _span(talked), "stateDuration": _span(0.0)},
        )
        if state == "InCall":
            talked = round(talked + lasts, 3)
        now, previous = round(now + lasts, 3), state
    if previous == "TransferCompleted":
        yield from _call(rng, round(now + 0.05, 3), caller, callees, master or session_id, depth + 1)


def _course(rng: random.Random, depth: int) -> Iterator[tuple[str, float]]:
    """The states that a call passes through, each with how long it lasts."""
    fate = rng.random()
    if fate < 0.05:
        yield "Busy", 0.0
        return
    yield "Ringing", round(1 + rng.expovariate(1 / 9), 3)
    if fate < 0.45:
        yield (
            rng.choices(("NotAnswered", "CallerHungUp", "Busy", "Cancelled", "NotFound"), (40, 20, 15, 15, 10))[0],
            0.0,
        )
        return
    while True:
        yield "InCall", round(2 + rng.expovariate(1 / 80), 3)
        turn = rng.random()
        if turn < 0.18:
            yield "OnHold", round(1 + rng.expovariate(1 / 20), 3)
        elif turn < 0.27 and depth < 2:
            yield "Transferring", 0.4
            yield "TransferCompleted", 0.0
            return
        else:
            yield rng.choice(("CallerHungUp", "CallerHungUp", "CalleeHungUp")), 0.0
            return


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def _span(seconds: float) -> str:
    whole = timedelta(seconds=int(seconds))
    return f"0{whole}.{round(seconds % 1 * 1000) % 1000:03}" if seconds < 36_000 else f"{whole}"


# --- rules ----------------------------------------------------------------------------------------------------------


def day_rules(count: int, seed: int = 7) -> list[PlainRule]:
    """``count`` rules over all states and kinds; the first ones are about the most called numbers."""
    rng = random.Random(seed * 1000 + 1)
    states, weights = zip(*_STATES, strict=True)
    rules = []
    for number in range(count):
        state = rng.choices(states, weights)[0]
        rules.append(_rule(rng, number, _SHARES[number % len(_SHARES)], state, "day"))
    return rules


BUSY: Final = 40
"""How many rules of `growing_rules` are about callers and numbers that do call."""


def growing_rules(count: int, seed: int = 7) -> list[PlainRule]:
    """``count`` rules of which always the same `BUSY` ones can match.

    All are about Ringing and InCall, so that even the smallest set has more rules for a state than are tried whole.
    """
    rng = random.Random(seed * 1000 + 2)
    return [
        _rule(
            rng,
            number,
            _SHARES[number % len(_SHARES)],
            ("Ringing", "InCall")[number % 2],
            "day" if number < BUSY else "elsewhere",
        )
        for number in range(count)
    ]


def _rule(rng: random.Random, number: int, kind: Kind, state: str, where: Literal["day", "elsewhere"]) -> PlainRule:
    rank = number * 8000 // 10_000 if where == "day" else number
    callee = CALLEES[rank % len(CALLEES)] if where == "day" else f"+362555{rank:05}"
    area = rng.choice(_AREAS) if where == "day" else "+998"
    digits = f"{rng.randrange(10**5):05}"[: 2 if number < 200 else 4] if where == "day" else f"{rank:05}"
    origin = None
    match kind:
        case "callee":
            demands = [Demand("callee", "eq", callee)]
            if rng.random() < 0.3 and state in _ORIGINS:
                origin = rng.choice(_ORIGINS[state])
        case "callees":
            others = [
                CALLEES[int(rng.random() ** 1.5 * len(CALLEES))]
                if where == "day"
                else f"+363555{rng.randrange(10**5):05}"
                for _ in range(rng.randrange(2, 17))
            ]
            demands = [Demand("callee", "in", tuple(sorted({callee, *others})))]
        case "caller":
            if rng.random() < 0.5:
                demands = [Demand("caller", "startsWith", area + digits)]
            else:
                demands = [Demand("caller", "matches", f"_{area[1:]}{digits[:-1]}{rng.choice('XZN')}.")]
        case "name":
            family = rng.choice(FAMILY) if where == "day" else f"Zs{number}"
            shape = rng.choice((f"{family} .*", f"({family}|{rng.choice(TRADES)}x) [A-D].*", f"{family}.* K[a-z]+"))
            demands = [Demand("callerDisplayName", "regex", shape)]
        case "extra":
            demands = [
                Demand("callee", "eq", callee),
                Demand("sourceType", "eq", rng.choice(("OutsideLine", "OutsideLine", "Extension"))),
                Demand("schedule", "during", rng.choice(tuple(SCHEDULES))),
            ]
            if state in ("CallerHungUp", "CalleeHungUp", "OnHold"):
                demands.append(Demand("talkDuration", "gte", rng.choice((2, 5, 10, 20))))
    return PlainRule(f"rule-{number:05}", state, origin, tuple(demands))


RULES_A_FILE: Final = 2000  # a file may have 1 MiB


def rule_files(rules: Sequence[PlainRule]) -> list[Source]:
    """The rules in the rule language: those about ringing calls forward them, past the guards; the others log."""
    head = {
        "ozrules": 1,
        "defaults": {"country": "HU", "timezone": "UTC"},
        "schedules": {name: {"times": ["-".join(times)]} for name, times in SCHEDULES.items()},
    }
    files = []
    for first in range(0, max(1, len(rules)), RULES_A_FILE):
        lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
        lines += ["rules:", *(_written_rule(rule) for rule in rules[first : first + RULES_A_FILE])]
        files.append(Source(f"bench-{first:05}.yaml", ("\n".join(lines) + "\n").encode()))
        head = {"ozrules": 1}
    return files


def _written_rule(rule: PlainRule) -> str:
    trigger = {"state": rule.state} | ({"from": rule.origin} if rule.origin else {})
    conditions: dict[str, object] = {}
    for demand in rule.demands:
        value = list(demand.value) if isinstance(demand.value, tuple) else demand.value
        conditions[demand.field] = (
            value if demand.op == "eq" else {demand.op: f"{value}s" if demand.op == "gte" else value}
        )
    action = "forward: {to: 2010}" if rule.state == "Ringing" else 'log: "{{ caller }} to {{ callee }}"'
    return (
        f"  - id: {rule.id}\n"
        f"    trigger: {json.dumps(trigger)}\n"
        f"    conditions: {json.dumps(conditions, ensure_ascii=False)}\n"
        f"    actions: [{{{action}}}]"
    )


def wire(event: PlainEvent) -> str:
    """The event as a message of the session protocol."""
    return json.dumps(
        {
            "jsonrpc": "2.0",
            "method": "session.created" if event.first else "session.stateChanged",
            "params": {"session": event.properties},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
