"""The reducer against what real Asterisks sent, whole, repeated, a little out of order, and with losses."""

import random
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.legs import KEPT, OURS
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.events import SessionSeen
from ozrules.session.state import CALLEE_ON_HOLD, ENDED, IN_CALL, RINGING, VENDOR_STATES
from tests.connectors.asterisk.traces import (
    EARLIER,
    EARLIER_NAMES,
    NAMES,
    TRACES,
    TRUNKS,
    as_text,
    events_of,
    lives,
    moment_of,
    reduce,
)

JITTER = 0.002
"""Seconds by which events of different channels were seen to overtake each other."""

UNSEEN = {"OnHoldInactive"}  # muting both parties raises no event

EVENTS = {name: events_of(name) for name in NAMES}
traces = st.sampled_from(NAMES)

UNDECIDED = {"actions/forward_to_missing_extension"}
"""Where Asterisk's own order alone tells how it ended: sent to a missing extension, the caller moves and then dies."""


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_makes_the_sessions_written_beside_it(name: str) -> None:
    assert as_text(reduce(EVENTS[name])) == (TRACES / f"{name}.sessions.txt").read_text()


@pytest.mark.parametrize("name", EARLIER_NAMES)
def test_asterisk_16_makes_the_same_sessions(name: str) -> None:
    assert lives(reduce(events_of(name, EARLIER))) == lives(reduce(EVENTS[name]))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_hangs_on_what_only_asterisk_22_says(name: str) -> None:
    """16 sends no TechCause, and no Cause with a request to hang up in mid-call."""
    earlier = [
        {key: value for key, value in event.items() if key != "TechCause" and not (asked and key.startswith("Cause"))}
        for event in EVENTS[name]
        for asked in [event["Event"].endswith("HangupRequest")]
    ]
    assert as_text(reduce(earlier)) == (TRACES / f"{name}.sessions.txt").read_text()


def test_the_traces_show_every_state_that_asterisk_lets_be_seen() -> None:
    seen = {change.session.session_state for name in NAMES for change in reduce(EVENTS[name])}
    assert set(VENDOR_STATES) - seen == UNSEEN


@pytest.mark.fault(7)
@pytest.mark.parametrize("name", NAMES)
def test_an_event_that_comes_twice_changes_nothing(name: str) -> None:
    twice = [event for event in EVENTS[name] for _ in range(2)]
    assert as_text(reduce(twice)) == as_text(reduce(EVENTS[name]))


@pytest.mark.parametrize("name", ["observe/answered_caller_hangs_up", "observe/answered_callee_hangs_up"])
def test_who_has_left_a_bridge_is_not_in_it_because_its_coming_is_told_again(name: str) -> None:
    events = EVENTS[name]
    entered = [event for event in events if event["Event"] == "BridgeEnter"]
    left = [number for number, event in enumerate(events) if event["Event"] == "BridgeLeave"]
    again = [*events[: left[-1] + 1], *entered, *events[left[-1] + 1 :]]
    assert len(entered) == 2
    assert as_text(reduce(again)) == as_text(reduce(events))


def ends(changes: list[SessionSeen]) -> Counter[tuple[str | None, str | None, str]]:
    """How each pair of parties ended, whichever of a group's sessions is told first."""
    last = {change.session.session_id: change.session for change in changes}
    return Counter((one.caller, one.callee, one.session_state) for one in last.values())


def jittered(events: list[Fields], seed: int) -> list[Fields]:
    """The events as they might have come: those of one channel in order, others late by up to JITTER."""
    late = random.Random(seed)
    newest: dict[str, float] = {}
    places: list[tuple[float, int]] = []
    for number, event in enumerate(events):
        keys = ("Channel", "TransfererChannel", "OrigTransfererChannel")
        channel = next((event[key] for key in keys if key in event), "")
        due = max(moment_of(event) + late.uniform(0, JITTER), newest.get(channel, 0))
        newest[channel] = due
        places.append((due, number))
    return [events[number] for _, number in sorted(places)]


