"""Records: ids, times and numbers that the edge gives, in the shape that others read."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ozrules.engine.effects import Effect, PlannedAction, WriteLog
from ozrules.engine.identity import CommandId
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.model import Place
from ozrules.runtime.ports import ConnectionState, Record
from ozrules.runtime.records import MASK, Records
from tests.fakes.effects import KEY, command, decision, observed, outcome

AT = 1795424420.0042  # 2026-11-23T09:00:20.004Z


def records(**more: object) -> Records:
    known = {"next_seq": 7, "ids": (), "revision": "sha256:1", "mode": "enforce", "every_event": False}
    return Records(**(known | {"zone": ZoneInfo("Europe/Budapest"), "randomness": bytes} | more))  # type: ignore[arg-type]


def made(maker: Records, effect: Effect) -> Record:
    record = maker.of_effect(effect, AT, 41)
    assert record is not None
    assert json.loads(msgspec.json.encode(record.body)) == record.body
    return record


def test_a_decision_in_the_shape_of_the_contract() -> None:
    place = Place("office.yaml", 7, 9)
    one = msgspec.structs.replace(
        decision(17, at=AT),
        actions=(
            PlannedAction("forward", {"to": "2010"}, CommandId("17-0"), place),
            PlannedAction("stop", {}, None, place),
        ),
        failed=(FailedLeaf(path="conditions.callee", wanted="eq 2001", actual=None, at="office.yaml:5:3"),),
    )
    body = made(records(), one).body
    assert body["seq"] == 7
    assert body["time"] == "2026-11-23T10:00:20.004+01:00"
    assert (body["connection"], body["sessionId"], body["rule"]) == ("office", "s1", "sales-no-answer")
    assert body["actions"] == [
        {
            "command_id": f"{body['decision_id']}-0",
            "action": "forward",
            "args": {"to": "2010"},
            "at": "office.yaml:7:9",
        },
        {"command_id": None, "action": "stop", "args": {}, "at": "office.yaml:7:9"},
    ]
    assert body["failed"] == [
        {"path": "conditions.callee", "wanted": "eq 2001", "actual": None, "at": "office.yaml:5:3"}
    ]
    assert body["metrics"] == {"eval_us": 41}
    assert (body["masked"], body["erased"], body["certainty"]) == ([], [], "complete")


def test_times_carry_their_offset_also_in_the_zone_of_the_host() -> None:
    body = made(records(zone=None), decision(17, at=AT)).body
    assert isinstance(body["time"], str)
    assert datetime.fromisoformat(body["time"]).timestamp() == pytest.approx(AT, abs=0.001)
    assert datetime.fromisoformat(body["time"]).tzinfo is not None


def test_outcomes_carry_the_id_of_their_decision_also_after_a_restart() -> None:
    before = records()
    first = made(before, decision(17, at=AT))
    said = made(before, outcome(command(17), at=AT + 0.41))
    assert said.body["decision_id"] == first.decision_id
    assert said.body["command_id"] == f"{first.decision_id}-0"
    assert said.body["after_ms"] == 400
    assert first.decision_id is not None
    after = records(next_seq=9, ids=[(17, first.decision_id)])
    assert made(after, outcome(command(17))).decision_id == first.decision_id
    after.forget(KEY)
    assert len(made(after, outcome(command(99))).decision_id or "") == 26


def test_a_webhook_that_ends_after_a_restart_takes_no_id_from_what_is_still_to_be_said() -> None:
    after = records(ids=[(17, "01KB")])
    for step in (1, 2):
        hook = command(17, step)
        assert made(after, msgspec.structs.replace(outcome(hook), action="webhook")).decision_id == "01KB"
    assert made(after, outcome(command(17))).decision_id == "01KB"


def test_numbers_have_no_gap() -> None:
    maker = records()
    lines = [
        made(maker, decision(1)),
        made(maker, WriteLog(1, "r", KEY, "hello")),
        maker.of_gap("office", "link down", AT),
        maker.of_act(ConnectionState(at=AT, connection="office", ready=True, detail="merged"), AT),
    ]
    assert maker.of_effect(observed(), AT, 0) is None
    lines.append(made(maker, outcome(command(1))))
    assert [line.seq for line in lines] == [7, 8, 9, 10, 11]
    assert [line.type for line in lines] == ["decision", "log", "gap", "connection", "outcome"]


def test_every_line_says_mode_and_revision() -> None:
    maker = records(mode="observe", revision="sha256:2")
    body = maker.of_gap("office", "link down", AT).body
    assert (body["mode"], body["revision"]) == ("observe", "sha256:2")


def test_events_are_there_where_they_are_wanted_and_no_rule_matched() -> None:
    maker = records(every_event=True)
    assert made(maker, observed()).type == "event"
    assert maker.of_effect(msgspec.structs.replace(observed(), matched=1), AT, 0) is None


def test_a_secret_is_named_among_what_was_masked() -> None:
    keys = PlannedAction("sendDtmf", {"to": "caller", "keys": MASK}, CommandId("17-0"), Place("", 1, 1))
    body = made(records(), msgspec.structs.replace(decision(17), actions=(keys,))).body
    assert body["masked"] == ["actions/0/args/keys"]


def test_the_wall_clock_decides_what_is_shown() -> None:
    maker = records()
    maker.wall_offset = 3600.0
    record = made(maker, decision(1, at=AT))
    assert record.body["time"] == "2026-11-23T11:00:20.004+01:00"
    assert record.time == pytest.approx(AT + 3600)


def test_a_webhook_that_ends_after_its_session_was_forgotten_still_names_its_decision() -> None:
    maker = records()
    decided = made(maker, decision(1))
    maker.expect(1)
    maker.expect(1)
    maker.forget(KEY)
    for step in (0, 1):
        ended = msgspec.structs.replace(outcome(command(1, step)), action="webhook")
        assert made(maker, ended).decision_id == decided.decision_id
    assert maker.decision_id(1) != decided.decision_id, "and then nothing more is kept of it"
