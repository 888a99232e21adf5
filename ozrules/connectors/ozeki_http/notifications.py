"""Notifications: url-encoded pairs that the phone system posts to us. No I/O.

Of CallChanged the vendor shows only the name, the call's id and its state for certain; so any pairs are read, in any
spelling of their names. Nobody signs them: what they say is a hint, never a fact.
Sources: ozekiphone.com p_4201, p_5047, p_4695.
"""

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from ozrules.session.state import State, state_from

MAX_BYTES: Final = 64 * 1024
MAX_PAIRS: Final = 100


class NotANotification(ValueError):
    """What was posted is no notification; the text says why."""


class CallHint(msgspec.Struct, frozen=True):
    """Somebody says that a call is in this state now."""

    call_id: str | None
    state: State | None


class RoutingQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """The phone system asks where a call goes. ``state``: Calling, NoAnswer, Busy, NotFound or Error, as it came."""

    caller: str | None = None
    original_dialed: str | None = None
    last_dialed: str | None = None
    last_called: str | None = None
    state: str | None = None
    caller_extension: str | None = None
    call_id: str | None = None


class OtherNews(msgspec.Struct, frozen=True):
    """A notification of another kind: at most a reason to look."""

    name: str


def decode(body: bytes) -> CallHint | RoutingQuestion | OtherNews:
    """The notification in the body of a form post. Raises NotANotification, and nothing else."""
    if len(body) > MAX_BYTES:
        raise NotANotification(f"more than {MAX_BYTES} bytes")
    try:
        pairs = parse_qsl(body.decode("ascii", "replace"), max_num_fields=MAX_PAIRS, errors="replace")
    except ValueError:
        raise NotANotification(f"more than {MAX_PAIRS} pairs") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name.strip().lower(), value.strip())
    kind = values.get("notificationname")
    if not kind:
        raise NotANotification("NotificationName is missing")
    match kind.lower():
        case "callchanged":
            state = values.get("callstate") or values.get("state")
            return CallHint(values.get("callid"), state_from(state) if state else None)
        case "routinginterception":
            return RoutingQuestion(
                caller=values.get("callerid"),
                original_dialed=values.get("originaldialednumber"),
                last_dialed=values.get("lastdialednumber"),
                last_called=values.get("lastcalledextension"),
                state=values.get("lastcallstate"),
                caller_extension=values.get("callerextension"),
                call_id=values.get("callid"),
            )
        case _:
            return OtherNews(kind)
