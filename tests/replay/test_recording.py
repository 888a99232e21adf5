"""What a recording tells the engine: what callers did, and not what ozrules did to them."""

import pytest

from ozrules.engine.events import Gap, RoutingAsked, ScheduleSwitched, SessionSeen, SessionsListed
from ozrules.replay.recording import NotARecording, events, read, survey
from tests.replay.recorded import asked, line, seen, sent


def _states(*lines: str) -> list[tuple[str, str]]:
    found = [each for each in events(read(lines)) if isinstance(each, SessionSeen)]
    return [(each.session.session_id, each.session.session_state) for each in found]


def test_what_follows_our_confirmed_command_is_not_the_callers_act() -> None:
    lines = [seen(0, "Ringing"), *sent(20, "forward", "confirmed"), seen(20.4, "Redirected")]
    assert _states(*lines) == [("s1", "Ringing")]
    whole = [each for each in events(read(lines), with_ours=True) if isinstance(each, SessionSeen)]
    assert [each.session.session_state for each in whole] == ["Ringing", "Redirected"]


def test_a_session_that_our_forward_began_is_not_a_caller() -> None:
    begun = seen(21, "Ringing", "s2", masterSessionId="m", callee="2010")
    lines = [
        seen(0, "Ringing", masterSessionId="m"),
        *sent(20, "forward", "confirmed"),
        seen(20.4, "Redirected"),
        begun,
    ]
    assert _states(*lines, seen(30, "InCall", "s2", masterSessionId="m", callee="2010")) == [("s1", "Ringing")]


@pytest.mark.parametrize("outcome", ["rejected", "lostRace", "expired"])
def test_after_a_command_that_did_nothing_the_callers_act_on(outcome: str) -> None:
    lines = [seen(0, "Ringing"), *sent(20, "forward", outcome), seen(22, "InCall")]
    assert _states(*lines) == [("s1", "Ringing"), ("s1", "InCall")]


def test_a_held_call_is_still_ended_by_its_parties() -> None:
    lines = [seen(0, "InCall"), *sent(5, "hold", "confirmed"), seen(5.2, "OnHold"), seen(60, "CallerHungUp")]
    assert _states(*lines) == [("s1", "InCall"), ("s1", "CallerHungUp")]


def test_an_id_that_is_used_again_is_another_call() -> None:
    lines = [seen(0, "Ringing"), *sent(20, "hangup", "confirmed"), seen(20.4, "CalleeHungUp")]
    assert _states(*lines, seen(60, "Ringing", startTime="2026-11-23T10:01:00Z"))[-1] == ("s1", "Ringing")


def test_after_a_gap_single_changes_count_again() -> None:
    found = list(events(read([seen(0, "Ringing"), line(5, "gap", reason="link down"), seen(9, "InCall")])))
    gap = next(index for index, each in enumerate(found) if isinstance(each, Gap))
    assert found[gap + 1 :][0] == SessionsListed(at=found[-1].at, connection="office", sessions=(), complete=False)


@pytest.mark.parametrize(
    "wrong",
    [
        "no json",
        "[]",
        '{"at": "2026-11-23T10:00:00Z", "connection": "o", "event": "gone"}',
        '{"at": "2026-11-23T10:00:00", "connection": "o", "event": "gap"}',
        '{"at": "2026-11-23T10:00:00Z", "connection": "o", "event": "created", "session": {}}',
        '{"at": "2026-11-23T10:00:00Z", "connection": "o", "event": "command", "session": {"sessionId": "s1"}}',
        '{"at": "2026-11-23T10:00:00Z", "connection": "o", "event": "routing", "routing": "Ringing", "session": '
        '{"sessionId": "s1", "sessionState": "Setup"}}',
    ],
)
def test_what_is_no_recording_is_said_by_line(wrong: str) -> None:
    with pytest.raises(NotARecording, match="line 2 "):
        read([seen(0, "Ringing"), wrong])


def test_what_the_phone_system_asked_is_asked_again() -> None:
    lines = [asked(0, "Calling"), asked(20, "NoAnswer")]
    assert [each.kind for each in events(read(lines)) if isinstance(each, RoutingAsked)] == ["Calling", "NoAnswer"]


def test_a_session_that_our_answer_began_is_not_a_caller() -> None:
    answer = sent(0.1, "forward", "confirmed", start=None, to="2011")
    lines = [
        asked(0, "Calling"),
        *answer,
        seen(1, "Ringing", "s2", callee="2011"),
        seen(9, "InCall", "s2", callee="2011"),
    ]
    assert _states(*lines) == []
    elsewhere = [asked(0, "Calling"), *answer, seen(1, "Ringing", "s2", callee="2012")]
    assert _states(*elsewhere) == [("s2", "Ringing")]


def test_a_question_that_our_answer_led_to_is_not_asked_again() -> None:
    lines = [asked(0, "Calling"), *sent(0.1, "forward", "confirmed", start=None), asked(20, "NoAnswer")]
    assert [each.kind for each in events(read(lines)) if isinstance(each, RoutingAsked)] == ["Calling"]
    whole = events(read(lines), with_ours=True)
    assert [each.kind for each in whole if isinstance(each, RoutingAsked)] == ["Calling", "NoAnswer"]


def test_a_schedule_that_was_switched_by_hand_is_switched_again() -> None:
    until = "2026-11-23T12:00:00Z"
    switched = [
        line(1, "override", connection="", schedule="hours", to="closed", until=until),
        line(2, "override", connection="", schedule="hours", to="off"),
    ]
    found = list(events(read(switched)))
    assert [(each.schedule, each.open, each.until) for each in found if isinstance(each, ScheduleSwitched)] == [
        ("hours", False, 1795435200.0),
        ("hours", None, None),
    ]
    assert len(found) == 2
    with pytest.raises(NotARecording, match="`to` is none of"):
        read([line(1, "override", connection="", schedule="hours", to="shut")])


@pytest.mark.parametrize("half", [b"\\ud83d", b"\xed\xa0\xbd"])
def test_half_a_character_spoils_no_recording(half: bytes) -> None:
    broken = seen(0, "Ringing", caller="X").encode().replace(b'"X"', b'"' + half + b'"')
    [entry] = read([broken])
    assert entry.sessions[0].caller == "\ufffd"
    assert survey([broken]).ordered


@pytest.mark.parametrize("outcome", ["confirmed", "accepted"])
def test_a_caller_whom_we_turned_away_did_not_hang_up_of_himself(outcome: str) -> None:
    """Recordings of before say confirmed of it."""
    lines = [asked(0, "Calling"), *sent(0.1, "hangup", outcome, start=None), asked(20, "NoAnswer")]
    assert sum(isinstance(each, RoutingAsked) for each in events(read(lines))) == 1
    refused = [asked(0, "Calling"), *sent(0.1, "hangup", "rejected", start=None), asked(20, "NoAnswer")]
    assert sum(isinstance(each, RoutingAsked) for each in events(read(refused))) == 2