@pytest.mark.fault(8)
@example(name="actions/forward_mbb_pickupchan", seed=56508)
@given(name=traces.filter(lambda name: name not in UNDECIDED), seed=st.integers(0, 2**32))
def test_events_a_little_out_of_order_end_in_the_same_sessions(name: str, seed: int) -> None:
    assert ends(reduce(jittered(EVENTS[name], seed))) == ends(reduce(EVENTS[name]))


def check_lives(changes: list[SessionSeen]) -> None:
    """Each session begins once, ends at most once, and nothing is told of it after that."""
    closed: set[str] = set()
    known: set[str] = set()
    for change in changes:
        session_id = change.session.session_id
        assert session_id not in closed
        assert (change.kind == "created") == (session_id not in known)
        known.add(session_id)
        if change.kind == "closed":
            closed.add(session_id)
        else:
            assert change.session.session_state not in ENDED


@pytest.mark.fault(8, 9)
@given(traces, st.data())
def test_with_events_lost_repeated_and_late_no_session_lives_twice(name: str, data: st.DataObject) -> None:
    events = EVENTS[name]
    places = st.integers(0, max(0, len(events) - 1))
    lost = data.draw(st.sets(places, max_size=10))
    again = data.draw(st.lists(places, max_size=10))
    kept = [event for number, event in enumerate(jittered(events, 7)) if number not in lost]
    changes = reduce(kept + [events[number] for number in again if events])
    check_lives(changes)


@pytest.mark.fault(5)
@given(traces, st.data())
def test_after_a_list_without_channels_nothing_lives(name: str, data: st.DataObject) -> None:
    events = EVENTS[name]
    lost = data.draw(st.sets(st.integers(0, max(0, len(events) - 1)), max_size=len(events)))
    reducer = Reducer("open", TRUNKS)
    for number, event in enumerate(events):
        if number not in lost:
            reducer.hear(event, moment_of(event))
    assert reducer.listed([]) == ()


KEYS = ["Event", "Channel", "Uniqueid", "Linkedid", "DestChannel", "DestUniqueid", "DialStatus", "BridgeUniqueid"]
KEYS += ["Cause", "Timestamp", "Result", "TransfererChannel", "TransfereeChannel", "TransfereeUniqueid", "Exten"]
WORDS = ["Newchannel", "DialBegin", "DialEnd", "BridgeEnter", "BridgeLeave", "Hangup", "HangupRequest", "Hold"]
WORDS += ["BlindTransfer", "AttendedTransfer", "Pickup", "PJSIP/1-1", "PJSIP/2-1", "Local/1@a-1;1", "Local/1@a-1;2"]
WORDS += ["1.1", "1.2", "1.3", "ANSWER", "BUSY", "CANCEL", "Success", "", "16", "99999999999", "²", "b1", "b2"]


@pytest.mark.fault(14)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS)), max_size=40))
def test_any_events_are_survived(events: list[Fields]) -> None:
    reducer = Reducer("open", TRUNKS)
    check_lives([seen for event in events for seen in reducer.hear(event, 0.0)])
    assert reducer.listed([]) == ()


def test_a_list_in_mid_call_is_the_same_session_as_having_seen_it_all() -> None:
    events = EVENTS["actions/resync_in_mid_call"]
    watched = Reducer("open", TRUNKS)
    for event in events:
        told = [seen.session for seen in watched.hear(event, 0.0)]
        if told and told[-1].session_state == IN_CALL:
            break
    listed = Reducer("open", TRUNKS).listed(channels_of(watched))
    assert listed == (told[-1],)
    assert watched.listed(channels_of(watched)) == listed


@pytest.mark.fault(5)
def test_after_a_list_the_device_that_hears_music_says_who_holds() -> None:
    reducer = Reducer("open", TRUNKS)
    for event in EVENTS["actions/resync_in_mid_call"]:
        if [seen for seen in reducer.hear(event, 0.0) if seen.session.session_state == IN_CALL]:
            break
    late = Reducer("open", TRUNKS)
    late.listed(channels_of(reducer))
    assert late.talking() == {"PJSIP/1001", "PJSIP/1002"}
    for state, told in (("ONHOLD", CALLEE_ON_HOLD), ("INUSE", IN_CALL)):
        late.hear_device("PJSIP/1002", state)
        assert [session.session_state for session in late.sessions()] == [told]


