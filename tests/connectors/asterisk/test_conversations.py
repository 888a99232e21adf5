"""The law in words: a session lives exactly as long as its two ends ring or talk to each other.

Each kind of conversation that once came out wrong, as real Asterisks told it: which sessions there are, how each one
goes, and at what second of the recording it is over. What the phones did stands in the names of the tests.
"""

from itertools import groupby
from typing import Final, NamedTuple

import pytest

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.legs import KEPT
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.events import SessionSeen
from tests.connectors.asterisk.traces import CONVERSATION_NAMES, CONVERSATIONS, TRUNKS, events_of, moment_of


class Life(NamedTuple):
    """One session: its phones at its end, the states that it went through, and the second of its end."""

    ends: str
    states: str
    over: float | None


def told(name: str) -> list[Life]:
    """The sessions of a recording, in the order in which they began, what became due at its end included."""
    reducer = Reducer("open", TRUNKS)
    events = events_of(name, CONVERSATIONS)
    began = moment_of(events[0])
    changes = [seen for event in events for seen in reducer.hear(event, moment_of(event))]
    changes += reducer.settle(moment_of(events[-1]) + 1)
    mine: dict[str, list[SessionSeen]] = {}
    for change in changes:
        mine.setdefault(change.session.session_id, []).append(change)
    return [_life(one, began) for one in mine.values()]


def _life(changes: list[SessionSeen], began: float) -> Life:
    last = changes[-1]
    states = " ".join(state for state, _ in groupby(str(change.session.session_state) for change in changes))
    over = round(last.at - began, 1) if last.kind == "closed" else None
    return Life(f"{last.session.source} -> {last.session.destination}", states, over)


def both(name: str) -> list[str]:
    """The recordings of this name, of whichever Asterisks there are."""
    found = [one for one in CONVERSATION_NAMES if one.endswith(f"/{name}")]
    assert found
    return found


DECLINED: Final = "Setup Ringing NotAnswered"
TALKED: Final = "Setup Ringing InCall"


def test_a_screened_call_that_is_not_accepted_is_over_when_the_phone_is_let_go() -> None:
    for kind, over in (("screened_call_declined", 1.5), ("screen_continue", None), ("screen_abort", None)):
        for name in both(kind):
            (life,) = told(name)
            assert (life.ends, life.states) == ("1001 -> 1002", DECLINED)
            assert over is None or life.over == over
    for name in both("screen_goto") + both("screen_congestion"):
        assert [life.states for life in told(name)] == [DECLINED]


def test_in_a_group_the_phone_that_fell_silent_is_in_no_call_though_nobody_has_answered() -> None:
    declined, silent = told("22/screened_group_declined")
    assert declined == Life("1001 -> 1002", DECLINED, 3.5)
    assert silent == Life("1001 -> 1003", "Setup Ringing Completed", 0.5)


def test_one_touch_parking_ends_the_talk_and_who_fetches_the_call_talks_with_it() -> None:
    assert told("22/one_touch_parking") == [
        Life("1001 -> 1002", f"{TALKED} TransferCompleted", 1.2),
        Life("1003 -> 1001", "Setup InCall CallerHungUp", 5.5),
    ]


@pytest.mark.parametrize(("kind", "parked"), [("park_ami_fetched", "1001"), ("park_ami_callee_fetched", "1002")])
def test_a_call_that_a_manager_parks_ends_and_who_fetches_it_is_the_caller(kind: str, parked: str) -> None:
    for name in both(kind):
        talk, fetched = told(name)
        assert (talk.ends, talk.states) == ("1001 -> 1002", f"{TALKED} TransferCompleted")
        assert (fetched.ends, fetched.states) == (f"1003 -> {parked}", "Setup InCall CallerHungUp")


