"""Who the parties are: read off the endpoints, whatever numbers are shown."""

import pytest

from ozrules.connectors.asterisk.calls import Call
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.legs import Leg
from ozrules.connectors.asterisk.parties import session_of
from ozrules.session.session import MAX_TEXT, Session
from ozrules.session.state import RINGING

TRUNKS = Outside.of(["PJSIP/trunk-*", "DAHDI/*"])


def leg(channel: str, number: str | None = None, **facts: str) -> Leg:
    one = Leg("lab-1795467869.29", channel, "lab-1795467869.29", number=number)
    for name, value in facts.items():
        setattr(one, name, value)
    return one


def session(caller: Leg, callee: Leg | None) -> Session:
    return session_of(Call("s", caller, "m", caller, callee), RINGING, TRUNKS)


INSIDE, OUTSIDE = "PJSIP/1001-0000000a", "PJSIP/trunk-0000000b"


@pytest.mark.parametrize(
    ("caller", "callee", "direction", "trunk"),
    [
        (INSIDE, INSIDE, "internal", None),
        (INSIDE, OUTSIDE, "outbound", "PJSIP/trunk"),
        (OUTSIDE, INSIDE, "inbound", "PJSIP/trunk"),
        (OUTSIDE, "DAHDI/1-1", "transit", "PJSIP/trunk"),
        (OUTSIDE, None, "inbound", "PJSIP/trunk"),
        (INSIDE, None, None, None),
    ],
)
@pytest.mark.fault(92)
def test_the_direction_is_that_of_the_endpoints(
    caller: str, callee: str | None, direction: str | None, trunk: str | None
) -> None:
    one = session(leg(caller, "1001"), leg(callee, "1001") if callee else None)
    assert one.direction == direction
    assert (one.extra or {}).get("trunk") == trunk
    assert (one.extra or {})["endpoint"] == caller.rpartition("-")[0]


def test_a_phone_without_a_number_goes_by_its_endpoint() -> None:
    one = session(leg(INSIDE), leg("PJSIP/desk-of-ann-0000000c"))
    assert (one.caller, one.callee) == ("1001", "desk-of-ann")


@pytest.mark.parametrize(
    ("dialled", "callee"),
    [("00442071838750@trunk", "00442071838750"), ("trunk/sip:+3612345@isp", "+3612345"), ("odd", "900"), ("", "900")],
)
def test_who_is_called_outside_is_what_was_dialled_there(dialled: str, callee: str) -> None:
    assert session(leg(INSIDE, "1001"), leg(OUTSIDE, "900", dial_string=dialled)).callee == callee


def test_the_start_is_the_second_in_the_channel_s_id() -> None:
    assert session(leg(INSIDE), None).start_time == "2026-11-23T21:04:29Z"
    odd = leg(INSIDE)
    odd.id = "made-by-somebody"
    assert session(odd, None).start_time is None


@pytest.mark.fault(92)
def test_what_a_caller_sends_is_cut() -> None:
    assert len(session(leg(OUTSIDE, "9" * 5000), None).caller or "") == MAX_TEXT


def test_a_phone_keeps_its_number_whatever_the_dialplan_lets_it_show() -> None:
    one = session(leg(INSIDE, "+3615550100", own_number="1001"), leg(OUTSIDE, "900"))
    assert (one.caller, (one.extra or {})["presentedNumber"]) == ("1001", "+3615550100")


def test_a_phone_whose_endpoint_is_no_number_goes_by_the_first_number_it_showed() -> None:
    named = Outside.of([], ["PJSIP/desk-*"])
    ann = leg("PJSIP/desk-of-ann-0000000c", "+3615550100", own_number="1010")
    one = session_of(Call("s", ann, "m", ann, None), RINGING, named)
    assert (one.caller, one.source_type) == ("1010", "extension")


def test_the_callee_that_the_dialplan_sends_outside_is_still_the_extension() -> None:
    """A blind transfer moves the callee, and the outbound route lets it show the office's number."""
    one = session(leg(OUTSIDE, "0036301234567"), leg(INSIDE, "+3615550100", own_number="1001"))
    assert one.callee == "1001"


def test_who_is_outside_has_the_number_that_it_shows() -> None:
    one = session(leg(OUTSIDE, "0036301234567", own_number="1001"), leg(INSIDE))
    assert (one.caller, (one.extra or {})["presentedNumber"]) == ("0036301234567", "0036301234567")


def test_who_called_from_outside_stays_who_called_whatever_the_dialplan_lets_it_show_later() -> None:
    caller = leg(OUTSIDE, "5550100", own_number="0401234", called_as="00401234")
    assert session(caller, leg(INSIDE, "1001")).caller == "00401234"  # as the phone here shows it
    assert session(caller, leg("DAHDI/1-1")).caller == "0401234"
