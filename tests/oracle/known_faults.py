"""What breaks the laws today: each recording, and why. It is the only list of its kind, and it is strict: what is on it
and breaks nothing any more fails the tests too, so that it becomes empty as faults are mended."""

from typing import Final

KNOWN: Final[dict[str, str]] = {}

_LATE = "an InCall of no duration before the transfer is told, where its event is late"

OUT_OF_ORDER: Final[dict[str, str]] = {
    "asterisk-16/observe/feature_code_blind_transfer": _LATE,
}
"""The same of recordings whose events come a little out of order."""

_UP = "after a list, who was answered and is held apart, or parked, is told to ring"
_TURNED = "after a list, who picked up is told to be the caller"
_FETCHED = "after a list, who fetches a parked call has no session with it"

_CONSULTED = "after a list in a consultation, who is handed over is not rung for, and nobody tells it"
_MOVED = "after a list, whom a called party calls when it is sent on is not told to ring"
AFTER_A_GAP: Final[dict[str, str]] = {
    "asterisk-16/actions/hold_both_by_parking_exten": _UP,
    "asterisk-16/actions/hold_both_in_stasis_then_ami_bridge": _UP,
    "asterisk-16/actions/hold_hangup_during_hold": _UP,
    "asterisk-16/actions/pickup_star8": _TURNED,
    "asterisk-16/observe/park_by_transfer": _FETCHED,
    "asterisk-22/actions/hold_both_by_parking_exten": _UP,
    "asterisk-22/actions/hold_both_in_stasis_then_ami_bridge": _UP,
    "asterisk-22/actions/hold_hangup_during_hold": _UP,
    "asterisk-22/actions/pickup_star8": _TURNED,
    "asterisk-22/actions/transfer_ami_atxfer": _CONSULTED,
    "asterisk-22/observe/park_by_transfer": _FETCHED,
    "conversations/16/forward_wrong_leg_redirect_callee": _MOVED,
    "conversations/16/hold_both_in_stasis_then_ari_bridge": _UP,
    "conversations/16/hold_one_party_in_stasis": _UP,
    "conversations/16/hold_park_action": _UP,
    "conversations/22/feature_code_handed_over_to_queue": _CONSULTED,
    "conversations/22/feature_code_handed_over_while_ringing": _CONSULTED,
    "conversations/22/hold_both_in_stasis_then_ari_bridge": _UP,
    "conversations/22/hold_one_party_in_stasis": _UP,
    "conversations/22/hold_park_action": _UP,
    "conversations/22/one_touch_parking": _FETCHED,
}
"""The same of recordings of which some is lost before a full list comes."""
