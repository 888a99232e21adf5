"""Who dials whom where it is not said outright."""

from ozrules.connectors.asterisk.dialling import speaker
from ozrules.connectors.asterisk.legs import FOR, OURS, Leg, Legs


def seen(legs: Legs, leg_id: str, channel: str, **fields: str) -> Leg:
    leg = legs.see({"Channel": channel, "Uniqueid": leg_id, "Linkedid": "1.1"} | fields)
    assert leg is not None
    return leg


def halves(legs: Legs, leg_id: str = "1.5") -> tuple[Leg, Leg]:
    return seen(legs, leg_id, "Local/2@x-1;1"), seen(legs, "1.6", "Local/2@x-1;2")


def test_a_phone_speaks_for_itself() -> None:
    legs = Legs()
    phone = seen(legs, "1.1", "PJSIP/1-1")
    assert speaker(legs, phone) is phone
    assert speaker(legs, None) is None


def test_a_branch_speaks_for_who_dials_its_other_half() -> None:
    legs = Legs()
    caller = seen(legs, "1.1", "PJSIP/1-1")
    one, two = halves(legs)
    assert speaker(legs, two) is None
    legs.dial(caller, one, {})
    assert speaker(legs, two) is caller


def test_a_branch_that_we_made_speaks_for_whom_we_made_it() -> None:
    legs = Legs()
    caller = seen(legs, "1.1", "PJSIP/1-1")
    _, two = halves(legs, f"{OURS}1{FOR}1.1")
    assert speaker(legs, two) is caller


def test_a_phone_that_answered_the_other_half_speaks_for_it() -> None:
    legs = Legs()
    one, two = halves(legs)
    phone = seen(legs, "1.2", "PJSIP/2-1", ChannelStateDesc="Ringing")
    legs.dial(two, phone, {})
    assert speaker(legs, one) is None
    seen(legs, "1.2", "PJSIP/2-1", ChannelStateDesc="Up")
    assert speaker(legs, one) is phone


def test_who_answered_a_branch_does_not_speak_for_it() -> None:
    legs = Legs()
    _, two = halves(legs)
    phone = seen(legs, "1.2", "PJSIP/2-1", ChannelStateDesc="Up")
    legs.dial(two, phone, {})
    for leg in (two, phone):
        legs.enter(leg, {"BridgeUniqueid": "b"})
    assert speaker(legs, two) is None


def test_halves_that_dial_each_other_speak_for_nobody() -> None:
    legs = Legs()
    one, two = halves(legs)
    legs.dial(two, one, {})
    legs.dial(one, two, {})
    assert speaker(legs, one) is None