def test_so_it_is_for_a_daemon_that_starts_while_the_call_is_parked() -> None:
    events = events_of("22/one_touch_parking", CONVERSATIONS)
    fetches = next(n for n, event in enumerate(events) if "1003" in event.get("Channel", ""))
    caller = next(event for event in events if event["Event"] == "Newchannel")
    reducer = Reducer("open", TRUNKS)
    parked = {"Event": "CoreShowChannel", "ChannelStateDesc": "Up", "Application": "Park", "BridgeId": "lot"}
    assert reducer.listed([caller | parked]) == ()
    changes = [seen for event in events[fetches:] for seen in reducer.hear(event, moment_of(event))]
    assert {(seen.session.source, seen.session.destination) for seen in changes if seen.kind == "closed"} == {
        ("1003", "1001")
    }


def test_a_parked_call_that_comes_back_is_a_session_of_its_own() -> None:
    for name in both("park_by_feature_times_out") + both("hold_park_action"):
        first, back = told(name)
        assert first.states == f"{TALKED} TransferCompleted"
        assert (back.ends, back.states) == ("1001 -> 1002", f"{TALKED} CallerHungUp")


def test_whom_a_panel_joins_with_somebody_else_has_left_the_first_call() -> None:
    ringing = [life for life in told("22/panel_bridges_ringing_caller") if life.states.startswith("Setup Ringing")]
    assert ringing == [Life("1001 -> 1002", "Setup Ringing Redirected", 0.1)]
    talks = told("22/panel_bridges_two_talking_pairs")
    assert [life.states for life in talks[:2]] == [f"{TALKED} Redirected"] * 2
    assert [life.over for life in talks[:2]] == [0.0, 0.0]
    assert talks[2][:2] == ("1001 -> 1004", "Setup InCall CallerHungUp")
    for name in both("two_pairs_bridged"):
        assert [life.ends for life in told(name) if "Redirected" not in life.states] == ["1001 -> 1003"]


def test_a_called_leg_that_an_admin_or_asterisk_ends_ends_the_session_though_the_caller_goes_on() -> None:
    kinds = ("goes_on_after_admin_ends_callee", "limited_goes_on", "admin_hangs_up_callee_dialplan_goes_on")
    for name in [one for kind in kinds for one in both(kind)]:
        life = told(name)[0]
        assert (life.ends, life.states) == ("1001 -> 1002", f"{TALKED} Aborted")
        events = events_of(name, CONVERSATIONS)
        gone = next(event for event in events if event["Event"] == "Hangup" and "1002" in event["Channel"])
        assert life.over == pytest.approx(moment_of(gone) - moment_of(events[0]), abs=0.11)


def test_an_order_that_made_no_channel_makes_no_session() -> None:
    assert {life.ends for life in told("22/originate_fails_unknown_channel")} == {"1001 -> 1003"}
    assert "TransferRequested" not in " ".join(life.states for life in told("22/originate_fails_unknown_channel"))
    for name in both("listen_supervisor_does_not_answer"):
        assert [life.over is None for life in told(name)] == [False, False]


def failed_order(channel: str) -> Fields:
    return {"Event": "OriginateResponse", "Response": "Failure", "Channel": channel, "Uniqueid": "<unknown>"}


def test_nor_does_it_after_any_number_of_calls() -> None:
    reducer = Reducer("open", TRUNKS)
    assert reducer.hear(failed_order("None/ozrules"), 0.0) == []
    assert reducer.listed([]) == ()
    for number in range(KEPT + 5):
        leg_id = f"1796053000.{number}"
        leg = {"Channel": f"PJSIP/1001-{number:08x}", "Uniqueid": leg_id, "Linkedid": leg_id}
        reducer.hear({"Event": "Newchannel"} | leg, 2.0)
        reducer.hear({"Event": "Hangup", "Cause": "16"} | leg, 2.0)
    assert reducer.hear(failed_order("PJSIP/1003"), 3.0) == []
    assert list(reducer.calls.all_living()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"Event": "UserEvent", "Channel": "PJSIP/1001", "Uniqueid": "77.7"},
        {"Event": "OriginateResponse", "Channel": "PJSIP/1001", "Uniqueid": "77.7", "Response": "Success"},
        {"Event": "Newchannel", "Channel": "PJSIP/1001", "Uniqueid": "<unknown>", "Linkedid": "<unknown>"},
        {"Event": "Cdr", "Channel": "PJSIP/1001-1", "UniqueID": "77.7"},
    ],
)
def test_an_event_that_names_no_channel_makes_no_session(fields: Fields) -> None:
    assert Reducer("open", TRUNKS).hear(fields, 1.0) == []


