"""The reason of a rule that was never judged."""

import pytest

from ozrules.engine.effects import EventView, Reason
from ozrules.engine.explain import unheard
from ozrules.session.state import State
from tests.replay.recorded import rules


@pytest.mark.parametrize(
    ("trigger", "states", "reason"),
    [
        ("{state: Ringing}", ["InCall"], "stateOther"),
        ("{state: InCall, from: OnHold}", ["Ringing", "InCall"], "fromOther"),
        ("{state: Ringing, for: 20s}", ["Ringing"], "forRunning"),
        ("{state: Ringing, for: 20s}", ["Ringing", "InCall"], "stateLeftBeforeFor"),
        ("{state: Ringing}", ["Ringing"], None),
    ],
)
def test_the_states_tell_why(trigger: str, states: list[str], reason: Reason | None) -> None:
    [rule] = rules(f"{{id: one, trigger: {trigger}, actions: [hangup]}}").rules
    origins = [None, *states]
    seen = [
        EventView(kind="stateChanged", state=State(state), from_state=State(origin) if origin else None, since=0.0)
        for state, origin in zip(states, origins, strict=False)
    ]
    assert unheard(rule, seen) == reason
