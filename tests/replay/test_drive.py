"""The real engine in virtual time: timers come at their moment, and nothing is sent."""

from ozrules.engine.effects import Decision
from ozrules.replay.drive import drive
from ozrules.replay.recording import events, read
from ozrules.rules.model import RuleSet
from tests.replay.recorded import DESK, rules, seen


def _decided(on: RuleSet, *lines: str) -> list[tuple[str, str, str]]:
    found = [each for each in drive(events(read(lines)), on) if isinstance(each, Decision)]
    assert {each.mode for each in found} <= {"observe"}
    return [(f"{each.at % 60:.3f}", each.rule, each.reason) for each in found]


def test_a_timer_comes_between_the_lines_and_after_the_last() -> None:
    assert _decided(rules(DESK), seen(0, "Ringing"), seen(30, "InCall")) == [("20.000", "desk", "fired")]
    assert _decided(rules(DESK), seen(0, "Ringing")) == [("20.000", "desk", "fired")]


def test_a_call_that_is_answered_in_time_is_left_alone() -> None:
    assert _decided(rules(DESK), seen(0, "Ringing"), seen(20, "InCall")) == [("20.000", "desk", "stateLeftBeforeFor")]


def test_the_calendar_is_played_as_far_as_the_recording_goes() -> None:
    # calendar times are UTC where no defaults say otherwise
    daily = '{id: noon, trigger: {at: "1 10 * * *", sessions: [InCall]}, actions: [hangup]}'
    on = rules(daily)
    assert _decided(on, seen(0, "InCall"), seen(90, "OnHold")) == [("0.000", "noon", "fired")]
    assert _decided(on, seen(0, "InCall"), seen(30, "OnHold")) == []
