"""The ten methods of the Session class, and the states in which each can work.

The vendor states a legal state only for ``forward`` (Ringing) and, by example, for ``blindTransfer`` (InCall); the
rest follows from what the methods do. Sources: https://ozekiphone.com/p_5162-session-class.html, p_4574, p_4575.
"""

from typing import Final, Literal, get_args

from ozrules.session.state import CALLEE_ON_HOLD, CALLER_ON_HOLD, ENDED, HELD, IN_CALL, RINGING, State

Method = Literal[
    "blindTransfer",
    "close",
    "closeWithHangup",
    "forward",
    "hangup",
    "hold",
    "sendDtmf",
    "startListen",
    "stopListen",
    "unhold",
]
METHODS: Final[tuple[Method, ...]] = get_args(Method)

PRIVILEGED: Final[frozenset[Method]] = frozenset(METHODS) - {"startListen", "stopListen"}
"""What the vendor marks with *: it works only where the connected client has the privilege."""

EXCLUSIVE: Final[frozenset[Method]] = frozenset(
    {"forward", "blindTransfer", "hangup", "close", "closeWithHangup", "hold", "unhold"}
)
"""Only one rule may do one of these to a session at a time: they decide where the call goes."""

REPEATABLE: Final[frozenset[Method]] = frozenset({"hangup", "close", "closeWithHangup", "hold", "unhold", "stopListen"})
"""Doing these twice harms nobody once we have looked again. All others are sent at most once."""

_LEGAL: Final[dict[Method, frozenset[State]]] = {
    "forward": frozenset({RINGING}),
    "blindTransfer": HELD | {IN_CALL},
    "hold": frozenset({IN_CALL, CALLEE_ON_HOLD, CALLER_ON_HOLD}),
    "unhold": HELD,
    "sendDtmf": frozenset({IN_CALL}),
    "startListen": HELD | {IN_CALL},
}


def is_legal(method: Method, state: State) -> bool:
    """Whether ``method`` can work on a session in ``state``.

    What is not listed (hangup, close, closeWithHangup, stopListen) works until the session has ended, in a state that
    nobody knows too.
    """
    legal = _LEGAL.get(method)
    return state in legal if legal is not None else state not in ENDED