def test_click_to_call_through_local_channels_is_one_session_from_the_first_phone_to_the_second() -> None:
    for name in both("click_local") + both("click_local_optimised"):
        (life,) = told(name)
        assert life[:2] == ("1001 -> 1002", f"{TALKED} CalleeHungUp")
    for name in both("click_local_first_busy") + both("wake_up_call"):
        assert told(name) == []


def test_who_was_answered_by_an_application_has_missed_no_call() -> None:
    for name in both("listen_chanspy") + both("listen_whisper_and_barge") + both("barge"):
        assert {life.states for life in told(name) if life.ends == "1004 -> None"} == {"Setup Completed"}


ASKED: Final = (
    "feature_code_handed_over_while_ringing",
    "feature_code_at_once_callee_phone_rings",
    "feature_code_at_once_callee_phone_silent_yet",
    "feature_code_callee_phone_handed_over",
    "feature_code_at_once_group_rings",
    "feature_code_handed_over_to_queue",
    "feature_code_at_once_callee_queue_rings",
)


@pytest.mark.parametrize("kind", ASKED)
def test_who_is_handed_over_by_feature_code_talks_with_the_target(kind: str) -> None:
    for name in both(kind):
        held, *onward = told(name)
        assert held.ends == "1001 -> 1002"
        assert held.states == f"{TALKED} CallerOnHold TransferRequested TransferCompleted"
        assert ("1001 -> 1003", f"{TALKED} CallerHungUp") in [life[:2] for life in onward]
        assert "Cancelled" not in " ".join(life.states for life in onward)


@pytest.mark.parametrize("kind", ["feature_code_at_once_caller_phone_rings", "feature_code_caller_phone_handed_over"])
def test_so_is_the_called_party_when_the_caller_hands_over(kind: str) -> None:
    for name in both(kind):
        held, onward = told(name)
        assert held[:2] == ("1001 -> 1002", f"{TALKED} CalleeOnHold TransferRequested TransferCompleted")
        assert onward[:2] == ("1002 -> 1003", f"{TALKED} CallerHungUp")


@pytest.mark.parametrize("where", ["mailbox", "conference"])
def test_handed_over_to_a_mailbox_or_a_conference_is_transferred_too(where: str) -> None:
    for side in ("callee", "caller"):
        for name in both(f"feature_code_at_once_{side}_{where}"):
            assert told(name)[0].states.endswith("TransferCompleted")


@pytest.mark.parametrize("name", CONVERSATION_NAMES)
def test_nobody_is_told_to_talk_again_right_before_a_transfer(name: str) -> None:
    for life in told(name):
        assert "InCall TransferCompleted" not in life.states.partition("OnHold")[2]
        assert "InCall Transferring" not in life.states.partition("OnHold")[2]


DIFFERS: Final = {"confbridge_after_talk", "forward_mbb_bridge_app", "talking_bridged_with_ringing_caller"}
"""Where the two Asterisks did different things, or in another order, when this was recorded."""
UNFINISHED: Final = {"forward_wrong_leg_redirect_callee"}
"""Recorded for a shorter time on 16."""


@pytest.mark.parametrize("name", sorted({one.partition("/")[2] for one in CONVERSATION_NAMES} - DIFFERS - UNFINISHED))
def test_both_asterisks_make_the_same_sessions(name: str) -> None:
    first, *rest = [[life[:2] for life in told(one)] for one in both(name)]
    assert all(sorted(other) == sorted(first) for other in rest)
