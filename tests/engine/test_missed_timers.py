"""A `for: 20s` whose moment passed while the daemon was down: every policy, what became of the call, and how late.

Sixty cases, as a table that can be read: what the record says of the timer when the daemon is back.
"""

from typing import Final, Literal

import pytest

from ozrules.engine.effects import Reason
from ozrules.rules.model import OnMissed
from tests.engine.forge import enters, forward, rule, rules
from tests.engine.stage import Stage

HOLD: Final = 20.0
GRACE: Final = 5.0
DAY: Final = 86_400.0
Reality = Literal["still there", "left", "ended", "left and back"]

LATENESS: Final = {"in time": 0.0, "under": 3.0, "at": GRACE, "over": GRACE + 0.5, "over a day": DAY + 60.0}
FIRED: Final[Reason] = "fired"
LATE: Final[Reason] = "missedTooLate"
SKIPPED: Final[Reason] = "missedSkip"
LEFT: Final[Reason] = "stateLeftBeforeFor"
GONE: Final[Reason] = "callGone"

TABLE: Final[dict[tuple[OnMissed, Reality], tuple[Reason, ...]]] = {
    # lateness:                       in time, under,   at,      over,    over a day
    ("fireIfStill", "still there"): (FIRED, FIRED, FIRED, LATE, LATE),
    ("fire", "still there"): (FIRED, FIRED, FIRED, FIRED, FIRED),
    ("skip", "still there"): (FIRED, SKIPPED, SKIPPED, SKIPPED, SKIPPED),
    ("fireIfStill", "left"): (LEFT, LEFT, LEFT, LEFT, LEFT),
    ("fire", "left"): (LEFT, LEFT, LEFT, LEFT, LEFT),
    ("skip", "left"): (LEFT, LEFT, LEFT, LEFT, LEFT),
    ("fireIfStill", "ended"): (GONE, GONE, GONE, GONE, GONE),
    ("fire", "ended"): (GONE, GONE, GONE, GONE, GONE),
    ("skip", "ended"): (GONE, GONE, GONE, GONE, GONE),
    # of the stay that is over; the stay that it came back to waits anew, see below
    ("fireIfStill", "left and back"): (LEFT, LEFT, LEFT, LEFT, LEFT),
    ("fire", "left and back"): (LEFT, LEFT, LEFT, LEFT, LEFT),
    ("skip", "left and back"): (LEFT, LEFT, LEFT, LEFT, LEFT),
}
CASES: Final = [
    (policy, reality, lateness, reason)
    for (policy, reality), reasons in TABLE.items()
    for lateness, reason in zip(LATENESS, reasons, strict=True)
]


def test_there_are_sixty_cases() -> None:
    assert len(CASES) == 3 * 4 * 5


@pytest.mark.fault(5, 23)
@pytest.mark.parametrize("witness", ["the phone system's clock", "the journal"])
@pytest.mark.parametrize(("policy", "reality", "lateness", "reason"), CASES)
def test_a_timer_whose_moment_passed_while_nobody_watched(
    policy: OnMissed, reality: Reality, lateness: str, reason: Reason, witness: str
) -> None:
    """``witness`` is who knows since when the call rings: a phone system that tells, or only our own journal."""
    tells = witness == "the phone system's clock" or reality == "left and back"
    late = LATENESS[lateness]
    stage = Stage(
        rules(rule("no-answer", enters("Ringing", hold=HOLD), forward("2010"), on_missed=policy, missed_grace=GRACE))
    )
    stage.call(**({"stateDuration": "00:00:00"} if tells else {}))
    stage.now += HOLD - 10
    away = 10 + late
    match reality:
        case "still there":
            if tells:
                stage.sessions["s1"]["stateDuration"] = _duration(HOLD + late)
        case "left":
            stage.sessions["s1"]["sessionState"] = "InCall"
        case "ended":
            del stage.sessions["s1"]
        case "left and back":
            stage.sessions["s1"]["stateDuration"] = _duration(1.0)
    stage.restart(away)

    [decision] = stage.decisions
    assert (decision.rule, decision.reason) == ("no-answer", reason)
    if reality == "still there":
        assert decision.event.late_by == pytest.approx(late, abs=0.001)
        assert decision.event.kind == "timer"
    assert len(stage.sent) == (reason == FIRED)

    stage.wait(HOLD + 60)
    if reality == "left and back":
        assert stage.reasons == [("no-answer", reason), ("no-answer", FIRED)]
        assert stage.decisions[-1].event.late_by == 0
        assert stage.decisions[-1].at == pytest.approx(stage.decisions[0].at - 1 + HOLD)
    assert len(stage.decisions) == (2 if reality == "left and back" else 1)
    assert len(stage.sent) == (reason == FIRED or reality == "left and back"), "once, and never again"

    for session in stage.sessions.values():
        if "stateDuration" in session:
            before = 1.0 if reality == "left and back" else HOLD + late
            session["stateDuration"] = _duration(before + HOLD + 61)
    stage.restart(1.0)
    stage.wait(HOLD + 60)
    assert len(stage.sent) == (reason == FIRED or reality == "left and back")


def _duration(seconds: float) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{int(hours):02}:{int(minutes):02}:{rest:06.3f}"
