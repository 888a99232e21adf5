"""Which methods a manager user can have carried out, from the list of actions that Asterisk lets it send."""

from typing import Final

from ozrules.connectors.asterisk.configuration import AsteriskAccess
from ozrules.session.methods import METHODS, Method

_NEEDS: Final[dict[Method, tuple[str, ...]]] = {
    "forward": ("Getvar", "Redirect", "Originate"),
    "blindTransfer": ("Getvar", "BlindTransfer", "Redirect"),
    "hangup": ("Hangup",),
    "close": ("Hangup",),
    "closeWithHangup": ("Hangup",),
    "hold": ("Redirect",),
    "unhold": ("Bridge",),
    "sendDtmf": ("PlayDTMF",),
    "startListen": ("Originate",),
    "stopListen": ("Hangup",),
}


def methods_of(actions: frozenset[str], access: AsteriskAccess) -> frozenset[str]:
    """The methods that can work. ``actions`` are the names that ListCommands gives."""
    return frozenset(
        method
        for method in METHODS
        if all(action in actions for action in _NEEDS[method]) and _missing(method, access) is None
    )


def forbidden_by(method: Method, access: AsteriskAccess) -> str:
    """Why a method that is not among `methods_of` cannot work, and what an admin can do about it."""
    missing = _missing(method, access)
    if missing is not None:
        return missing
    return f"the manager user may not send {' and '.join(_NEEDS[method])}; write = call,originate,reporting lets it"


def _missing(method: Method, access: AsteriskAccess) -> str | None:
    if method in ("hold", "unhold") and access.ari is None and access.hold_extension is None:
        return "neither ari nor holdExtension is set"
    if method in ("startListen", "stopListen") and access.supervisor is None:
        return "no supervisor is set"
    return None
