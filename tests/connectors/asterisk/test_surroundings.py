"""What a call depends on beside its own two legs, read off a few channels."""

from ozrules.connectors.asterisk.calls import Around, Call
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.legs import HOLD, Leg, Legs
from ozrules.connectors.asterisk.register import Register
from ozrules.connectors.asterisk.surroundings import around, has_another


class Office:
    """Phones, the bridges that they are in, and their calls."""

    def __init__(self) -> None:
        self.legs, self.calls = Legs(), Register()

    def phone(self, number: int, *, channel: str = "", **fields: str) -> Leg:
        name = channel or f"PJSIP/100{number}-1"
        leg = self.legs.see({"Channel": name, "Uniqueid": f"1.{number}", "Linkedid": "1.1"} | fields)
        assert leg is not None
        return leg

    def join(self, bridge: str, *legs: Leg) -> None:
        for leg in legs:
            self.legs.enter(leg, {"BridgeUniqueid": bridge})

    def call(self, caller: Leg, callee: Leg) -> Call:
        self.legs.dial(caller, callee, {})
        call = Call(f"{caller.id}/{callee.id}", callee, "1.1", caller, callee)
        self.calls.begin(call)
        return call

    def around(self, call: Call) -> Around:
        return around(call, self.legs, self.calls, Outside.of([], ["PJSIP/*"]))


def test_two_in_a_bridge_are_connected_and_who_sits_with_another_is_elsewhere() -> None:
    office = Office()
    caller, callee, other = office.phone(1), office.phone(2), office.phone(3)
    call = office.call(caller, callee)
    office.join("a", caller, callee, other)
    assert (office.around(call).connected, office.around(call).elsewhere) == (True, False)
    office.join("b", callee)
    assert (office.around(call).connected, office.around(call).elsewhere) == (False, True)


def test_who_holds_may_ask_somebody_else() -> None:
    office = Office()
    caller, callee, asked = office.phone(1), office.phone(2), office.phone(3)
    call = office.call(caller, callee)
    call.answered = True
    call.hold(callee)
    office.join("b", callee, asked)
    assert not office.around(call).elsewhere
    assert office.around(office.call(callee, asked)).consulting == frozenset()
    assert office.around(call).consulting == {callee.id}
    assert has_another(call, callee, office.legs, office.calls)


def test_a_phone_of_the_group_that_was_picked_up_answers_for_the_others() -> None:
    office = Office()
    caller = office.phone(1)
    first, second = office.call(caller, office.phone(2)), office.call(caller, office.phone(3))
    assert not office.around(first).answered_elsewhere
    office.phone(3, ChannelStateDesc="Up")
    assert office.around(first).answered_elsewhere
    assert not office.around(second).answered_elsewhere


def test_both_who_were_sent_to_be_held_wait() -> None:
    office = Office()
    call = office.call(office.phone(1), office.phone(2))
    assert not office.around(call).waiting
    for number in (1, 2):
        office.phone(number, Exten=HOLD, Context="stasis-ozrules")
    assert office.around(call).waiting


def test_who_was_picked_up_and_whose_caller_waits_has_parted_with_it() -> None:
    office = Office()
    caller, callee = office.phone(1), office.phone(2, ChannelStateDesc="Up")
    call = office.call(caller, callee)
    assert not office.around(call).parted
    caller.parked = True
    assert office.around(call).parted


def test_a_leg_that_is_called_through_a_local_channel_that_nobody_dialled_is_asked_about_a_transfer() -> None:
    office = Office()
    caller, callee = office.phone(1), office.phone(2)
    office.phone(8, channel="Local/2@x-1;1")
    branch = office.phone(9, channel="Local/2@x-1;2")
    call = office.call(caller, callee)
    office.legs.dial(branch, callee, {})
    assert not office.around(call).shared
    office.legs.request_hangup(caller, 16)
    assert office.around(call).shared


def test_a_call_outside_may_go_on_by_the_next_trunk_while_its_caller_is_in_the_dialplan() -> None:
    office = Office()
    caller = office.phone(1)
    outside = office.call(caller, office.phone(2, channel="DAHDI/2-1"))
    assert office.around(outside).next_way
    assert not office.around(office.call(caller, office.phone(3))).next_way
    caller.leaving = True
    assert not office.around(outside).next_way
