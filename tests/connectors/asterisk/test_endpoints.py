"""Who is inside: only who is named so, whatever number is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.asterisk.calls import Call
from ozrules.connectors.asterisk.endpoints import ADVICE, Outside
from ozrules.connectors.asterisk.legs import Leg
from ozrules.connectors.asterisk.parties import session_of
from ozrules.session.state import RINGING

TRUNKS = ["PJSIP/trunk-*"]
STRANGERS = [
    "PJSIP/anonymous-0000000a",
    "PJSIP/provider-0000000a",
    "PJSIP/guest-1005-0000000a",
    "PJSIP/1-0000000a",
    "PJSIP/493012345-0000000a",
    "PJSIP/1005x-0000000a",
    "PJSIP/１００５-0000000a",
    "SIP/192.0.2.7-0000000a",
    "SIP/1005-0000000a",
    "SIP/1005",
    "IAX2/1005-1234",
    "DAHDI/1-1",
    "Local/1005@from-internal-0000000a;1",
    "PJSIP/trunk-1005-0000000a",
    "",
    "PJSIP/",
]


def leg(channel: str, number: str = "1005") -> Leg:
    return Leg("1796053000.1", channel, "1796053000.1", number=number)


@pytest.mark.fault(41)
@pytest.mark.parametrize("channel", STRANGERS)
def test_who_is_named_nowhere_is_outside(channel: str) -> None:
    for told in ({}, {"PJSIP/anonymous": "from-sip-external", "PJSIP/provider": "from-internal"}):
        outside = Outside.of(TRUNKS, context="from-internal")
        outside.learn(told)
        assert outside.holds(leg(channel))
        caller, callee = leg(channel), leg("PJSIP/1002-0000000b", "1002")
        assert session_of(Call("s", caller, "m", caller, callee), RINGING, outside).direction == "inbound"


def test_a_pjsip_endpoint_with_an_extension_s_number_is_a_phone() -> None:
    assert not Outside.of(TRUNKS).holds(leg("PJSIP/1005-0000000a"))


def test_unless_its_calls_begin_elsewhere_than_the_phones() -> None:
    outside = Outside.of(TRUNKS, context="from-internal")
    outside.learn({"PJSIP/1005": "from-trunk", "PJSIP/1006": "from-internal"})
    assert outside.holds(leg("PJSIP/1005-0000000a"))
    assert not outside.holds(leg("PJSIP/1006-0000000a"))


def test_phones_of_freepbx_dial_where_numbers_are_looked_up_for_transfers() -> None:
    outside = Outside.of(TRUNKS, context="from-internal-xfer")
    outside.learn({"PJSIP/101": "from-internal", "PJSIP/102": "from-pstn"})
    assert not outside.holds(leg("PJSIP/101-0000000a"))
    assert outside.holds(leg("PJSIP/102-0000000a"))
    assert outside.classed(["PJSIP/101", "PJSIP/102"]).endswith("PJSIP/102 (dials in from-pstn); " + ADVICE)


@pytest.mark.parametrize("pattern", ["SIP/10??", "SIP/10*", "SIP/1005", "SIP/10??-*"])
def test_phones_names_who_is_inside_and_nobody_else_is(pattern: str) -> None:
    outside = Outside.of(TRUNKS, [pattern], "from-internal")
    assert not outside.holds(leg("SIP/1005-0000000a"))
    assert outside.holds(leg("PJSIP/1005-0000000a"))
    assert outside.holds(leg("SIP/2005-0000000a"))


@pytest.mark.parametrize("pattern", ["PJSIP/10*", "PJSIP/1005", "PJSIP/1005-*"])
def test_what_is_named_twice_is_outside(pattern: str) -> None:
    assert Outside.of([pattern], ["PJSIP/10??"]).holds(leg("PJSIP/1005-0000000a"))


@given(st.text(max_size=30))
def test_no_text_but_a_number_under_pjsip_makes_a_phone(name: str) -> None:
    inside = not Outside.of(TRUNKS).holds(leg(f"{name}-0000000a"))
    technology, _, number = name.partition("/")
    assert inside == (technology == "PJSIP" and number.isascii() and number.isdigit() and 2 <= len(number) <= 6)


def test_people_are_told_who_counts_as_what() -> None:
    outside = Outside.of(TRUNKS, context="from-internal")
    outside.learn({"PJSIP/1006": "from-trunk", "PJSIP/anonymous": "from-sip-external"})
    seen = ["PJSIP/1005", "PJSIP/1006", "PJSIP/trunk", "PJSIP/anonymous", "Queue:support", "MWI:1@default"]
    assert outside.classed(seen) == (
        "phones: PJSIP/1005; trunks: PJSIP/trunk; named nowhere, so their calls count as from outside: "
        "PJSIP/1006 (dials in from-trunk), PJSIP/anonymous (dials in from-sip-external); "
        "name them under phones or trunks"
    )
    assert outside.classed([f"PJSIP/{number}" for number in range(1010, 1030)]).endswith("PJSIP/1017 and 12 more")
    assert outside.classed([]) == ""
