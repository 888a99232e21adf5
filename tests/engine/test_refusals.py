"""A phone system, or a connector, says no: what the call then shows counts, and what was surely not done is final."""

from typing import get_args

import pytest

from ozrules.engine.events import RefusalKind, Refused
from ozrules.rules.model import Hunt, Retry, SendDtmf
from tests.engine.forge import HERE, common, enters, forward, log, plain, rule, rules
from tests.engine.stage import Stage
from tests.engine.test_sequence import on_answer, talking

REFUSALS: tuple[RefusalKind, ...] = get_args(RefusalKind)


@pytest.mark.fault(31)
@pytest.mark.parametrize("kind", REFUSALS)
def test_done_but_answered_with_an_error_is_confirmed_and_not_repeated(kind: RefusalKind) -> None:
    stage = Stage(on_answer(plain("hold", retry=Retry(3, 1.0), on_failure=(plain("hangup"),)), log("went on")))
    talking(stage)
    stage.refuse(kind, "no")
    stage.wait(1)
    stage.change("s1", "OnHold")
    stage.wait(60)
    assert stage.outcomes == ["confirmed"]
    assert stage.errors == ["no"]
    assert [command.action for command in stage.sent] == ["hold"]
    assert stage.logged == ["went on"]


@pytest.mark.fault(31)
@pytest.mark.parametrize("kind", REFUSALS)
def test_a_forward_that_was_refused_and_done_all_the_same_is_followed_by_no_other(kind: RefusalKind) -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010", on_failure=(forward("2011"),)))))
    stage.call()
    stage.refuse(kind)
    stage.change("s1", "Redirected")
    stage.wait(60)
    assert stage.outcomes == ["confirmed"]
    assert [command.to for command in stage.sent] == ["2010"]


@pytest.mark.fault(31)
@pytest.mark.parametrize("kind", REFUSALS)
def test_a_hunt_waits_after_a_refusal_whether_the_number_rings_all_the_same(kind: RefusalKind) -> None:
    hunt = Hunt(targets=("2010", "2011"), ring=15.0, order="sequential", on_exhausted=(), common=common(), place=HERE)
    stage = Stage(rules(rule("r", enters("Ringing"), hunt)))
    stage.call()
    stage.refuse(kind)
    stage.change("s1", "Ringing", callee="2010")
    stage.wait(10)
    assert [command.to for command in stage.sent] == ["2010"]


@pytest.mark.fault(31)
@pytest.mark.parametrize(
    ("kind", "outcome"), [("denied", "rejected"), ("invalid", "rejected"), ("notFound", "targetGone")]
)
def test_what_was_refused_stays_so_where_the_call_goes_its_own_way(kind: RefusalKind, outcome: str) -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"))))
    stage.call()
    stage.refuse(kind, "no")
    stage.change("s1", "InCall")
    assert stage.outcomes == [outcome]
    assert stage.errors == ["no"]


@pytest.mark.fault(31)
def test_a_restart_does_not_forget_that_a_command_was_refused() -> None:
    stage = Stage(on_answer(plain("hold"), log("went on")))
    talking(stage)
    stage.refuse("denied", "no")
    stage.restart()
    stage.wait(60)
    assert stage.outcomes == ["rejected"]
    assert stage.errors == ["no"]


@pytest.mark.parametrize("kind", ["denied", "invalid", "notFound"])
def test_what_the_connector_refuses_by_itself_was_surely_not_done(kind: RefusalKind) -> None:
    stage = Stage(on_answer(plain("hold", on_failure=(log("failed"),))))
    talking(stage)
    stage.answer(Refused(kind, "the connection cannot do that"))
    assert stage.logged == ["failed"]


def test_what_leaves_no_trace_is_not_waited_for_after_a_refusal() -> None:
    keys = SendDtmf(to="callee", keys="1", gap=0.25, common=common(on_failure=(log("failed"),)), place=HERE)
    stage = Stage(on_answer(keys))
    talking(stage)
    stage.refuse("denied")
    assert stage.logged == ["failed"]


@pytest.mark.fault(27)
def test_a_refusal_by_privilege_is_rejected_once_and_never_retried() -> None:
    stage = Stage(on_answer(plain("hangup", retry=Retry(5, 1.0))))
    talking(stage)
    stage.refuse("denied", "AllowSessionModification is False")
    assert stage.outcomes == []
    stage.wait(600)
    assert len(stage.sent) == 1
    assert stage.outcomes == ["rejected"]
    assert stage.errors == ["AllowSessionModification is False"]
