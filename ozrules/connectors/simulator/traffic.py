"""Calls as an office has them: a mix of habits at a rate, from a seed."""

import random
from collections.abc import Collection, Iterator
from typing import Final, Literal

from msgspec.structs import replace

from ozrules.connectors.simulator.callers import CallPlan, Hold, Party, Transfer

Habit = Literal[
    "answer",
    "letRing",
    "busy",
    "abandon",
    "hold",
    "keepHolding",
    "transfer",
    "badTransfer",
    "doorPhone",
    "longCall",
    "outbound",
    "notFound",
    "error",
]

_MIX: Final[dict[Habit, int]] = {
    "answer": 30,
    "letRing": 22,
    "busy": 6,
    "abandon": 8,
    "hold": 9,
    "keepHolding": 3,
    "transfer": 5,
    "badTransfer": 3,
    "doorPhone": 4,
    "longCall": 2,
    "outbound": 5,
    "notFound": 2,
    "error": 1,
}
HABITS: Final = tuple(_MIX)
_PEOPLE: Final[tuple[tuple[str, str | None], ...]] = (
    ("+36201234567", "Kovacs Kft"),
    ("+36301112222", "Nagy Zsofia"),
    ("+36209876543", None),
    ("+36704445555", "Szabo & Co"),
    ("+36309998888", "Important Customer"),
    ("+3612345678", "City Office"),
    ("+36901000000", "Lottery Winner"),
    ("+441632960123", "London Branch"),
    ("+36205550101", "Toth Peter"),
    ("+36205550102", "Kiss Eva"),
)
_STAFF: Final = ("2000", "2001", "2002", "2003", "2004", "2005", "2006", "2007")
_SALES: Final = ("2001", "2002", "2003")


def traffic(
    calls: int, *, rate: float, start: float, seed: int, speed: float = 1.0, habits: Collection[Habit] = HABITS
) -> Iterator[tuple[float, CallPlan]]:
    """``calls`` calls from ``start`` on, ``rate`` a second on average, as pairs of a moment and what happens then.

    ``speed`` brings them together and shortens talk; ``habits`` are those that occur.
    """
    chance = random.Random(seed)  # noqa: S311 - a model, no secret
    at = start
    among = [habit for habit in HABITS if habit in habits]
    weights = [_MIX[habit] for habit in among]
    for _ in range(calls):
        at += chance.expovariate(rate * speed)
        yield at, plan(chance.choices(among, weights)[0], chance, speed)


def plan(habit: Habit, chance: random.Random, speed: float = 1.0) -> CallPlan:
    """One call of this habit, with people and times by chance."""
    caller, name = chance.choice(_PEOPLE)
    callee = chance.choice(_STAFF)
    answers = chance.uniform(2.0, 15.0)
    talk = chance.uniform(30.0, 240.0) / speed
    ending: Party = chance.choice(("caller", "callee"))
    usual = CallPlan(caller=caller, caller_name=name, callee=callee, answers_after=answers, talk=talk, hangs_up=ending)
    match habit:
        case "answer":
            return usual
        case "letRing":
            patience = chance.uniform(40.0, 90.0)
            return replace(usual, callee=chance.choice(_SALES), answers_after=None, gives_up_after=patience)
        case "busy":
            return replace(usual, answers_after=None, rejects_after=chance.uniform(1.0, 6.0))
        case "abandon":
            return replace(usual, answers_after=None, gives_up_after=chance.uniform(3.0, 18.0))
        case "hold":
            return replace(
                usual, acts=(Hold(talk / 3, chance.choice(("caller", "callee")), chance.uniform(5.0, 25.0)),)
            )
        case "keepHolding":
            return replace(usual, acts=(Hold(talk / 4, "callee", chance.uniform(90.0, 240.0)),))
        case "transfer":
            return replace(usual, acts=(Transfer(talk / 3, "callee", chance.choice(("2010", "2000", "2006"))),))
        case "badTransfer":
            return replace(usual, acts=(Transfer(talk / 3, "callee", "2999"),))
        case "doorPhone":
            return replace(usual, caller="2050", caller_name=None, callee="2000", answers_after=4.0, talk=20.0)
        case "longCall":
            return replace(usual, talk=chance.uniform(7_300.0, 9_000.0) / speed)
        case "outbound":
            return replace(usual, caller=callee, caller_name=None, callee=caller)
        case "notFound":
            return replace(usual, callee="2998")
        case "error":
            return replace(usual, fails="Error")
