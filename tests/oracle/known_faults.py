"""What breaks the laws today: each recording, and why. It is the only list of its kind, and it is strict: what is on it
and breaks nothing any more fails the tests too, so that it becomes empty as faults are mended."""

from typing import Final

_BACK = "an InCall of no duration before the transfer is told"
_ROOM = "two who are sent to a conference room together are told to be on hold"
_AGAIN = "a call that was transferred begins and ends once more"
_UP = "after a list, who was answered is told to ring, though the other is held, parked or sent elsewhere"
_TURNED = "after a list, who was called or picked up is told to be the caller"
_FETCHED = "after a list, who fetches a parked call has no session with it"

KNOWN: Final[dict[str, str]] = {
    "conversations/16/attended_by_refer_transferee_leaves": _BACK,
    "conversations/16/confbridge_after_talk": _ROOM,
    "conversations/16/refer_attended_into_conference": _BACK,
    "conversations/16/refer_attended_into_queue_ringing": _BACK,
    "conversations/16/refer_attended_two_incoming": _AGAIN,
    "conversations/16/refer_attended_two_outgoing_local_group": _BACK,
    "conversations/22/attended_by_refer_target_is_group": _BACK,
    "conversations/22/attended_by_refer_transferee_leaves": _BACK,
    "conversations/22/confbridge_after_talk": _ROOM,
    "conversations/22/refer_attended_by_caller": _BACK,
    "conversations/22/refer_attended_into_conference": _BACK,
    "conversations/22/refer_attended_two_incoming": _AGAIN,
    "conversations/22/refer_attended_two_outgoing_local_group": _BACK,
}

OUT_OF_ORDER: Final[dict[str, str]] = {}
"""The same of recordings whose events come a little out of order."""

AFTER_A_GAP: Final[dict[str, str]] = {
    "asterisk-16/actions/hold_both_by_parking_exten": _UP,
    "asterisk-16/actions/hold_both_in_stasis_then_ami_bridge": _UP,
    "asterisk-16/actions/hold_hangup_during_hold": _UP,
    "asterisk-22/actions/hold_both_by_parking_exten": _UP,
    "asterisk-22/actions/hold_both_in_stasis_then_ami_bridge": _UP,
    "asterisk-22/actions/hold_hangup_during_hold": _UP,
    "conversations/16/hold_both_in_stasis_then_ari_bridge": _UP,
    "conversations/16/hold_one_party_in_stasis": _UP,
    "conversations/16/hold_park_action": _UP,
    "conversations/16/park_ami_callee_fetched": _UP,
    "conversations/16/park_ami_fetched": _UP,
    "conversations/16/park_by_caller_fetched": _FETCHED,
    "conversations/16/pickup_group": _TURNED,
    "conversations/16/redirect_callee_to_third": _UP,
    "conversations/16/refer_attended_by_caller": _TURNED,
    "conversations/22/hold_both_in_stasis_then_ari_bridge": _UP,
    "conversations/22/hold_one_party_in_stasis": _UP,
    "conversations/22/hold_park_action": _UP,
    "conversations/22/park_ami_callee_fetched": _UP,
    "conversations/22/park_ami_fetched": _UP,
    "conversations/22/park_by_caller_fetched": _FETCHED,
    "conversations/22/redirect_callee_to_third": _UP,
}
"""The same of recordings of which some is lost before a full list comes."""
