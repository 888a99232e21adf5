"""Which calls there are, and who has been part of them."""

from ozrules.connectors.asterisk.calls import Call, Verdict
from ozrules.connectors.asterisk.legs import Leg
from ozrules.connectors.asterisk.register import Register
from ozrules.session.state import REDIRECTED


def leg(leg_id: str, number: str, dialled_from: str = "") -> Leg:
    return Leg(leg_id, f"PJSIP/{number}-{leg_id}", "1.1", number=number, dialled_from=dialled_from)


def forwarded() -> tuple[Register, Call, Call]:
    """1001 called 2000, which rang 1002, and was sent on to 1003."""
    register = Register()
    caller = leg("1.1", "1001")
    caller.dialed = "2000"
    first = Call("1.1", caller, "1.1", caller)
    register.begin(first)
    register.adopt(first, leg("1.2", "1002", "2000"))
    register.finish(first, Verdict(REDIRECTED, ends=True))
    target = leg("1.3", "1003", "1097")
    second = Call("1.1/1.3", target, "1.1", caller, target)
    register.begin(second)
    return register, first, second


def test_the_path_of_a_call_is_everybody_who_was_part_of_it_and_every_number_dialled() -> None:
    register, _, second = forwarded()
    assert register.path_of(second) == {"1001", "2000", "1002", "1003", "1097"}
    assert register.forwards_of(second) == 1


def test_what_is_over_is_known_but_does_not_live() -> None:
    register, first, second = forwarded()
    assert register.known("1.1") is first
    assert register.living("1.1") is None
    assert list(register.all_living()) == register.of(first.caller) == [second]


def test_a_call_begins_once() -> None:
    register, first, _ = forwarded()
    register.begin(Call("1.1", first.caller, "1.1", first.caller))
    assert register.known("1.1") is first


def test_who_is_called_is_called_by_somebody() -> None:
    register, first, second = forwarded()
    assert second.callee is not None
    assert register.is_called(second.callee)
    assert not register.is_called(first.caller)


def test_with_a_leg_its_calls_are_forgotten() -> None:
    register, first, second = forwarded()
    assert first.callee is not None
    register.forget(first.callee)
    assert register.known("1.1") is None
    assert first.caller.calls == {second.id}
