"""The oracle judged: small histories with right reports, in which it finds no fault, and with each kind of wrong."""

import pytest

from tests.oracle.laws import (
    BEGINS,
    COMPLETED,
    ENDED,
    HEARD,
    NEVER,
    OVER,
    PAIR,
    PASSING,
    RINGING,
    TOGETHER,
    Told,
    breaches,
    breaches_after_a_list,
)
from tests.oracle.small import Script, named, of


def told(at: float, state: str, callee: str | None = "1002", caller: str = "1001", session: str = "s1") -> Told:
    return Told(at, session, state, named(caller), named(callee) if callee else None, over=False)


def over(at: float, state: str, callee: str | None = "1002", caller: str = "1001", session: str = "s1") -> Told:
    return told(at, state, callee, caller, session)._replace(over=True)


def broken(script: Script, *reports: Told) -> set[str]:
    return {breach.law for breach in breaches(script.history(), reports)}


def answered() -> Script:
    """1001 calls 1002 at 0, who answers at 1; 1001 hangs up at 5."""
    return Script().talk(0).leave(5, "b1", "1001", "1002").gone(5, "1001", "1002")


SETUP, RINGS, TALKS, ENDS = told(0, "Setup", None), told(0, "Ringing"), told(1, "InCall"), over(5, "CallerHungUp")


def test_a_call_that_is_told_as_it_was_breaks_nothing() -> None:
    assert broken(answered(), SETUP, RINGS, TALKS, ENDS) == set()


def test_what_comes_within_the_grace_breaks_nothing() -> None:
    late = [one._replace(at=one.at + 0.09) for one in (SETUP, RINGS, TALKS, ENDS)]
    assert broken(answered(), *late) == set()


@pytest.mark.parametrize(
    ("reports", "laws"),
    [
        ([], {HEARD, PAIR}),
        ([SETUP, RINGS, ENDS], {PAIR}),
        ([SETUP, told(0, "InCall"), ENDS], {TOGETHER, HEARD}),
        ([SETUP, RINGS, TALKS], {OVER}),
        ([SETUP, RINGS, TALKS, over(6, "CallerHungUp")], {OVER}),
        ([SETUP, RINGS, TALKS, over(3, "CallerHungUp")], {PAIR, ENDED}),
        ([SETUP, RINGS, TALKS, over(3, "Completed")], {PAIR}),
        ([SETUP, RINGS, TALKS, over(5, "NotAnswered")], {ENDED}),
        ([SETUP, told(0, "Setup"), TALKS, ENDS], {HEARD}),
        ([SETUP, RINGS, TALKS, ENDS, told(1, "InCall", session="s2"), over(5, "Aborted", session="s2")], {PAIR}),
        (
            [told(0, "Ringing", "1001", "1002"), told(1, "InCall", "1001", "1002"), ENDS],
            {RINGING, HEARD, TOGETHER, BEGINS},
        ),
        ([SETUP, RINGS, TALKS, ENDS, told(2, "Setup", None, "1009", "s2")], {NEVER, OVER}),
        (
            [SETUP, RINGS, TALKS, ENDS, told(6, "Setup", None, session="s2"), over(6, "Aborted", session="s2")],
            {NEVER, BEGINS},
        ),
    ],
)
def test_each_wrong_report_of_a_simple_call_is_found(reports: list[Told], laws: set[str]) -> None:
    assert broken(answered(), *reports) == laws


def test_a_screened_call_that_is_not_accepted_is_over_at_once() -> None:
    script = Script().channel(0, "1001").dial(0, "1001", "1002").channel(1, "1002", "Up", "Newstate")
    script.end(2, "1001", "1002", "CONTINUE").gone(2, "1002").channel(2, "1001", "Up", "Newstate").gone(4, "1001")
    assert broken(script, RINGS, over(2, "NotAnswered")) == set()
    assert broken(script, RINGS, over(4, "Cancelled")) == {OVER}


def test_a_session_does_not_live_on_while_its_caller_talks_with_somebody_else() -> None:
    script = Script().channel(0, "1001").channel(0, "1004").dial(0, "1001", "1002")
    script.end(1, "1001", "1002", "CANCEL").gone(1, "1002").enter(1, "b1", "1001", "1004").gone(3, "1001", "1004")
    onward = [told(1, "InCall", "1001", "1004", "s2"), over(3, "Aborted", "1001", "1004", "s2")]
    assert broken(script, RINGS, over(1, "Redirected"), *onward) == set()
    assert broken(script, RINGS, over(3, "Cancelled"), *onward) == {OVER}
    assert broken(script, RINGS, over(1, "Redirected")) == {PAIR}
    alone = [told(0, "Setup", None, "1004", "s3"), over(3, "Aborted", None, "1004", "s3")]
    assert broken(script, RINGS, over(1, "Redirected"), *onward, *alone) == {OVER}


