"""What becomes so by waiting alone: a session is over a moment after its two ends part, though no event says why."""

import asyncio

import pytest

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.calls import MOMENT
from ozrules.connectors.asterisk.reducer import PATIENCE, Reducer
from ozrules.engine.events import SessionSeen
from ozrules.session.state import ABORTED, CALLER_ON_HOLD, CANCELLED, IN_CALL, REDIRECTED
from tests.connectors.asterisk.manager import connected
from tests.connectors.asterisk.traces import CONVERSATIONS, TRUNKS, events_of, moment_of

CALLER = {"Channel": "PJSIP/1001-1", "Uniqueid": "1.1", "Linkedid": "1.1", "Exten": "1002", "ChannelStateDesc": "Up"}
CALLEE = {"Channel": "PJSIP/1002-1", "Uniqueid": "1.2", "Linkedid": "1.1", "Exten": "", "ChannelStateDesc": "Up"}
BRIDGE = {"BridgeUniqueid": "b"}
TALK: list[Fields] = [
    CALLER | {"Event": "Newchannel", "ChannelStateDesc": "Ring"},
    CALLER | {"Event": "DialBegin"} | {f"Dest{key}": value for key, value in CALLEE.items()},
    CALLER | BRIDGE | {"Event": "BridgeEnter"},
    CALLEE | BRIDGE | {"Event": "BridgeEnter"},
]
GONE: list[Fields] = [
    CALLEE | BRIDGE | {"Event": "BridgeLeave"},
    CALLER | BRIDGE | {"Event": "BridgeLeave"},
    CALLEE | {"Event": "Hangup", "Cause": "16"},
]


def heard(events: list[Fields], at: float) -> tuple[Reducer, list[SessionSeen]]:
    reducer = Reducer("open", TRUNKS)
    return reducer, [seen for event in events for seen in reducer.hear(event, at)]


def test_a_talk_whose_called_leg_is_gone_is_over_though_the_caller_stays_silently_in_the_dialplan() -> None:
    reducer, told = heard(TALK + GONE, 100.0)
    assert told[-1].session.session_state == IN_CALL
    assert reducer.due == 100.0 + PATIENCE
    assert reducer.settle(100.0) == []
    (closed,) = reducer.settle(100.0 + PATIENCE)
    assert (closed.kind, closed.session.session_state, closed.derived) == ("closed", ABORTED, True)
    assert reducer.due is None


def test_what_was_due_is_told_before_what_the_next_event_says_and_at_its_own_moment() -> None:
    reducer, _ = heard(TALK + GONE, 100.0)
    told = reducer.hear(CALLER | {"Event": "HangupRequest"}, 160.0)
    assert [(seen.kind, seen.session.session_state, seen.at) for seen in told] == [
        ("closed", ABORTED, 100.0 + PATIENCE)
    ]


def stamped(events: list[Fields], at: float) -> list[Fields]:
    return [event | {"Timestamp": str(at)} for event in events]


def test_by_asterisk_s_own_clock_a_moment_is_enough_however_late_its_events_come() -> None:
    reducer, _ = heard(stamped(TALK + GONE, 50.0), 100.0)
    (late,) = stamped([CALLER | {"Event": "HangupRequest"}], 50.0 + MOMENT / 2)
    (closed,) = reducer.hear(late, 107.0)
    assert closed.session.session_state == "CallerHungUp"
    reducer, _ = heard(stamped(TALK + GONE, 50.0), 100.0)
    (later,) = stamped([CALLER | {"Event": "HangupRequest"}], 50.0 + MOMENT)
    (closed,) = reducer.hear(later, 100.0)
    assert (closed.session.session_state, closed.at) == (ABORTED, 100.0)


def test_who_hung_up_may_be_heard_a_little_late() -> None:
    reducer, _ = heard(TALK + GONE, 100.0)
    (closed,) = reducer.hear(CALLER | {"Event": "HangupRequest"}, 100.0 + PATIENCE / 2)
    assert (closed.kind, closed.session.session_state) == ("closed", "CallerHungUp")
    assert reducer.due is None


def test_a_caller_who_was_taken_away_while_a_phone_rang_ends_that_session_by_waiting_alone() -> None:
    ringing = CALLEE | {"ChannelStateDesc": "Ringing"}
    reducer, _ = heard([*TALK[:2], ringing | {"Event": "Newstate"}, ringing | {"Event": "Hangup", "Cause": "16"}], 5.0)
    (closed,) = reducer.settle(5.0 + PATIENCE)
    assert (closed.session.session_state, closed.derived) == (REDIRECTED, True)


