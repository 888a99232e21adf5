"""Commands as calls: the right arguments by name, or a clear reason why there is no call."""

import pytest

from ozrules.connectors.gateway.requests import MovedParty, call_for
from ozrules.connectors.session_messages import Call
from ozrules.engine.events import Refused
from ozrules.rules.model import SecretRef
from ozrules.session.methods import METHODS, Method
from ozrules.session.session import Session
from ozrules.session.state import IN_CALL
from tests.fakes.connectors import command_for

SESSION = Session(session_id="s1", session_state=IN_CALL, caller="+36201234567", callee="2001")
NOBODY = Session(session_id="s1", session_state=IN_CALL)


@pytest.mark.parametrize(
    "method", ["close", "closeWithHangup", "hangup", "hold", "unhold", "startListen", "stopListen"]
)
def test_plain_methods_have_no_arguments(method: Method) -> None:
    call = call_for(command_for(SESSION, method), SESSION, id=4, moved_party=None, privileges=None)
    assert call == Call(id=4, method=method, session_id="s1")


def test_forward_names_its_target() -> None:
    call = call_for(command_for(SESSION, "forward", to="2010"), SESSION, id=4, moved_party=None, privileges=None)
    assert call == Call(id=4, method="forward", session_id="s1", phone_number="2010")


@pytest.mark.parametrize(
    ("moved_party", "party", "named"),
    [
        ("argument", "caller", "+36201234567"),
        ("argument", "callee", "2001"),
        ("other", "caller", "2001"),
        ("other", "callee", "+36201234567"),
    ],
)
def test_the_first_argument_of_blind_transfer_is_what_the_setting_says(
    moved_party: MovedParty, party: str, named: str
) -> None:
    command = command_for(SESSION, "blindTransfer", to="2010", party=party)
    call = call_for(command, SESSION, id=4, moved_party=moved_party, privileges=None)
    assert call == Call(id=4, method="blindTransfer", session_id="s1", transferor=named, phone_number="2010")


def test_blind_transfer_without_the_setting_is_refused_with_its_name() -> None:
    command = command_for(SESSION, "blindTransfer", to="2010", party="caller")
    refused = call_for(command, SESSION, id=4, moved_party=None, privileges=None)
    assert isinstance(refused, Refused)
    assert refused.kind == "invalid"
    assert "movedParty" in refused.message


def test_a_key_goes_to_the_party_that_receives_it() -> None:
    command = command_for(SESSION, "sendDtmf", key="5", party="callee")
    call = call_for(command, SESSION, id=4, moved_party=None, privileges=None)
    assert call == Call(id=4, method="sendDtmf", session_id="s1", key="5", phone_number="2001")


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    ("method", "to", "party", "key"),
    [
        ("forward", None, None, None),
        ("blindTransfer", None, "caller", None),
        ("blindTransfer", "2010", "caller", None),
        ("blindTransfer", "2010", None, None),
        ("sendDtmf", None, "callee", "5"),
        ("sendDtmf", None, None, "5"),
        ("sendDtmf", None, "callee", None),
        ("sendDtmf", None, "callee", SecretRef("doorPin")),
    ],
)
def test_what_cannot_be_named_is_not_called(
    method: Method, to: str | None, party: str | None, key: str | SecretRef | None
) -> None:
    command = command_for(NOBODY, method, to=to, party=party, key=key)
    refused = call_for(command, NOBODY, id=4, moved_party="argument", privileges=None)
    assert isinstance(refused, Refused)
    assert refused.kind == "invalid"


@pytest.mark.fault(27)
@pytest.mark.parametrize("method", METHODS)
def test_without_the_privilege_every_method_is_denied_by_name(method: Method) -> None:
    command = command_for(SESSION, method, to="2010", party="caller", key="5")
    refused = call_for(command, SESSION, id=4, moved_party="argument", privileges=frozenset())
    assert isinstance(refused, Refused)
    assert refused.kind == "denied"
    assert method in refused.message
    assert isinstance(call_for(command, SESSION, id=4, moved_party="argument", privileges=frozenset({method})), Call)