def test_of_two_calls_that_are_joined_crosswise_neither_lives_on() -> None:
    script = Script().talk(0).talk(1, "1004", "1003", "b2")
    script.leave(3, "b1", "1001", "1002").leave(3, "b2", "1004", "1003").enter(3, "b3", "1001", "1004")
    script.gone(3, "1002", "1003").gone(4, "1001", "1004")
    first = [RINGS, TALKS, told(1, "Ringing", "1003", "1004", "s2"), told(2, "InCall", "1003", "1004", "s2")]
    ended = [over(3, "Redirected"), over(3, "Redirected", "1003", "1004", "s2")]
    new = [told(3, "InCall", "1004", session="s3"), over(4, "Aborted", "1004", session="s3")]
    assert broken(script, *first, *ended, *new) == set()
    assert broken(script, *first, over(4, "Aborted"), over(4, "Aborted", "1003", "1004", "s2")) == {OVER, PAIR}


def parked() -> Script:
    """1001 talks with 1002, who parks 1001 at 2 and hangs up at 4; 1003 fetches 1001 at 5."""
    script = Script().talk(0).leave(2, "b1", "1001").event(2, "ParkedCall", **of("1001", "Parkee"))
    script.enter(2, "lot", "1001", BridgeType="parking").channel(2, "1001", "Up", "MusicOnHoldStart")
    script.leave(4, "b1", "1002").gone(4, "1002").channel(5, "1003").event(5, "UnParkedCall", **of("1001", "Parkee"))
    script.leave(5, "lot", "1001").channel(5, "1001", "Up", "MusicOnHoldStop").enter(5, "b2", "1001", "1003")
    return script.gone(7, "1001", "1003")


def test_parking_ends_the_call_and_fetching_begins_another() -> None:
    fetched = [told(5, "InCall", "1001", "1003", "s2"), over(7, "Aborted", "1001", "1003", "s2")]
    assert broken(parked(), RINGS, TALKS, over(2, "TransferCompleted"), *fetched) == set()
    assert broken(parked(), RINGS, TALKS, over(4, "CalleeHungUp"), *fetched) == {TOGETHER}
    assert broken(parked(), RINGS, TALKS, over(7, "Aborted"), *fetched) == {TOGETHER, OVER}
    assert broken(parked(), RINGS, TALKS, over(2, "TransferCompleted")) == {PAIR}


def held() -> Script:
    """1001 and 1002 talk; at 2 both are taken apart and hear music, at 4 they talk again, at 6 it ends."""
    script = Script().talk(0).leave(2, "b1", "1001", "1002")
    for who in ("1001", "1002"):
        script.channel(2.05, who, "Up", "MusicOnHoldStart")
    for who in ("1001", "1002"):
        script.channel(4, who, "Up", "MusicOnHoldStop")
    return script.enter(4, "b2", "1001", "1002").gone(6, "1001", "1002")


def test_two_who_are_held_apart_are_one_session_that_is_on_hold() -> None:
    assert broken(held(), RINGS, TALKS, told(2.05, "OnHold"), told(4, "InCall"), over(6, "Aborted")) == set()
    assert broken(held(), RINGS, TALKS, over(6, "Aborted")) == {TOGETHER}


def test_two_who_are_on_their_way_to_where_both_wait_are_in_a_call_still() -> None:
    script = Script().talk(0).leave(2, "b1", "1001", "1002")
    script.channel(4, "1001", "Up", "MusicOnHoldStart").channel(4, "1002", "Up", "MusicOnHoldStart").gone(
        6, "1001", "1002"
    )
    assert broken(script, RINGS, TALKS, told(4, "OnHold"), over(6, "Aborted")) == set()


def test_two_who_are_apart_and_wait_nowhere_are_no_call() -> None:
    script = Script().talk(0).leave(2, "b1", "1001", "1002").gone(4, "1001", "1002")
    assert broken(script, RINGS, TALKS, over(2, "Aborted")) == set()
    assert broken(script, RINGS, TALKS, over(4, "Aborted")) == {TOGETHER}
    assert broken(script, RINGS, TALKS, told(2, "OnHold"), over(4, "Aborted")) == {TOGETHER}


