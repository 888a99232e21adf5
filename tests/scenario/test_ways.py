"""How a call gets into a state."""

import pytest

from ozrules.scenario.ways import way_to
from ozrules.session.state import BUSY, IN_CALL, KNOWN_STATES, ON_HOLD, RINGING, SETUP, State


@pytest.mark.parametrize(
    ("state", "way"),
    [
        (RINGING, (RINGING,)),
        (SETUP, (SETUP,)),
        (IN_CALL, (RINGING, IN_CALL)),
        (BUSY, (RINGING, BUSY)),
        (ON_HOLD, (RINGING, IN_CALL, ON_HOLD)),
    ],
)
def test_a_state_has_a_way_to_it(state: State, way: tuple[State, ...]) -> None:
    assert way_to(state) == way


def test_every_way_ends_where_it_leads() -> None:
    assert all(way_to(state)[-1] == state for state in KNOWN_STATES)
