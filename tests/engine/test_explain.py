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
    found = unheard(rule, seen)
    assert (None if found is None else found.reason) == reason


@pytest.mark.parametrize(
    ("trigger", "wanted"),
    [
        ("{state: held}", ("trigger.state", "held", "Ringing, InCall")),
        ("{state: InCall, from: OnHold}", ("trigger.from", "OnHold", "Ringing")),
        ("{state: Ringing, for: 1m30s}", ("trigger.for", "1m30s", "20s")),
        ("{any: [{state: held}, {state: Ringing, for: 1m}]}", ("trigger.any[1].for", "1m", "20s")),
        ("{state: active, for: 2h, clock: session}", ("trigger.for", "2h", "1m")),
        ("{state: InCall, for: 2h, clock: talk}", ("trigger.for", "2h", "40s")),
        (
            '{at: "0 10 * * mon", sessions: InCall}',
            ("trigger.at", "a moment of the calendar while in InCall", "Ringing, InCall"),
        ),
    ],
)
def test_what_of_the_trigger_was_otherwise(trigger: str, wanted: tuple[str, str, str]) -> None:
    [rule] = rules(f"{{id: one, trigger: {trigger}, actions: [{{log: x}}]}}").rules
    seen = (
        EventView(kind="created", state=State("Ringing"), from_state=None, since=0.0),
        EventView(kind="stateChanged", state=State("InCall"), from_state=State("Ringing"), since=20.0),
    )
    found = unheard(rule, seen, until=60.0)
    assert found is not None
    [leaf] = found.failed
    assert (leaf.path, leaf.wanted, leaf.actual) == wanted
    assert leaf.at.startswith("rules.yaml:3:")