def test_of_a_device_with_two_calls_only_that_all_are_held_is_believed() -> None:
    reducer = Reducer("open", TRUNKS)
    for event in EVENTS["actions/resync_in_mid_call"]:
        if [seen for seen in reducer.hear(event, 0.0) if seen.session.session_state == IN_CALL]:
            break
    reducer.hear_device("PJSIP/1002", "ONHOLD")
    reducer.hear(channel(9) | {"Channel": "PJSIP/1002-00000009"}, 0.0)
    reducer.hear_device("PJSIP/1002", "INUSE")
    assert CALLEE_ON_HOLD in {session.session_state for session in reducer.sessions()}


def test_a_listed_call_rings_for_as_long_as_its_phone_and_not_as_its_caller_waits() -> None:
    caller = channel(1) | {"Application": "Queue", "Duration": "00:10:00"}
    phone = caller | {"Channel": "PJSIP/1002-1", "Uniqueid": "1.2", "ChannelStateDesc": "Ringing"}
    listed = Reducer("open", TRUNKS).listed([caller, phone | {"Application": "AppDial", "Duration": "00:00:04"}])
    assert [(session.session_state, session.state_duration) for session in listed] == [(RINGING, "00:00:04")]


def channels_of(reducer: Reducer) -> list[Fields]:
    """What CoreShowChannels says in the call of `resync_in_mid_call`, as it was recorded."""
    both = {
        "Event": "CoreShowChannel",
        "ChannelStateDesc": "Up",
        "Linkedid": "lab-1795468153.374",
        "BridgeId": next(leg.bridge or "" for leg in [reducer.leg_named("PJSIP/1001-0000011e")] if leg),
    }
    return [
        both
        | {
            "Channel": "PJSIP/1001-0000011e",
            "Uniqueid": "lab-1795468153.374",
            "CallerIDNum": "1001",
            "CallerIDName": "Phone 1001",
            "Exten": "1002",
            "Application": "Dial",
        },
        both
        | {
            "Channel": "PJSIP/1002-0000011f",
            "Uniqueid": "lab-1795468153.375",
            "CallerIDNum": "1002",
            "CallerIDName": "Phone 1002",
            "Exten": "",
            "Application": "AppDial",
        },
    ]


def channel(number: int, state: str = "Ring") -> Fields:
    return {
        "Event": "Newchannel",
        "Channel": f"PJSIP/1001-{number:08x}",
        "Uniqueid": f"1.{number}",
        "Linkedid": f"1.{number}",
        "ChannelStateDesc": state,
        "Exten": "1002",
    }


def test_channels_that_the_connector_makes_are_no_sessions() -> None:
    reducer = Reducer("open", TRUNKS)
    ours = {"Uniqueid": f"{OURS}1-a", "Linkedid": f"{OURS}1-a"}
    assert reducer.hear(channel(1) | ours, 0.0) == []


@pytest.mark.fault(84)
def test_what_has_ended_is_forgotten_in_the_end() -> None:
    reducer = Reducer("open", TRUNKS)
    for number in range(KEPT + 10):
        reducer.hear(channel(number), 0.0)
        reducer.hear(channel(number) | {"Event": "Hangup", "Cause": "16"}, 0.0)
    assert reducer.leg_named(channel(0)["Channel"]) is None
    assert reducer.leg_named(channel(KEPT + 9)["Channel"]) is not None
    assert reducer.listed([]) == ()


@pytest.mark.fault(92)
def test_a_number_that_a_caller_chose_makes_nobody_internal() -> None:
    changes = reduce(EVENTS["actions/trunk_in_spoofed_internal_caller_id"])
    assert {change.session.caller for change in changes} == {"1001"}
    assert {change.session.direction for change in changes} == {"inbound"}
    assert {(change.session.extra or {})["endpoint"] for change in changes} == {"PJSIP/trunk"}
    assert {(change.session.extra or {})["trunk"] for change in changes} == {"PJSIP/trunk"}
