"""What breaks the laws today: each recording, and why. It is the only list of its kind, and it is strict: what is on it
and breaks nothing any more fails the tests too, so that it becomes empty as faults are mended."""

from typing import Final

_GONE = "the session lives on after its called leg is gone"
_ELSEWHERE = "the session lives on while its caller talks with somebody else, and their talk is no session"
_SPY = "the leg of one who listens, and was answered, is told as NotAnswered"
_UNKNOWN = "a call that somebody's originate did not make is a session"
_BACK = "an InCall of no duration before the transfer is told"
_HELD = "two who are held apart without music of their own are told as InCall"
_PARKED = "a parked call is told as InCall with who parked it"
_HANDED = "who is handed over while the target rings is no session with it"

KNOWN: Final[dict[str, str]] = {
    "asterisk-16/actions/forward_via_stasis_context": _GONE,
    "asterisk-16/actions/hold_both_by_parking_exten": _HELD,
    "asterisk-16/observe/attended_transfer_by_callee": _BACK,
    "asterisk-16/observe/attended_transfer_while_ringing": _BACK,
    "asterisk-16/observe/feature_code_blind_transfer": _BACK,
    "asterisk-22/actions/forward_via_stasis_context": _GONE,
    "asterisk-22/actions/hold_both_by_parking_exten": _HELD,
    "asterisk-22/observe/attended_transfer_by_callee": _BACK,
    "asterisk-22/observe/attended_transfer_while_ringing": _BACK,
    "asterisk-22/observe/feature_code_blind_transfer": _BACK,
    "conversations/16/forward_keep_ringing_add_second_phone": _ELSEWHERE,
    "conversations/16/forward_mbb_bridge_app_direct_endpoint": _ELSEWHERE,
    "conversations/16/forward_mbb_bridge_first_phone_answers_meanwhile": _GONE,
    "conversations/16/forward_wrong_leg_redirect_callee": _GONE,
    "conversations/16/hold_one_party_in_stasis": _HELD,
    "conversations/16/hold_park_action": _PARKED,
    "conversations/16/least_privilege_user_acts": _PARKED,
    "conversations/16/listen_chanspy": _SPY,
    "conversations/16/listen_supervisor_does_not_answer": _UNKNOWN,
    "conversations/16/listen_whisper_and_barge": _SPY,
    "conversations/22/feature_code_handed_over_to_queue": _HANDED,
    "conversations/22/feature_code_handed_over_while_ringing": _HANDED,
    "conversations/22/forward_keep_ringing_add_second_phone": _ELSEWHERE,
    "conversations/22/forward_mbb_bridge_app_direct_endpoint": _ELSEWHERE,
    "conversations/22/forward_mbb_bridge_first_phone_answers_meanwhile": _GONE,
    "conversations/22/forward_wrong_leg_redirect_callee": _GONE,
    "conversations/22/hold_one_party_in_stasis": _HELD,
    "conversations/22/hold_park_action": _PARKED,
    "conversations/22/least_privilege_user_acts": _PARKED,
    "conversations/22/listen_chanspy": _SPY,
    "conversations/22/listen_supervisor_does_not_answer": _UNKNOWN,
    "conversations/22/listen_whisper_and_barge": _SPY,
    "conversations/22/one_touch_parking": _PARKED,
    "conversations/22/originate_fails_unknown_channel": _UNKNOWN,
    "conversations/22/panel_bridges_ringing_caller": _ELSEWHERE,
    "conversations/22/panel_bridges_two_talking_pairs": _ELSEWHERE,
    "conversations/22/screened_call_declined": _GONE,
    "conversations/22/screened_group_declined": _GONE,
}

_LATE = "a BlindTransfer that is heard after the next dialling is no transfer of it, and never completed"

OUT_OF_ORDER: Final[dict[str, str]] = {
    "asterisk-16/actions/held_then_transferred": _LATE,
    "asterisk-16/actions/transfer_after_local_channels": _LATE,
    "asterisk-16/actions/transfer_ami_blindtransfer": _LATE,
    "asterisk-16/observe/blind_transfer_by_callee": _LATE,
    "asterisk-16/observe/blind_transfer_by_caller": _LATE,
    "asterisk-22/observe/blind_transfer_by_caller": _LATE,
}
"""The same of recordings whose events come a little out of order."""

_PICKED = "who picks up after a list has no session with the caller"
_CONSULTED = "after a list, whom a feature code called is no session with who called it"
_SENT_ON = "after a list, a called party who was sent on is no caller"
_FETCHED = "after a list, who fetches a parked call has no session with it"
_IN_AN_APPLICATION = "after a list, two who wait in an application are a call that is being set up"

AFTER_A_GAP: Final[dict[str, str]] = {
    "asterisk-16/actions/forward_mbb_pickupchan": _PICKED,
    "asterisk-16/actions/pickup_star8": _PICKED,
    "asterisk-16/actions/transfer_ami_atxfer": _CONSULTED,
    "asterisk-16/actions/transfer_ami_blindtransfer_other_leg": _SENT_ON,
    "asterisk-16/actions/transfer_redirect_callee_only": _SENT_ON,
    "asterisk-16/observe/blind_transfer_by_caller": _SENT_ON,
    "asterisk-16/observe/feature_code_attended_transfer": _CONSULTED,
    "asterisk-16/observe/park_by_transfer": _FETCHED,
    "asterisk-22/actions/forward_mbb_pickupchan": _PICKED,
    "asterisk-22/actions/pickup_star8": _PICKED,
    "asterisk-22/actions/transfer_ami_atxfer": _CONSULTED,
    "asterisk-22/actions/transfer_ami_blindtransfer_other_leg": _SENT_ON,
    "asterisk-22/actions/transfer_redirect_callee_only": _SENT_ON,
    "asterisk-22/observe/blind_transfer_by_caller": _SENT_ON,
    "asterisk-22/observe/feature_code_attended_transfer": _CONSULTED,
    "asterisk-22/observe/park_by_transfer": _FETCHED,
    "conversations/16/forward_mbb_bridge_app": _PICKED,
    "conversations/16/forward_mbb_pickupchan_direct_endpoint": _PICKED,
    "conversations/16/hold_both_in_stasis_then_ari_bridge": _IN_AN_APPLICATION,
    "conversations/22/forward_mbb_bridge_app": _PICKED,
    "conversations/22/forward_mbb_pickupchan_direct_endpoint": _PICKED,
    "conversations/22/hold_both_in_stasis_then_ari_bridge": _IN_AN_APPLICATION,
}
"""The same of recordings of which some is lost before a full list comes."""
