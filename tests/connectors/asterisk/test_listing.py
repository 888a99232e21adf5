"""What a list of channels says of who talks to whom."""

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.dialling import beside
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.legs import FOR, OURS, Legs
from ozrules.connectors.asterisk.listing import in_order, pair, parking_places, place
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.session.state import IN_CALL


def listed(legs: Legs, *items: Fields) -> frozenset[str]:
    for item in items:
        leg = legs.see(item)
        assert leg is not None
        place(legs, leg, item, parking_places(items))
    return pair(legs, in_order(items))


def test_in_a_list_the_linkedid_names_the_caller() -> None:
    legs = Legs()
    caller = {"Channel": "PJSIP/1-1", "Uniqueid": "1.1", "Linkedid": "1.1", "Application": "Dial"}
    callee = {"Channel": "PJSIP/2-1", "Uniqueid": "1.2", "Linkedid": "1.1", "Application": "AppDial"}
    listed(legs, callee | {"ChannelStateDesc": "Ringing"}, caller)
    leg = legs.get("1.2")
    assert leg is not None
    assert (leg.dialled_by, leg.dial_status) == ("1.1", "RINGING")


def test_in_a_list_who_took_a_caller_s_place_is_found_in_the_bridge() -> None:
    legs = Legs()
    both = {"BridgeId": "b", "ChannelStateDesc": "Up"}
    caller = {"Channel": "PJSIP/3-1", "Uniqueid": "3.1", "Linkedid": "3.1", "Application": "Dial"}
    callee = {"Channel": "PJSIP/2-1", "Uniqueid": "1.2", "Linkedid": "1.1", "Application": "AppDial"}
    listed(legs, callee | both, caller | both)
    leg = legs.get("1.2")
    assert leg is not None
    assert leg.dialled_by == "3.1"
    assert [one.id for one in beside(legs, leg)] == ["3.1"]


def test_in_a_list_a_queue_s_phones_ring_for_who_waits_in_it() -> None:
    legs = Legs()
    caller = {"Channel": "PJSIP/1-1", "Uniqueid": "1.1", "Linkedid": "1.1", "Application": "Queue"}
    phone = {"Channel": "PJSIP/2-1", "Uniqueid": "1.2", "Linkedid": "1.1", "Application": "AppQueue"}
    listed(legs, phone | {"ChannelStateDesc": "Ringing"}, caller)
    leg = legs.get("1.2")
    assert leg is not None
    assert (leg.dialled_by, leg.dial_status) == ("1.1", "RINGING")


def test_in_a_list_who_asks_a_conference_room_whether_to_transfer_was_called_by_nobody_in_it() -> None:
    legs = Legs()
    asks = {"Channel": "PJSIP/2-1", "Uniqueid": "1.2", "Linkedid": "1.1", "Application": "AppDial", "BridgeId": "b"}
    near = {"Channel": "Local/8@x-1;1", "Uniqueid": "1.3", "Linkedid": "1.1", "Application": "", "BridgeId": "b"}
    room = {"Application": "ConfBridge", "BridgeId": "room"}
    far = {"Channel": "Local/8@x-1;2", "Uniqueid": "1.4", "Linkedid": "1.1"} | room
    member = {"Channel": "PJSIP/4-1", "Uniqueid": "4.1", "Linkedid": "4.1"} | room
    listed(legs, *(one | {"ChannelStateDesc": "Up"} for one in (asks, near, far, member)))
    leg = legs.get("1.2")
    assert leg is not None
    assert leg.dialled_by is None


def waiting(leg_id: str, channel: str, **fields: str) -> Fields:
    return {"Channel": channel, "Uniqueid": leg_id, "Linkedid": "1.1", "ChannelStateDesc": "Up"} | fields


STASIS = {"Application": "Stasis", "Context": "stasis-ozrules", "Exten": "hold"}
PARKED = {"Application": "Park", "BridgeId": "lot"}


def test_who_is_fetched_in_the_moment_of_the_list_does_not_wait_in_the_bridge_of_the_talk() -> None:
    legs = Legs()
    listed(legs, waiting("1.1", "PJSIP/1-1", **PARKED | {"BridgeId": "talk"}))
    came = waiting("2.1", "PJSIP/2-1", BridgeUniqueid="talk", BridgeType="basic", BridgeTechnology="simple_bridge")
    fetcher = legs.see(came)
    assert fetcher is not None
    legs.enter(fetcher, came)
    assert [one.id for one in beside(legs, fetcher)] == ["1.1"]


def test_two_that_wait_where_hold_sends_them_are_a_call() -> None:
    for where in (STASIS, PARKED):
        legs = Legs()
        held = listed(legs, waiting("1.2", "PJSIP/2-1", **where), waiting("1.1", "PJSIP/1-1", **where))
        assert held == {"1.1", "1.2"}
        callee = legs.get("1.2")
        assert callee is not None
        assert (callee.dialled_by, callee.dial_status, callee.music) == ("1.1", "ANSWER", True)
        assert beside(legs, callee) == []


def test_one_that_is_parked_and_one_in_another_application_are_held_by_nobody() -> None:
    assert listed(Legs(), waiting("1.1", "PJSIP/1-1", **PARKED)) == frozenset()
    other = STASIS | {"Context": "from-internal"}
    assert listed(Legs(), waiting("1.1", "PJSIP/1-1", **other), waiting("1.2", "PJSIP/2-1", **other)) == frozenset()


def test_the_legs_are_taken_in_the_order_of_their_making_and_ours_last() -> None:
    ours = f"{OURS}7{FOR}1.1"
    items = [
        {"Uniqueid": "lab-1795.9", "Linkedid": ours},
        {"Uniqueid": ours, "Linkedid": ours},
        {"Uniqueid": "lab-1795.10", "Linkedid": "lab-1795.2"},
        {"Uniqueid": "lab-1795.2", "Linkedid": "lab-1795.2"},
        {"Uniqueid": "odd", "Linkedid": "odd"},
    ]
    assert list(in_order(items)) == ["odd", "lab-1795.2", "lab-1795.10", ours, "lab-1795.9"]


def test_in_a_list_who_fetched_a_parked_call_is_its_caller_as_when_it_was_seen() -> None:
    parked = {"Channel": "PJSIP/1001-1", "Uniqueid": "1.1", "Linkedid": "1.1", "Application": "Dial"}
    fetcher = {"Channel": "PJSIP/1003-1", "Uniqueid": "3.1", "Linkedid": "1.1", "Application": "ParkedCall"}
    talk = {"BridgeId": "talk", "ChannelStateDesc": "Up"}
    (session,) = Reducer("open", Outside.of([])).listed([parked | talk, fetcher | talk])
    assert (session.session_state, session.caller, session.callee) == (IN_CALL, "1003", "1001")
