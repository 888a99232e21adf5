"""The fields that conditions, templates, lookups and groupBy may name, and what kind of value each holds."""

from typing import Final, Literal

from ozrules.session.session import PROPERTIES

Kind = Literal["number", "text", "state", "seconds", "count", "moment"]
"""number: a phone number, matched normalised · text: matched as it stands · state: a state name ·
seconds: a duration · count: a whole number · moment: a date and time."""

_KINDS: Final[dict[str, Kind]] = {
    "sessionState": "state",
    "startTime": "moment",
    "talkDuration": "seconds",
    "stateDuration": "seconds",
    "caller": "number",
    "callee": "number",
    "source": "number",
    "destination": "number",
    "dialedNumber": "number",
}
FIELDS: Final[dict[str, Kind]] = {name: _KINDS.get(name, "text") for name in PROPERTIES} | {
    "direction": "text",
    "previousState": "state",
    "previousStateDuration": "seconds",
    "ringDuration": "seconds",
    "transferor": "number",
    "hops": "count",
    "connection": "text",
    "endpoint": "text",
    "trunk": "text",
}
"""Every field by the name that rules use. ``var.NAME`` comes besides, with kind text."""

VARIABLE: Final = "var."

DIRECTIONS: Final = ("inbound", "outbound", "internal", "transit")


def kind_of(field: str) -> Kind | None:
    """What the field holds, or None where no such field exists."""
    if field.startswith(VARIABLE) and len(field) > len(VARIABLE):
        return "text"
    return FIELDS.get(field)
