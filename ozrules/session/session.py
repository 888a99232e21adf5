"""The Session: the vendor's 17 properties, and what else a phone system may send with them.

Property names are the vendor's on every wire and in every rule (``callerDisplayName``); in Python they are written as
Python writes names. Values stay the text that the phone system sent; only the state is brought to one spelling.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from ozrules.session.state import State, state_from
from ozrules.session.unicode import whole

MAX_TEXT: Final = 1024  # characters of one property that are kept; a caller chooses some of these texts


class Session(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One ongoing call, as the phone system shows it. An absent, null or empty property is None.

    ``direction`` is not in the vendor's list of 17, but its own example reads it. ``extra`` holds every further key
    that a phone system sent, spelled as it came.
    Source: https://ozekiphone.com/p_5162-session-class.html
    """

    session_id: str
    session_state: State
    master_session_id: str | None = None
    start_time: str | None = None
    talk_duration: str | None = None
    state_duration: str | None = None
    caller: str | None = None
    callee: str | None = None
    caller_display_name: str | None = None
    callee_display_name: str | None = None
    caller_call_leg_id: str | None = None
    callee_call_leg_id: str | None = None
    source: str | None = None
    source_type: str | None = None
    destination: str | None = None
    destination_type: str | None = None
    dialed_number: str | None = None
    direction: str | None = None
    extra: dict[str, str] | None = None


PROPERTIES: Final[tuple[str, ...]] = (
    "masterSessionId",
    "sessionId",
    "sessionState",
    "startTime",
    "talkDuration",
    "stateDuration",
    "caller",
    "callee",
    "callerDisplayName",
    "calleeDisplayName",
    "callerCallLegId",
    "calleeCallLegId",
    "source",
    "sourceType",
    "destination",
    "destinationType",
    "dialedNumber",
)
"""The vendor's 17 properties, in the vendor's order and spelling."""

ATTRIBUTES: Final[dict[str, str]] = {
    field.encode_name: field.name for field in msgspec.structs.fields(Session) if field.name != "extra"
}
"""The Python name of every property, and of ``direction``, by the vendor's name."""

_SPELLINGS: Final[dict[str, str]] = {name.lower(): attribute for name, attribute in ATTRIBUTES.items()} | {
    "id": "session_id",
    "callid": "session_id",
    "state": "session_state",
    "callstate": "session_state",
    "lastcallstate": "session_state",
    "calldirection": "direction",
}


class NotASession(ValueError):
    """What was received cannot be a session: it is no mapping, or has no usable id or state."""


def session_from(received: object) -> Session:
    """The session in a decoded message, in whatever spelling its keys come (``sessionId``, ``SessionID``, ``Id``).

    Raises NotASession where there is no id or no state.
    """
    if not isinstance(received, Mapping):
        raise NotASession("a session is an object with named properties")
    values: dict[str, str] = {}
    extra: dict[str, str] = {}
    for key, value in received.items():
        if not isinstance(key, str):
            raise NotASession("a property name is text")
        if type(value) is str and value.isascii() and len(value) <= MAX_TEXT:
            text: str | None = value or None  # what mostly comes
        else:
            text = _text(value)
        if text is None:
            continue
        attribute = ATTRIBUTES.get(key) or _SPELLINGS.get(key.replace("_", "").lower())
        if attribute is None:
            extra[key[:MAX_TEXT]] = text
        elif key in ATTRIBUTES or attribute not in values:
            values[attribute] = text  # the vendor's spelling wins over a variant of it
    if "session_id" not in values:
        raise NotASession("sessionId is missing")
    if "session_state" not in values:
        raise NotASession("sessionState is missing")
    state = state_from(values.pop("session_state"))
    return Session(session_state=state, extra=extra or None, **values)


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case str():
            text = whole(value[:MAX_TEXT])  # half a surrogate pair cannot be written to any log or socket
        case bool():
            text = "true" if value else "false"
        case int():
            if value.bit_length() > 128:
                return None
            text = str(value)
        case float():
            text = repr(value)
        case _:
            return None
    return text or None
