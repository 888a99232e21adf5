"""The two good words for a command: confirmed where its effect was seen, accepted where nothing can be or was.

What may be called confirmed is written down here by hand, action by action: nothing of it comes from the engine.
"""

import pytest

from ozrules.engine.events import Accepted, CommandShown, Unanswered
from ozrules.engine.identity import CommandId
from ozrules.rules.model import Action, Expect, SendDtmf, Wait
from tests.engine.forge import HERE, common, enters, forward, log, plain, rule, rules, states
from tests.engine.stage import Stage

KEY = SendDtmf(to="callee", keys="5", gap=0.0, common=common(), place=HERE)

TRACELESS = (KEY, plain("startListen"), plain("stopListen"))


def acting(*actions: Action) -> Stage:
    """A call that is answered, on which these are done."""
    stage = Stage(rules(rule("r", enters("InCall"), *actions)))
    stage.call()
    stage.change("s1", "InCall")
    return stage


def shown(stage: Stage, *, done: bool = True, command: CommandId | None = None) -> None:
    """The phone system shows what became of the command that was sent last."""
    named = command or stage.sent[-1].id
    stage.tell(CommandShown(at=stage.now, connection="office", command=named, done=done, message="it was seen"))


@pytest.mark.parametrize("action", TRACELESS, ids=["sendDtmf", "startListen", "stopListen"])
def test_what_leaves_no_trace_is_accepted_and_the_sequence_goes_on(action: Action) -> None:
    stage = acting(action, log("on"))
    stage.answer()
    assert stage.outcomes == ["accepted"]
    assert stage.logged == ["on"]


@pytest.mark.parametrize("action", TRACELESS, ids=["sendDtmf", "startListen", "stopListen"])
def test_what_the_phone_system_showed_is_confirmed(action: Action) -> None:
    stage = acting(action, log("on"))
    stage.answer(Accepted("seen"))
    assert stage.outcomes == ["confirmed"]
    assert stage.logged == ["on"]


def test_a_yes_to_what_can_be_seen_is_not_enough() -> None:
    stage = acting(plain("hold", on_failure=(log("failed"),)), log("on"))
    stage.answer()
    assert stage.outcomes == []
    stage.wait(10)
    assert stage.outcomes == ["unconfirmed"]
    assert stage.logged == ["failed", "on"], "after onFailure the sequence goes on"


def test_a_forward_is_never_accepted() -> None:
    stage = Stage(rules(rule("r", enters("Ringing"), forward("2010"))))
    stage.call()
    stage.answer(Accepted("seen"))
    assert stage.outcomes == []
    stage.wait(10)
    assert stage.outcomes == ["unconfirmed"]


def test_what_may_still_be_shown_is_waited_for() -> None:
    stage = acting(plain("startListen"), log("on"))
    stage.answer(Accepted("follows"))
    assert (stage.outcomes, stage.logged) == ([], [])
    stage.wait(1)
    shown(stage)
    assert (stage.outcomes, stage.logged) == (["confirmed"], ["on"])


def test_what_is_not_shown_in_time_is_accepted() -> None:
    stage = acting(plain("startListen"), log("on"))
    stage.answer(Accepted("follows"))
    stage.wait(10)
    assert (stage.outcomes, stage.logged) == (["accepted"], ["on"])
    shown(stage)
    assert stage.outcomes == ["accepted"], "accepted is final"


def test_what_is_shown_to_have_failed_is_rejected() -> None:
    stage = acting(plain("startListen", on_failure=(log("nobody listens"),)))
    stage.answer(Accepted("follows"))
    shown(stage, done=False)
    assert (stage.outcomes, stage.logged) == (["rejected"], ["nobody listens"])


def test_what_is_shown_before_the_answer_counts_with_it() -> None:
    stage = acting(plain("startListen"))
    shown(stage)
    assert stage.outcomes == []
    stage.answer(Accepted("follows"))
    assert stage.outcomes == ["confirmed"]


def test_what_is_shown_of_another_command_proves_nothing() -> None:
    stage = acting(plain("startListen"))
    stage.answer(Accepted("follows"))
    shown(stage, command=CommandId("77-0"))
    assert stage.outcomes == []


def test_a_call_that_ends_while_nothing_is_shown() -> None:
    stage = acting(plain("stopListen"))
    stage.answer(Accepted("follows"))
    stage.change("s1", "CallerHungUp")
    assert stage.outcomes == ["accepted"]


def test_what_was_not_answered_is_known_by_what_is_shown() -> None:
    stage = acting(plain("startListen"))
    stage.answer(Unanswered("no answer"))
    shown(stage)
    assert stage.outcomes == ["unknown", "confirmed"]


def test_what_a_rule_wants_to_see_must_be_seen() -> None:
    wanted = SendDtmf(to="callee", keys="5", gap=0.0, common=common(expect=Expect(states("OnHold"), 3.0)), place=HERE)
    stage = acting(wanted)
    stage.answer(Accepted("seen"))
    assert stage.outcomes == []
    stage.change("s1", "OnHold")
    assert stage.outcomes == ["confirmed"]


def test_what_is_shown_otherwise_is_not_what_the_rule_wants_to_see() -> None:
    wanted = plain("startListen", expect=Expect(states("OnHold"), 3.0))
    stage = acting(wanted)
    stage.answer(Accepted("follows"))
    shown(stage)
    assert stage.outcomes == []
    stage.wait(5)
    assert "confirmed" not in stage.outcomes


def test_after_a_restart_it_is_still_waited_for() -> None:
    stage = acting(plain("startListen"), Wait(seconds=1.0, place=HERE), log("on"))
    stage.answer(Accepted("follows"))
    stage.restart(1.0)
    stage.wait(10)
    assert stage.outcomes == ["accepted"]
    assert stage.logged == ["on"]
