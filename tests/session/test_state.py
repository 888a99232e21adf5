"""Every spelling of a state that the vendor's pages show, and what happens to those that none shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.session.state import (
    ACTIVE,
    ENDED,
    GROUPS,
    HELD,
    KNOWN_STATES,
    OTHER,
    TRANSFER_STATES,
    VENDOR_STATES,
    State,
    is_known,
    state_from,
)

# Key and value of each of the 19 states, as the vendor's Session class lists them.
KEYS = {
    "RINGING": "Ringing",
    "INCALL": "InCall",
    "CALLEEONHOLD": "CalleeOnHold",
    "CALLERONHOLD": "CallerOnHold",
    "ONHOLD": "OnHold",
    "ONHOLDINACTIVE": "OnHoldInactive",
    "TRANSFERREQUESTED": "TransferRequested",
    "TRANSFERRING": "Transferring",
    "TRANSFERCOMPLETED": "TransferCompleted",
    "TRANSFERFAILED": "TransferFailed",
    "CALLERHUNGUP": "CallerHungUp",
    "CALLEEHUNGUP": "CalleeHungUp",
    "REDIRECTED": "Redirected",
    "NOTFOUND": "NotFound",
    "BUSY": "Busy",
    "CANCELLED": "Cancelled",
    "NOTANSWERED": "NotAnswered",
    "ERROR": "Error",
    "ABORTED": "Aborted",
}
# What other pages, the HTTP API and the .NET classes write.
VARIANTS = {
    "IN_CALL": "InCall",
    "Incall": "InCall",
    "Answered": "InCall",
    "HOLD": "OnHold",
    "Hold": "OnHold",
    "COMPLETED": "Completed",
    "Completed": "Completed",
    "NOT_FOUND": "NotFound",
    "REJECTED": "Busy",
    "Rejected": "Busy",
    "NoAnswer": "NotAnswered",
    "Transferred": "TransferCompleted",
    "TransferSetup": "TransferSetup",
    "Setup": "Setup",
    "Created": "Created",
    "Calling": "Setup",
}


def test_the_vendor_names_nineteen_states() -> None:
    assert list(VENDOR_STATES) == list(KEYS.values())


@pytest.mark.parametrize(("spelling", "state"), [*KEYS.items(), *VARIANTS.items()])
@pytest.mark.fault(17)
def test_every_spelling_of_the_vendor_is_understood(spelling: str, state: str) -> None:
    assert state_from(spelling) == state
    assert is_known(state_from(spelling))


@given(st.sampled_from(KNOWN_STATES), st.sampled_from(["", "_", "-", " "]), st.booleans())
@pytest.mark.fault(17)
def test_case_and_separators_do_not_matter(state: State, separator: str, upper: bool) -> None:
    words = "".join(separator + letter if letter.isupper() and place else letter for place, letter in enumerate(state))
    assert state_from(words.upper() if upper else words.lower()) == state


@given(st.text())
@pytest.mark.fault(17)
def test_what_nobody_knows_is_kept_as_its_text(text: str) -> None:
    state = state_from(text)
    if not is_known(state):
        assert state in (text, OTHER + text)
        assert not any(state in group for group in GROUPS.values())
    assert state_from(state) == state


def test_an_unknown_state_says_so() -> None:
    assert state_from("Parked") == "other:Parked"
    assert state_from("other:Parked") == "other:Parked"
    assert not is_known(state_from("Parked"))


def test_groups_share_out_the_known_states() -> None:
    assert frozenset(KNOWN_STATES) == ENDED | ACTIVE
    assert not ENDED & ACTIVE
    assert HELD <= ACTIVE
    assert TRANSFER_STATES <= ACTIVE
    assert "TransferFailed" in ACTIVE  # the call may go on
    assert GROUPS == {"held": HELD, "transferring": TRANSFER_STATES, "ended": ENDED, "active": ACTIVE}