def consulting() -> Script:
    """1002 takes 1001 out of the talk by a feature code at 2, talks with 1003 at 3, and hands over at 5; end at 7."""
    script = Script().talk(0).channel(2, "1002", "Up", "Hold").channel(2, "1001", "Up", "MusicOnHoldStart")
    script.local(2, "x").leave(2, "b1", "1002").enter(2, "b2", "x;1", "1002").dial(2, "x;2", "1003")
    script.end(3, "x;2", "1003", "ANSWER").enter(3, "b3", "x;2", "1003")
    script.event(5, "AttendedTransfer", Result="Success", **of("1002", "OrigTransferer"), **of("1001", "Transferee"))
    script.leave(5, "b2", "1002").gone(5, "1002").channel(5, "1001", "Up", "MusicOnHoldStop")
    return script.leave(5, "b2", "x;1").enter(5, "b1", "x;1").gone(7, "1001", "1003", "x;1", "x;2")


def test_a_consultation_and_what_follows_it() -> None:
    first = [RINGS, TALKS, told(2, "TransferRequested")]
    second = [told(2, "Ringing", "1003", "1002", "s2"), told(3, "InCall", "1003", "1002", "s2")]
    onward = [told(5, "InCall", "1003", session="s2"), over(7, "Aborted", "1003", session="s2")]
    assert broken(consulting(), *first, *second, over(5, "TransferCompleted"), *onward) == set()
    assert broken(consulting(), RINGS, TALKS, *second, over(5, "TransferCompleted"), *onward) == {OVER, TOGETHER}
    assert broken(consulting(), *first, *second, over(7, "Aborted"), *onward) == {OVER}
    lost = [over(5, "CallerHungUp", "1003", "1002", "s2")]
    assert broken(consulting(), *first, *second, over(5, "TransferCompleted"), *lost) == {PAIR}
    back = [told(4.95, "InCall"), over(5, "TransferCompleted")]
    assert broken(consulting(), *first, *second, *back, *onward) == {PASSING}


def test_two_who_are_joined_again_to_be_transferred_were_in_a_call_for_a_moment() -> None:
    script = Script().talk(0).leave(2, "b1", "1001", "1002")
    script.channel(2, "1001", "Up", "MusicOnHoldStart").channel(2, "1002", "Up", "MusicOnHoldStart")
    script.enter(4, "b2", "1001", "1002").leave(4.02, "b2", "1001", "1002").gone(4.02, "1002").gone(5, "1001")
    first = [RINGS, TALKS, told(2, "OnHold"), told(4, "InCall"), told(4.02, "Transferring")]
    assert broken(script, *first, over(5, "Aborted")) == set()


def test_a_call_whose_transfer_completes_is_not_told_as_hung_up() -> None:
    first = [RINGS, TALKS, told(2, "TransferRequested")]
    second = [told(2, "Ringing", "1003", "1002", "s2"), told(3, "InCall", "1003", "1002", "s2")]
    onward = [told(5, "InCall", "1003", session="s2"), over(7, "Aborted", "1003", session="s2")]
    assert broken(consulting(), *first, *second, over(5, "CalleeHungUp"), *onward) == {COMPLETED}


def test_who_is_sent_on_may_wait_for_the_target_and_not_talk_with_it() -> None:
    script = Script().talk(0).leave(2, "b1", "1001", "1002").gone(2, "1002").dial(2, "1001", "1003")
    script.end(3, "1001", "1003", "ANSWER").enter(3, "b2", "1001", "1003").gone(5, "1001", "1003")
    first = [RINGS, TALKS, told(2, "Transferring")]
    onward = [told(2, "Ringing", "1003", session="s2"), told(3, "InCall", "1003", session="s2")]
    ended = over(5, "Aborted", "1003", session="s2")
    assert broken(script, *first, over(3, "TransferCompleted"), *onward, ended) == set()
    assert broken(script, *first, over(5, "TransferCompleted"), *onward, ended) == {OVER}


def test_a_ringing_phone_is_told_for_who_calls_it_and_nobody_else() -> None:
    script = Script().channel(0, "1001").channel(0, "1004").dial(0, "1001", "1002").gone(3, "1001", "1002")
    assert broken(script, RINGS, over(3, "Cancelled")) == set()
    assert broken(script, told(0, "Ringing", caller="1004"), over(3, "Cancelled", caller="1004")) == {
        RINGING,
        HEARD,
        BEGINS,
    }


def test_a_phone_that_fell_silent_rings_no_more() -> None:
    script = (
        Script().channel(0, "1001").dial(0, "1001", "1002").end(1, "1001", "1002", "CANCEL").gone(3, "1001", "1002")
    )
    assert broken(script, RINGS, over(1, "Completed")) == set()
    assert broken(script, RINGS, over(3, "Completed")) == {RINGING}


