"""What is remembered of a session is enough to go on, and remembering twice gives the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from ozrules.engine.identity import SessionKey
from ozrules.engine.memory import Programs, base_of, recall, remember
from ozrules.engine.program import Program
from ozrules.engine.run import actions_at
from ozrules.engine.world import World
from ozrules.rules.model import Branch, Choose, Hunt, Rule, WaitFor
from tests.engine.forge import HERE, common, enters, log, plain, rule, rules, states
from tests.engine.stage import LINE, Stage
from tests.properties.test_engine import play, rule_sets, steps


@given(rule_sets(), steps)
def test_what_is_recalled_is_remembered_the_same(made: list[Rule], script: list[tuple[str, Any, Any]]) -> None:
    stage = Stage(rules(*made))
    play(stage, script)
    program = Program(rules(*made))
    world = World(program, "enforce", 1)
    for key, memory in stage.memories.items():
        assert recall(key, memory, world, Programs(program, ())) == []
        live = world.live[key]
        again = remember(live)
        kept = msgspec.json.decode(memory)
        bases = {hold.entry.name: base_of(hold) for hold in live.holds or ()}
        assert bases == {(each["rule"], each["trigger"]): each["base"] for each in kept["holds"]}
        recalled = msgspec.json.decode(again) if again is not None else {"runs": []}
        assert recalled["runs"] == kept["runs"]
        assert recalled.get("done", []) == kept["done"]


def test_a_session_that_nothing_waits_on_is_not_remembered() -> None:
    stage = Stage(rules())
    stage.call()
    assert stage.memories == {}


def test_bytes_of_somebody_else_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        recall(
            SessionKey(LINE, "", "s1", ""), b"{}", World(Program(rules()), "enforce", 1), Programs(Program(rules()), ())
        )


def test_a_path_leads_to_every_list_of_actions() -> None:
    nested = rule(
        "r",
        enters("Ringing"),
        plain("hold", on_failure=(log("failed"),)),
        Choose(branches=(Branch(None, (log("chosen"),)),), place=HERE),
        WaitFor(states=states("InCall"), timeout=1.0, on_timeout=(log("timed out"),), place=HERE),
        Hunt(
            targets=("1",), ring=1.0, order="sequential", on_exhausted=(log("exhausted"),), common=common(), place=HERE
        ),
    )
    found = [actions_at(nested, path) for path in ((0, "onFailure"), (1, 0), (2, "onTimeout"), (3, "onExhausted"))]
    assert found == [(log("failed"),), (log("chosen"),), (log("timed out"),), (log("exhausted"),)]
    with pytest.raises(KeyError):
        actions_at(nested, (0, "onTimeout"))
