"""The guards: what no rule may do, in every spelling of a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.engine.guard import Guard
from ozrules.engine.identity import SessionKey
from ozrules.engine.live import Chain, LiveSession
from ozrules.rules.model import Guards, NumberPattern
from ozrules.rules.numbers import NumberPlan
from ozrules.session.session import Session
from ozrules.session.state import RINGING
from tests.engine.forge import HERE, allowing

PLAN = NumberPlan(country="HU")


def live(callee: str = "2001", dialled: str | None = None, hops: int = 0) -> LiveSession:
    chain = Chain("x")
    chain.hops = hops
    session = Session(session_id="s", session_state=RINGING, callee=callee, dialed_number=dialled)
    return LiveSession(SessionKey("c", "", "s", ""), session, chain, 0.0, 0.0)


@pytest.mark.fault(45)
@pytest.mark.parametrize("number", ["112", "104", "+112", "+36112", "sip:112@pbx;user=phone", "tel:107", "105@pbx"])
def test_calls_to_emergency_numbers_are_protected_whatever_the_guards_say(number: str) -> None:
    guard = Guard(allowing("*", default="allow"), PLAN)
    assert guard.is_protected(live(number))
    assert guard.is_protected(live("2001", dialled=number))


@pytest.mark.fault(45)
@pytest.mark.parametrize("callee", ["2101", "sip:2101@pbx", '"Desk" <2101>', "21-01", "PJSIP/2101@trunk"])
def test_what_an_admin_protects_by_its_beginning_is_protected_in_every_spelling(callee: str) -> None:
    guard = Guard(Guards(protected=("210*",)), PLAN)
    assert guard.is_protected(live(callee))
    assert not guard.is_protected(live(callee.replace("21", "22")))
    assert guard.policy("2101") == ("protected", "2101 is a protected number")


@pytest.mark.fault(45)
@pytest.mark.parametrize("number", ["999", "110", "000", "119", "117", "17", "104"])
def test_without_a_country_the_emergency_numbers_of_all_countries_are_protected(number: str) -> None:
    guard = Guard(allowing("*", default="allow"), NumberPlan())
    assert guard.is_protected(live(number))
    assert guard.policy(number) == ("protected", f"{number} is a protected number")


@pytest.mark.fault(89)
@given(st.text(max_size=25))
def test_nothing_but_an_allowed_number_is_a_destination(text: str) -> None:
    guard = Guard(allowing("+3620*", deny=(NumberPattern("+36203*", HERE),)), PLAN)
    number = guard.destination(live(), text, templated=False)
    assert number == Guard(allowing("+3620*", deny=(NumberPattern("+36203*", HERE),)), PLAN, [text]).destination(
        live(), text, templated=False
    )
    if isinstance(number, str):
        assert number.isascii()
        assert PLAN.is_internal(number) or (number.startswith("+3620") and not number.startswith("+36203"))


def test_deny_beats_allow_and_the_default_decides_the_rest() -> None:
    deny = (NumberPattern("+3690*", HERE),)
    opened = Guard(Guards(deny=deny, default="allow"), PLAN)
    assert opened.policy("+4412345678") is None
    assert opened.policy("+3690123456") == ("guard", "+3690123456 is denied by +3690*")
    closed = Guard(Guards(), PLAN)
    assert closed.policy("2010") is None
    assert closed.policy("+36201234567") is not None


@pytest.mark.fault(89)
def test_a_beginning_written_as_it_is_dialled_denies_too() -> None:
    guard = Guard(Guards(deny=(NumberPattern("0690*", HERE),), default="allow"), PLAN)
    for dialled in ("0690123456", "+3690123456", "003690123456"):
        stopped = guard.destination(live(), dialled, templated=False)
        assert stopped == ("guard", "+3690123456 is denied by 0690*")


def test_hops_and_budget_have_their_own_words() -> None:
    guard = Guard(Guards(max_hops=2, max_actions_per_session=1), PLAN)
    stopped = guard.destination(live(hops=2), "2010", templated=False)
    assert stopped[0] == "hops"
    busy = live()
    busy.actions = 1
    spent = guard.call(busy)
    assert spent is not None
    assert spent[0] == "budget"
