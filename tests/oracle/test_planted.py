"""Faults planted on purpose: what the product tells is made wrong, or it hears too little. The oracle must find it."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.oracle.laws import HEARD, NEVER, OVER, PAIR, PASSING, RINGING, TOGETHER, Told, breaches
from tests.oracle.played import decoded, happened, hear, new_reducer

CALLS: Final = (
    "asterisk-22/observe/answered_caller_hangs_up",
    "asterisk-16/observe/attended_transfer_by_callee",
    "asterisk-22/observe/blind_transfer_by_callee",
    "asterisk-22/observe/ring_group_local_n",
    "asterisk-16/observe/queue_call",
    "conversations/22/one_touch_parking",
    "conversations/22/panel_bridges_two_talking_pairs",
    "conversations/22/screened_group_declined",
    "conversations/22/feature_code_handed_over_while_ringing",
    "conversations/16/pickup_group",
)
"""Some of each kind. Nothing is wrong with them."""


def found(tell: Callable[[list[Told]], list[Told]], *, unheard: str = "") -> set[str]:
    laws: set[str] = set()
    for name in CALLS:
        heard = [event for event in decoded(name) if event["Event"] != unheard]
        laws |= {breach.law for breach in breaches(happened(name), tell(hear(new_reducer(), heard)))}
    return laws


def test_nothing_is_wrong_before_a_fault_is_planted() -> None:
    assert found(lambda told: told) == set()


def never_over(told: list[Told]) -> list[Told]:
    return [one for one in told if not one.over]


def late(told: list[Told]) -> list[Told]:
    return [one._replace(at=one.at + 0.3) for one in told]


def turned(told: list[Told]) -> list[Told]:
    return [one._replace(caller=one.callee or one.caller, callee=one.caller if one.callee else None) for one in told]


def twice(told: list[Told]) -> list[Told]:
    return told + [one._replace(session=one.session + "-2") for one in told]


def in_a_call_at_once(told: list[Told]) -> list[Told]:
    return [one._replace(state="InCall" if one.state == "Ringing" else one.state) for one in told]


def ringing_still(told: list[Told]) -> list[Told]:
    return [one._replace(state="Ringing" if one.state == "InCall" else one.state) for one in told]


def with_somebody_else(told: list[Told]) -> list[Told]:
    return [one._replace(callee="PJSIP/1009-00000001" if one.callee else None) for one in told]


def over_too_early(told: list[Told]) -> list[Told]:
    return [one._replace(over=True) if one.state == "InCall" else one for one in told]


def back_for_a_moment(told: list[Told]) -> list[Told]:
    out: list[Told] = []
    for one in told:
        if one.state == "TransferCompleted":
            out += [one._replace(state="OnHold", over=False), one._replace(state="InCall", over=False)]
        out.append(one)
    return out


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        (never_over, OVER),
        (late, PAIR),
        (turned, RINGING),
        (twice, PAIR),
        (in_a_call_at_once, TOGETHER),
        (ringing_still, PAIR),
        (with_somebody_else, NEVER),
        (over_too_early, PAIR),
        (back_for_a_moment, PASSING),
    ],
)
def test_what_is_told_wrongly_is_found(fault: Callable[[list[Told]], list[Told]], law: str) -> None:
    assert law in found(fault)


@pytest.mark.parametrize(
    ("unheard", "law"),
    [("BridgeEnter", PAIR), ("Hangup", OVER), ("AttendedTransfer", HEARD)],
)
def test_what_is_not_heard_is_found(unheard: str, law: str) -> None:
    assert law in found(lambda told: told, unheard=unheard)
