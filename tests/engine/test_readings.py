"""What a condition reads of a live session, field by field."""

from zoneinfo import ZoneInfo

import pytest

from ozrules.engine.identity import SessionKey
from ozrules.engine.live import Chain, LiveSession
from ozrules.engine.readings import direction_of, group_of, reader_of, text_of
from ozrules.rules.condition import Value
from ozrules.rules.fields import FIELDS
from ozrules.rules.numbers import NumberPlan
from ozrules.session.session import Session, session_from
from ozrules.session.state import IN_CALL, ON_HOLD, RINGING

PLAN = NumberPlan(country="HU")


def live(**properties: str) -> LiveSession:
    session = session_from({"sessionId": "s1", "sessionState": "Ringing"} | properties)
    return LiveSession(SessionKey("office", "", "s1", ""), session, Chain("x"), 100.0, 90.0)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_can_be_read(field: str) -> None:
    assert isinstance(reader_of(field, PLAN)(live(), 110.0), str | float | int | None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stateDuration", 10.0),
        ("ringDuration", 10.0),
        ("talkDuration", 0.0),
        ("connection", "office"),
        ("hops", 0),
        ("previousState", None),
        ("sessionState", "Ringing"),
        ("caller", "+36201234567"),
        ("trunk", "trunk-1"),
        ("endpoint", None),
        ("var.kind", None),
    ],
)
def test_values_are_those_of_the_moment(field: str, value: Value) -> None:
    assert reader_of(field, PLAN)(live(caller="+36201234567", trunk="trunk-1"), 110.0) == value


def test_durations_add_up_over_the_states() -> None:
    session = live()
    session.enter(IN_CALL, 105.0)
    session.enter(ON_HOLD, 115.0)
    session.enter(IN_CALL, 120.0)
    assert reader_of("ringDuration", PLAN)(session, 130.0) == 5.0
    assert reader_of("talkDuration", PLAN)(session, 130.0) == 20.0
    assert reader_of("previousState", PLAN)(session, 130.0) == ON_HOLD
    assert reader_of("previousStateDuration", PLAN)(session, 130.0) == 5.0
    assert session.state != RINGING


@pytest.mark.parametrize(
    ("caller", "callee", "direction"),
    [
        ("+36201234567", "2001", "inbound"),
        ("2001", "+36201234567", "outbound"),
        ("2001", "2002", "internal"),
        ("+36201234567", "+36301234567", "transit"),
        ("", "2001", "inbound"),
        ("2001", "", None),
    ],
)
def test_direction_follows_from_what_is_internal(caller: str, callee: str, direction: str | None) -> None:
    assert direction_of(live(caller=caller, callee=callee), PLAN) == direction


def test_the_phone_systems_own_word_for_the_direction_wins() -> None:
    assert direction_of(live(caller="2001", callee="2002", direction="Incoming"), PLAN) == "inbound"


def test_a_group_is_normalised_and_missing_where_a_field_is() -> None:
    group = group_of(("caller", "connection"), PLAN)
    assert group(live(caller="06201234567"), 0.0) == group(live(caller="+36201234567"), 0.0)
    assert group(live(), 0.0) is None
    assert group_of((), PLAN)(live(), 0.0) == ""


def test_text_of_shows_numbers_without_needless_decimals() -> None:
    assert text_of("hops", PLAN)(live(), 110.0) == "0"
    assert isinstance(live().session, Session)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-11-23T10:00:00+02:00", "2026-11-23T10:00:00+02:00"),
        ("2026-11-23 10:00:00", "2026-11-23T10:00:00+01:00"),
        ("/Date(1795424400000)/", "2026-11-23T10:00:00+01:00"),
        ("1795424400", "2026-11-23T10:00:00+01:00"),
        ("soon", None),
    ],
)
def test_a_start_time_in_a_text_is_iso_with_its_offset(told: str, shown: str | None) -> None:
    session = live(startTime=told)
    session.zone = ZoneInfo("Europe/Budapest")
    assert text_of("startTime", PLAN)(session, 110.0) == shown
    assert (reader_of("startTime", PLAN)(session, 110.0) is None) is (shown is None)


@pytest.mark.parametrize(
    ("lasts", "shown"), [(0.0, "0s"), (0.25, "250ms"), (10.4, "10s"), (65.0, "1m5s"), (3600.2, "1h")]
)
def test_a_duration_in_a_text_is_readable(lasts: float, shown: str) -> None:
    session = live()
    assert text_of("stateDuration", PLAN)(session, session.entered + lasts) == shown


def test_a_group_keeps_the_bare_number_of_seconds() -> None:
    session = live()
    assert group_of(("stateDuration",), PLAN)(session, session.entered + 65.0) == "65"
