"""The laws of the engine, over random rules, random calls and a phone system that misbehaves at random."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ozrules.engine.effects import Decision, Effect, Outcome, Send, Wake
from ozrules.engine.engine import Engine
from ozrules.engine.events import Accepted, ConnectionOpened, Receipt, Refused, SessionsListed, Unanswered
from ozrules.rules.model import Expect, Retry, Rule, Wait
from ozrules.session.state import ENDED, KNOWN_STATES, VENDOR_STATES
from tests.engine.forge import HERE, enters, forward, having, log, plain, rule, rules, states, transfer
from tests.engine.stage import LINE, Stage

FINAL = {
    "confirmed",
    "rejected",
    "refused",
    "targetGone",
    "lostRace",
    "expired",
    "cancelled",
    "throttled",
    "unconfirmed",
}

some_states = st.lists(st.sampled_from([str(state) for state in KNOWN_STATES]), min_size=1, max_size=4, unique=True)
triggers = st.builds(
    lambda names, hold: enters(*names, hold=hold), some_states, st.one_of(st.none(), st.sampled_from([1.0, 5.0, 20.0]))
)
actions = st.lists(
    st.one_of(
        st.just(log()),
        st.just(Wait(seconds=3.0, place=HERE)),
        st.sampled_from(["hangup", "hold", "unhold", "close", "startListen", "stopListen"]).map(plain),
        st.just(plain("hangup", retry=Retry(2, 1.0))),
        st.just(forward("2010")),
        st.just(forward("2011", expect=Expect(states("Ringing", "InCall"), 2.0), on_failure=(plain("hangup"),))),
        st.just(transfer("2012")),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Rule]:
    count = draw(st.integers(1, 5))
    return [
        rule(
            f"r{number}",
            draw(triggers),
            *draw(actions),
            conditions=draw(
                st.sampled_from([(), (having("callee", "eq", "2001"),), (having("caller", "in", "+36*"),)])
            ),
            priority=draw(st.sampled_from([100, 200])),
            mode=draw(st.sampled_from(["single", "restart", "queued", "parallel"])),
            on_resync=draw(st.booleans()),
        )
        for number in range(count)
    ]


RECEIPTS: dict[str, Receipt] = {
    "accepted": Accepted(),
    "denied": Refused("denied", "no", handed_over=True),
    "notFound": Refused("notFound", "gone", handed_over=True),
    "unsent": Refused("invalid", "nothing was sent"),
    "unavailable": Refused("unavailable", "later"),
    "wrongState": Refused("wrongState", "not now", handed_over=True),
    "lost": Unanswered("nothing came"),
}

ids = st.sampled_from(["a", "b", "c"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), ids, st.sampled_from(["2001", "2002", ""])),
        st.tuples(st.just("change"), ids, st.sampled_from([str(state) for state in VENDOR_STATES] + ["Zork"])),
        st.tuples(st.just("close"), ids, st.none()),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.5, 1.0, 4.5, 20.0, 60.0]), st.none()),
        st.tuples(st.just("answer"), st.sampled_from([*RECEIPTS]), st.none()),
        st.tuples(st.just("gap"), st.none(), st.none()),
        st.tuples(st.just("connect"), st.sampled_from(["", "2"]), st.none()),
        st.tuples(st.just("restart"), st.sampled_from([0.0, 3.0, 30.0]), st.none()),
    ),
    max_size=25,
)


def play(stage: Stage, script: list[tuple[str, Any, Any]]) -> None:
    for verb, first, second in script:
        match verb:
            case "call":
                stage.call(first, **({"callee": second} if second else {}))
            case "change" if first in stage.sessions:
                stage.change(first, second)
            case "close" if first in stage.sessions:
                stage.close(first)
            case "wait":
                stage.wait(first)
            case "answer" if stage.open:
                stage.answer(RECEIPTS[first])
            case "gap":
                stage.gap()
            case "connect":
                stage.connect(epoch=first)
            case "restart":
                stage.restart(first)
            case _:
                pass


def calm(stage: Stage) -> None:
    """The phone system behaves again for as long as anything is open."""
    stage.connect()
    while stage.open:
        stage.lose()
    for _ in range(20):
        stage.wait(30)
        while stage.open:
            stage.lose()


@given(rule_sets(), steps)
def test_same_events_same_effects(made: list[Rule], script: list[tuple[str, Any, Any]]) -> None:
    played = Stage(rules(*made))
    play(played, [step for step in script if step[0] != "restart"])
    again = Engine(rules(*made), at=1_000_000.0)
    effects: list[Effect] = []
    for event in played.events:
        effects += again.step(event)
    assert effects == played.effects


@given(rule_sets(), steps)
def test_a_repeated_list_changes_nothing(made: list[Rule], script: list[tuple[str, Any, Any]]) -> None:
    stage = Stage(rules(*made))
    play(stage, script)
    stage.connect()
    before = len(stage.effects)
    stage.listing()
    again = stage.effects[before:]
    assert not [effect for effect in again if isinstance(effect, Send | Decision | Outcome | Wake)]


@given(rule_sets(), steps)
def test_every_command_ends_in_exactly_one_outcome(made: list[Rule], script: list[tuple[str, Any, Any]]) -> None:
    stage = Stage(rules(*made))
    play(stage, script)
    calm(stage)
    outcomes: dict[str, list[str]] = {}
    for effect in stage.effects:
        if isinstance(effect, Outcome):
            outcomes.setdefault(effect.command, []).append(effect.outcome)
    for command in stage.sent:
        assert command.id in outcomes, f"{command} has no outcome"
    for command_id, names in outcomes.items():
        finals = [name for name in names if name in FINAL]
        assert len(finals) == 1, f"{command_id}: {names}"
        assert names in ([finals[0]], ["unknown", finals[0]])


@given(rule_sets(), steps)
def test_no_command_is_asked_for_twice(made: list[Rule], script: list[tuple[str, Any, Any]]) -> None:
    stage = Stage(rules(*made))
    play(stage, script)
    calm(stage)
    assert len({command.id for command in stage.sent}) == len(stage.sent)
    numbers = [decision.number for decision in stage.decisions]
    assert numbers == sorted(set(numbers))


@given(rule_sets(), steps)
def test_no_timer_is_early_or_outlives_its_session(made: list[Rule], script: list[tuple[str, Any, Any]]) -> None:
    stage = Stage(rules(*made))
    play(stage, script)
    for decision in stage.decisions:
        if decision.event.kind == "timer" and decision.reason == "fired":
            assert decision.event.due is not None
            assert decision.event.due <= decision.at
            assert decision.event.state not in ENDED
    stage.sessions.clear()
    calm(stage)
    assert stage.wakes == {}
    assert stage.memories == {}
    assert stage.engine._world.live == {}
    assert stage.engine._world.chains == {}


@given(rule_sets(), steps)
def test_equal_rules_loaded_again_change_nothing(made: list[Rule], script: list[tuple[str, Any, Any]]) -> None:
    from ozrules.engine.events import RulesReplaced

    stage = Stage(rules(*made))
    play(stage, script)
    effects = stage.tell(RulesReplaced(at=stage.now, rules=rules(*made)))
    assert not [effect for effect in effects if isinstance(effect, Send | Decision | Outcome)]


@given(rule_sets(), steps)
@settings(max_examples=50)
def test_a_full_list_gives_the_same_sessions_as_having_seen_everything(
    made: list[Rule], script: list[tuple[str, Any, Any]]
) -> None:
    stage = Stage(rules(*made))
    play(stage, script)
    stage.connect()
    seen = {live.key.session_id: live.state for live in stage.engine._world.lines[LINE].sessions.values()}
    fresh = Stage(rules(*made), listed=False)
    fresh.sessions = dict(stage.sessions)
    fresh.tell(ConnectionOpened(at=fresh.now, connection=LINE))
    fresh.listing()
    listed = {live.key.session_id: live.state for live in fresh.engine._world.lines[LINE].sessions.values()}
    assert seen == listed
    assert isinstance(fresh.events[-1], SessionsListed)
