"""The ten methods of the Session class, what phone systems can be asked for beyond them, and the states for each.

The vendor states a legal state only for ``forward`` (Ringing) and, by example, for ``blindTransfer`` (InCall); the
rest follows from what the methods do. Sources: https://ozekiphone.com/p_5162-session-class.html, p_4574, p_4575.

The further ones are commands of the vendor's HTTP API: Call (p_4571), AttendedTransfer (p_4576), Play (p_4578), Speak
(p_4579), SendSms (p_4591), SendEmail (p_4774), Record (p_4775). A connection that does not name one of them among its
privileges cannot do it.
"""

from typing import Final, Literal, TypeAlias, TypeGuard, get_args

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

Further = Literal["attendedTransfer", "call", "play", "record", "sendEmail", "sendSms", "speak"]
FURTHER: Final[tuple[Further, ...]] = get_args(Further)

Operation: TypeAlias = Method | Further
"""All that a command may ask of a phone system."""
OPERATIONS: Final[tuple[Operation, ...]] = (*METHODS, *FURTHER)

PRIVILEGED: Final[frozenset[Method]] = frozenset(METHODS) - {"startListen", "stopListen"}
"""What the vendor marks with *: it works only where the connected client has the privilege."""

EXCLUSIVE: Final[frozenset[Operation]] = frozenset(
    {"forward", "blindTransfer", "attendedTransfer", "hangup", "close", "closeWithHangup", "hold", "unhold"}
)
"""Only one rule may do one of these to a session at a time: they decide where the call goes."""

APART: Final[frozenset[Operation]] = frozenset({"call", "sendEmail", "sendSms"})
"""What leaves the session alone: it works in every state, and after the session has ended."""

ANSWERS: Final[frozenset[Operation]] = frozenset({"forward", "hangup", "close", "closeWithHangup"})
"""What can answer a phone system that asks where a call goes: to a number, or nowhere."""

MOVING: Final[frozenset[Operation]] = frozenset({"forward", "blindTransfer", "call"})
"""What sends a call to a number: it counts as a hop, so that calls which rules send on end their rounds."""

REPEATABLE: Final[frozenset[Operation]] = frozenset(
    {"hangup", "close", "closeWithHangup", "hold", "unhold", "stopListen"}
)
"""Doing these twice harms nobody once we have looked again. All others are sent at most once."""

_LEGAL: Final[dict[Operation, frozenset[State]]] = {
    "forward": frozenset({RINGING}),
    "blindTransfer": HELD | {IN_CALL},
    "hold": frozenset({IN_CALL, CALLEE_ON_HOLD, CALLER_ON_HOLD}),
    "unhold": HELD,
    "sendDtmf": frozenset({IN_CALL}),
    "startListen": HELD | {IN_CALL},
    "attendedTransfer": HELD | {IN_CALL},
    "play": HELD | {IN_CALL},
    "speak": HELD | {IN_CALL},
    "record": HELD | {IN_CALL, RINGING},
}


def is_legal(operation: Operation, state: State) -> bool:
    """Whether ``operation`` can work on a session in ``state``.

    What is not listed (hangup, close, closeWithHangup, stopListen) works until the session has ended, in a state that
    nobody knows too; what leaves the session alone works always.
    """
    if operation in APART:
        return True
    legal = _LEGAL.get(operation)
    return state in legal if legal is not None else state not in ENDED


def is_method(operation: Operation) -> TypeGuard[Method]:
    """Whether this is a method of the Session class."""
    return operation in METHODS
