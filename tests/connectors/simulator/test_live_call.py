"""What holds add up to, and how durations are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.simulator.callers import CallPlan, Party
from ozrules.connectors.simulator.live_call import LiveCall
from ozrules.session.durations import seconds_from
from ozrules.session.state import CALLEE_ON_HOLD, CALLER_ON_HOLD, IN_CALL, ON_HOLD, ON_HOLD_INACTIVE, State


def talking() -> LiveCall:
    return LiveCall(
        id="s1",
        master="s1",
        plan=CallPlan(caller="2002", callee="2001"),
        caller="2002",
        callee="2001",
        caller_name=None,
        callee_name=None,
        direction="internal",
        source="2002",
        destination="2001",
        dialed="2001",
        state=IN_CALL,
        started=0.0,
        since=0.0,
    )


@pytest.mark.parametrize(
    ("holders", "by_method", "state"),
    [
        ([], False, IN_CALL),
        (["caller"], False, CALLEE_ON_HOLD),
        (["callee"], False, CALLER_ON_HOLD),
        (["caller", "callee"], False, ON_HOLD),
        ([], True, ON_HOLD),
        (["caller"], True, ON_HOLD_INACTIVE),
        (["caller", "callee"], True, ON_HOLD_INACTIVE),
    ],
)
def test_what_the_holds_add_up_to(holders: list[Party], by_method: bool, state: State) -> None:
    call = talking()
    call.releases = dict.fromkeys(holders)
    call.held_by_method = by_method
    assert call.hold_state() == state


@given(st.floats(0, 1e6))
def test_durations_can_be_read_back(seconds: float) -> None:
    read = seconds_from(talking().seen(seconds).talk_duration)
    assert read == pytest.approx(seconds, abs=0.001)