def test_of_a_talk_that_has_just_ended_no_second_session_begins() -> None:
    again = [told(5, "Setup", session="s2"), over(5.001, "Cancelled", session="s2")]
    assert BEGINS in broken(answered(), SETUP, RINGS, TALKS, ENDS, *again)
    back = [told(5, "Setup", "1001", "1002", "s2"), over(5.001, "Cancelled", "1001", "1002", "s2")]
    assert BEGINS in broken(answered(), SETUP, RINGS, TALKS, ENDS, *back)
    assert (
        broken(
            held(), RINGS, TALKS, over(2, "Aborted"), told(4, "InCall", session="s2"), over(6, "Aborted", session="s2")
        )
        == set()
    )


def test_a_session_does_not_begin_with_one_whom_nobody_calls() -> None:
    script = Script().channel(0, "1001").channel(0, "1002").gone(2, "1001", "1002")
    assert broken(script, told(1, "Setup"), over(2, "Aborted")) == {BEGINS}


def test_three_in_one_bridge_and_two_in_a_conference_room_are_no_pair() -> None:
    script = Script().channel(0, "1001").channel(0, "1002").channel(0, "1003").enter(1, "b1", "1001", "1002", "1003")
    assert broken(script.gone(3, "1001", "1002", "1003")) == set()
    script = Script().channel(0, "1001").channel(0, "1002").enter(1, "b1", "1001", "1002", BridgeCreator="ConfBridge")
    assert broken(script.gone(3, "1001", "1002")) == set()


def test_who_meet_in_a_conference_room_through_local_channels_are_no_pair() -> None:
    script = Script().channel(0, "1001").channel(0, "1002").local(0, "x")
    script.enter(1, "b1", "x;1", "1002", BridgeCreator="ConfBridge").enter(1, "b2", "1001", "x;2")
    assert broken(script.gone(3, "1001", "1002", "x;1", "x;2")) == set()


def test_who_is_in_a_conference_room_is_a_call_into_it() -> None:
    script = Script().channel(0, "1001").channel(0, "1002").enter(1, "b1", "1001", "1002", BridgeCreator="ConfBridge")
    mine, ended = told(0, "Setup", None), over(3, "CallerHungUp", None)
    assert broken(script.gone(3, "1001", "1002"), mine, ended) == set()


def test_who_hung_up_may_be_there_for_a_while() -> None:
    script = Script().talk(0).channel(5, "1001", "Up", "HangupRequest").leave(5, "b1", "1001", "1002")
    assert broken(script.gone(5.5, "1001", "1002"), SETUP, RINGS, TALKS, ENDS) == set()
    assert broken(Script().talk(0).leave(5, "b1", "1001", "1002").gone(5.5, "1001"), SETUP, RINGS, TALKS, ENDS) == {
        ENDED
    }


def test_a_leg_that_was_answered_by_an_application_did_not_go_unanswered() -> None:
    script = Script().channel(0, "1004", "Down").channel(1, "1004", "Up", "Newstate").gone(3, "1004")
    assert broken(script, told(0, "Setup", None, "1004"), over(3, "Completed", None, "1004")) == set()
    assert broken(script, told(0, "Setup", None, "1004"), over(3, "NotAnswered", None, "1004")) == {ENDED}


def test_a_breach_says_since_when_and_how_long() -> None:
    found = breaches(answered().history(), [SETUP, RINGS, TALKS, over(6, "CallerHungUp")])
    assert [(breach.at, breach.lasted) for breach in found] == [(5.0, 1.0)]
    assert "s1 InCall 1001 -> 1002" in str(found[0])


def test_after_a_list_only_what_comes_then_is_judged_and_not_who_holds() -> None:
    assert breaches_after_a_list(answered().history(), [TALKS, ENDS], 1.0) == []
    assert breaches_after_a_list(held().history(), [TALKS, over(6, "Aborted")], 1.0) == []
    assert breaches_after_a_list(answered().history(), [TALKS, over(7, "Aborted")], 1.0)[0].law == OVER
    assert breaches_after_a_list(answered().history(), [], 2.0)[0].law == PAIR


def test_what_comes_after_the_given_moment_is_not_judged() -> None:
    assert breaches(answered().history(), [SETUP, RINGS, TALKS], until=4.0) == []
    assert breaches(answered().history(), [SETUP, RINGS], until=4.0)[0].lasted == 3.0
