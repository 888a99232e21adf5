"""What a condition, a template or a groupBy reads of a live session, field by field.

Durations are those of the moment at which they are read, by the engine's clock; the phone system's own strings
serve only to set that clock right (`tracker`).
"""

import operator
from collections.abc import Callable
from typing import Final, TypeAlias

from ozrules.engine.live import LiveSession
from ozrules.rules import spans
from ozrules.rules.condition import Value, shown
from ozrules.rules.fields import VARIABLE, kind_of
from ozrules.rules.numbers import NumberPlan, is_withheld
from ozrules.session.durations import iso_from, moment_from
from ozrules.session.session import ATTRIBUTES, PROPERTIES

Read: TypeAlias = Callable[[LiveSession, float], Value]

_ALIASES: Final = {"incoming": "inbound", "outgoing": "outbound"}


def direction_of(live: LiveSession, numbers: NumberPlan) -> str | None:
    """The phone system's own word, else what follows from which of the two parties is internal."""
    if live.direction is None:
        session = live.session
        if session.direction is not None:
            told = session.direction.lower()
            live.direction = _ALIASES.get(told, told)
        else:
            callee = session.callee or session.dialed_number
            if callee is None:
                return None
            to_us = numbers.is_internal(callee)
            # a caller without a number comes from outside
            from_us = session.caller is not None and numbers.is_internal(session.caller)
            live.direction = ("internal" if to_us else "outbound") if from_us else ("inbound" if to_us else "transit")
    return live.direction


def caller_of(live: LiveSession, at: float) -> str | None:
    """The caller's number; a withheld one is no value, whatever word the phone system has for it."""
    caller = live.session.caller
    return None if caller is None or is_withheld(caller) else caller


def reader_of(field: str, numbers: NumberPlan) -> Read:
    """The function that reads ``field``; the loader has made sure that the field exists."""
    if field.startswith(VARIABLE):
        name = field[len(VARIABLE) :]
        return lambda live, at: None if live.variables is None else live.variables.get(name)
    match field:
        case "sessionState":
            return lambda live, at: live.state
        case "stateDuration":
            return lambda live, at: max(0.0, at - live.entered)
        case "talkDuration":
            return LiveSession.talk
        case "ringDuration":
            return LiveSession.ring
        case "previousState":
            return lambda live, at: live.previous
        case "previousStateDuration":
            return lambda live, at: live.previous_duration
        case "startTime":
            return lambda live, at: moment_from(live.session.start_time, live.zone)
        case "direction":
            return lambda live, at: direction_of(live, numbers)
        case "caller":
            return caller_of
        case "hops":
            return lambda live, at: live.chain.hops
        case "connection":
            return lambda live, at: live.key.connection
    if field in PROPERTIES:
        read = operator.attrgetter("session." + ATTRIBUTES[field])
        return lambda live, at: read(live)
    return lambda live, at: None if live.session.extra is None else live.session.extra.get(field)


def text_of(field: str, numbers: NumberPlan) -> Callable[[LiveSession, float], str | None]:
    """Reads a field as text that people and programs can read: moments in ISO 8601, durations as ``1m5s``."""
    if field == "startTime":
        return lambda live, at: iso_from(live.session.start_time, live.zone)
    read = reader_of(field, numbers)
    lasts = kind_of(field) == "seconds"

    def text(live: LiveSession, at: float) -> str | None:
        value = read(live, at)
        if lasts and isinstance(value, float):
            return spans.written(round(value) if value >= 1.0 else value)
        return None if value is None else shown(value)

    return text


def group_of(fields: tuple[str, ...], numbers: NumberPlan) -> Callable[[LiveSession, float], str | None]:
    """The value of a ``groupBy``: one text for all its fields (phone numbers normalised), None where one is missing."""
    readers = tuple(reader_of(field, numbers) for field in fields)

    def group(live: LiveSession, at: float) -> str | None:
        values = []
        for read in readers:
            value = read(live, at)
            if value is None:
                return None
            values.append(numbers.normal(shown(value)))
        return "\x1f".join(values)

    return group
