"""What the oracle makes of small histories, each made by hand."""

import ast
from pathlib import Path

import pytest

from tests.oracle.history import Moment
from tests.oracle.small import Script, named, of


def last(script: Script) -> Moment:
    return script.history().moments[-1]


@pytest.mark.parametrize("module", ["wire", "history", "laws", "small", "listing", "tap"])
def test_the_oracle_shares_no_code_with_what_it_judges(module: str) -> None:
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not [name for name in imported if name.startswith("ozrules") or ("tests" in name and "oracle" not in name)]


def test_two_in_one_bridge_are_together_and_no_longer_when_one_has_left() -> None:
    script = Script().talk(0)
    assert last(script).are_together("1001", "1002")
    assert not last(script.leave(2, "b1", "1002")).are_together("1001", "1002")


def test_a_bridge_that_is_destroyed_holds_nobody() -> None:
    assert not last(Script().talk(0).event(2, "BridgeDestroy", BridgeUniqueid="b1")).are_together("1001", "1002")


def test_who_is_behind_local_channels_is_seen_through_them() -> None:
    script = Script().channel(0, "1001").channel(0, "1002").local(0, "x").local(0, "y")
    script.enter(1, "b1", "1001", "x;1").enter(1, "b2", "x;2", "y;1").enter(1, "b3", "y;2", "1002")
    assert last(script).company("1001") == {"1002"}


def test_a_local_channel_that_is_swapped_for_what_is_behind_it_changes_nothing() -> None:
    script = Script().channel(0, "1001").channel(0, "1002").local(0, "x")
    script.enter(1, "b1", "1001", "x;1").enter(1, "b2", "x;2", "1002")
    script.leave(2, "b1", "1001").leave(2, "b2", "x;2").enter(2, "b2", "1001").gone(2, "x;1", "x;2")
    assert last(script).company("1001") == {"1002"}


def test_in_a_parking_place_nobody_is_together() -> None:
    script = Script().channel(0, "1001").channel(0, "1002")
    script.enter(1, "lot", "1001", "1002", BridgeType="parking", BridgeTechnology="holding_bridge")
    assert not last(script).are_together("1001", "1002")
    assert last(script).waiting == {"1001", "1002"}


def test_a_phone_is_called_for_who_dials_it_also_through_local_channels() -> None:
    script = Script().channel(0, "1001").local(0, "x")
    script.event(0, "DialBegin", **of("1001"), **of("x;1", "Dest")).dial(0, "x;2", "1003")
    assert last(script).callers == {"1003": {"1001"}}
    assert last(script).rings == {"1003"}


def test_a_phone_that_an_application_calls_is_called_for_nobody() -> None:
    script = Script().channel(0, "1003", "Down")
    script.event(0, "DialBegin", **of("1003", "Dest")).event(0, "DialState", **of("1003", "Dest"), DialStatus="RINGING")
    assert last(script).callers == {"1003": frozenset()}


def test_the_connectors_own_leg_says_for_whom_it_calls() -> None:
    script = Script().channel(0, "1001").local(0, "ozrules-1-for-1001").dial(0, "ozrules-1-for-1001;2", "1003")
    assert last(script).callers == {"1003": {"1001"}}


def test_who_takes_the_place_of_a_transferring_party_is_called_for_too() -> None:
    script = Script().channel(0, "1001").channel(0, "1002").dial(0, "1002", "1003")
    script.event(1, "AttendedTransfer", Result="Success", **of("1002", "SecondTransferer"), **of("1001", "Transferee"))
    script.gone(1, "1002")
    assert last(script).callers == {"1003": {"1001"}}


@pytest.mark.parametrize("status", ["BUSY", "NOANSWER", "CANCEL", "CONTINUE", "GOTO:x"])
def test_a_phone_whose_dialling_is_over_is_called_no_more(status: str) -> None:
    script = Script().channel(0, "1001").dial(0, "1001", "1002").end(1, "1001", "1002", status)
    assert not last(script).called


def test_of_two_that_are_called_by_the_ends_of_a_local_channel_the_first_is_the_caller() -> None:
    script = Script().local(0, "x").dial(0, "x;2", "1001").end(1, "x;2", "1001", "ANSWER").enter(1, "b1", "x;2", "1001")
    script.dial(1, "x;1", "1002")
    assert last(script).callers == {"1001": frozenset(), "1002": {"1001"}}
    script.end(2, "x;1", "1002", "ANSWER").enter(2, "b2", "x;1", "1002")
    assert last(script).callers == {"1001": frozenset(), "1002": {"1001"}}


def test_who_talks_is_called_no_more() -> None:
    assert not last(Script().talk(0).leave(2, "b1", "1001", "1002")).called


def test_a_phone_that_was_picked_up_is_called_still_and_rings_no_more() -> None:
    script = Script().channel(0, "1001").dial(0, "1001", "1002").channel(1, "1002", "Up", "Newstate")
    assert last(script).called == {"1002"}
    assert not last(script).rings


def test_a_phone_that_sends_sound_before_it_answers_rings() -> None:
    script = Script().channel(0, "1001").dial(0, "1001", "1002", rings=False)
    assert last(script).rings == set()
    script.event(1, "DialState", **of("1001"), **of("1002", "Dest"), DialStatus="PROGRESS")
    assert last(script).rings == {"1002"}


def test_a_channel_that_is_gone_does_not_come_back_by_an_event_that_is_late() -> None:
    script = Script().channel(0, "1001").gone(1, "1001").channel(2, "1001", "Up", "Newstate")
    assert not last(script).lives("1001")


def test_a_channel_that_never_was_is_none() -> None:
    script = Script().event(0, "OriginateResponse", Response="Failure", Channel="PJSIP/1003", Uniqueid="<unknown>")
    assert script.history().channel("PJSIP/1003", 1) is None
    assert last(script).together == {}


def test_a_name_belongs_to_the_channel_that_bears_it_at_the_time() -> None:
    history = Script().channel(0, "1001").channel(1, "1001", name="Rename", Newname="PJSIP/1009-1").history()
    assert history.channel(named("1001"), 0.5) == "1001"
    assert history.channel("PJSIP/1009-1", 0.5) is None
    assert history.channel("PJSIP/1009-1", 1.5) == "1001"


def test_music_and_holding_are_who_waits_and_who_makes_wait() -> None:
    script = Script().talk(0).channel(2, "1002", "Up", "Hold").channel(2, "1001", "Up", "MusicOnHoldStart")
    assert last(script).holds == {"1002"}
    assert last(script).waiting == {"1001"}
    script.channel(3, "1002", "Up", "Unhold").channel(3, "1001", "Up", "MusicOnHoldStop")
    assert not last(script).holds | last(script).waiting


def test_a_history_ends_where_asterisk_stops() -> None:
    script = Script().talk(0).event(2, "Shutdown").gone(3, "1001")
    assert last(script).lives("1001")
