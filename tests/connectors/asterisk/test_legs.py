"""Facts about channels: taken from every event, kept straight, forgotten in the end."""

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.legs import FOR, OURS, Leg, Legs


def seen(legs: Legs, number: int, channel: str = "", **fields: str) -> Leg:
    given: Fields = {"Channel": channel or f"PJSIP/{number}-1", "Uniqueid": f"1.{number}", "Linkedid": "1.1"}
    leg = legs.see(given | fields)
    assert leg is not None
    return leg


def enter(legs: Legs, leg: Leg, bridge: str, **fields: str) -> None:
    legs.enter(leg, {"BridgeUniqueid": bridge, **fields})


def test_later_events_add_to_what_is_known() -> None:
    legs = Legs()
    leg = seen(legs, 1, ChannelStateDesc="Ring", CallerIDNum="<unknown>", Exten="s")
    assert (leg.state, leg.number, leg.dialed) == ("Ring", None, None)
    assert seen(legs, 1, ChannelStateDesc="Up", CallerIDNum="1001", Exten="2001") is leg
    assert seen(legs, 1, Exten="3001") is leg
    assert (leg.state, leg.number, leg.exten, leg.dialed) == ("Up", "1001", "3001", "2001")


def test_a_channel_that_is_renamed_is_the_same_leg() -> None:
    legs = Legs()
    leg = seen(legs, 1)
    assert seen(legs, 1, "PJSIP/9-9") is leg
    assert legs.named("PJSIP/9-9") is leg
    assert legs.named("PJSIP/1-1") is None
    assert [one.id for one in legs.of_endpoint("PJSIP/9")] == ["1.1"]


def test_who_is_joined_is_joined_through_local_channels_too() -> None:
    legs = Legs()
    caller, callee, other = seen(legs, 1), seen(legs, 2), seen(legs, 3)
    one, two = seen(legs, 4, "Local/2@x-1;1"), seen(legs, 5, "Local/2@x-1;2")
    enter(legs, caller, "a")
    enter(legs, one, "a")
    enter(legs, two, "b")
    enter(legs, callee, "b")
    assert legs.joined(caller) == {"1.1", "1.2", "1.4", "1.5"}
    assert legs.joined(other) == {"1.3"}
    legs.leave(two)
    assert callee.id not in legs.joined(caller)


def test_nobody_hears_anybody_in_a_parking_place() -> None:
    legs = Legs()
    first, second = seen(legs, 1), seen(legs, 2)
    for leg in (first, second):
        enter(legs, leg, "p", BridgeTechnology="holding_bridge", BridgeType="parking")
    assert legs.joined(first) == {"1.1"}
    assert legs.is_parked(second)


def test_what_has_ended_learns_nothing_more() -> None:
    legs = Legs()
    leg = seen(legs, 1)
    enter(legs, leg, "a")
    legs.end(leg, 17)
    legs.end(leg, 16)
    seen(legs, 1, ChannelStateDesc="Up")
    enter(legs, leg, "b")
    assert (leg.gone, leg.cause, leg.state, leg.bridge) == (True, 17, "Down", None)
    assert list(legs.living()) == []


def test_how_a_dialling_ended_is_not_undone() -> None:
    legs = Legs()
    source, target = seen(legs, 1), seen(legs, 2)
    for status in ("RINGING", "BUSY", "RINGING"):
        legs.dial(source, target, {"DialStatus": status})
    assert (target.dial_status, target.dialled_by) == ("BUSY", "1.1")


def test_what_the_connector_makes_is_told_by_its_id() -> None:
    leg = Leg(f"{OURS}7{FOR}lab-1.29", "PJSIP/1004-1", "x")
    assert leg.is_ours
    assert leg.serves == "lab-1.29"
    assert Leg("1.1", "PJSIP/1-1", "1.1").serves is None


def test_events_that_come_during_a_list_mark_their_legs() -> None:
    legs = Legs()
    seen(legs, 1)
    legs.begin_list()
    seen(legs, 2)
    assert legs.end_list() == {"1.2"}
    assert legs.end_list() == set()


def test_a_conference_room_is_known_by_who_made_it_and_by_what_a_list_says_of_who_sits_in_it() -> None:
    for said in ({"BridgeCreator": "ConfBridge"}, {"Application": "ConfBridge"}):
        legs = Legs()
        leg = legs.see({"Channel": "PJSIP/1001-1", "Uniqueid": "1.1", "Linkedid": "1.1"})
        assert leg is not None
        legs.enter(leg, {"BridgeUniqueid": "a"} | said)
        assert legs.is_in_a_room(leg)
        legs.enter(leg, {"BridgeUniqueid": "b"})
        assert not legs.is_in_a_room(leg)


def test_what_runs_when_a_channel_hangs_up_is_no_place_that_it_went_to() -> None:
    legs = Legs()
    leg = legs.see({"Channel": "PJSIP/1001-1", "Uniqueid": "1.1", "Linkedid": "1.1", "Context": "a", "Exten": "102"})
    assert leg is not None
    before = leg.place
    legs.see({"Channel": "PJSIP/1001-1", "Uniqueid": "1.1", "Linkedid": "1.1", "Context": "b", "Exten": "h"})
    assert leg.place == before
