"""The ten methods, what connections can do beyond them, and the states in which each can work."""

import pytest

from ozrules.session.methods import (
    APART,
    EXCLUSIVE,
    FURTHER,
    METHODS,
    OPERATIONS,
    PRIVILEGED,
    REPEATABLE,
    Method,
    Operation,
    is_legal,
    is_method,
)
from ozrules.session.state import ACTIVE, ENDED, HELD, IN_CALL, KNOWN_STATES, RINGING, State

TALKING = {IN_CALL}
HOLDABLE = {IN_CALL, State("CalleeOnHold"), State("CallerOnHold")}
LEGAL: dict[Operation, set[State]] = {
    "forward": {RINGING},
    "blindTransfer": TALKING | HELD,
    "hold": HOLDABLE,
    "unhold": set(HELD),
    "sendDtmf": TALKING,
    "startListen": TALKING | HELD,
    "stopListen": set(ACTIVE),
    "hangup": set(ACTIVE),
    "close": set(ACTIVE),
    "closeWithHangup": set(ACTIVE),
    "attendedTransfer": TALKING | HELD,
    "play": TALKING | HELD,
    "speak": TALKING | HELD,
    "record": TALKING | HELD | {RINGING},
    "call": set(KNOWN_STATES),
    "sendSms": set(KNOWN_STATES),
    "sendEmail": set(KNOWN_STATES),
}


def test_there_are_ten_methods_and_seven_further_operations() -> None:
    assert set(OPERATIONS) == set(LEGAL)
    assert (len(METHODS), len(FURTHER)) == (10, 7)
    assert [each for each in OPERATIONS if is_method(each)] == list(METHODS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_works_where_it_can(operation: Operation) -> None:
    assert {state for state in KNOWN_STATES if is_legal(operation, state)} == LEGAL[operation]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_works_on_an_ended_session(method: Method) -> None:
    assert not any(is_legal(method, state) for state in ENDED)


def test_in_a_state_nobody_knows_a_call_can_still_be_ended() -> None:
    unknown = State("other:Parked")
    assert {method for method in METHODS if is_legal(method, unknown)} == {
        "hangup",
        "close",
        "closeWithHangup",
        "stopListen",
    }


def test_listening_needs_no_privilege() -> None:
    assert set(METHODS) - PRIVILEGED == {"startListen", "stopListen"}


def test_what_may_open_a_door_or_move_a_call_is_never_repeated() -> None:
    assert not REPEATABLE & {"sendDtmf", "forward", "blindTransfer", "startListen", *FURTHER}


def test_keys_and_listening_leave_the_way_of_a_call_alone() -> None:
    others = {"sendDtmf", "startListen", "stopListen", "play", "speak", "record"}
    assert set(OPERATIONS) - EXCLUSIVE == others | APART
