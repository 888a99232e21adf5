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
    "presentedNumber": "number",
}
"""Every field by the name that rules use. ``var.NAME`` comes besides, with kind text."""

DESCRIPTIONS: Final[dict[str, str]] = {
    "masterSessionId": "What all sessions of one call have in common.",
    "sessionId": "The session's own id.",
    "sessionState": "The state that the session is in.",
    "startTime": "When the session began.",
    "talkDuration": "How long the parties have talked; time on hold does not count.",
    "stateDuration": "How long the session has been in its state.",
    "caller": "The number that calls.",
    "callee": "The number that is called now; after a forward, the new one.",
    "callerDisplayName": "The name that the caller shows.",
    "calleeDisplayName": "The name of the party called.",
    "callerCallLegId": "The caller's leg of the call.",
    "calleeCallLegId": "The called party's leg of the call.",
    "source": "Where the call comes from, as the phone system says it.",
    "sourceType": "What kind of thing that is, in the phone system's word.",
    "destination": "Where the call goes, as the phone system says it.",
    "destinationType": "What kind of thing that is, in the phone system's word.",
    "dialedNumber": "The number that was dialled, whatever became of it.",
    "direction": "inbound, outbound, internal or transit.",
    "previousState": "The state before this one.",
    "previousStateDuration": "How long the session was in the state before.",
    "ringDuration": "How long it has rung.",
    "transferor": "Who transferred the call.",
    "hops": "How often the call was forwarded or transferred.",
    "connection": "The connection's name in the configuration.",
    "endpoint": "The phone system's own name of the device.",
    "trunk": "The outside line.",
    "presentedNumber": "The number that the caller shows, which the dialplan may have set; caller is who it is.",
}
"""What each field says, for schemas."""

VARIABLE: Final = "var."

DIRECTIONS: Final = ("inbound", "outbound", "internal", "transit")


def kind_of(field: str) -> Kind | None:
    """What the field holds, or None where no such field exists."""
    if field.startswith(VARIABLE) and len(field) > len(VARIABLE):
        return "text"
    return FIELDS.get(field)
