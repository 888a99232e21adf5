"""Triggers to the model."""

import pytest

from ozrules.rules.model import CalendarTrigger, RoutingTrigger, StateTrigger
from ozrules.session.state import CREATED, HELD, RINGING
from tests.rules.reading.parts import errors, one


def test_states_groups_and_time() -> None:
    (trigger,) = one("{state: [Ringing, Created], from: held, for: 1m30s, clock: session, id: long}").triggers
    assert isinstance(trigger, StateTrigger)
    assert (trigger.states, trigger.origins) == (frozenset({RINGING, CREATED}), HELD)
    assert (trigger.hold, trigger.clock, trigger.id) == (90.0, "session", "long")


def test_routing() -> None:
    (trigger,) = one("{routing: NoAnswer}", "[{forward: 2010}]").triggers
    assert isinstance(trigger, RoutingTrigger)
    assert trigger.kind == "NoAnswer"


@pytest.mark.parametrize(
    ("typed", "weekdays"),
    [
        ("{at: 18:00, sessions: active}", None),
        ("{at: 18:00, weekdays: monday..friday, sessions: active}", {0, 1, 2, 3, 4}),
        ("{at: 0 18 * * sat-mon, sessions: active}", {5, 6, 0}),
    ],
)
def test_the_calendar(typed: str, weekdays: set[int] | None) -> None:
    (trigger,) = one(typed).triggers
    assert isinstance(trigger, CalendarTrigger)
    assert (trigger.cron.hours, trigger.cron.minutes) == (frozenset({18}), frozenset({0}))
    assert trigger.cron.weekdays == weekdays
    assert trigger.cron.timezone == "Europe/Budapest"


def test_any_may_stand_in_any() -> None:
    triggers = one("{any: [{state: Ringing}, {any: [{state: InCall}, {routing: Busy}]}]}").triggers
    assert [each.id for each in triggers] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("{}", "missing-key"),
        ("{any: []}", "empty-list"),
        ("{any: [Ringing]}", "wrong-type"),
        ("{state: Ringing, weekdays: monday}", "unknown-key"),
        ("{at: 6pm, sessions: active}", "bad-time"),
        ("{at: 0 18 * * mon, weekdays: monday, sessions: active}", "bad-time"),
        ("{state: Ringing, for: -5s}", "bad-duration"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert errors(typed) == [code]