def rename(leg: Fields, old: str, new: str) -> Fields:
    return {"Event": "Rename", "Channel": old, "Newname": new, "Uniqueid": leg["Uniqueid"]}


def test_a_channel_that_is_renamed_is_the_same_party_under_another_name() -> None:
    reducer, _ = heard([*TALK, rename(CALLEE, "PJSIP/1002-1", "PJSIP/1009-7")], 5.0)
    told = reducer.hear(CALLEE | {"Event": "Hold", "Channel": "PJSIP/1009-7"}, 6.0)
    assert [(seen.session.session_state, seen.session.callee_call_leg_id) for seen in told] == [
        (CALLER_ON_HOLD, "PJSIP/1009-7")
    ]
    assert reducer.leg_named("PJSIP/1002-1") is None


def test_whose_place_another_channel_takes_is_gone_and_so_is_the_session() -> None:
    """A masquerade: the new channel is called like the old one, and what the old one was is a zombie."""
    taker = CALLEE | {"Channel": "PJSIP/1009-7", "Uniqueid": "1.9", "Linkedid": "1.9"}
    swap: list[Fields] = [
        taker | {"Event": "Newchannel"},
        rename(taker, "PJSIP/1009-7", "PJSIP/1009-7<MASQ>"),
        rename(CALLEE, "PJSIP/1002-1", "PJSIP/1009-7"),
        rename(taker, "PJSIP/1009-7<MASQ>", "PJSIP/1002-1<ZOMBIE>"),
        taker | {"Channel": "PJSIP/1002-1<ZOMBIE>", "Event": "Hangup", "Cause": "16"},
    ]
    reducer, _ = heard(TALK + swap, 5.0)
    assert [(one.session_state, one.destination) for one in reducer.sessions()] == [(IN_CALL, "1009")]


def test_a_hold_that_ends_without_a_transfer_has_ended_a_moment_later() -> None:
    held: list[Fields] = [CALLEE | {"Event": "Hold"}, CALLER | {"Event": "MusicOnHoldStart"}]
    reducer, told = heard(TALK + held + [CALLEE | {"Event": "Unhold"}], 7.0)
    assert told[-1].session.session_state == CALLER_ON_HOLD
    assert [seen.session.session_state for seen in reducer.settle(7.0 + PATIENCE)] == [IN_CALL]


def test_music_that_stops_while_both_are_together_says_at_once_that_the_hold_has_ended() -> None:
    held: list[Fields] = [CALLEE | {"Event": "Hold"}, CALLER | {"Event": "MusicOnHoldStart"}]
    _, told = heard([*TALK, *held, CALLEE | {"Event": "Unhold"}, CALLER | {"Event": "MusicOnHoldStop"}], 7.0)
    assert told[-1].session.session_state == IN_CALL


def test_of_a_code_and_a_number_pressed_while_holding_a_transfer_is_expected() -> None:
    held: list[Fields] = [CALLEE | {"Event": "Hold"}, CALLER | {"Event": "MusicOnHoldStart"}]
    keys: Fields = CALLEE | {"Event": "DTMFEnd", "Digit": "3", "Direction": "Received"}
    ends: list[Fields] = [CALLEE | {"Event": "Unhold"}, CALLER | {"Event": "MusicOnHoldStop"}]
    _, told = heard([*TALK, *held, keys, *ends], 7.0)
    assert told[-1].session.session_state == CALLER_ON_HOLD


@pytest.mark.parametrize("last", ["Hangup", "DialEnd"])
def test_the_daemon_is_told_though_no_further_event_comes(last: str) -> None:
    """The whole way over a socket: the called leg is gone, the caller sits in a mailbox and says nothing."""

    async def run() -> SessionSeen:
        async with connected() as (standin, watching):
            standin.raise_events(TALK + GONE if last == "Hangup" else screened())
            return await watching.until(SessionSeen, lambda seen: seen.kind == "closed")

    closed = asyncio.run(run())
    assert closed.session.session_state not in (CANCELLED, IN_CALL)


def screened() -> list[Fields]:
    """A phone that was picked up and did not accept, and nothing after that."""
    events = events_of("22/screened_call_declined", CONVERSATIONS)
    last = next(n for n, event in enumerate(events) if event["Event"] == "Hangup")
    return [event for event in events[: last + 1] if moment_of(event)]
